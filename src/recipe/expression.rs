//! Expressions over a model's numbers, as a recipe writes them: `sigma / sqrt(2 * layers)`.

use crate::value::libm;
use crate::{Error, Result};
use exmex::prelude::*;
use exmex::{BinOp, MakeOperators, MatchLiteral, Operator, literal_matcher_from_pattern};

/// No expression needs more characters; the parser recurses into brackets.
const MAX_LENGTH: usize = 500;

/// `+ - * / sqrt` are IEEE's, the other functions libm's: the result of an expression decides bits, so it must not
/// depend on the platform.
#[derive(Clone, Debug)]
struct Operators;

impl MakeOperators<f64> for Operators {
    fn make<'a>() -> Vec<Operator<'a, f64>> {
        // Not declared commutative, so that the parser never reorders constants: arithmetic happens as it is written.
        let op = |prio, apply| BinOp { apply, prio, is_commutative: false };
        vec![
            Operator::make_bin("||", op(0, |a, b| f64::from(a != 0.0 || b != 0.0))),
            Operator::make_bin("&&", op(1, |a, b| f64::from(a != 0.0 && b != 0.0))),
            Operator::make_bin("==", op(2, |a, b| f64::from(a == b))),
            Operator::make_bin("!=", op(2, |a, b| f64::from(a != b))),
            Operator::make_bin("<=", op(2, |a, b| f64::from(a <= b))),
            Operator::make_bin(">=", op(2, |a, b| f64::from(a >= b))),
            Operator::make_bin("<", op(2, |a, b| f64::from(a < b))),
            Operator::make_bin(">", op(2, |a, b| f64::from(a > b))),
            Operator::make_bin("+", op(3, |a, b| a + b)),
            Operator::make_bin_unary("-", op(3, |a, b| a - b), |a| -a),
            Operator::make_bin("*", op(4, |a, b| a * b)),
            Operator::make_bin("/", op(4, |a, b| a / b)),
            Operator::make_bin("pow", op(5, libm::pow)),
            Operator::make_bin("min", op(5, |a: f64, b| if b < a { b } else { a })),
            Operator::make_bin("max", op(5, |a: f64, b| if b > a { b } else { a })),
            Operator::make_unary("sqrt", f64::sqrt),
            Operator::make_unary("ln", libm::log),
            Operator::make_unary("log2", libm::log2),
            Operator::make_unary("exp", libm::exp),
            Operator::make_unary("abs", f64::abs),
            Operator::make_unary("floor", f64::floor),
            Operator::make_unary("ceil", f64::ceil),
            Operator::make_unary("round", f64::round),
            Operator::make_constant("pi", std::f64::consts::PI),
        ]
    }
}

literal_matcher_from_pattern!(Number, r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?");

/// The numbers that each tensor has of its own; they win over all others of the same name.
pub(super) const TENSOR_NUMBERS: [&str; 8] =
    ["fan_in", "fan_out", "rows", "cols", "rank", "elements", "layer", "depth"];

/// Whether a name is one of a tensor's own numbers.
pub(super) fn is_tensor_number(name: &str) -> bool {
    TENSOR_NUMBERS.contains(&name)
}

/// A parsed expression.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    text: String,
    tree: Tree,
}

/// Most expressions of a recipe are plain numbers, and a parsed tree takes 20 kB.
#[derive(Clone, Debug)]
enum Tree {
    Number(f64),
    Parsed(Box<FlatEx<f64, Operators, Number>>),
}

impl Expression {
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |reason: &str| Error::Scheme(format!("expression {text:?}: {reason}"));
        if text.len() > MAX_LENGTH {
            return Err(Error::Scheme(format!("an expression of {} characters, at most {MAX_LENGTH}", text.len())));
        }
        let tree = match text.parse() {
            Ok(number) => Tree::Number(number),
            Err(_) => Tree::Parsed(Box::new(
                FlatEx::parse(&braced(text)).map_err(|e| refuse(&format!("{}{}", plain(e.msg()), hint(text))))?,
            )),
        };
        Ok(Self { text: text.to_owned(), tree })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The variables it names.
    pub fn variables(&self) -> &[String] {
        match &self.tree {
            Tree::Number(_) => &[],
            Tree::Parsed(tree) => tree.var_names(),
        }
    }

    /// Its value, finite. `lookup` gives the variables.
    pub fn value(&self, mut lookup: impl FnMut(&str) -> Result<f64>) -> Result<f64> {
        let values = self.variables().iter().map(|name| lookup(name)).collect::<Result<Vec<f64>>>()?;
        let value = match &self.tree {
            Tree::Number(number) => *number,
            Tree::Parsed(tree) => tree.eval(&values).map_err(|e| self.error(plain(e.msg())))?,
        };
        if value.is_finite() {
            return Ok(value);
        }
        let with: Vec<String> =
            self.variables().iter().zip(&values).map(|(name, value)| format!("{name} = {value}")).collect();
        Err(self.error(format!("is {value}{}{}", if with.is_empty() { "" } else { ", with " }, with.join(", "))))
    }

    fn error(&self, reason: impl std::fmt::Display) -> Error {
        Error::Scheme(format!("expression {:?} {reason}", self.text))
    }
}

/// The functions and constants: names that are not variables.
const NAMES: [&str; 12] = ["pow", "min", "max", "sqrt", "ln", "log2", "exp", "abs", "floor", "ceil", "round", "pi"];

/// The text with every variable in braces: the parser would read `max_positions` as the function `max` of something.
fn braced(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_alphabetic() || first == '_' {
            rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if first == '{' {
            // The author has put the variable in braces already.
            rest.find('}').map_or(rest.len(), |end| end + 1)
        } else {
            // The e of 1e-3 is no name.
            Number::is_literal(rest).map_or(first.len_utf8(), str::len)
        };
        let (piece, behind) = rest.split_at(length);
        let variable = (first.is_ascii_alphabetic() || first == '_') && !NAMES.contains(&piece);
        match variable {
            true => out.extend(["{", piece, "}"]),
            false => out.push_str(piece),
        }
        rest = behind;
    }
    out
}

/// Advice on what the parser refuses without saying why.
fn hint(text: &str) -> &'static str {
    let calls = ["pow(", "min(", "max("].iter().map(|call| text.matches(call).count()).sum::<usize>();
    if calls > 1 { "; a pow, min or max inside another one has to be its first argument" } else { "" }
}

/// The parser's message, on one line.
fn plain(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<f64> {
        Expression::parse(text)?.value(|name| match name {
            "layers" => Ok(12.0),
            "x" => Ok(3.0),
            "max_layers" | "min_" | "pi_x" | "e1" | "x1e3" => Ok(1.0),
            _ => Err(Error::Scheme(format!("unknown variable {name}"))),
        })
    }

    #[test]
    fn arithmetic_is_that_of_schools() {
        for (text, expected) in [
            ("0.02 / sqrt(2 * layers)", 0.02 / 24f64.sqrt()),
            ("1 - 2 - 3", -4.0),
            ("8 / 4 / 2", 1.0),
            ("2 * 3 / 4 * 5", 7.5),
            ("1e-3 * x", 0.003),
            ("2.5E+2", 250.0),
            (".5 + 5.", 5.5),
            ("-x * -2", 6.0),
            ("pow(2, 10) - 24", 1000.0),
            ("pow(8 * layers, -1/4)", libm::pow(96.0, -0.25)),
            ("1 / pow(2 * x, 1/2)", 1.0 / libm::pow(6.0, 0.5)),
            ("min(x, 2) + max(x, 2)", 5.0),
            ("x == 3 && layers >= 13 || x < 4", 1.0),
            ("(x <= 2) * 5 + (x != 2) * 7", 7.0),
            ("floor(x / 2) + ceil(x / 2) + round(2.5) + abs(-1)", 7.0),
            ("ln(exp(2)) + log2(8)", 5.0),
            ("2 * pi", std::f64::consts::TAU),
            ("max(x, 2) / {x}", 1.0),
            ("max_layers + min_ + pi_x + e1 + x1e3", 5.0),
        ] {
            assert_eq!(value(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_or_no_number_is_one_line() {
        for (text, part) in [
            ("", "empty"),
            ("1 +", "operator"),
            ("(x", "parenthes"),
            ("2 ** 3", "operator"),
            ("x y", "node"),
            ("max(1, pow(2, 3))", "has to be its first argument"),
            ("é", "parse"),
            ("nobody", "unknown variable nobody"),
            ("1 / (x - 3)", "is inf, with x = 3"),
            ("sqrt(-1)", "is NaN"),
            ("1e999", "is inf"),
        ] {
            let error = value(text).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains('\n'), "{text:?}: {error}");
        }
        for deep in ["(".repeat(100_000), "-".repeat(400) + "1", "(".repeat(249) + "1" + &")".repeat(249)] {
            let _ = value(&deep);
        }
        assert!(value(&"1+".repeat(1000)).unwrap_err().to_string().contains("characters"));
    }
}
