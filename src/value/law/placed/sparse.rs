//! A normal with as many zeros in each column.

use super::mixed;
use crate::value::law::limits::{MAX_NORMAL, check_scale, check_sides};
use crate::value::law::share::Share;
use crate::value::law::{Describe, Law};
use crate::value::text::Number;
use crate::{Error, Result};
use std::fmt::{Display, Formatter};

numbers! {
    /// N(0, std^2), with as many zeros in each column; see [`Law::sparse`].
    pub struct Sparse {
        /// Rows.
        rows: u64,
        /// Columns.
        cols: u64,
        /// Zeros in a column.
        zeros: u64,
        /// Standard deviation of the others.
        std: f64,
    }
}

impl Law {
    /// N(0, std^2), with ceil(sparsity * rows) zeros in each column.
    ///
    /// # Errors
    /// [`Error::Law`] where the sparsity is not in [0, 1], a side is 2^32 or more (rows: more than 2^31), or the std is
    /// outside the stream's range.
    pub fn sparse(rows: u64, cols: u64, sparsity: f64, std: f64) -> Result<Self> {
        check_sides("sparse", &[rows, cols])?;
        if rows > 1 << 31 {
            return Err(Error::Law(format!("sparse on {rows} x {cols}: at most 2^31 rows")));
        }
        if !(0.0..=1.0).contains(&sparsity) {
            return Err(Error::Law(format!("sparse: sparsity is {}, must lie in [0, 1]", Number(sparsity))));
        }
        check_scale("std", std)?;
        // As torch: the product is rounded, then brought up to an integer. It never exceeds the rows.
        Ok(Self::Sparse(Sparse { rows, cols, zeros: (sparsity * rows as f64).ceil() as u64, std }))
    }
}

impl Describe for Sparse {
    fn range(&self) -> (f64, f64) {
        (-MAX_NORMAL * self.std, MAX_NORMAL * self.std)
    }

    fn moments(&self) -> (f64, f64) {
        mixed((self.rows - self.zeros) as f64 / self.rows as f64, 0.0, self.std)
    }

    fn kurtosis(&self) -> Option<f64> {
        None
    }

    fn shares(&self, count: u64) -> Vec<Share> {
        Share::normal((self.rows - self.zeros) * self.cols, 0.0, self.std).among_zeros(count)
    }
}

impl Display for Sparse {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "N(0, {}^2), {} of {} in a column zero", Number(self.std), self.zeros, self.rows)
    }
}
