//! The user's language: what a tensor's elements are to be, before its shape is known.
//!
//! A [`Scheme`], a shape and a layout make a [`Law`](crate::law::Law). Every number of a law is an f64 made with `+ - *
//! / sqrt` in the order that the documentation of its scheme states (docs/stream.md repeats it), with n, fan_in and
//! fan_out the fans converted to f64. Only [`StdOf::Cut`] needs `exp`, and takes it from src/value/libm.

mod words;
mod basic;
mod catalog;
mod cut;
mod fans;
mod orthogonal;
#[cfg(feature = "model")]
mod scaled;
mod structured;
mod text;
mod to_law;
mod torch;

pub use crate::value::law::SinusoidalLayout;
pub use catalog::{SchemeInfo, catalog};
pub use words::{Bounds, Distribution, Mode, Nonlinearity, StdOf};

/// The standard deviation of N(0, 1) cut at +-2, the f64 that jax and keras write .87962566103423978: their truncated
/// variance scaling divides by it.
pub const STD_CUT_AT_2: f64 = 0.879_625_661_034_239_8;

/// How the elements of a tensor are to be distributed, before its shape is known.
///
/// Its text form, read by `parse` and written by `to_string`, is `name(value, key=value)`: `zeros`,
/// `normal(0, 0.02)`, `kaiming_normal(mode=fan_out, nonlinearity=relu)`; see `Scheme`'s `FromStr`.
///
/// ```
/// use seedbed::scheme::{Mode, Nonlinearity, Scheme};
/// use seedbed::shape::{Layout, Shape};
/// # fn main() -> seedbed::Result<()> {
/// let scheme = Scheme::kaiming_normal(Mode::FanIn, Nonlinearity::Relu);
/// assert_eq!("he_normal".parse::<Scheme>()?, scheme);
/// let law = scheme.law(&Shape::new([64, 16, 3, 3])?, &Layout::OutIn)?;
/// assert!((law.std() - (2.0 / 144.0_f64).sqrt()).abs() < 1e-15);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Scheme {
    /// Every element the same.
    Constant(f64),
    /// U(lo, hi), open.
    Uniform {
        /// Lower end.
        lo: f64,
        /// Upper end.
        hi: f64,
    },
    /// N(mean, std^2).
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// N(mean, sigma^2) conditioned on a window; see [`Scheme::truncated_normal`].
    TruncatedNormal {
        /// Mean of the normal before it is cut.
        mean: f64,
        /// Standard deviation, of what `std_of` says.
        std: f64,
        /// The window.
        bounds: Bounds,
        /// Whether `std` is sigma, or that of the cut variable.
        std_of: StdOf,
    },
    /// Mean 0, variance `scale` / n; see [`Scheme::variance_scaling`].
    VarianceScaling {
        /// The variance times n.
        scale: f64,
        /// What n is.
        mode: Mode,
        /// The shape of the distribution.
        distribution: Distribution,
    },
    /// Mean 0, std `gain` * sqrt(2 / (fan_in + fan_out)); see [`Scheme::xavier_normal`].
    Xavier {
        /// The factor of the std.
        gain: f64,
        /// The shape of the distribution.
        distribution: Distribution,
    },
    /// Mean 0, std gain / sqrt(n); see [`Scheme::kaiming_normal`].
    Kaiming {
        /// What n is.
        mode: Mode,
        /// What follows the layer: it gives the gain.
        nonlinearity: Nonlinearity,
        /// The shape of the distribution.
        distribution: Distribution,
    },
    /// U(-1 / sqrt(fan_in), 1 / sqrt(fan_in)); see [`Scheme::torch_linear`].
    FanInUniform {
        /// The fan_in; `None` is that of the tensor's own shape and layout.
        fan_in: Option<u64>,
    },
    /// A multiple of the identity; see [`Scheme::identity`].
    Identity {
        /// The value on the diagonal.
        gain: f64,
    },
    /// A convolution that passes its inputs on unchanged; see [`Scheme::dirac`].
    Dirac {
        /// The groups of the convolution.
        groups: u64,
    },
    /// A multiple of the identity plus N(0, std^2); see [`Scheme::near_identity`].
    NearIdentity {
        /// The mean on the diagonal.
        alpha: f64,
        /// The standard deviation.
        std: f64,
    },
    /// N(0, std^2) in blocks on the diagonal; see [`Scheme::block_diagonal`].
    BlockDiagonal {
        /// How many blocks.
        blocks: u64,
        /// The standard deviation.
        std: f64,
    },
    /// N(0, std^2) with zeros in each column; see [`Scheme::sparse`].
    Sparse {
        /// The share of zeros.
        sparsity: f64,
        /// The standard deviation of the others.
        std: f64,
    },
    /// A table of positions; see [`Scheme::sinusoidal`].
    Sinusoidal {
        /// The longest wave is about 2 pi times this.
        base: f64,
        /// Which columns are sines, which cosines, and their frequencies.
        layout: SinusoidalLayout,
    },
    /// ln 1, ln 2, .. along the last axis; see [`Scheme::log_range`].
    LogRange,
    /// Evenly spaced values along the last axis; see [`Scheme::linspace`].
    Linspace {
        /// The value at index 0.
        first: f64,
        /// The value at the last index.
        last: f64,
    },
    /// ln u for u uniform on (lo, hi); see [`Scheme::log_of_uniform`].
    LogOfUniform {
        /// Lower end of u.
        lo: f64,
        /// Upper end of u.
        hi: f64,
    },
    /// The bias of a Mamba block's step; see [`Scheme::dt_bias`].
    DtBias {
        /// The smallest step drawn.
        min: f64,
        /// The largest step drawn.
        max: f64,
        /// Smaller steps are raised to this.
        floor: f64,
    },
    /// Orthogonal matrices; see [`Scheme::orthogonal`].
    Orthogonal {
        /// The factor of every element.
        gain: f64,
        /// Leading axes that count matrices.
        batch: u64,
    },
    /// An orthogonal matrix in the middle of a kernel; see [`Scheme::delta_orthogonal`].
    DeltaOrthogonal {
        /// The factor of every element.
        gain: f64,
    },
    /// N(0, `norm`^2 / n), n the number of elements; see [`Scheme::unit_frobenius`].
    UnitFrobenius {
        /// The root of the expected squared Frobenius norm.
        norm: f64,
    },
}

#[cfg(test)]
mod tests;
