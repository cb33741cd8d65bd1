//! A law: a distribution with numbers in it. A scheme and a shape make one; a descriptor carries one.

use crate::value::law::dt_bias::Steps;
use crate::value::law::sinusoidal::SinusoidalLayout;
use crate::{DType, Error, Result};

pub(crate) mod dt_bias;
mod orthogonal;
pub(crate) mod sinusoidal;
mod structured;
pub(crate) mod truncated;

/// The smallest std, half-width, or nonzero magnitude of a mean or midpoint: below, a product of a
/// deviate and a scale could be subnormal, where drivers differ.
pub const MIN_SCALE: f64 = 1.0 / (1u128 << 76) as f64;
/// The largest std, half-width, mean or midpoint.
pub const MAX_SCALE: f64 = (1u128 << 120) as f64;
/// No normal deviate of stream version 1 exceeds this magnitude.
pub const MAX_NORMAL: f64 = 6.77;

/// A validated distribution of the elements of one tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Law {
    /// Every element is `value`.
    #[non_exhaustive]
    Constant {
        /// The value, as it is rounded to f32.
        value: f64,
    },
    /// Uniform on the open interval (lo, hi).
    #[non_exhaustive]
    Uniform {
        /// Lower end.
        lo: f64,
        /// Upper end.
        hi: f64,
    },
    /// N(mean, std^2).
    #[non_exhaustive]
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// N(mean, std^2) conditioned on [lo, hi].
    #[non_exhaustive]
    TruncatedNormal {
        /// Mean of the normal before it is cut.
        mean: f64,
        /// Standard deviation of the normal before it is cut.
        std: f64,
        /// Lower bound, absolute; may be minus infinity.
        lo: f64,
        /// Upper bound, absolute; may be infinity.
        hi: f64,
    },
    /// `gain` where the row is the column, else 0.
    #[non_exhaustive]
    Identity {
        /// Rows.
        rows: u64,
        /// Columns.
        cols: u64,
        /// The value on the diagonal.
        gain: f64,
    },
    /// A convolution that hands its inputs on: see [`Law::dirac`].
    #[non_exhaustive]
    Dirac {
        /// Outputs.
        out: u64,
        /// Inputs of a group.
        inputs: u64,
        /// Elements of a kernel.
        kernel: u64,
        /// The kernel's middle, row-major.
        spot: u64,
        /// Groups.
        groups: u64,
    },
    /// N(0, std^2), and `alpha` more where the row is the column.
    #[non_exhaustive]
    NearIdentity {
        /// Rows.
        rows: u64,
        /// Columns.
        cols: u64,
        /// The mean on the diagonal.
        alpha: f64,
        /// Standard deviation everywhere.
        std: f64,
    },
    /// N(0, std^2) in equal blocks on the diagonal, else 0.
    #[non_exhaustive]
    BlockDiagonal {
        /// Rows.
        rows: u64,
        /// Columns.
        cols: u64,
        /// Blocks on the diagonal.
        blocks: u64,
        /// Standard deviation inside them.
        std: f64,
    },
    /// N(0, std^2), with as many zeros in each column.
    #[non_exhaustive]
    Sparse {
        /// Rows.
        rows: u64,
        /// Columns.
        cols: u64,
        /// Zeros in a column.
        zeros: u64,
        /// Standard deviation of the others.
        std: f64,
    },
    /// A table of positions: sines and cosines.
    #[non_exhaustive]
    Sinusoidal {
        /// Rows.
        positions: u64,
        /// Columns.
        width: u64,
        /// The longest wave is about 2 pi times this.
        base: f64,
        /// Which column is what.
        layout: SinusoidalLayout,
    },
    /// ln(1 + c) at index c of the last axis.
    #[non_exhaustive]
    LogRange {
        /// The last axis.
        length: u64,
    },
    /// The inverse softplus of a log-uniform step: see [`Law::dt_bias`].
    #[non_exhaustive]
    DtBias {
        /// The least step drawn.
        min: f64,
        /// The largest step drawn.
        max: f64,
        /// The least step after all.
        floor: f64,
    },
    /// Matrices with orthonormal columns or rows: see [`Law::orthogonal`] and [`Law::delta_orthogonal`].
    #[non_exhaustive]
    Orthogonal {
        /// Matrices, or a kernel's elements before the matrix's axes.
        count: u64,
        /// Rows of each.
        rows: u64,
        /// Columns of each.
        cols: u64,
        /// The factor of every element.
        gain: f64,
        /// A kernel's elements after the matrix's axes.
        inner: u64,
        /// The kernel's element that has the matrix; none: all matrices are drawn.
        spot: Option<u64>,
    },
}

impl Law {
    /// Every element `value`.
    ///
    /// # Errors
    /// [`Error::Law`] where `value` is not finite, or rounds to a subnormal or infinite f32.
    pub fn constant(value: f64) -> Result<Self> {
        if !value.is_finite() || !is_normal_or_zero(value) {
            let value = crate::value::text::Number(value);
            return Err(Error::Law(format!("constant {value}: must be 0 or a normal finite f32")));
        }
        Ok(Self::Constant { value })
    }

    /// Uniform on (lo, hi), open: neither end is drawn, unless rounding a value gives it.
    ///
    /// # Errors
    /// [`Error::Law`] where `lo >= hi`, or the half-width or midpoint is outside the stream's range.
    pub fn uniform(lo: f64, hi: f64) -> Result<Self> {
        if !(lo.is_finite() && hi.is_finite() && lo < hi) {
            return Err(Error::Law(format!("uniform on ({lo}, {hi}): needs finite lo < hi")));
        }
        check_scale("half-width", (hi - lo) / 2.0)?;
        check_location("midpoint", (lo + hi) / 2.0)?;
        check_bound(lo)?;
        check_bound(hi)?;
        Ok(Self::Uniform { lo, hi })
    }

    /// N(mean, std^2).
    ///
    /// # Errors
    /// [`Error::Law`] where `std` or `mean` is outside the stream's range.
    pub fn normal(mean: f64, std: f64) -> Result<Self> {
        check_scale("std", std)?;
        check_location("mean", mean)?;
        Ok(Self::Normal { mean, std })
    }

    /// N(mean, std^2) conditioned on [lo, hi]: `std` is that of the normal before it is cut, the bounds are absolute.
    ///
    /// # Errors
    /// [`Error::Law`] where the window is empty, a bound is NaN, or a number is outside the stream's range.
    pub fn truncated_normal(mean: f64, std: f64, lo: f64, hi: f64) -> Result<Self> {
        check_scale("std", std)?;
        check_location("mean", mean)?;
        if lo.is_nan() || hi.is_nan() || lo >= hi {
            return Err(Error::Law(format!("truncated normal on [{lo}, {hi}]: the window is empty, needs lo < hi")));
        }
        for bound in [lo, hi] {
            if bound.is_finite() {
                check_bound(bound)?;
            }
        }
        crate::value::law::truncated::Window::new(mean, std, lo, hi)?;
        Ok(Self::TruncatedNormal { mean, std, lo, hi })
    }

    /// The mean of the law; of a law of places, over the whole tensor.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match *self {
            Self::Constant { value } => value,
            Self::Uniform { lo, hi } => (lo + hi) / 2.0,
            Self::Normal { mean, .. } => mean,
            Self::TruncatedNormal { mean, std, lo, hi } => crate::value::law::truncated::moments(mean, std, lo, hi).0,
            _ => self.structured_moments().0,
        }
    }

    /// The standard deviation of the law (after truncation, where it is cut; of a law of places, over the whole tensor).
    #[must_use]
    pub fn std(&self) -> f64 {
        match *self {
            Self::Constant { .. } => 0.0,
            Self::Uniform { lo, hi } => (hi - lo) / 12f64.sqrt(),
            Self::Normal { std, .. } => std,
            Self::TruncatedNormal { mean, std, lo, hi } => crate::value::law::truncated::moments(mean, std, lo, hi).1,
            _ => self.structured_moments().1,
        }
    }

    /// The kurtosis of an element, its fourth central moment over its squared variance: 3 for a normal. `None` where the
    /// elements are not drawn independently from one distribution.
    #[must_use]
    pub fn kurtosis(&self) -> Option<f64> {
        match *self {
            Self::Uniform { .. } => Some(1.8),
            Self::Normal { .. } => Some(3.0),
            Self::TruncatedNormal { mean, std, lo, hi } => {
                Some(crate::value::law::truncated::kurtosis(mean, std, lo, hi))
            }
            Self::DtBias { min, max, floor } => Steps::new(min, max, floor).ok().map(|steps| steps.kurtosis()),
            _ => None,
        }
    }

    /// The closed interval that no element leaves, in f32: the bounds, or how far the deviates reach.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        match *self {
            Self::Constant { value } => (value, value),
            Self::Uniform { lo, hi } => (lo, hi),
            Self::Normal { mean, std } => (mean - MAX_NORMAL * std, mean + MAX_NORMAL * std),
            Self::TruncatedNormal { mean, std, lo, hi } => crate::value::law::truncated::reach(mean, std, lo, hi),
            _ => self.structured_range(),
        }
    }

    /// Checks that every element is finite in `dtype`, and that a cut window holds a value of it.
    ///
    /// # Errors
    /// [`Error::Law`] with the numbers.
    pub fn check_fits(&self, dtype: DType) -> Result<()> {
        let (lo, hi) = self.range();
        let reach = lo.abs().max(hi.abs());
        if reach > dtype.max() {
            return Err(Error::Law(format!(
                "{self}: values reach {reach:e}, the largest {dtype} is {:e}; take a smaller scale or another dtype",
                dtype.max()
            )));
        }
        if let Self::TruncatedNormal { lo, hi, .. } = *self {
            let (inner_lo, inner_hi) = (dtype.round_up(lo.max(-dtype.max())), dtype.round_down(hi.min(dtype.max())));
            if inner_lo > inner_hi {
                return Err(Error::Law(format!("{self}: no {dtype} value lies in the window")));
            }
        }
        Ok(())
    }
}

impl std::fmt::Display for Law {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Constant { value } => write!(f, "constant {value}"),
            Self::Uniform { lo, hi } => write!(f, "U({lo}, {hi})"),
            Self::Normal { mean, std } => write!(f, "N({mean}, {std}^2)"),
            Self::TruncatedNormal { mean, std, lo, hi } => write!(f, "N({mean}, {std}^2) on [{lo}, {hi}]"),
            _ => self.display_structured(f),
        }
    }
}

fn check_scale(what: &str, x: f64) -> Result<()> {
    if (MIN_SCALE..=MAX_SCALE).contains(&x) {
        return Ok(());
    }
    Err(Error::Law(format!("{what} {x:?}: must lie in [{MIN_SCALE:e}, {MAX_SCALE:e}]")))
}

fn check_location(what: &str, x: f64) -> Result<()> {
    if x == 0.0 || (MIN_SCALE..=MAX_SCALE).contains(&x.abs()) {
        return Ok(());
    }
    Err(Error::Law(format!("{what} {x:?}: must be 0 or of magnitude in [{MIN_SCALE:e}, {MAX_SCALE:e}]")))
}

fn check_bound(x: f64) -> Result<()> {
    if is_normal_or_zero(x) {
        return Ok(());
    }
    Err(Error::Law(format!("bound {x:?}: must be 0 or a normal finite f32")))
}

fn is_normal_or_zero(x: f64) -> bool {
    x == 0.0 || (x as f32).is_normal()
}
