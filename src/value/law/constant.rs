//! The constant.

use super::limits::check_value;
use super::{Describe, Law};
use crate::Result;
use crate::value::law::share::Share;
use crate::value::text::Number;
use std::fmt::{Display, Formatter};

numbers! {
    /// Every element `value`; see [`Law::constant`].
    pub struct Constant {
        /// The value, before it is rounded to f32.
        value: f64,
    }
}

impl Law {
    /// Every element `value`.
    ///
    /// # Errors
    /// [`crate::Error::Law`] where `value` is not finite, or rounds to a subnormal or infinite f32.
    pub fn constant(value: f64) -> Result<Self> {
        check_value("constant", value)?;
        Ok(Self::Constant(Constant { value }))
    }
}

impl Describe for Constant {
    fn range(&self) -> (f64, f64) {
        (self.value, self.value)
    }

    fn moments(&self) -> (f64, f64) {
        (self.value, 0.0)
    }

    fn kurtosis(&self) -> Option<f64> {
        None
    }

    fn shares(&self, count: u64) -> Vec<Share> {
        vec![Share::constant(count, self.value)]
    }
}

impl Display for Constant {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "constant {}", Number(self.value))
    }
}
