//! A normal in equal blocks on the diagonal.

use super::mixed;
use crate::value::law::limits::{MAX_NORMAL, check_scale, check_sides};
use crate::value::law::share::Share;
use crate::value::law::{Describe, Law};
use crate::value::text::Number;
use crate::{Error, Result};
use std::fmt::{Display, Formatter};

numbers! {
    /// N(0, std^2) in equal blocks on the diagonal, else 0; see [`Law::block_diagonal`].
    pub struct BlockDiagonal {
        /// Rows.
        rows: u64,
        /// Columns.
        cols: u64,
        /// Blocks on the diagonal.
        blocks: u64,
        /// Standard deviation inside them.
        std: f64,
    }
}

impl Law {
    /// N(0, std^2) in equal blocks on the diagonal, else 0.
    ///
    /// # Errors
    /// [`Error::Law`] where the blocks do not divide a side, a side is 2^32 or more, or the std is outside the stream's
    /// range.
    pub fn block_diagonal(rows: u64, cols: u64, blocks: u64, std: f64) -> Result<Self> {
        check_sides("block_diagonal", &[rows, cols])?;
        if blocks == 0 || !rows.is_multiple_of(blocks) || !cols.is_multiple_of(blocks) {
            return Err(Error::Law(format!(
                "block_diagonal on {rows} x {cols}: {blocks} blocks do not divide both sides"
            )));
        }
        check_scale("std", std)?;
        Ok(Self::BlockDiagonal(BlockDiagonal { rows, cols, blocks, std }))
    }
}

impl Describe for BlockDiagonal {
    fn range(&self) -> (f64, f64) {
        (-MAX_NORMAL * self.std, MAX_NORMAL * self.std)
    }

    fn moments(&self) -> (f64, f64) {
        mixed(1.0 / self.blocks as f64, 0.0, self.std)
    }

    fn kurtosis(&self) -> Option<f64> {
        None
    }

    fn shares(&self, count: u64) -> Vec<Share> {
        Share::normal(count / self.blocks, 0.0, self.std).among_zeros(count)
    }
}

impl Display for BlockDiagonal {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "N(0, {}^2) in {} blocks of {} x {}", Number(self.std), self.blocks, self.rows, self.cols)
    }
}
