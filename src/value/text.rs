//! The text form `name(value, key=value)` of layouts and schemes, read against a table of names.

use crate::error::did_you_mean;
use crate::{Error, Result};

/// A number as short as it can be read back, with at most 17 significant digits: `1`, `0.02`, `1e-30`, `inf`. Exponents
/// stand outside [1e-5, 1e16).
pub(crate) struct Number(pub f64);

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{:?}", self.0);
        f.pad(text.strip_suffix(".0").unwrap_or(&text))
    }
}

/// One row of a table: the names of a thing, its parameters in positional order, and how it is made of them.
pub(crate) struct Form<T> {
    pub names: &'static [&'static str],
    pub params: &'static [&'static str],
    pub build: fn(&Args<'_>) -> Result<T>,
}

/// Gives the value of an argument that is no number, but an expression.
pub(crate) type Evaluate<'a> = &'a dyn Fn(&str) -> Result<f64>;

/// The arguments of one call, each given at most once and all of them known.
pub(crate) struct Args<'a> {
    what: &'static str,
    name: &'a str,
    given: Vec<(&'static str, &'a str)>,
    evaluate: Option<Evaluate<'a>>,
}

/// Reads `text` by the row of `table` that has its name. Numbers are literals, or where `evaluate` is given expressions.
pub(crate) fn parse<'a, T>(
    what: &'static str,
    table: &[Form<T>],
    text: &'a str,
    evaluate: Option<Evaluate<'a>>,
) -> Result<T> {
    let (name, values) = split(what, text)?;
    let Some(form) = table.iter().find(|form| form.names.contains(&name)) else {
        return Err(Error::unknown(what, name, table.iter().flat_map(|form| form.names)));
    };
    let mut args = Args { what, name, given: Vec::with_capacity(values.len()), evaluate };
    let mut named = false;
    for (at, value) in values.into_iter().enumerate() {
        let (key, value) = match value.split_once('=') {
            Some((key, value)) => (Some(key.trim()), value.trim()),
            None => (None, value),
        };
        if form.params.is_empty() {
            return Err(args.error(format!("takes no arguments, given {:?}", key.unwrap_or(value))));
        }
        named |= key.is_some();
        let param = match key {
            Some(key) => form.params.iter().find(|&&param| param == key),
            None if named => return Err(args.error(format!("{value:?} without a name after a named argument"))),
            None => form.params.get(at),
        };
        let Some(&param) = param else {
            let reason = match key {
                Some(key) => {
                    let nearest = did_you_mean(key, form.params.iter().copied());
                    format!("unknown argument {key:?}: expected {}{nearest}", form.params.join(", "))
                }
                None => format!("too many arguments at {value:?}: expected {}", form.params.join(", ")),
            };
            return Err(args.error(reason));
        };
        if value.is_empty() {
            return Err(args.error(format!("{param} has no value")));
        }
        if args.text(param).is_some() {
            return Err(args.error(format!("{param} is given twice")));
        }
        args.given.push((param, value));
    }
    (form.build)(&args)
}

/// The name and the arguments, split at the commas outside brackets.
fn split<'a>(what: &'static str, text: &'a str) -> Result<(&'a str, Vec<&'a str>)> {
    let text = text.trim();
    let malformed = |reason: &str| Error::Scheme(format!("{what} {text:?}: {reason}"));
    let Some((name, rest)) = text.split_once('(') else {
        return Ok((text, Vec::new()));
    };
    let Some(inside) = rest.strip_suffix(')') else {
        return Err(malformed("the last character must be the closing parenthesis"));
    };
    let (mut values, mut start, mut depth) = (Vec::new(), 0, 0usize);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'[' | b'(' => depth += 1,
            b']' | b')' => depth = depth.checked_sub(1).ok_or_else(|| malformed("unbalanced brackets"))?,
            b',' if depth == 0 => {
                values.push(inside[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    if depth != 0 {
        return Err(malformed("unbalanced brackets"));
    }
    let last = inside[start..].trim();
    if !(values.is_empty() && last.is_empty()) {
        values.push(last);
    }
    Ok((name.trim(), values))
}

impl<'a> Args<'a> {
    /// An error about this call.
    pub fn error(&self, reason: impl std::fmt::Display) -> Error {
        Error::Scheme(format!("{} {}: {reason}", self.what, self.name))
    }

    /// The text of an argument, if it is given.
    pub fn text(&self, param: &str) -> Option<&'a str> {
        self.given.iter().find(|(name, _)| *name == param).map(|&(_, value)| value)
    }

    /// A real number: a decimal, perhaps with an exponent, or `inf`; or an expression.
    pub fn number(&self, param: &str) -> Result<Option<f64>> {
        let Some(text) = self.text(param) else { return Ok(None) };
        match (text.parse(), self.evaluate) {
            (Ok(number), _) => Ok(Some(number)),
            (Err(_), Some(evaluate)) => evaluate(text).map(Some).map_err(|e| self.error(format!("{param}: {e}"))),
            (Err(_), None) => Err(self.error(format!("{param} {text:?} is not a number"))),
        }
    }

    /// A real number that must be given.
    pub fn needed(&self, param: &str) -> Result<f64> {
        self.number(param)?.ok_or_else(|| self.missing(param))
    }

    /// A whole number from 0.
    pub fn whole(&self, param: &str) -> Result<Option<u64>> {
        let Some(text) = self.text(param) else { return Ok(None) };
        let refuse = || self.error(format!("{param} {text:?} is not a whole number"));
        match (text.parse(), self.evaluate) {
            (Ok(number), _) => Ok(Some(number)),
            (Err(_), None) => Err(refuse()),
            (Err(_), Some(evaluate)) => {
                let value = evaluate(text).map_err(|e| self.error(format!("{param}: {e}")))?;
                let whole = value.trunc() == value && (0.0..=9_007_199_254_740_992.0).contains(&value);
                if whole {
                    Ok(Some(value as u64))
                } else {
                    Err(self.error(format!("{param}: {text} is {value}, not a whole number")))
                }
            }
        }
    }

    /// A word that names something.
    pub fn word<T: std::str::FromStr<Err = Error>>(&self, param: &str) -> Result<Option<T>> {
        self.text(param).map(|text| text.parse().map_err(|e| self.error(e))).transpose()
    }

    /// One integer, or a bracketed list of them.
    pub fn list(&self, param: &str) -> Result<Option<Vec<i64>>> {
        let Some(text) = self.text(param) else { return Ok(None) };
        let inside = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).map(str::trim);
        let list = match inside {
            Some("") => Ok(Vec::new()),
            Some(inside) => inside.split(',').map(|axis| axis.trim().parse()).collect(),
            None => text.parse().map(|axis| vec![axis]),
        };
        list.map(Some)
            .map_err(|_| self.error(format!("{param} {text:?} is not an axis or a list of axes such as [0, 1]")))
    }

    /// An argument that should have been given.
    pub fn missing(&self, param: &str) -> Error {
        self.error(format!("{param} must be given"))
    }
}
