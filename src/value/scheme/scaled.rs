//! A scheme whose elements are a multiple of another's.

use super::{Bounds, Scheme, StdOf};
use crate::value::law::Law;
use crate::value::shape::{Layout, Shape};
use crate::{Error, Result};

impl Scheme {
    /// The scheme whose elements are `factor` times those that this one has on this shape: its numbers are multiplied, the words
    /// that the elements are drawn from stay.
    ///
    /// # Errors
    /// [`Error::Scheme`] where the law has no scale, such as a table of positions; those of [`Scheme::law`].
    pub(crate) fn scaled(&self, factor: f64, shape: &Shape, layout: &Layout) -> Result<Self> {
        if factor == 0.0 {
            return Ok(Self::zeros());
        }
        Ok(match (self.law(shape, layout)?, *self) {
            (Law::Constant { value }, _) => Self::constant(value * factor),
            (Law::Uniform { lo, hi }, _) => Self::uniform(lo * factor, hi * factor),
            (Law::Normal { mean, std }, _) => Self::normal(mean * factor, std * factor),
            (Law::TruncatedNormal { mean, std, lo, hi }, _) => {
                let bounds = Bounds::Absolute(lo * factor, hi * factor);
                Self::truncated_normal(mean * factor, std * factor, bounds, StdOf::Parent)
            }
            (Law::Identity { gain, .. }, _) => Self::identity(gain * factor),
            (_, Self::Sparse { sparsity, std }) => Self::sparse(sparsity, std * factor),
            (_, Self::Orthogonal { gain, batch }) => Self::orthogonal(gain * factor, batch),
            (_, Self::DeltaOrthogonal { gain }) => Self::delta_orthogonal(gain * factor),
            _ => return Err(Error::Scheme(format!("{self} cannot be scaled by {factor}"))),
        })
    }
}
