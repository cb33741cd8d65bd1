//! The logarithms of 1, 2, 3, .. along the last axis.

use super::{Describe, Law};
use crate::value::law::share::Share;
use crate::value::libm;
use crate::{Error, Result};
use std::fmt::{Display, Formatter};

/// The longest last axis: the whole numbers that f32 holds.
const MAX_LENGTH: u64 = 1 << 24;

numbers! {
    /// ln(1 + c) at index c of the last axis; see [`Law::log_range`].
    pub struct LogRange {
        /// Elements of the last axis.
        length: u64,
    }
}

impl Law {
    /// ln(1 + c) at index c of the last axis, which has `length` elements.
    ///
    /// # Errors
    /// [`Error::Law`] where the axis is longer than 2^24.
    pub fn log_range(length: u64) -> Result<Self> {
        if !(1..=MAX_LENGTH).contains(&length) {
            return Err(Error::Law(format!("log_range: a last axis of {length}, must lie in [1, {MAX_LENGTH}]")));
        }
        Ok(Self::LogRange(LogRange { length }))
    }
}

impl Describe for LogRange {
    fn range(&self) -> (f64, f64) {
        (0.0, libm::log(self.length as f64))
    }

    fn moments(&self) -> (f64, f64) {
        let (mut first, mut second) = (0.0, 0.0);
        for c in 1..=self.length {
            let x = libm::log(c as f64);
            first += x;
            second += x * x;
        }
        let (mean, n) = (first / self.length as f64, self.length as f64);
        (mean, (second / n - mean * mean).max(0.0).sqrt())
    }

    fn kurtosis(&self) -> Option<f64> {
        None
    }

    fn shares(&self, count: u64) -> Vec<Share> {
        vec![Share::fixed(count, self)]
    }
}

impl Display for LogRange {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "ln 1 to ln {}", self.length)
    }
}
