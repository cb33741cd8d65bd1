//! Matrices with orthonormal columns or rows, uniform over all of them. No kernel parameters: `plan::matrices` says
//! where the elements come from.

use super::limits::{check_location, check_sides};
use super::{Describe, Law};
use crate::value::law::share::Share;
use crate::value::text::Number;
use crate::{Error, Result};
use std::fmt::{Display, Formatter};

numbers! {
    /// Matrices with orthonormal columns or rows; see [`Law::orthogonal`] and [`Law::delta_orthogonal`].
    pub struct Orthogonal {
        /// Matrices; in a kernel, its elements before the matrix's axes.
        count: u64,
        /// Rows of each.
        rows: u64,
        /// Columns of each.
        cols: u64,
        /// The factor of every element.
        gain: f64,
        /// A kernel's elements after the matrix's axes; 1 where there is none.
        inner: u64,
        /// The kernel's element that has the matrix; none where all matrices are drawn.
        spot: Option<u64>,
    }
}

impl Law {
    /// `count` matrices of `rows x cols`, one behind the other: each `gain` times a matrix with orthonormal columns
    /// (rows >= cols) or rows, uniform over all of them (Haar).
    ///
    /// # Errors
    /// [`Error::Law`] where a number of matrices or a side is not in [1, 2^32), or the gain is not 0 and its magnitude
    /// outside the stream's range.
    pub fn orthogonal(count: u64, rows: u64, cols: u64, gain: f64) -> Result<Self> {
        check_sides("orthogonal", &[count, rows, cols])?;
        check_location("orthogonal: gain", gain)?;
        Ok(Self::Orthogonal(Orthogonal { count, rows, cols, gain, inner: 1, spot: None }))
    }

    /// One such matrix at the middle of a convolution's kernel, zero elsewhere: `sides` are the matrix's, `kernel` the
    /// number of the kernel's elements after and before the matrix's axes (one of the two is 1), `spot` the one in the
    /// middle.
    ///
    /// # Errors
    /// As [`Law::orthogonal`]; also where the spot is outside the kernel.
    pub fn delta_orthogonal(sides: (u64, u64), kernel: (u64, u64), spot: u64, gain: f64) -> Result<Self> {
        let ((rows, cols), (inner, outer)) = (sides, kernel);
        check_sides("delta_orthogonal", &[inner.saturating_mul(outer), rows, cols])?;
        check_location("delta_orthogonal: gain", gain)?;
        if inner.min(outer) != 1 || spot >= inner.max(outer) {
            return Err(Error::Law(format!("delta_orthogonal: element {spot} of kernels of {inner} and {outer}")));
        }
        Ok(Self::Orthogonal(Orthogonal { count: outer, rows, cols, gain, inner, spot: Some(spot) }))
    }
}

impl Describe for Orthogonal {
    fn range(&self) -> (f64, f64) {
        // An element is at most 1 but for rounding.
        (-1.000_01 * self.gain.abs(), 1.000_01 * self.gain.abs())
    }

    fn moments(&self) -> (f64, f64) {
        // The squares of a row or column of the longer side sum to gain^2.
        let kernel = if self.spot.is_some() { (self.count * self.inner) as f64 } else { 1.0 };
        (0.0, self.gain.abs() / (self.rows.max(self.cols) as f64 * kernel).sqrt())
    }

    fn kurtosis(&self) -> Option<f64> {
        None
    }

    fn shares(&self, count: u64) -> Vec<Share> {
        // The elements are uncorrelated, and their squares have a fixed sum.
        vec![Share::drawn(count, self)]
    }
}

impl Display for Orthogonal {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { count, rows, cols, inner, .. } = self;
        match (self.spot, count) {
            (Some(_), _) => write!(f, "orthogonal {rows} x {cols} in the middle of {}", count * inner)?,
            (None, 1) => write!(f, "orthogonal {rows} x {cols}")?,
            (None, _) => write!(f, "{count} orthogonal {rows} x {cols}")?,
        }
        write!(f, ", gain {}", Number(self.gain))
    }
}
