//! Rows of zeros, as a recipe says them: `zero_rows = "pad_token_id"`.

use super::expression::Expression;
use super::raw::{NumberOrText, OneOrMany};
use crate::value::shape::Shape;
use crate::{Error, Result};

/// The most rows that may be listed: a plan keeps each of them.
const MAX_ROWS: u64 = 1 << 24;

/// The rows of a `zero_rows` key.
#[derive(Clone, Debug)]
pub(super) struct ZeroRows(Vec<Span>);

/// A row, or the rows from `first` to before `end`.
#[derive(Clone, Debug)]
struct Span {
    first: Expression,
    end: Option<Expression>,
}

impl ZeroRows {
    /// A number, an expression, a range `first:end` of expressions, or a list of these.
    pub fn read(raw: &OneOrMany) -> Result<Self> {
        let span = |one: &NumberOrText| match one {
            NumberOrText::Text(text) if text.contains(':') => {
                let (first, end) = text.split_once(':').unwrap_or((text, ""));
                Ok(Span { first: Expression::parse(first.trim())?, end: Some(Expression::parse(end.trim())?) })
            }
            one => Ok(Span { first: one.expression()?, end: None }),
        };
        let spans = raw.as_slice().iter().map(span).collect::<Result<Vec<_>>>();
        Ok(Self(spans.map_err(|e| Error::Scheme(format!("zero_rows: {e}")))?))
    }

    /// The variables that its expressions name.
    pub fn variables(&self) -> impl Iterator<Item = &String> {
        let expressions = self.0.iter().flat_map(|span| std::iter::once(&span.first).chain(&span.end));
        expressions.flat_map(Expression::variables)
    }

    /// The rows of a tensor of this shape, where `lookup` gives the variables. A negative row counts from behind, as
    /// torch counts: -1 is the last.
    ///
    /// # Errors
    /// [`Error::Scheme`] with the row and the shape, where a row is no whole number or lies outside the tensor.
    pub fn of(&self, shape: &Shape, lookup: &dyn Fn(&str) -> Result<f64>) -> Result<Vec<u64>> {
        let length = shape.dims().first().copied().unwrap_or(0);
        let refuse = |e: &Expression, reason: String| Error::Scheme(format!("zero_rows {:?}: {reason}", e.text()));
        let outside = |e: &Expression, row: f64| {
            refuse(e, format!("row {row} lies outside shape {shape}, which has {length} rows from 0 on"))
        };
        let whole = |e: &Expression| match e.value(lookup)? {
            x if x.trunc() == x && x.abs() <= 9_007_199_254_740_992.0 => Ok(x),
            x => Err(refuse(e, format!("is {x}, must be a whole number"))),
        };
        let row = |e: &Expression| {
            let x = whole(e)?;
            let at = if x < 0.0 { x + length as f64 } else { x };
            if (0.0..length as f64).contains(&at) { Ok(at as u64) } else { Err(outside(e, x)) }
        };
        let mut rows = Vec::new();
        for span in &self.0 {
            let first = row(&span.first)?;
            let end = match &span.end {
                None => first + 1,
                Some(e) => {
                    let x = whole(e)?;
                    let at = if x < 0.0 { x + length as f64 } else { x };
                    match at {
                        at if at > length as f64 => return Err(outside(e, x - 1.0)),
                        at if at <= first as f64 => {
                            let range = format!("{}:{}", span.first.text(), e.text());
                            return Err(Error::Scheme(format!("zero_rows {range:?}: {first} to {x} holds no row")));
                        }
                        at => at as u64,
                    }
                }
            };
            if rows.len() as u64 + (end - first) > MAX_ROWS {
                return Err(Error::Scheme(format!("zero_rows: more than {MAX_ROWS} rows")));
            }
            rows.extend(first..end);
        }
        Ok(rows)
    }
}
