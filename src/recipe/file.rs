//! One recipe file: its text, read and understood.

use super::expression::{Expression, is_tensor_number};
use super::manifest::ListedTensor;
use super::parts::PartsRule;
use super::pattern::NameGlobs;
use super::raw::RawFile;
use super::rule::Rule;
use super::warning::Warning;
use crate::error::did_you_mean;
use crate::model::Role;
use crate::{Error, Result};
use std::collections::BTreeMap;
use toml::Spanned;

/// No recipe comes near this many bytes.
const MAX_BYTES: usize = 1 << 20;

/// Recipes have tens of rules; each expression takes 20 kB.
const MAX_ENTRIES: usize = 2000;

/// What a recipe's file says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct About {
    /// What the recipe does, in one line.
    pub summary: String,
    /// The paper or the file that the recipe follows.
    pub source: String,
    /// Who uses it.
    pub models: String,
    /// The recipe whose rules come before its own.
    pub first: Option<String>,
    /// The recipe whose rules come after its own.
    pub extends: Option<String>,
    /// The parameters that can be set, with their values: `sigma = 0.02`.
    pub parameters: Vec<String>,
}

/// One recipe file.
#[derive(Debug)]
pub(super) struct RecipeFile {
    /// Its path, or the name of a built-in recipe.
    pub name: String,
    pub about: About,
    /// The line of `extends`, else of `first`.
    pub head: usize,
    pub parameters: BTreeMap<String, Expression>,
    pub rules: Vec<Rule>,
    pub multipliers: Vec<Rule>,
    pub parts: Vec<PartsRule>,
    pub manifest: Vec<ListedTensor>,
    /// The `[[role]]` entries, each with its line.
    pub roles: Vec<(usize, NameGlobs, Role)>,
    pub warnings: Vec<Warning>,
    /// Built-in recipes serve many models: their globs may match nothing.
    pub is_builtin: bool,
}

impl RecipeFile {
    pub fn parse(name: &str, text: &str, is_builtin: bool) -> Result<Self> {
        let at = |line: usize, reason: String| Error::Recipe { file: name.to_owned(), line, reason };
        if text.len() > MAX_BYTES {
            return Err(at(1, format!("{} bytes, more than {MAX_BYTES}: not a recipe", text.len())));
        }
        let line_of =
            |offset: usize| 1 + text.as_bytes()[..offset.min(text.len())].iter().filter(|&&b| b == b'\n').count();
        let raw: RawFile = toml::from_str(text).map_err(|e| {
            let message = e.message().lines().collect::<Vec<_>>().join(", ");
            let reason = message.chars().take(300).collect::<String>() + &nearest_key(&message);
            at(e.span().map_or(1, |s| line_of(s.start)), reason)
        })?;
        let head = raw.extends.as_ref().or(raw.first.as_ref()).map_or(1, |s| line_of(s.span().start));
        let parts = raw.parts.iter().map(|p| p.get_ref().part.len().max(1)).sum();
        let shapes = raw.tensor.iter().map(|t| t.get_ref().shape.iter().filter(|v| v.is_text()).count()).sum();
        let [rules, multipliers, roles] = [raw.rule.len(), raw.multipliers.len(), raw.role.len()];
        let counts = [raw.parameters.len(), rules, multipliers, roles, parts, shapes, raw.warning.len()];
        if counts.iter().any(|&n| n > MAX_ENTRIES) {
            return Err(at(1, format!("more than {MAX_ENTRIES} entries of a kind: not a recipe")));
        }
        let (mut parameters, mut settable) = (BTreeMap::new(), Vec::new());
        // Parameters share one table, so their errors begin with the name; those of other entries have the line alone.
        for (name, value) in raw.parameters {
            let line = line_of(value.span().start);
            if is_tensor_number(&name) {
                return Err(at(line, format!("{name} is a number of each tensor's own, and no parameter")));
            }
            let expression = value.get_ref().expression().map_err(|e| at(line, format!("{name}: {e}")))?;
            settable.push(format!("{name} = {}", expression.text()));
            parameters.insert(name, expression);
        }
        let lines = Lines { of: &line_of, error: &at };
        Ok(Self {
            name: name.to_owned(),
            about: About {
                summary: raw.summary,
                source: raw.source,
                models: raw.models,
                first: raw.first.map(Spanned::into_inner),
                extends: raw.extends.map(Spanned::into_inner),
                parameters: settable,
            },
            head,
            parameters,
            rules: lines.read(raw.rule, Rule::read)?,
            multipliers: lines.read(raw.multipliers, Rule::read_multipliers)?,
            parts: lines.read(raw.parts, PartsRule::read)?,
            manifest: lines.read(raw.tensor, ListedTensor::read)?,
            roles: lines
                .read(raw.role, |raw, line| Ok((line, NameGlobs::parse(raw.name.as_slice())?, raw.role.parse()?)))?,
            warnings: lines.read(raw.warning, |raw, line| Warning::read(&raw, line))?,
            is_builtin,
        })
    }

    /// Whether its rules are meant to serve every tensor: it extends nothing.
    pub fn is_whole(&self) -> bool {
        self.about.extends.is_none() && !self.rules.is_empty()
    }

    /// Whether one of its expressions names this variable.
    pub fn names(&self, name: &str) -> bool {
        let mut rules = self.rules.iter().chain(&self.multipliers);
        let parameters = self.parameters.values().flat_map(Expression::variables);
        let parts = self.parts.iter().flat_map(PartsRule::variables);
        let warnings = self.warnings.iter().flat_map(Warning::variables);
        let mut others = parameters.chain(parts).chain(warnings);
        rules.any(|rule| rule.names(name)) || others.any(|v| v == name) || self.lists_by(name)
    }

    /// Whether an expression of its `[[tensor]]` entries names this variable.
    pub fn lists_by(&self, name: &str) -> bool {
        self.manifest.iter().flat_map(ListedTensor::variables).any(|v| v == name)
    }

    /// An error of a line.
    pub fn error(&self, line: usize, reason: impl std::fmt::Display) -> Error {
        Error::Recipe { file: self.name.clone(), line, reason: reason.to_string() }
    }
}

/// The end of serde's error about an unknown key, which has the key and then the known ones in backticks.
fn nearest_key(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    match quoted.next() {
        Some(key) if message.starts_with("unknown field") => did_you_mean(key, quoted),
        _ => String::new(),
    }
}

/// Tells the reader of an entry the entry's line, and puts the line before the reader's error.
struct Lines<'a> {
    of: &'a dyn Fn(usize) -> usize,
    error: &'a dyn Fn(usize, String) -> Error,
}

impl Lines<'_> {
    fn read<T, U>(&self, entries: Vec<Spanned<T>>, read: impl Fn(T, usize) -> Result<U>) -> Result<Vec<U>> {
        let one = |entry: Spanned<T>| {
            let line = (self.of)(entry.span().start);
            read(entry.into_inner(), line).map_err(|e| (self.error)(line, e.to_string()))
        };
        entries.into_iter().map(one).collect()
    }
}
