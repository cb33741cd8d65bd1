//! A rule: which tensors, which scheme, and the numbers that go with it.

use super::expression::Expression;
use super::pattern::Pattern;
use crate::value::shape::Layout;
use crate::{Error, Result, Scheme};
use std::cell::RefCell;
use std::collections::HashMap;

/// The multipliers of a rule, 1 where absent.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    pub lr: Option<Expression>,
    pub weight_decay: Option<Expression>,
    pub forward: Option<Expression>,
}

/// A rule of a recipe, or an entry of its multipliers.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub line: usize,
    pub pattern: Pattern,
    /// The scheme's text; none: the rule scales what a later one gives, or only multiplies.
    scheme: Option<String>,
    /// The scheme's expressions by their text.
    arguments: HashMap<String, Expression>,
    scale: Option<Expression>,
    pub layout: Option<Layout>,
    numbers: Numbers,
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
    pub fn new(
        line: usize,
        pattern: Pattern,
        scheme: Option<String>,
        scale: Option<Expression>,
        layout: Option<Layout>,
        numbers: Numbers,
        source: Option<String>,
    ) -> Result<Self> {
        let found = RefCell::new(HashMap::new());
        if let Some(text) = &scheme {
            // Only the form is read: numbers come with a tensor.
            Scheme::parse_with(text, &|argument| {
                found.borrow_mut().insert(argument.to_owned(), Expression::parse(argument)?);
                Ok(1.0)
            })?;
        }
        let arguments = found.into_inner();
        let mut variables: Vec<String> = (arguments.values())
            .chain([&scale, &numbers.lr, &numbers.weight_decay, &numbers.forward].into_iter().flatten())
            .flat_map(|e| e.variables())
            .cloned()
            .collect();
        variables.sort_unstable();
        variables.dedup();
        Ok(Self { line, pattern, scheme, arguments, scale, layout, numbers, source, variables })
    }

    /// Whether one of its expressions names this variable.
    pub fn names(&self, name: &str) -> bool {
        let condition = self.pattern.when.iter().flat_map(|when| when.variables());
        self.variables.iter().chain(condition).any(|v| v == name)
    }

    /// The variables that its numbers depend on.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// What it gives where its variables have these values, in their order.
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
        given.lr = multiplier("lr", &self.numbers.lr)?;
        given.weight_decay = multiplier("weight_decay", &self.numbers.weight_decay)?;
        given.forward = number(&self.numbers.forward)?;
        Ok(given)
    }
}
