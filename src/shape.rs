//! Shapes, and which of their axes feed in and out.

use crate::{Error, Result};

/// The dimensions of a tensor, row-major, outermost first. `[]` is one element; no dimension is 0.
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
            return Err(Error::Shape { shape: dims, reason: format!("dimension {axis} is 0") });
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

    /// The number of elements, at least 1.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().product()
    }
}

/// Which axes of a weight feed in and out.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Layout {
    /// `[out, in, kernel..]`: torch's.
    #[default]
    OutIn,
    /// `[kernel.., in, out]`: jax, flax, keras; GPT-2's `Conv1D`.
    InOut,
}
