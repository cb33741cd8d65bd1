//! The uniform.

use super::limits::{check_location, check_scale, check_value};
use super::{Describe, Law};
use crate::value::law::share::Share;
use crate::value::text::Number;
use crate::{Error, Result};
use std::fmt::{Display, Formatter};

numbers! {
    /// Uniform on the open interval (lo, hi); see [`Law::uniform`].
    pub struct Uniform {
        /// Lower end.
        lo: f64,
        /// Upper end.
        hi: f64,
    }
}

impl Law {
    /// Uniform on (lo, hi), open: neither end is drawn, unless rounding a value gives it.
    ///
    /// # Errors
    /// [`Error::Law`] where `lo >= hi`, or the half-width or midpoint is outside the stream's range.
    pub fn uniform(lo: f64, hi: f64) -> Result<Self> {
        if !(lo.is_finite() && hi.is_finite() && lo < hi) {
            return Err(Error::Law(format!("uniform on ({}, {}): needs finite lo < hi", Number(lo), Number(hi))));
        }
        check_scale("half-width", (hi - lo) / 2.0)?;
        check_location("midpoint", (lo + hi) / 2.0)?;
        check_value("bound", lo)?;
        check_value("bound", hi)?;
        Ok(Self::Uniform(Uniform { lo, hi }))
    }
}

impl Describe for Uniform {
    fn range(&self) -> (f64, f64) {
        (self.lo, self.hi)
    }

    fn moments(&self) -> (f64, f64) {
        ((self.lo + self.hi) / 2.0, (self.hi - self.lo) / 12f64.sqrt())
    }

    fn kurtosis(&self) -> Option<f64> {
        Some(1.8)
    }

    fn shares(&self, count: u64) -> Vec<Share> {
        vec![Share::drawn(count, self)]
    }
}

impl Display for Uniform {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "U({}, {})", Number(self.lo), Number(self.hi))
    }
}
