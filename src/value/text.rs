//! The text form `name(value, key=value)` of layouts and schemes, read against a table of names.

use crate::error::did_you_mean;
use crate::{Error, Result};

/// A number as short as it can be read back, with at most 17 significant digits: `1`, `0.02`, `1e-30`, `inf`. Exponents
/// stand outside [1e-5, 1e16).
pub(crate) struct Number(pub f64);

impl Number {
    /// An f32, with the digits that tell it from other f32 numbers.
    pub(crate) fn of_f32(x: f32) -> Self {
        Self(x.to_string().parse().unwrap_or(f64::from(x)))
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{:?}", self.0);
        f.pad(text.strip_suffix(".0").unwrap_or(&text))
    }
}

/// One text form: the names of a thing, its parameters in positional order, and how it is made of its arguments.
pub(crate) struct Form<T> {
    pub names: &'static [&'static str],
    pub params: &'static [&'static str],
    pub build: fn(&Args<'_>) -> Result<T>,
}

/// Gives the value of an argument that is no number, but an expression.
pub(crate) type Evaluate<'a> = &'a dyn Fn(&str) -> Result<f64>;

/// What a text gives: each argument at most once, and all of them known to the form.
pub(crate) struct Args<'a> {
    what: &'static str,
    text: &'a str,
    params: &'static [&'static str],
    given: Vec<(&'static str, &'a str)>,
    evaluate: Option<Evaluate<'a>>,
}

/// Reads `text` by the form in `table` that has its name. Numbers are literals, or expressions where `evaluate` is
/// given.
///
/// # Errors
/// [`Error::Unknown`] for an unknown name; else [`Error::Scheme`] with `what`, the text as typed, and what is wrong
/// with it.
pub(crate) fn parse<'a, T>(
    what: &'static str,
    table: &[Form<T>],
    text: &'a str,
    evaluate: Option<Evaluate<'a>>,
) -> Result<T> {
    let text = text.trim();
    let (name, values) = split(what, text)?;
    let Some(form) = table.iter().find(|form| form.names.contains(&name)) else {
        return Err(Error::unknown(what, clip(name), table.iter().flat_map(|form| form.names)));
    };
    let mut args = Args { what, text, params: form.params, given: Vec::with_capacity(values.len()), evaluate };
    let mut named = false;
    for (at, value) in values.into_iter().enumerate() {
        let (key, value) = match value.split_once('=') {
            Some((key, value)) => (Some(key.trim()), value.trim()),
            None => (None, value),
        };
        if form.params.is_empty() {
            let given = key.unwrap_or(value);
            let given = typed(given);
            return Err(args.error(format!("takes no arguments, given {given}; write {name} alone")));
        }
        named |= key.is_some();
        let param = match key {
            Some(key) => form.params.iter().find(|&&param| param == key),
            None if named => {
                let value = typed(value);
                return Err(args.error(format!("{value} has no name, but stands after a named argument: name it too")));
            }
            None => form.params.get(at),
        };
        let Some(&param) = param else {
            let reason = match key {
                Some(key) => {
                    let nearest = did_you_mean(key, form.params.iter().copied());
                    format!("unknown argument {}: expected {}{nearest}", typed(key), form.params.join(", "))
                }
                None => format!("too many arguments at {}: expected {}", typed(value), form.params.join(", ")),
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

/// A text as typed, in quotes and on one line; a long one is cut.
pub(crate) fn typed(text: &str) -> String {
    format!("{:?}", clip(text))
}

/// A text that came from outside, or its first 120 characters and two dots.
pub(crate) fn clip(text: &str) -> String {
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_owned(),
    }
}

/// ` and 3 more`, behind the first of several; nothing where there are no more.
#[cfg(feature = "model")]
pub(crate) fn and_more(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" and {more} more") }
}

/// The name and the arguments, split at the commas outside brackets.
fn split<'a>(what: &'static str, text: &'a str) -> Result<(&'a str, Vec<&'a str>)> {
    let malformed = |reason: &str| Error::Scheme(format!("{what} {}: {reason}", typed(text)));
    let Some((name, rest)) = text.split_once('(') else {
        return Ok((text, Vec::new()));
    };
    let Some(inside) = rest.strip_suffix(')') else {
        return Err(malformed("the last character must be the closing parenthesis, as in name(value, key=value)"));
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
    /// An error about this text.
    pub fn error(&self, reason: impl std::fmt::Display) -> Error {
        Error::Scheme(format!("{} {}: {reason}", self.what, typed(self.text)))
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
            (Err(_), None) => Err(self.error(format!("{param} {} is not a number, as 0.02 or 1e-5", typed(text)))),
        }
    }

    /// A real number that must be given.
    pub fn needed(&self, param: &str) -> Result<f64> {
        self.number(param)?.ok_or_else(|| self.missing(param))
    }

    /// A whole number from 0.
    pub fn whole(&self, param: &str) -> Result<Option<u64>> {
        let Some(text) = self.text(param) else { return Ok(None) };
        let refuse = || self.error(format!("{param} {} is not a whole number from 0 on", typed(text)));
        match (text.parse(), self.evaluate) {
            (Ok(number), _) => Ok(Some(number)),
            (Err(_), None) => Err(refuse()),
            (Err(_), Some(evaluate)) => {
                let value = evaluate(text).map_err(|e| self.error(format!("{param}: {e}")))?;
                let whole = value.trunc() == value && (0.0..=9_007_199_254_740_992.0).contains(&value);
                if whole {
                    Ok(Some(value as u64))
                } else {
                    Err(self.error(format!("{param}: {text} is {}, not a whole number from 0 on", Number(value))))
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
            .map_err(|_| self.error(format!("{param} {} is not an axis or a list of axes such as [0, 1]", typed(text))))
    }

    /// An argument that should have been given.
    pub fn missing(&self, param: &str) -> Error {
        self.error(format!("{param} must be given; the arguments are {}", self.params.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_read_back_as_they_are() {
        for (x, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (-0.02, "-0.02"),
            (1e15, "1000000000000000"),
            (1e16, "1e16"),
            (1e-5, "1e-5"),
            (0.00012, "0.00012"),
            (1e-42, "1e-42"),
            (5e-324, "5e-324"),
            (1.0 / 3.0, "0.3333333333333333"),
            (0.1 + 0.2, "0.30000000000000004"),
            (f64::MAX, "1.7976931348623157e308"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(Number(x).to_string(), text);
            assert!(text.parse::<f64>().unwrap().to_bits() == x.to_bits() || x.is_nan(), "{text}");
        }
    }

    #[test]
    fn a_long_text_is_cut_in_an_error() {
        let long = format!("normal({}", "é".repeat(5000));
        let error = parse::<()>("scheme", &[], &long, None).unwrap_err().to_string();
        assert!(error.len() < 400 && error.contains("éé..\": the last character"), "{error}");
    }
}
