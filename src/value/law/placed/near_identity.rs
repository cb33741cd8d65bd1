//! A multiple of the identity plus a normal.

use super::{diagonal, mixed};
use crate::Result;
use crate::value::law::limits::{MAX_NORMAL, check_location, check_scale, check_sides};
use crate::value::law::share::Share;
use crate::value::law::{Describe, Law};
use crate::value::text::Number;
use std::fmt::{Display, Formatter};

numbers! {
    /// N(0, std^2), and `alpha` more where the row is the column; see [`Law::near_identity`].
    pub struct NearIdentity {
        /// Rows.
        rows: u64,
        /// Columns.
        cols: u64,
        /// The mean on the diagonal.
        alpha: f64,
        /// Standard deviation everywhere.
        std: f64,
    }
}

impl Law {
    /// N(0, std^2), and `alpha` more where the row is the column.
    ///
    /// # Errors
    /// [`crate::Error::Law`] where a side is 2^32 or more, or a number is outside the stream's range.
    pub fn near_identity(rows: u64, cols: u64, alpha: f64, std: f64) -> Result<Self> {
        check_sides("near_identity", &[rows, cols])?;
        check_scale("std", std)?;
        check_location("alpha", alpha)?;
        Ok(Self::NearIdentity(NearIdentity { rows, cols, alpha, std }))
    }
}

impl Describe for NearIdentity {
    fn range(&self) -> (f64, f64) {
        let reach = MAX_NORMAL * self.std;
        (self.alpha.min(0.0) - reach, self.alpha.max(0.0) + reach)
    }

    fn moments(&self) -> (f64, f64) {
        let (mean, spread) = mixed(diagonal(self.rows, self.cols), self.alpha, 0.0);
        (mean, (spread * spread + self.std * self.std).sqrt())
    }

    fn kurtosis(&self) -> Option<f64> {
        None
    }

    fn shares(&self, count: u64) -> Vec<Share> {
        let on = self.rows.min(self.cols);
        vec![Share::normal(on, self.alpha, self.std), Share::normal(count - on, 0.0, self.std)]
    }
}

impl Display for NearIdentity {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let [alpha, std] = [self.alpha, self.std].map(Number);
        write!(f, "identity of {} x {}, gain {alpha}, plus N(0, {std}^2)", self.rows, self.cols)
    }
}
