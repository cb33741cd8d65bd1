//! The schemes of orthogonal matrices, and which axes of a shape are the matrix.

use super::Scheme;
use crate::Result;
use crate::value::law::Law;
use crate::value::shape::{Layout, Shape};

impl Scheme {
    /// `gain` Q, where Q has orthonormal columns, or orthonormal rows where it has fewer rows than columns, uniform
    /// over all such matrices (Haar).
    ///
    /// Values: f32, none beyond `gain` in magnitude but for rounding; the matrix is made as a whole in f32 and rounded
    /// to the dtype once, so a slab costs what its matrices cost.
    ///
    /// Rank 2 or more. The leading `batch` axes count matrices, each drawn for itself: experts, heads. Of the other
    /// axes the first is the rows and the rest are the columns; in the layout `in_out` the last is the columns and the
    /// rest are the rows, as in jax. `gain` is the factor of every element: 0, or of magnitude in \[2^-76, 2^120\].
    ///
    /// Errors, when a shape is known: a rank below `batch` + 2, the layout `axes`, a side or a number of matrices of
    /// 2^32 or more.
    ///
    /// Source: Saxe, McClelland, Ganguli 2014; torch's `orthogonal_`, jax's and keras' `orthogonal`.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// let scheme: Scheme = "orthogonal(gain=2)".parse()?;
    /// assert_eq!(scheme, Scheme::orthogonal(2.0, 0));
    /// // 64 rows and 16 columns: each of the columns has length 2.
    /// let law = scheme.law(&Shape::new([64, 16])?, &Layout::OutIn)?;
    /// assert_eq!(law.std(), 2.0 / 8.0);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn orthogonal(gain: f64, batch: u64) -> Self {
        Self::Orthogonal { gain, batch }
    }

    /// `gain` Q in the middle of a convolution's kernel, zero elsewhere, with Q as of [`Scheme::orthogonal`].
    ///
    /// Values: 0 outside the middle; there those of `orthogonal`. The middle of k elements is (k - 1) / 2, rounded
    /// down.
    ///
    /// Rank 3 to 5, in the layouts `out_in`, `conv` (`[out, in, kernel..]`) and `in_out` (`[kernel.., in, out]`).
    /// `gain` is the factor of every element: 0, or of magnitude in \[2^-76, 2^120\].
    ///
    /// Errors, when a shape is known: another rank or layout, a side or a kernel of 2^32 or more.
    ///
    /// Source: Xiao et al. 2018; jax's `delta_orthogonal`.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// let scheme = Scheme::delta_orthogonal(1.0);
    /// assert_eq!("delta_orthogonal".parse::<Scheme>()?, scheme);
    /// // One of the 9 elements of each kernel has a value.
    /// let law = scheme.law(&Shape::new([64, 16, 3, 3])?, &Layout::OutIn)?;
    /// assert_eq!(law.std(), 1.0 / (64.0 * 9.0_f64).sqrt());
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn delta_orthogonal(gain: f64) -> Self {
        Self::DeltaOrthogonal { gain }
    }
}

/// The law of [`Scheme::orthogonal`]; an error's text does not name the scheme.
pub(super) fn batched(shape: &Shape, layout: &Layout, gain: f64, batch: u64) -> Result<Law> {
    let split = usize::try_from(batch).ok().and_then(|batch| shape.dims().split_at_checked(batch));
    let Some((batch, matrix @ [first, .., last])) = split else {
        return Err(shape.error(format!("needs rank {} or more", batch.saturating_add(2))));
    };
    let (rows, cols) = match layout {
        Layout::InOut | Layout::ConvInOut { .. } => (product(&matrix[..matrix.len() - 1]), *last),
        Layout::OutIn | Layout::Conv { .. } | Layout::ConvTranspose { .. } => (*first, product(&matrix[1..])),
        Layout::Axes { .. } => {
            return Err(shape.error(format!(
                "layout {layout} does not say whether the rows are the first axis or the columns are the last: take \
                 out_in or in_out"
            )));
        }
    };
    Law::orthogonal(product(batch), rows, cols, gain)
}

/// The law of [`Scheme::delta_orthogonal`]; an error's text does not name the scheme.
pub(super) fn delta(shape: &Shape, layout: &Layout, gain: f64) -> Result<Law> {
    let dims = shape.dims();
    if !(3..=5).contains(&dims.len()) {
        return Err(shape.error("needs a convolution's rank, 3 to 5"));
    }
    let middle = |kernel: &[u64]| kernel.iter().fold(0, |at, &k| at * k + (k - 1) / 2);
    match layout {
        Layout::OutIn | Layout::Conv { .. } => {
            let kernel = &dims[2..];
            Law::delta_orthogonal((dims[0], dims[1]), (product(kernel), 1), middle(kernel), gain)
        }
        Layout::InOut | Layout::ConvInOut { .. } => {
            let (kernel, matrix) = dims.split_at(dims.len() - 2);
            Law::delta_orthogonal((matrix[0], matrix[1]), (1, product(kernel)), middle(kernel), gain)
        }
        Layout::ConvTranspose { .. } | Layout::Axes { .. } => {
            Err(shape.error(format!("layout {layout}, needs out_in, conv or in_out")))
        }
    }
}

fn product(dims: &[u64]) -> u64 {
    dims.iter().fold(1, |n, &d| n.saturating_mul(d))
}
