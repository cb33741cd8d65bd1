//! A rule, or an entry of multipliers: which tensors, which scheme, and the numbers that go with it.

use super::expression::Expression;
use super::pattern::Pattern;
use super::raw::{NumberOrText, RawRule, Strings};
use crate::value::shape::Layout;
use crate::{Error, Result, Scheme};
use std::cell::RefCell;
use std::collections::HashMap;

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
    /// The scheme's text. Without one, a rule scales what a later rule gives, and a `[[multipliers]]` entry multiplies.
    scheme: Option<String>,
    /// The scheme's arguments that are expressions, by their text.
    arguments: HashMap<String, Expression>,
    scale: Option<Expression>,
    pub layout: Option<Layout>,
    multipliers: Multipliers,
    pub source: Option<String>,
    /// The variables of all its expressions but `when`, each once.
    variables: Vec<String>,
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
    /// A `[[rule]]` entry: it has a scheme or a scale.
    pub fn read(raw: RawRule, line: usize) -> Result<Self> {
        match (&raw.scheme, &raw.scale) {
            (None, None) => Err(Error::Scheme("the rule has neither scheme nor scale".to_owned())),
            (Some(_), Some(_)) => {
                let reason = "the rule has scheme and scale: scale multiplies what a later rule gives";
                Err(Error::Scheme(reason.to_owned()))
            }
            (Some(_), None) | (None, Some(_)) => Self::of(raw, line),
        }
    }

    /// A `[[multipliers]]` entry: it has no scheme, no scale and no layout.
    pub fn read_multipliers(raw: RawRule, line: usize) -> Result<Self> {
        if raw.scheme.is_some() || raw.scale.is_some() {
            return Err(Error::Scheme("multipliers have no scheme and no scale".to_owned()));
        }
        if raw.layout.is_some() {
            return Err(Error::Scheme("multipliers have no layout: that of the rule holds".to_owned()));
        }
        Self::of(raw, line)
    }

    fn of(raw: RawRule, line: usize) -> Result<Self> {
        let pattern = Pattern::parse(
            raw.name.as_ref().map(Strings::as_slice),
            raw.role.as_ref().map(Strings::as_slice),
            raw.rank.as_deref(),
            raw.when.as_deref(),
        )?;
        let multipliers = Multipliers {
            lr: NumberOrText::optional(&raw.lr)?,
            weight_decay: NumberOrText::optional(&raw.weight_decay)?,
            forward: NumberOrText::optional(&raw.forward)?,
        };
        let layout = raw.layout.as_deref().map(str::parse::<Layout>).transpose()?;
        let scale = NumberOrText::optional(&raw.scale)?;
        let found = RefCell::new(HashMap::new());
        if let Some(text) = &raw.scheme {
            // Only the form is checked here, with 1 for every expression: the numbers come with a tensor.
            Scheme::parse_with(text, &|argument| {
                found.borrow_mut().insert(argument.to_owned(), Expression::parse(argument)?);
                Ok(1.0)
            })?;
        }
        let arguments = found.into_inner();
        let mut variables: Vec<String> = (arguments.values())
            .chain([&scale, &multipliers.lr, &multipliers.weight_decay, &multipliers.forward].into_iter().flatten())
            .flat_map(|e| e.variables())
            .cloned()
            .collect();
        variables.sort_unstable();
        variables.dedup();
        let (scheme, source) = (raw.scheme, raw.source);
        Ok(Self { line, pattern, scheme, arguments, scale, layout, multipliers, source, variables })
    }

    /// Whether one of its expressions names this variable.
    pub fn names(&self, name: &str) -> bool {
        let condition = self.pattern.when.iter().flat_map(|when| when.variables());
        self.variables.iter().chain(condition).any(|v| v == name)
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
        let evaluate = |argument: &str| match self.arguments.get(argument) {
            Some(expression) => expression.value(lookup),
            None => Expression::parse(argument)?.value(lookup),
        };
        given.scheme = self.scheme.as_deref().map(|text| Scheme::parse_with(text, &evaluate)).transpose()?;
        given.scheme.as_ref().map(Scheme::check).transpose()?;
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
