//! Shapes, and which of their axes feed in and out.

use crate::{Error, Result};

mod layout;

pub use layout::Layout;

/// The dimensions of a tensor, row-major, outermost first. `[]` is one element; no dimension is 0.
///
/// Its text form, read by `parse`: `768,3072` or `[768, 3072]`; `to_string` writes the second.
///
/// ```
/// # use seedbed::shape::Shape;
/// let shape = Shape::new([768, 3072])?;
/// assert_eq!((shape.rank(), shape.count()), (2, 2_359_296));
/// assert_eq!("768,3072".parse::<Shape>()?, shape);
/// assert!(Shape::new([768, 0]).is_err());
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape(Vec<u64>);

impl Shape {
    /// A shape from its dimensions.
    ///
    /// # Errors
    /// [`Error::Shape`] where a dimension is 0, or the number of elements exceeds 2^60.
    pub fn new(dims: impl Into<Vec<u64>>) -> Result<Self> {
        let dims = dims.into();
        if let Some(axis) = dims.iter().position(|&d| d == 0) {
            return Err(Error::Shape { shape: dims, reason: format!("dimension {axis} is 0, needs 1 or more") });
        }
        let count = dims.iter().try_fold(1u64, |n, &d| n.checked_mul(d));
        match count {
            Some(n) if n <= 1 << 60 => Ok(Self(dims)),
            _ => Err(Error::Shape { shape: dims, reason: "more than 2^60 elements".to_owned() }),
        }
    }

    /// The dimensions.
    #[must_use]
    pub fn dims(&self) -> &[u64] {
        &self.0
    }

    /// The number of dimensions.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The number of elements, at least 1.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().product()
    }

    /// Rows and columns.
    ///
    /// # Errors
    /// [`Error::Shape`] where the rank is not 2.
    pub(crate) fn matrix(&self) -> Result<[u64; 2]> {
        match *self.0 {
            [rows, cols] => Ok([rows, cols]),
            _ => Err(self.error(format!("rank {}, needs rank 2", self.rank()))),
        }
    }

    /// An error about this shape.
    pub(crate) fn error(&self, reason: impl Into<String>) -> Error {
        Error::Shape { shape: self.0.clone(), reason: reason.into() }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{:?}", self.0))
    }
}

impl std::str::FromStr for Shape {
    type Err = Error;

    /// Reads `768,3072` or `[768, 3072]`; `[]` is one element.
    ///
    /// # Errors
    /// [`Error::Scheme`] naming the part that is no whole number; those of [`Shape::new`].
    fn from_str(text: &str) -> Result<Self> {
        Self::new(whole_numbers(text)?)
    }
}

/// Reads whole numbers between commas, in brackets or not.
fn whole_numbers(text: &str) -> Result<Vec<u64>> {
    let list = text.trim();
    let inside = list.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if inside.is_some_and(|inside| inside.trim().is_empty()) {
        return Ok(Vec::new());
    }
    let number = |n: &str| {
        let reason = match n.trim().parse::<u64>() {
            Ok(n) => return Ok(n),
            Err(e) if matches!(e.kind(), std::num::IntErrorKind::PosOverflow) => "is 2^64 or more",
            Err(_) => "is not a whole number",
        };
        Err(Error::Scheme(format!("shape {text:?}: {:?} {reason}; a shape is 768,3072 or [768, 3072]", n.trim())))
    };
    inside.unwrap_or(list).split(',').map(number).collect()
}

/// How many weights meet in one output element, and how many output elements one input element feeds; made by
/// [`Layout::fans`].
///
/// Strides, padding and dilation do not enter, as in torch, jax and keras. Each fan is a product of
/// distinct dimensions, so it lies in [1, 2^60].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fans {
    /// Weights that meet in one output element.
    pub fan_in: u64,
    /// Output elements that one input element feeds.
    pub fan_out: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_counts_its_elements_and_refuses_empty_and_huge_ones() {
        assert_eq!(Shape::new([]).unwrap().count(), 1);
        assert_eq!(Shape::new([3, 4, 5]).unwrap().count(), 60);
        assert_eq!(Shape::new([1 << 30, 1 << 30]).unwrap().count(), 1 << 60);
        for bad in [vec![0], vec![3, 0], vec![1 << 30, (1 << 30) + 1], vec![u64::MAX; 4]] {
            let error = Shape::new(bad.clone()).unwrap_err().to_string();
            assert!(error.starts_with(&format!("shape {bad:?}: ")), "{error}");
        }
    }

    #[test]
    fn a_shape_is_read_from_text() {
        for (text, dims) in
            [("768,3072", vec![768, 3072]), ("[ 3, 4 ,5]", vec![3, 4, 5]), ("7", vec![7]), ("[]", vec![])]
        {
            assert_eq!(text.parse::<Shape>().unwrap().dims(), dims, "{text}");
        }
        assert_eq!(Shape::new([2, 3]).unwrap().to_string(), "[2, 3]");
        for (text, expected) in [
            ("", "shape \"\": \"\" is not a whole number"),
            ("3,-4", "shape \"3,-4\": \"-4\" is not a whole number"),
            ("3x4", "shape \"3x4\": \"3x4\" is not a whole number"),
            ("[3", "shape \"[3\": \"[3\" is not a whole number"),
            ("18446744073709551616", "shape \"18446744073709551616\": \"18446744073709551616\" is 2^64 or more"),
            ("3,0", "shape [3, 0]: dimension 1 is 0"),
        ] {
            let error = text.parse::<Shape>().unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
            assert!(error.ends_with("; a shape is 768,3072 or [768, 3072]") || text == "3,0", "{error}");
        }
    }
}
