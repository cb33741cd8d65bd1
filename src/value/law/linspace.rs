//! Evenly spaced values along the last axis.

use super::limits::check_location;
use super::{Describe, Law};
use crate::value::law::share::Share;
use crate::value::text::Number;
use crate::{Error, Result};
use std::fmt::{Display, Formatter};

/// The longest last axis: the whole numbers that f32 holds.
const MAX_LENGTH: u64 = 1 << 24;
/// 2^-100: with it, a sum of steps that cancels an end is 0 or a normal f32.
const MIN_STEP: f64 = 1.0 / (1u128 << 100) as f64;

numbers! {
    /// Evenly spaced values along the last axis; see [`Law::linspace`].
    pub struct Linspace {
        /// The value at index 0.
        first: f64,
        /// The value at the last index.
        last: f64,
        /// Elements of the last axis.
        length: u64,
    }
}

impl Law {
    /// first + c (last - first) / (length - 1) at index c of the last axis, which has `length` elements: both ends are
    /// met. A single element is `first`.
    ///
    /// ```
    /// use seedbed::law::Law;
    ///
    /// let law = Law::linspace(-1.0, 1.0, 5).unwrap();
    /// assert_eq!((law.mean(), law.std(), law.range()), (0.0, 0.5f64.sqrt(), (-1.0, 1.0)));
    /// assert!(Law::linspace(-1.0, f64::INFINITY, 5).is_err());
    /// ```
    ///
    /// # Errors
    /// [`Error::Law`] where an end, or the middle element of an odd length, is outside the stream's range, the axis is
    /// longer than 2^24, or the step is not 0 and its magnitude below 2^-100.
    pub fn linspace(first: f64, last: f64, length: u64) -> Result<Self> {
        check_location("linspace: first", first)?;
        check_location("linspace: last", last)?;
        if !(1..=MAX_LENGTH).contains(&length) {
            return Err(Error::Law(format!("linspace: a last axis of {length}, must lie in [1, {MAX_LENGTH}]")));
        }
        let law = Linspace { first, last, length };
        // The value halfway is stored apart, where an element has it.
        if length % 2 == 1 {
            check_location("linspace: the value halfway", law.middle())?;
        }
        let step = law.step();
        if step != 0.0 && step.abs() < MIN_STEP {
            let step = Number(step);
            return Err(Error::Law(format!(
                "linspace: step {step}: must be 0 or of magnitude 2^-100 (7.9e-31) or more"
            )));
        }
        Ok(Self::Linspace(law))
    }
}

impl Linspace {
    /// From one element to the next; 0 where there is only one.
    pub(crate) fn step(&self) -> f64 {
        if self.length == 1 { 0.0 } else { (self.last - self.first) / (self.length - 1) as f64 }
    }

    /// The value halfway; of a single element, that element.
    pub(crate) fn middle(&self) -> f64 {
        if self.length == 1 { self.first } else { (self.first + self.last) / 2.0 }
    }
}

impl Describe for Linspace {
    fn range(&self) -> (f64, f64) {
        if self.length == 1 {
            return (self.first, self.first);
        }
        (self.first.min(self.last), self.first.max(self.last))
    }

    fn moments(&self) -> (f64, f64) {
        let n = self.length as f64;
        (self.middle(), self.step().abs() * ((n * n - 1.0) / 12.0).sqrt())
    }

    fn kurtosis(&self) -> Option<f64> {
        None
    }

    fn shares(&self, count: u64) -> Vec<Share> {
        vec![Share::fixed(count, self)]
    }
}

impl Display for Linspace {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} even steps from {} to {}", self.length - 1, Number(self.first), Number(self.last))
    }
}
