//! A multiple of the identity.

use super::{diagonal, mixed};
use crate::Result;
use crate::value::law::limits::{check_sides, check_value};
use crate::value::law::share::Share;
use crate::value::law::{Describe, Law};
use crate::value::text::Number;
use std::fmt::{Display, Formatter};

numbers! {
    /// `gain` where the row is the column, else 0; see [`Law::identity`].
    pub struct Identity {
        /// Rows.
        rows: u64,
        /// Columns.
        cols: u64,
        /// The value on the diagonal.
        gain: f64,
    }
}

impl Law {
    /// `gain` where the row is the column, else 0.
    ///
    /// # Errors
    /// [`crate::Error::Law`] where a side is 2^32 or more, or the gain is not 0 or a normal finite f32.
    pub fn identity(rows: u64, cols: u64, gain: f64) -> Result<Self> {
        check_sides("identity", &[rows, cols])?;
        check_value("identity: gain", gain)?;
        Ok(Self::Identity(Identity { rows, cols, gain }))
    }
}

impl Describe for Identity {
    fn range(&self) -> (f64, f64) {
        (self.gain.min(0.0), self.gain.max(0.0))
    }

    fn moments(&self) -> (f64, f64) {
        mixed(diagonal(self.rows, self.cols), self.gain, 0.0)
    }

    fn kurtosis(&self) -> Option<f64> {
        None
    }

    fn shares(&self, count: u64) -> Vec<Share> {
        Share::constant(self.rows.min(self.cols), self.gain).among_zeros(count)
    }
}

impl Display for Identity {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "identity of {} x {}, gain {}", self.rows, self.cols, Number(self.gain))
    }
}
