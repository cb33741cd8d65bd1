//! The logarithm of a uniform.

use super::limits::check_scale;
use super::quadrature::integrate;
use super::{Describe, Law};
use crate::value::law::share::Share;
use crate::value::libm;
use crate::value::text::Number;
use crate::{Error, Result};
use std::fmt::{Display, Formatter};

numbers! {
    /// ln u for u uniform on (lo, hi); see [`Law::log_of_uniform`].
    pub struct LogOfUniform {
        /// Lower end of u.
        lo: f64,
        /// Upper end of u.
        hi: f64,
    }
}

impl Law {
    /// ln u for u uniform on (lo, hi), 0 < lo < hi.
    ///
    /// ```
    /// use seedbed::law::Law;
    ///
    /// // A_log of mamba_ssm's Mamba-2.
    /// let law = Law::log_of_uniform(1.0, 16.0).unwrap();
    /// assert_eq!(law.range(), (0.0, 16f64.ln()));
    /// assert!((law.mean() - (16.0 * 16f64.ln() / 15.0 - 1.0)).abs() < 1e-14);
    /// assert!(Law::log_of_uniform(0.0, 16.0).is_err());
    /// ```
    ///
    /// # Errors
    /// [`Error::Law`] where `lo >= hi`, or an end or the half-width is outside the stream's range.
    pub fn log_of_uniform(lo: f64, hi: f64) -> Result<Self> {
        let error = |reason: String| {
            let [lo, hi] = [lo, hi].map(Number);
            Error::Law(format!("log_of_uniform(lo={lo}, hi={hi}): {reason}"))
        };
        if !(lo > 0.0 && lo < hi && hi.is_finite()) {
            return Err(error("needs finite 0 < lo < hi".to_owned()));
        }
        for (what, x) in [("lo", lo), ("hi", hi), ("half-width", (hi - lo) / 2.0)] {
            check_scale(what, x).map_err(|e| match e {
                Error::Law(text) => error(text),
                other => other,
            })?;
        }
        Ok(Self::LogOfUniform(LogOfUniform { lo, hi }))
    }
}

impl LogOfUniform {
    /// The mean of f(ln u), in the distance of ln u from its upper end, whose density is the exponential function:
    /// nothing cancels where lo is near to hi, and nothing is singular where lo is near to 0.
    fn expect(&self, f: impl Fn(f64) -> f64) -> f64 {
        let (end, length) = (libm::log(self.hi), libm::log1p((self.hi - self.lo) / self.lo));
        let sum = |f: &dyn Fn(f64) -> f64| integrate(-length, 0.0, |x| f(x) * libm::exp(x));
        sum(&|x| f(end + x)) / sum(&|_| 1.0)
    }
}

impl Describe for LogOfUniform {
    fn range(&self) -> (f64, f64) {
        (libm::log(self.lo), libm::log(self.hi))
    }

    fn moments(&self) -> (f64, f64) {
        let mean = self.expect(|x| x);
        (mean, self.expect(|x| (x - mean) * (x - mean)).sqrt())
    }

    fn kurtosis(&self) -> Option<f64> {
        let (mean, std) = self.moments();
        Some(self.expect(|x| ((x - mean) / std).powi(4)))
    }

    fn shares(&self, count: u64) -> Vec<Share> {
        vec![Share::drawn(count, self)]
    }
}

impl Display for LogOfUniform {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "ln U({}, {})", Number(self.lo), Number(self.hi))
    }
}
