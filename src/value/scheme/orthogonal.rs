//! The schemes of orthogonal matrices, and which axes of a shape are the matrix.

use super::Scheme;
use crate::value::law::Law;
use crate::value::shape::{Layout, Shape};
use crate::{Error, Result};

impl Scheme {
    /// `gain` times a matrix with orthonormal columns, or rows where it has fewer of them, uniform over all such matrices (Haar):
    /// torch's `orthogonal_`, jax' and keras' `orthogonal`. Saxe, McClelland, Ganguli 2014.
    ///
    /// Rows are the first axis and columns the rest; in the layout `in_out`, as in jax, columns are the last axis and rows the rest. The
    /// leading `batch` axes count matrices, each drawn for itself: experts, heads.
    ///
    /// Made as a whole, in f32, and rounded once: a slab costs what its matrices cost.
    #[must_use]
    pub const fn orthogonal(gain: f64, batch: u64) -> Self {
        Self::Orthogonal { gain, batch }
    }

    /// An orthogonal matrix in the middle of a convolution's kernel, of rank 3 to 5, zero elsewhere: jax' `delta_orthogonal`. Xiao et
    /// al. 2018. The middle of k elements is (k - 1) / 2, rounded down.
    #[must_use]
    pub const fn delta_orthogonal(gain: f64) -> Self {
        Self::DeltaOrthogonal { gain }
    }

    /// The law, where the scheme is one of these.
    pub(super) fn orthogonal_law(&self, shape: &Shape, layout: &Layout) -> Option<Result<Law>> {
        match *self {
            Self::Orthogonal { gain, batch } => Some(self.batched(shape.dims(), layout, gain, batch)),
            Self::DeltaOrthogonal { gain } => Some(self.delta(shape.dims(), layout, gain)),
            _ => None,
        }
    }

    fn batched(&self, dims: &[u64], layout: &Layout, gain: f64, batch: u64) -> Result<Law> {
        let split = usize::try_from(batch).ok().and_then(|batch| dims.split_at_checked(batch));
        let Some((batch, matrix @ [first, .., last])) = split else {
            return Err(self.misfit(dims, &format!("needs rank {} or more", batch.saturating_add(2))));
        };
        let (rows, cols) = match layout {
            Layout::InOut => (product(&matrix[..matrix.len() - 1]), *last),
            Layout::Axes { .. } => {
                return Err(
                    self.misfit(dims, &format!("layout {layout}, needs one that says first or last: out_in, in_out"))
                );
            }
            _ => (*first, product(&matrix[1..])),
        };
        Law::orthogonal(product(batch), rows, cols, gain)
    }

    fn delta(&self, dims: &[u64], layout: &Layout, gain: f64) -> Result<Law> {
        if !(3..=5).contains(&dims.len()) {
            return Err(self.misfit(dims, "needs a convolution's rank, 3 to 5"));
        }
        let middle = |kernel: &[u64]| kernel.iter().fold(0, |at, &k| at * k + (k - 1) / 2);
        match layout {
            Layout::OutIn | Layout::Conv { .. } => {
                let kernel = &dims[2..];
                Law::delta_orthogonal((dims[0], dims[1]), (product(kernel), 1), middle(kernel), gain)
            }
            Layout::InOut => {
                let (kernel, matrix) = dims.split_at(dims.len() - 2);
                Law::delta_orthogonal((matrix[0], matrix[1]), (1, product(kernel)), middle(kernel), gain)
            }
            _ => Err(self.misfit(dims, &format!("layout {layout}, needs out_in, conv or in_out"))),
        }
    }

    fn misfit(&self, dims: &[u64], reason: &str) -> Error {
        Error::Shape { shape: dims.to_vec(), reason: format!("{self}: {reason}") }
    }
}

fn product(dims: &[u64]) -> u64 {
    dims.iter().fold(1, |n, &d| n.saturating_mul(d))
}
