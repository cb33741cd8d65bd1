//! A recipe file as TOML has it, before anything in it is understood. docs/recipes.md says what each key means.

use super::expression::Expression;
use crate::{Error, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// A recipe file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    #[serde(default)]
    pub summary: String,
    #[serde(default)]
    pub source: String,
    #[serde(default)]
    pub models: String,
    pub first: Option<Spanned<String>>,
    pub extends: Option<Spanned<String>>,
    #[serde(default)]
    pub parameters: BTreeMap<String, Spanned<NumberOrText>>,
    #[serde(default)]
    pub rule: Vec<Spanned<RawRule>>,
    #[serde(default)]
    pub multipliers: Vec<Spanned<RawRule>>,
    #[serde(default)]
    pub parts: Vec<Spanned<RawParts>>,
    #[serde(default)]
    pub tensor: Vec<Spanned<RawTensor>>,
    #[serde(default)]
    pub role: Vec<Spanned<RawRole>>,
    #[serde(default)]
    pub warning: Vec<Spanned<RawWarning>>,
}

/// A number, or the text of an expression.
#[derive(Clone, Deserialize)]
#[serde(untagged, expecting = "expected a number or an expression in quotes")]
pub(super) enum NumberOrText {
    Whole(i64),
    Number(f64),
    Text(String),
}

impl NumberOrText {
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// An expression that may be absent.
    pub fn optional(value: &Option<Self>) -> Result<Option<Expression>> {
        value.as_ref().map(Self::expression).transpose()
    }

    pub fn expression(&self) -> Result<Expression> {
        match self {
            // Rust writes a number such that it is read back exactly; the sign of a negative one is a unary minus.
            Self::Whole(n) => Expression::parse(&n.to_string()),
            Self::Number(x) if x.is_finite() => Expression::parse(&format!("{x:?}")),
            Self::Number(x) => Err(Error::Scheme(format!("{x} is not a finite number"))),
            Self::Text(text) => Expression::parse(text),
        }
    }
}

/// One number or expression, or several.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number, an expression in quotes, or a list of these")]
pub(super) enum OneOrMany {
    One(NumberOrText),
    Many(Vec<NumberOrText>),
}

impl OneOrMany {
    pub fn as_slice(&self) -> &[NumberOrText] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// One string, or several.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub(super) enum Strings {
    One(String),
    Many(Vec<String>),
}

impl Strings {
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

/// A `[[rule]]` or `[[multipliers]]` entry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    pub name: Option<Strings>,
    pub role: Option<Strings>,
    pub rank: Option<Vec<usize>>,
    pub when: Option<String>,
    pub scheme: Option<String>,
    pub scale: Option<NumberOrText>,
    pub layout: Option<String>,
    pub zero_rows: Option<OneOrMany>,
    pub dtype: Option<String>,
    pub lr: Option<NumberOrText>,
    pub weight_decay: Option<NumberOrText>,
    pub forward: Option<NumberOrText>,
    pub source: Option<String>,
}

/// A `[[parts]]` entry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawParts {
    pub name: Option<Strings>,
    pub role: Option<Strings>,
    pub rank: Option<Vec<usize>>,
    pub when: Option<String>,
    pub find: String,
    #[serde(default)]
    pub axis: usize,
    pub groups: Option<NumberOrText>,
    pub stack: Option<NumberOrText>,
    pub blocks: Option<NumberOrText>,
    #[serde(default)]
    pub transpose: bool,
    pub part: Vec<RawPart>,
}

/// One part of a `[[parts]]` entry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPart {
    pub name: String,
    pub size: Option<NumberOrText>,
    pub role: Option<String>,
    pub layout: Option<String>,
}

/// A `[[tensor]]` entry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTensor {
    pub name: String,
    pub shape: Vec<NumberOrText>,
    pub role: Option<String>,
    pub dtype: Option<String>,
    pub layout: Option<String>,
    pub zero_rows: Option<OneOrMany>,
}

/// A `[[role]]` entry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRole {
    pub name: Strings,
    pub role: String,
}

/// A `[[warning]]` entry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWarning {
    pub name: Option<Strings>,
    pub role: Option<Strings>,
    pub rank: Option<Vec<usize>>,
    pub when: Option<String>,
    pub text: String,
}
