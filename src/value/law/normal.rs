//! The normal.

use super::limits::{MAX_NORMAL, check_location, check_scale};
use super::{Describe, Law};
use crate::Result;
use crate::value::law::share::Share;
use crate::value::text::Number;
use std::fmt::{Display, Formatter};

numbers! {
    /// N(mean, std^2); see [`Law::normal`].
    pub struct Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    }
}

impl Law {
    /// N(mean, std^2).
    ///
    /// # Errors
    /// [`crate::Error::Law`] where `std` or `mean` is outside the stream's range.
    pub fn normal(mean: f64, std: f64) -> Result<Self> {
        check_scale("std", std)?;
        check_location("mean", mean)?;
        Ok(Self::Normal(Normal { mean, std }))
    }
}

impl Describe for Normal {
    fn range(&self) -> (f64, f64) {
        (self.mean - MAX_NORMAL * self.std, self.mean + MAX_NORMAL * self.std)
    }

    fn moments(&self) -> (f64, f64) {
        (self.mean, self.std)
    }

    fn kurtosis(&self) -> Option<f64> {
        Some(3.0)
    }

    fn shares(&self, count: u64) -> Vec<Share> {
        vec![Share::drawn(count, self)]
    }
}

impl Display for Normal {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "N({}, {}^2)", Number(self.mean), Number(self.std))
    }
}
