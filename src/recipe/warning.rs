//! What a recipe tells whoever uses it: its `[[warning]]` entries.

use super::expression::Expression;
use super::pattern::Pattern;
use super::raw::RawWarning;
use crate::value::text::Number;
use crate::{Error, Result};

/// A `[[warning]]` entry: what is said of a tensor that has its law from the file of the entry.
#[derive(Clone, Debug)]
pub(super) struct Warning {
    pub line: usize,
    pub pattern: Pattern,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    /// A number, which stands in braces in the file.
    Number(Expression),
}

impl Warning {
    pub fn read(raw: &RawWarning, line: usize) -> Result<Self> {
        let pattern = Pattern::parse(raw.name.as_ref(), raw.role.as_ref(), raw.rank.as_deref(), raw.when.as_deref())?;
        if raw.text.trim().is_empty() || raw.text.contains('\n') {
            return Err(Error::Scheme("text is one line that is not empty".to_owned()));
        }
        let mut pieces = Vec::new();
        for (at, section) in raw.text.split('{').enumerate() {
            let text = match (at, section.split_once('}')) {
                (0, _) => section,
                (_, Some((number, text))) => {
                    pieces.push(Piece::Number(Expression::parse(number.trim())?));
                    text
                }
                (_, None) => return Err(Error::Scheme("text: a brace is not closed".to_owned())),
            };
            pieces.push(Piece::Text(text.to_owned()));
        }
        Ok(Self { line, pattern, pieces })
    }

    /// The variables that its expressions name.
    pub fn variables(&self) -> impl Iterator<Item = &String> {
        let in_text = self.pieces.iter().flat_map(|piece| match piece {
            Piece::Text(_) => &[],
            Piece::Number(expression) => expression.variables(),
        });
        self.pattern.when.iter().flat_map(Expression::variables).chain(in_text)
    }

    /// The text, where `lookup` gives the variables. Numbers have six digits.
    pub fn text(&self, lookup: &dyn Fn(&str) -> Result<f64>) -> Result<String> {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => Ok(text.clone()),
            Piece::Number(expression) => {
                let value = expression.value(lookup)?;
                let short = format!("{value:.5e}").parse().unwrap_or(value);
                Ok(Number(short).to_string())
            }
        };
        self.pieces.iter().map(piece).collect()
    }
}
