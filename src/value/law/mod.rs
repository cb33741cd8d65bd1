//! A law: a distribution with numbers in it. A scheme and a shape make one; `LawParams` carries one to a kernel.
//!
//! Each law has a file with its numbers, what it accepts, its range and moments, and its text. [`Law`] only chooses
//! among them.

use crate::value::text::Number;
use crate::{DType, Error, Result};
use std::fmt::{Display, Formatter};
use std::sync::Arc;

/// A law's numbers: fields that only its constructor writes, after it has checked them, each read by a method of its
/// name.
macro_rules! numbers {
    ($(#[$meta:meta])* pub struct $law:ident { $($(#[$doc:meta])* $name:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $law {
            $($name: $type,)*
        }

        impl $law {
            $($(#[$doc])* #[must_use] pub const fn $name(&self) -> $type { self.$name })*
        }
    };
}

mod chebyshev;
mod limits;
#[cfg_attr(not(feature = "safetensors"), allow(dead_code, reason = "`inspect` alone compares with shares"))]
mod share;
mod constant;
mod linspace;
mod log_range;
mod normal;
mod orthogonal;
mod placed;
mod quadrature;
mod dt_bias;
mod log_of_uniform;
mod sinusoidal;
pub(crate) mod truncated;
mod uniform;

pub use constant::Constant;
pub use dt_bias::DtBias;
pub use limits::{MAX_NORMAL, MAX_SCALE, MIN_SCALE};
pub use linspace::Linspace;
pub use log_of_uniform::LogOfUniform;
pub use log_range::LogRange;
pub use normal::Normal;
pub use orthogonal::Orthogonal;
pub use placed::{BlockDiagonal, Dirac, Identity, NearIdentity, Sparse};
pub(crate) use share::Share;
pub use sinusoidal::{Sinusoidal, SinusoidalLayout};
pub use truncated::TruncatedNormal;
pub use uniform::Uniform;

/// A validated distribution of the elements of one tensor.
///
/// ```
/// use seedbed::law::Law;
///
/// let law = Law::uniform(-0.5, 1.0).unwrap();
/// assert_eq!((law.mean(), law.range()), (0.25, (-0.5, 1.0)));
/// let Law::Uniform(uniform) = &law else { unreachable!() };
/// assert_eq!((uniform.lo(), law.to_string().as_str()), (-0.5, "U(-0.5, 1)"));
/// assert!(Law::uniform(1.0, 1.0).is_err());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Law {
    /// Every element the same.
    Constant(Constant),
    /// Uniform on an open interval.
    Uniform(Uniform),
    /// N(mean, std^2).
    Normal(Normal),
    /// N(mean, std^2) conditioned on a window.
    TruncatedNormal(TruncatedNormal),
    /// A gain where the row is the column, else 0.
    Identity(Identity),
    /// A convolution that hands its inputs on.
    Dirac(Dirac),
    /// N(0, std^2), and more where the row is the column.
    NearIdentity(NearIdentity),
    /// N(0, std^2) in equal blocks on the diagonal, else 0.
    BlockDiagonal(BlockDiagonal),
    /// N(0, std^2), with as many zeros in each column.
    Sparse(Sparse),
    /// A table of positions: sines and cosines.
    Sinusoidal(Sinusoidal),
    /// ln(1 + c) at index c of the last axis.
    LogRange(LogRange),
    /// Evenly spaced values along the last axis.
    Linspace(Linspace),
    /// ln u for u uniform on an interval.
    LogOfUniform(LogOfUniform),
    /// The inverse softplus of a log-uniform step.
    DtBias(DtBias),
    /// Matrices with orthonormal columns or rows.
    Orthogonal(Orthogonal),
}

/// What every law says of itself. Its text is what `Display` writes: one line, without the tensor's name.
pub(crate) trait Describe: Display {
    /// The closed interval that no element leaves, in f32: the bounds, or how far the deviates reach.
    fn range(&self) -> (f64, f64);

    /// Mean and standard deviation of an element; where it depends on the element's index, over the whole tensor.
    fn moments(&self) -> (f64, f64);

    /// The fourth central moment over the squared variance. `None` where the elements are not drawn independently from
    /// one distribution.
    fn kurtosis(&self) -> Option<f64>;

    /// What the `count` elements of a tensor are, by their moments: `inspect` compares a checkpoint with it.
    #[cfg_attr(not(feature = "safetensors"), allow(dead_code, reason = "`inspect` alone compares with shares"))]
    fn shares(&self, count: u64) -> Vec<Share>;

    /// Checks that `dtype` has a value where the law's values must lie: nothing to check where they are rounded to the
    /// nearest one, as all laws but the truncated normal are.
    fn check_holds(&self, _: DType) -> Result<()> {
        Ok(())
    }

    /// The frequencies that the kernel looks up: those of a table of positions, none for the other laws.
    fn frequencies(&self) -> Option<Arc<[u64]>> {
        None
    }
}

impl Law {
    /// The one match over the laws: whatever all of them have is asked of the trait.
    fn distribution(&self) -> &dyn Describe {
        match self {
            Self::Constant(law) => law,
            Self::Uniform(law) => law,
            Self::Normal(law) => law,
            Self::TruncatedNormal(law) => law,
            Self::Identity(law) => law,
            Self::Dirac(law) => law,
            Self::NearIdentity(law) => law,
            Self::BlockDiagonal(law) => law,
            Self::Sparse(law) => law,
            Self::Sinusoidal(law) => law,
            Self::LogRange(law) => law,
            Self::Linspace(law) => law,
            Self::LogOfUniform(law) => law,
            Self::DtBias(law) => law,
            Self::Orthogonal(law) => law,
        }
    }

    /// The mean of the law; of a law that depends on an element's index, over the whole tensor.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.distribution().moments().0
    }

    /// The standard deviation of the law: after truncation, where it is cut; of a law that depends on an element's
    /// index, over the whole tensor.
    #[must_use]
    pub fn std(&self) -> f64 {
        self.distribution().moments().1
    }

    /// The kurtosis of an element, its fourth central moment over its squared variance: 3 for a normal. `None` where
    /// the elements are not drawn independently from one distribution.
    #[must_use]
    pub fn kurtosis(&self) -> Option<f64> {
        self.distribution().kurtosis()
    }

    /// The closed interval that no element leaves, in f32: the bounds, or how far the deviates reach.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        self.distribution().range()
    }

    /// Checks that every element is finite in `dtype`, and that a truncated normal's window holds a value of it.
    ///
    /// # Errors
    /// [`Error::Law`] with the numbers.
    pub fn check_fits(&self, dtype: DType) -> Result<()> {
        let (lo, hi) = self.range();
        let reach = lo.abs().max(hi.abs());
        if reach > dtype.max() {
            return Err(Error::Law(format!(
                "{self}: values reach {}, the largest {dtype} is {}; take a smaller scale or another dtype",
                Number::of_f32(reach as f32),
                Number::of_f32(dtype.max() as f32)
            )));
        }
        self.distribution().check_holds(dtype)
    }

    /// The frequencies that a table of positions binds for the kernel.
    pub(crate) fn frequencies(&self) -> Option<Arc<[u64]>> {
        self.distribution().frequencies()
    }

    /// What the `count` elements of a tensor of this law are, by their moments.
    #[cfg(feature = "safetensors")]
    pub(crate) fn shares(&self, count: u64) -> Vec<Share> {
        self.distribution().shares(count)
    }
}

impl Display for Law {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        self.distribution().fmt(f)
    }
}
