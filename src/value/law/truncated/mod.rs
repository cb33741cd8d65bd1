//! The normal on a window.

mod mills;
mod window;
mod moments;
#[cfg(test)]
mod tests;

use super::limits::{check_location, check_scale, check_value};
use super::{Describe, Law};
use crate::value::law::share::Share;
use crate::value::text::Number;
use crate::{DType, Error, Result};
use std::fmt::{Display, Formatter};
use std::sync::Arc;

pub(crate) use moments::moments;
pub(crate) use window::Window;

/// N(mean, std^2) conditioned on [lo, hi]; see [`Law::truncated_normal`].
#[derive(Clone, Debug, PartialEq)]
pub struct TruncatedNormal {
    mean: f64,
    std: f64,
    lo: f64,
    hi: f64,
    /// The constants that a kernel needs: made once, when the law is.
    window: Arc<Window>,
}

impl Law {
    /// N(mean, std^2) conditioned on [lo, hi]: `std` is that of the normal before it is cut, the bounds are absolute.
    ///
    /// # Errors
    /// [`Error::Law`] where the window is empty, a bound is NaN, or a number is outside the stream's range.
    pub fn truncated_normal(mean: f64, std: f64, lo: f64, hi: f64) -> Result<Self> {
        check_scale("std", std)?;
        check_location("mean", mean)?;
        if lo.is_nan() || hi.is_nan() || lo >= hi {
            return Err(Error::Law(format!(
                "truncated normal on [{}, {}]: the window is empty, needs lo < hi",
                Number(lo),
                Number(hi)
            )));
        }
        for bound in [lo, hi] {
            if bound.is_finite() {
                check_value("bound", bound)?;
            }
        }
        let window = Arc::new(Window::new(mean, std, lo, hi)?);
        Ok(Self::TruncatedNormal(TruncatedNormal { mean, std, lo, hi, window }))
    }
}

impl TruncatedNormal {
    /// Mean of the normal before it is cut.
    #[must_use]
    pub const fn mean(&self) -> f64 {
        self.mean
    }

    /// Standard deviation of the normal before it is cut.
    #[must_use]
    pub const fn std(&self) -> f64 {
        self.std
    }

    /// Lower bound, absolute; may be minus infinity.
    #[must_use]
    pub const fn lo(&self) -> f64 {
        self.lo
    }

    /// Upper bound, absolute; may be infinity.
    #[must_use]
    pub const fn hi(&self) -> f64 {
        self.hi
    }

    pub(crate) fn window(&self) -> &Window {
        &self.window
    }

    /// The bounds, rounded inward to the stored type: an infinite one to its largest finite value.
    pub(crate) fn bounds(&self, dtype: DType) -> (f32, f32) {
        (dtype.round_up(self.lo.max(-dtype.max())), dtype.round_down(self.hi.min(dtype.max())))
    }
}

impl Describe for TruncatedNormal {
    fn range(&self) -> (f64, f64) {
        self.window.reach
    }

    fn moments(&self) -> (f64, f64) {
        moments(self.mean, self.std, self.lo, self.hi)
    }

    fn kurtosis(&self) -> Option<f64> {
        Some(moments::kurtosis(self.mean, self.std, self.lo, self.hi))
    }

    fn shares(&self, count: u64) -> Vec<Share> {
        vec![Share::drawn(count, self)]
    }

    fn check_holds(&self, dtype: DType) -> Result<()> {
        let (lo, hi) = self.bounds(dtype);
        if lo > hi {
            return Err(Error::Law(format!("{self}: no {dtype} value lies in the window; take a wider window or f32")));
        }
        Ok(())
    }
}

impl Display for TruncatedNormal {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let [mean, std, lo, hi] = [self.mean, self.std, self.lo, self.hi].map(Number);
        write!(f, "N({mean}, {std}^2) on [{lo}, {hi}]")
    }
}
