//! Rows of a tensor as a user lists them.

use crate::value::shape::Shape;
use crate::{Error, Result};
use std::ops::Range;

/// Rows and ranges of rows, indices of a tensor's first axis: `0,5,100:128` is 0, 5 and 100 to 127.
///
/// ```
/// # use seedbed::{plan::Rows, shape::Shape};
/// let rows: Rows = "0,5:8".parse()?;
/// assert_eq!(rows.of(&Shape::new([10, 3])?)?, [0, 5, 6, 7]);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows(Vec<Range<u64>>);

/// The most rows that may be listed: a plan keeps each of them.
const MAX_ROWS: u64 = 1 << 24;

impl Rows {
    /// Whether no row is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each row that is listed, of a tensor of this shape.
    ///
    /// # Errors
    /// [`Error::Placement`] where a row lies outside the shape, or more than 2^24 are listed.
    pub fn of(&self, shape: &Shape) -> Result<Vec<u64>> {
        let rows = shape.dims().first().copied().unwrap_or(0);
        let mut count = 0u64;
        for range in &self.0 {
            if range.end > rows {
                let reason = format!("zero row {}: shape {shape} has {rows} rows, counted from 0", range.end - 1);
                return Err(Error::Placement(reason));
            }
            count = count.saturating_add(range.end - range.start);
        }
        if count > MAX_ROWS {
            return Err(Error::Placement(format!("{count} zero rows: at most {MAX_ROWS} can be listed")));
        }
        Ok(self.0.iter().cloned().flatten().collect())
    }
}

impl std::fmt::Display for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, range) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            if range.end - range.start == 1 {
                write!(f, "{comma}{}", range.start)?;
            } else {
                write!(f, "{comma}{}:{}", range.start, range.end)?;
            }
        }
        Ok(())
    }
}

impl std::str::FromStr for Rows {
    type Err = Error;

    /// Reads rows and ranges `FIRST:END`, END not included, with commas between them.
    ///
    /// # Errors
    /// [`Error::Placement`] with the row or range that is none.
    fn from_str(s: &str) -> Result<Self> {
        let refuse = |text: &str| {
            Error::Placement(format!(
                "zero rows {text:?}: rows are 5 or 100:128 (100 to 127), with commas between them"
            ))
        };
        let read = |text: &str| {
            let number = |n: &str| n.trim().parse::<u64>().map_err(|_| refuse(text));
            let (first, end) = match text.split_once(':') {
                Some((first, end)) => (number(first)?, number(end)?),
                None => (number(text)?, number(text)?.saturating_add(1)),
            };
            if first < end { Ok(first..end) } else { Err(refuse(text)) }
        };
        s.split(',').map(read).collect::<Result<_>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_ranges_are_read_and_written_back() {
        let rows: Rows = "0, 5,100:128,7:8".parse().unwrap();
        assert_eq!(rows.to_string(), "0,5,100:128,7");
        assert_eq!(rows.to_string().parse::<Rows>().unwrap(), rows);
        let listed = rows.of(&Shape::new([128, 3]).unwrap()).unwrap();
        assert_eq!((listed.len(), listed[2], listed[29]), (31, 100, 127));
        let out = rows.of(&Shape::new([127, 3]).unwrap()).unwrap_err().to_string();
        assert!(out.contains("zero row 127") && out.contains("127 rows"), "{out}");
        for wrong in ["", "1,", "5:5", "6:5", "-1", "x", "1:2:3", "18446744073709551616", "1 2"] {
            assert!(wrong.parse::<Rows>().unwrap_err().to_string().contains("with commas"), "{wrong:?}");
        }
        // Refused before they are listed.
        let far: Rows = "0:1152921504606846976".parse().unwrap();
        assert!(far.of(&Shape::new([1 << 60]).unwrap()).unwrap_err().to_string().contains("at most 16777216"));
        let last: Rows = "18446744073709551615".parse::<Rows>().map_err(|e| e.to_string()).unwrap_or_default();
        assert!(last.is_empty());
    }
}
