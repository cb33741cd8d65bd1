//! The laws of orthogonal matrices.

use super::{Law, MAX_SCALE, MIN_SCALE};
use crate::{Error, Result};

impl Law {
    /// `count` matrices of `rows x cols`, one behind the other: each `gain` times a matrix with orthonormal columns (rows >= cols) or
    /// rows, uniform over all of them (Haar).
    ///
    /// # Errors
    /// [`Error::Law`] where a number of matrices or a side is not in [1, 2^32), or the gain is not 0 and its magnitude outside the
    /// stream's range.
    pub fn orthogonal(count: u64, rows: u64, cols: u64, gain: f64) -> Result<Self> {
        check("orthogonal", [count, rows, cols], gain)?;
        Ok(Self::Orthogonal { count, rows, cols, gain, inner: 1, spot: None })
    }

    /// One such matrix at the middle of a convolution's kernel, zero elsewhere: `sides` are the matrix's, `kernel` the number of the
    /// kernel's elements after and before the matrix's axes (one of the two is 1), `spot` the one in the middle.
    ///
    /// # Errors
    /// As [`Law::orthogonal`]; also where the spot is outside the kernel.
    pub fn delta_orthogonal(sides: (u64, u64), kernel: (u64, u64), spot: u64, gain: f64) -> Result<Self> {
        let (inner, outer) = kernel;
        check("delta_orthogonal", [inner.saturating_mul(outer), sides.0, sides.1], gain)?;
        if inner.min(outer) != 1 || spot >= inner.max(outer) {
            return Err(Error::Law(format!("delta_orthogonal: element {spot} of kernels of {inner} and {outer}")));
        }
        Ok(Self::Orthogonal { count: outer, rows: sides.0, cols: sides.1, gain, inner, spot: Some(spot) })
    }
}

fn check(what: &str, sizes: [u64; 3], gain: f64) -> Result<()> {
    let [count, rows, cols] = sizes;
    if !sizes.iter().all(|&n| (1..1 << 32).contains(&n)) {
        return Err(Error::Law(format!("{what}: {count} matrices of {rows} x {cols}: each must lie in [1, 2^32)")));
    }
    if gain != 0.0 && !(MIN_SCALE..=MAX_SCALE).contains(&gain.abs()) {
        return Err(Error::Law(format!(
            "{what}: gain {gain:?}: must be 0 or of magnitude in [{MIN_SCALE:e}, {MAX_SCALE:e}]"
        )));
    }
    Ok(())
}
