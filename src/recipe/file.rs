//! The text of a recipe file, and what it says.

use super::builtin::About;
use super::expression::Expression;
use super::parts::Split;
use super::pattern::{Names, Pattern};
use super::raw::{Raw, RawRule, RawSplit, RawTensor, Strings, Value};
use super::rule::{Numbers, Rule};
use super::scope::is_own;
use super::{MAX_BYTES, manifest::Entry};
use crate::model::Role;
use crate::value::shape::Layout;
use crate::{Error, Result};
use std::collections::BTreeMap;
use toml::Spanned;

/// Recipes have tens of rules; each expression takes 20 kB.
const MAX_ENTRIES: usize = 2000;

/// No tensor has more dimensions.
const MAX_RANK: usize = 16;

/// One recipe file.
#[derive(Debug)]
pub(super) struct File {
    /// Its path, or the name of a built-in recipe.
    pub name: String,
    pub about: About,
    /// The line of `extends`, else of `first`.
    pub head: usize,
    pub parameters: BTreeMap<String, Expression>,
    pub rules: Vec<Rule>,
    pub multipliers: Vec<Rule>,
    pub splits: Vec<Split>,
    pub manifest: Vec<Entry>,
    /// With their lines.
    pub roles: Vec<(usize, Names, Role)>,
    /// Built-in recipes serve many models: their globs may match nothing.
    pub is_builtin: bool,
}

impl File {
    pub fn parse(name: &str, text: &str, is_builtin: bool) -> Result<Self> {
        let at = |line: usize, reason: String| Error::Recipe { file: name.to_owned(), line, reason };
        if text.len() > MAX_BYTES {
            return Err(at(1, format!("{} bytes, more than {MAX_BYTES}: not a recipe", text.len())));
        }
        let line_of =
            |offset: usize| 1 + text.as_bytes()[..offset.min(text.len())].iter().filter(|&&b| b == b'\n').count();
        let raw: Raw = toml::from_str(text).map_err(|e| {
            let message = e.message().lines().collect::<Vec<_>>().join(", ");
            at(e.span().map_or(1, |s| line_of(s.start)), message.chars().take(300).collect())
        })?;
        let head = raw.extends.as_ref().or(raw.first.as_ref()).map_or(1, |s| line_of(s.span().start));
        let pieces = raw.parts.iter().map(|p| p.get_ref().part.len().max(1)).sum();
        let shapes = raw.tensor.iter().map(|t| t.get_ref().shape.iter().filter(|v| v.is_text()).count()).sum();
        let counts = [raw.parameters.len(), raw.rule.len(), raw.multipliers.len(), raw.role.len(), pieces, shapes];
        if counts.iter().any(|&n| n > MAX_ENTRIES) {
            return Err(at(1, format!("more than {MAX_ENTRIES} entries of a kind: not a recipe")));
        }
        let (mut parameters, mut settable) = (BTreeMap::new(), Vec::new());
        // A name in front tells apart parameters; elsewhere the line does.
        for (name, value) in raw.parameters {
            let line = line_of(value.span().start);
            if is_own(&name) {
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
            rules: lines.read(raw.rule, |raw, line| rule(raw, line, true))?,
            multipliers: lines.read(raw.multipliers, |raw, line| rule(raw, line, false))?,
            splits: lines.read(raw.parts, split)?,
            manifest: lines.read(raw.tensor, entry)?,
            roles: lines
                .read(raw.role, |raw, line| Ok((line, Names::parse(raw.name.as_slice())?, raw.role.parse()?)))?,
            is_builtin,
        })
    }

    /// Whether its rules are meant to serve every tensor: it extends nothing.
    pub fn is_whole(&self) -> bool {
        self.about.extends.is_none() && !self.rules.is_empty()
    }

    /// Whether an expression of a rule names this variable.
    pub fn names(&self, name: &str) -> bool {
        let mut rules = self.rules.iter().chain(&self.multipliers);
        let mut parameters = self.parameters.values().flat_map(Expression::variables);
        rules.any(|rule| rule.names(name)) || parameters.any(|v| v == name)
    }

    /// An error of a line.
    pub fn error(&self, line: usize, reason: impl std::fmt::Display) -> Error {
        Error::Recipe { file: self.name.clone(), line, reason: reason.to_string() }
    }
}

/// Tells the line of an entry to what reads it, and puts it before the error.
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

fn rule(raw: RawRule, line: usize, with_law: bool) -> Result<Rule> {
    let pattern = Pattern::parse(
        raw.name.as_ref().map(Strings::as_slice),
        raw.role.as_ref().map(Strings::as_slice),
        raw.rank.as_deref(),
        raw.when.as_deref(),
    )?;
    let expression = |value: &Option<Value>| value.as_ref().map(Value::expression).transpose();
    let numbers = Numbers {
        lr: expression(&raw.lr)?,
        weight_decay: expression(&raw.weight_decay)?,
        forward: expression(&raw.forward)?,
    };
    match (with_law, &raw.scheme, &raw.scale) {
        (true, None, None) => return Err(Error::Scheme("the rule has neither scheme nor scale".to_owned())),
        (true, Some(_), Some(_)) => {
            let reason = "the rule has scheme and scale: scale multiplies what a later rule gives";
            return Err(Error::Scheme(reason.to_owned()));
        }
        (false, Some(_), _) | (false, _, Some(_)) => {
            return Err(Error::Scheme("multipliers have no scheme and no scale".to_owned()));
        }
        (false, ..) if raw.layout.is_some() => {
            return Err(Error::Scheme("multipliers have no layout: the rule's holds".to_owned()));
        }
        _ => {}
    }
    let layout = raw.layout.as_deref().map(str::parse::<Layout>).transpose()?;
    let scale = expression(&raw.scale)?;
    Rule::new(line, pattern, raw.scheme, scale, layout, numbers, raw.source)
}

fn split(raw: RawSplit, line: usize) -> Result<Split> {
    let pattern = Pattern::parse(
        raw.name.as_ref().map(Strings::as_slice),
        raw.role.as_ref().map(Strings::as_slice),
        raw.rank.as_deref(),
        raw.when.as_deref(),
    )?;
    if raw.stack.is_some() && raw.blocks.is_some() {
        return Err(Error::Scheme("stack and blocks exclude each other".to_owned()));
    }
    if raw.part.is_empty() || raw.find.is_empty() {
        return Err(Error::Scheme("parts need a text to find in the name, and at least one part".to_owned()));
    }
    let expression = |value: &Option<Value>| value.as_ref().map(Value::expression).transpose();
    let many = raw.part.len() > 1;
    let parts = raw.part.iter().map(|part| {
        if many && part.size.is_none() {
            return Err(Error::Scheme(format!("part {:?} has no size", part.name)));
        }
        Ok(super::parts::Piece {
            name: part.name.clone(),
            size: expression(&part.size)?,
            role: part.role.as_deref().map(str::parse).transpose()?,
            layout: part.layout.as_deref().map(str::parse).transpose()?,
        })
    });
    Ok(Split {
        line,
        pattern,
        find: raw.find,
        axis: raw.axis,
        groups: expression(&raw.groups)?,
        stack: expression(&raw.stack)?,
        blocks: expression(&raw.blocks)?,
        transpose: raw.transpose,
        pieces: parts.collect::<Result<_>>()?,
    })
}

fn entry(raw: RawTensor, line: usize) -> Result<Entry> {
    if raw.shape.len() > MAX_RANK {
        return Err(Error::Scheme(format!("a shape of {} dimensions, at most {MAX_RANK}", raw.shape.len())));
    }
    Ok(Entry {
        line,
        name: raw.name,
        shape: raw.shape.iter().map(Value::expression).collect::<Result<_>>()?,
        role: raw.role.as_deref().map(str::parse).transpose()?,
        dtype: raw.dtype.as_deref().map(str::parse).transpose()?,
        layout: raw.layout.as_deref().map(str::parse).transpose()?.unwrap_or_default(),
    })
}
