//! The user's language: what a tensor's elements are to be, before its shape is known.
//!
//! A [`Scheme`] and a shape make a [`Law`]. Every number of a law is an f64 made with `+ - * / sqrt` in the order
//! that the documentation of its scheme states (docs/stream.md repeats it), with n, fan_in and fan_out the fans
//! converted to f64; `cut` schemes alone need `exp`, and take it from the pinned `libm`.

use crate::value::law::Law;
use crate::value::shape::{Fans, Layout, Shape};
use crate::value::text::Number;
use crate::{Error, Result};

mod catalog;
mod cut;
mod named;
mod orthogonal;
#[cfg(feature = "model")]
mod scaled;
mod structured;
mod text;
mod words;

pub use crate::value::law::sinusoidal::SinusoidalLayout;
pub use catalog::{SchemeInfo, catalog};
pub use words::{Bounds, Distribution, Mode, Nonlinearity, StdOf};

/// The standard deviation of N(0, 1) cut at +-2, the f64 that jax and keras write .87962566103423978: what their
/// truncated variance scaling divides by.
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
    /// A convolution that hands its inputs on; see [`Scheme::dirac`].
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
        /// Which column is what.
        layout: SinusoidalLayout,
    },
    /// ln 1, ln 2, .. along the last axis; see [`Scheme::log_range`].
    LogRange,
    /// The bias of a Mamba block's step; see [`Scheme::dt_bias`].
    DtBias {
        /// The least step drawn.
        min: f64,
        /// The largest step drawn.
        max: f64,
        /// The least step after all.
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

impl Scheme {
    /// The law of a tensor of this shape.
    ///
    /// Only the schemes of fans ([`Scheme::needs_fans`]) and those of places ([`Scheme::identity`] and its like) look at `shape`
    /// and `layout`; `unit_frobenius` counts the elements of `shape`.
    ///
    /// # Errors
    /// Those of [`Scheme::check`]; those of [`Layout::fans`]; and [`Error::Law`] where the fans bring a number outside
    /// the stream's range.
    pub fn law(&self, shape: &Shape, layout: &Layout) -> Result<Law> {
        self.check_words()?;
        if let Some(law) = self.structured_law(shape, layout) {
            return law;
        }
        if let Self::UnitFrobenius { norm } = *self {
            let n = shape.count();
            return Law::normal(0.0, norm / (n as f64).sqrt()).map_err(|error| match error {
                Error::Law(text) => Error::Law(format!("{self} of {n} elements: {text}")),
                other => other,
            });
        }
        if !self.needs_fans() {
            return self.law_of_fans(None);
        }
        let fans = layout.fans(shape)?;
        self.law_of_fans(Some(fans)).map_err(|error| match error {
            Error::Law(text) => {
                Error::Law(format!("{self} with fan_in {}, fan_out {}: {text}", fans.fan_in, fans.fan_out))
            }
            other => other,
        })
    }

    /// Checks all that can be checked before a shape is known.
    ///
    /// # Errors
    /// [`Error::Scheme`] where a scale, gain or fan_in is not finite and positive, or a std of a cut variable cannot
    /// be reached; [`Error::Law`] where a number of a scheme without fans is outside the stream's range.
    pub fn check(&self) -> Result<()> {
        self.check_words()?;
        self.check_structured()?;
        if self.is_plain() {
            self.law_of_fans(None)?;
        }
        Ok(())
    }

    /// Whether the law depends on fan_in or fan_out, and so on the tensor's shape and layout.
    #[must_use]
    pub const fn needs_fans(&self) -> bool {
        match self {
            Self::VarianceScaling { .. } | Self::Xavier { .. } | Self::Kaiming { .. } => true,
            Self::FanInUniform { fan_in } => fan_in.is_none(),
            _ => false,
        }
    }

    /// Whether the law depends on nothing but the scheme.
    const fn is_plain(&self) -> bool {
        match self {
            Self::Constant(_) | Self::Uniform { .. } | Self::Normal { .. } | Self::TruncatedNormal { .. } => true,
            Self::FanInUniform { fan_in } => fan_in.is_some(),
            _ => false,
        }
    }

    fn check_words(&self) -> Result<()> {
        let positive = |what: &str, x: f64| {
            if x.is_finite() && x > 0.0 {
                return Ok(());
            }
            Err(Error::Scheme(format!("{self}: {what} is {}, must be finite and above 0", Number(x))))
        };
        match *self {
            Self::VarianceScaling { scale, .. } => positive("scale", scale),
            Self::Xavier { gain, .. } => positive("gain", gain),
            Self::Kaiming { nonlinearity, .. } => positive("gain", nonlinearity.gain()),
            Self::FanInUniform { fan_in: Some(0) } => {
                Err(Error::Scheme(format!("{self}: fan_in is 0, needs 1 or more")))
            }
            Self::UnitFrobenius { norm } => positive("norm", norm),
            _ => Ok(()),
        }
    }

    fn law_of_fans(&self, fans: Option<Fans>) -> Result<Law> {
        // A caller that has no fans asks for a scheme that needs none: the stand-in is never read.
        let fans = fans.unwrap_or(Fans { fan_in: 1, fan_out: 1 });
        match *self {
            Self::Constant(value) => Law::constant(value),
            Self::Uniform { lo, hi } => Law::uniform(lo, hi),
            Self::Normal { mean, std } => Law::normal(mean, std),
            Self::TruncatedNormal { mean, std, bounds, std_of } => {
                let sigma = match std_of {
                    StdOf::Parent => std,
                    StdOf::Cut => {
                        cut::sigma(mean, std, bounds).map_err(|reason| Error::Scheme(format!("{self}: {reason}")))?
                    }
                };
                match bounds {
                    Bounds::Absolute(lo, hi) => Law::truncated_normal(mean, sigma, lo, hi),
                    Bounds::Sigma(lo, hi) => Law::truncated_normal(mean, sigma, mean + lo * sigma, mean + hi * sigma),
                }
            }
            Self::VarianceScaling { scale, mode, distribution } => {
                let variance = scale / mode.fan(fans);
                match distribution {
                    Distribution::Uniform => symmetric_uniform((3.0 * variance).sqrt()),
                    Distribution::Normal => Law::normal(0.0, variance.sqrt()),
                    Distribution::TruncatedNormal => cut_at_2(variance.sqrt()),
                }
            }
            Self::Xavier { gain, distribution } => {
                of_std(gain * (2.0 / (fans.fan_in as f64 + fans.fan_out as f64)).sqrt(), distribution)
            }
            Self::Kaiming { mode, nonlinearity, distribution } => {
                of_std(nonlinearity.gain() / mode.fan(fans).sqrt(), distribution)
            }
            Self::FanInUniform { fan_in } => symmetric_uniform(1.0 / (fan_in.unwrap_or(fans.fan_in) as f64).sqrt()),
            // `law` serves the others before it comes here.
            _ => Err(Error::Scheme(format!("{self}: needs a shape"))),
        }
    }
}

/// A law of mean 0 and this std, in torch's arithmetic.
fn of_std(std: f64, distribution: Distribution) -> Result<Law> {
    match distribution {
        Distribution::Uniform => symmetric_uniform(3f64.sqrt() * std),
        Distribution::Normal => Law::normal(0.0, std),
        Distribution::TruncatedNormal => cut_at_2(std),
    }
}

/// The normal cut at +-2 sigma whose std after the cut is `std`.
fn cut_at_2(std: f64) -> Result<Law> {
    let sigma = std / STD_CUT_AT_2;
    Law::truncated_normal(0.0, sigma, -2.0 * sigma, 2.0 * sigma)
}

fn symmetric_uniform(bound: f64) -> Result<Law> {
    Law::uniform(-bound, bound)
}

#[cfg(test)]
mod tests;
