//! A rule, or an entry of multipliers: which tensors, which scheme, and the numbers that go with it.

use super::expression::Expression;
use super::pattern::Pattern;
use super::raw::{NumberOrText, RawRule};
use super::text_with_numbers::TextWithNumbers;
use super::zero_rows::ZeroRows;
use crate::{DType, Error, Result, Scheme};
use serde::{Deserialize, Serialize};

/// The multipliers of a rule, 1 where absent: they change no weight, but stand beside it for whoever trains the model.
#[derive(Clone, Debug, Default)]
pub(super) struct Multipliers {
    pub lr: Option<Expression>,
    pub weight_decay: Option<Expression>,
    pub forward: Option<Expression>,
}

/// A rule of a recipe, or an entry of its multipliers.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub line: usize,
    pub pattern: Pattern,
    /// The scheme. Without one, a rule changes what a later rule gives, and a `[[multipliers]]` entry multiplies.
    scheme: Option<TextWithNumbers>,
    scale: Option<Expression>,
    pub layout: Option<TextWithNumbers>,
    pub zero_rows: Option<ZeroRows>,
    pub dtype: Option<DType>,
    multipliers: Multipliers,
    pub source: Option<String>,
    /// The variables of all its expressions but `when`, each once.
    variables: Vec<String>,
}

/// What an entry of a recipe gave a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Gave {
    /// Its scheme.
    Law,
    /// A factor of the law that a later rule gave.
    Scale,
    /// Rows of zeros.
    ZeroRows,
    /// A dtype that it keeps.
    #[serde(rename = "dtype")]
    DType,
    /// Multipliers alone.
    Multipliers,
}

/// What a rule gives a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Given {
    pub scheme: Option<Scheme>,
    pub scale: f64,
    pub lr: f64,
    pub weight_decay: f64,
    pub forward: f64,
}

impl Rule {
    /// A `[[rule]]` entry: it has a scheme, or else what it changes of the law that a later rule gives.
    pub fn read(raw: RawRule, line: usize) -> Result<Self> {
        match (&raw.scheme, &raw.scale) {
            (None, None) if raw.zero_rows.is_none() && raw.dtype.is_none() => {
                Err(Error::Scheme("the rule has neither scheme nor scale, and no zero_rows or dtype".to_owned()))
            }
            (Some(_), Some(_)) => {
                let reason = "the rule has scheme and scale: scale multiplies what a later rule gives";
                Err(Error::Scheme(reason.to_owned()))
            }
            (Some(_), None) | (None, Some(_) | None) => Self::of(raw, line),
        }
    }

    /// A `[[multipliers]]` entry: it has multipliers alone.
    pub fn read_multipliers(raw: RawRule, line: usize) -> Result<Self> {
        if raw.scheme.is_some() || raw.scale.is_some() {
            return Err(Error::Scheme("multipliers have no scheme and no scale".to_owned()));
        }
        if raw.layout.is_some() {
            return Err(Error::Scheme("multipliers have no layout: that of the rule holds".to_owned()));
        }
        if raw.zero_rows.is_some() || raw.dtype.is_some() {
            return Err(Error::Scheme("multipliers have no zero_rows and no dtype: a rule has them".to_owned()));
        }
        Self::of(raw, line)
    }

    fn of(raw: RawRule, line: usize) -> Result<Self> {
        let pattern = Pattern::parse(raw.name.as_ref(), raw.role.as_ref(), raw.rank.as_deref(), raw.when.as_deref())?;
        let multipliers = Multipliers {
            lr: NumberOrText::optional(&raw.lr)?,
            weight_decay: NumberOrText::optional(&raw.weight_decay)?,
            forward: NumberOrText::optional(&raw.forward)?,
        };
        let layout = raw.layout.as_deref().map(TextWithNumbers::layout).transpose()?;
        let zero_rows = raw.zero_rows.as_ref().map(ZeroRows::read).transpose()?;
        let dtype = raw.dtype.as_deref().map(str::parse).transpose()?;
        let scale = NumberOrText::optional(&raw.scale)?;
        let scheme = raw.scheme.as_deref().map(TextWithNumbers::scheme).transpose()?;
        let numbers = [&scale, &multipliers.lr, &multipliers.weight_decay, &multipliers.forward];
        let numbers = numbers.into_iter().flatten().flat_map(|e| e.variables());
        let mut variables: Vec<String> =
            scheme.iter().flat_map(TextWithNumbers::variables).chain(numbers).cloned().collect();
        variables.sort_unstable();
        variables.dedup();
        let source = raw.source;
        Ok(Self { line, pattern, scheme, scale, layout, zero_rows, dtype, multipliers, source, variables })
    }

    /// Whether it gives a law, and does not scale another's.
    pub fn gives_law(&self) -> bool {
        self.scheme.is_some()
    }

    /// Whether one of its expressions names this variable.
    pub fn names(&self, name: &str) -> bool {
        let condition = self.pattern.when.iter().flat_map(|when| when.variables());
        let layout = self.layout.iter().flat_map(TextWithNumbers::variables);
        let zero_rows = self.zero_rows.iter().flat_map(ZeroRows::variables);
        self.variables.iter().chain(condition).chain(layout).chain(zero_rows).any(|v| v == name)
    }

    /// Whether it has a factor for the law that a later rule gives.
    pub fn scales(&self) -> bool {
        self.scale.is_some()
    }

    /// What it gives a tensor that comes to it.
    pub fn gives(&self) -> Gave {
        match (&self.scheme, &self.scale, &self.zero_rows, self.dtype) {
            (Some(_), ..) => Gave::Law,
            (None, Some(_), ..) => Gave::Scale,
            (None, None, Some(_), _) => Gave::ZeroRows,
            (None, None, None, Some(_)) => Gave::DType,
            (None, None, None, None) => Gave::Multipliers,
        }
    }

    /// The variables that its scheme, scale and multipliers depend on.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// What it gives where its variables have these values, in the order of [`Rule::variables`].
    pub fn give(&self, values: &[f64]) -> Result<Given> {
        let lookup = |name: &str| {
            let at = self.variables.iter().position(|v| v == name);
            at.map(|at| values[at]).ok_or_else(|| Error::Scheme(format!("unknown variable {name:?}")))
        };
        let number = |e: &Option<Expression>| e.as_ref().map_or(Ok(1.0), |e| e.value(lookup));
        let multiplier = |what: &str, e: &Option<Expression>| match number(e)? {
            x if x >= 0.0 => Ok(x),
            x => Err(Error::Scheme(format!("{what} is {x}, must be at least 0"))),
        };
        let mut given = Given { scheme: None, scale: 1.0, lr: 1.0, weight_decay: 1.0, forward: 1.0 };
        given.scheme = self.scheme.as_ref().map(|text| text.to_scheme(&lookup)).transpose()?;
        given.scale = number(&self.scale)?;
        if given.scale < 0.0 {
            return Err(Error::Scheme(format!("scale is {}, must be at least 0", given.scale)));
        }
        given.lr = multiplier("lr", &self.multipliers.lr)?;
        given.weight_decay = multiplier("weight_decay", &self.multipliers.weight_decay)?;
        given.forward = number(&self.multipliers.forward)?;
        Ok(given)
    }
}
