//! A scheme whose elements are a multiple of another's.

use super::{Bounds, Scheme, StdOf};
use crate::value::law::Law;
use crate::value::shape::{Layout, Shape};
use crate::{Error, Result};

impl Scheme {
    /// The scheme whose elements are `factor` times those that this one has on this shape: its numbers are multiplied,
    /// the words that the elements are drawn from stay.
    ///
    /// # Errors
    /// [`Error::Scheme`] where the law has no scale, such as a table of positions; those of [`Scheme::law`].
    pub(crate) fn scaled(&self, factor: f64, shape: &Shape, layout: &Layout) -> Result<Self> {
        if factor == 0.0 {
            return Ok(Self::zeros());
        }
        Ok(match (self.law(shape, layout)?, *self) {
            (Law::Constant(law), _) => Self::constant(law.value() * factor),
            (Law::Uniform(law), _) => Self::uniform(law.lo() * factor, law.hi() * factor),
            (Law::Normal(law), _) => Self::normal(law.mean() * factor, law.std() * factor),
            (Law::TruncatedNormal(law), _) => {
                let bounds = Bounds::Absolute(law.lo() * factor, law.hi() * factor);
                Self::truncated_normal(law.mean() * factor, law.std() * factor, bounds, StdOf::Parent)
            }
            (Law::Linspace(law), _) => Self::linspace(law.first() * factor, law.last() * factor),
            (Law::Identity(law), _) => Self::identity(law.gain() * factor),
            (Law::NearIdentity(law), _) => Self::near_identity(law.alpha() * factor, law.std() * factor),
            (Law::BlockDiagonal(law), _) => Self::block_diagonal(law.blocks(), law.std() * factor),
            (Law::Sparse(_), Self::Sparse { sparsity, std }) => Self::sparse(sparsity, std * factor),
            (Law::Orthogonal(_), Self::Orthogonal { gain, batch }) => Self::orthogonal(gain * factor, batch),
            (Law::Orthogonal(_), Self::DeltaOrthogonal { gain }) => Self::delta_orthogonal(gain * factor),
            (
                Law::Sparse(_)
                | Law::Orthogonal(_)
                | Law::Dirac(_)
                | Law::Sinusoidal(_)
                | Law::LogRange(_)
                | Law::LogOfUniform(_)
                | Law::DtBias(_),
                _,
            ) => return Err(Error::Scheme(format!("{self} cannot be scaled by {factor}"))),
        })
    }
}
