//! The laws whose values depend on where an element lies: what they accept, their moments over the whole tensor, their range.

use super::{Law, MAX_NORMAL, check_location, check_scale, is_normal_or_zero};
use crate::value::law::dt_bias::Steps;
use crate::value::law::sinusoidal::{self, SinusoidalLayout};
use crate::{Error, Result};
use std::f64::consts::PI;

/// The longest last axis of a logarithmic range: the integers that f32 holds.
pub(crate) const MAX_RANGE: u64 = 1 << 24;

fn check_sides(what: &str, sides: &[u64]) -> Result<()> {
    if sides.iter().all(|&n| (1..1 << 32).contains(&n)) {
        return Ok(());
    }
    Err(Error::Law(format!("{what} of sides {sides:?}: each must lie in [1, 2^32)")))
}

impl Law {
    /// `gain` where the row is the column, else 0.
    ///
    /// # Errors
    /// [`Error::Law`] where a side is 2^32 or more, or the gain is not 0 or a normal finite f32.
    pub fn identity(rows: u64, cols: u64, gain: f64) -> Result<Self> {
        check_sides("identity", &[rows, cols])?;
        if !gain.is_finite() || !is_normal_or_zero(gain) {
            return Err(Error::Law(format!("identity: gain {gain:?} must be 0 or a normal finite f32")));
        }
        Ok(Self::Identity { rows, cols, gain })
    }

    /// 1 at the middle of a convolution's kernel where an output meets the input of its own number in its group, else 0. `dims` are
    /// \[out, in / groups, kernel..\].
    ///
    /// # Errors
    /// [`Error::Law`] where the rank is not 3 to 5, the groups do not divide the outputs, or a side is 2^32 or more.
    pub fn dirac(dims: &[u64], groups: u64) -> Result<Self> {
        if !(3..=5).contains(&dims.len()) {
            return Err(Error::Law(format!("dirac on {dims:?}: needs [out, in, kernel..] of rank 3 to 5")));
        }
        let (out, inputs) = (dims[0], dims[1]);
        if groups == 0 || !out.is_multiple_of(groups) {
            return Err(Error::Law(format!("dirac on {dims:?}: {groups} groups do not divide {out} outputs")));
        }
        let kernel = dims[2..].iter().fold(1u64, |n, &d| n.saturating_mul(d));
        check_sides("dirac", &[out, inputs, kernel])?;
        let spot = dims[2..].iter().fold(0, |at, &d| at * d + d / 2);
        Ok(Self::Dirac { out, inputs, kernel, spot, groups })
    }

    /// N(0, std^2), and `alpha` more where the row is the column.
    ///
    /// # Errors
    /// [`Error::Law`] where a side is 2^32 or more, or a number is outside the stream's range.
    pub fn near_identity(rows: u64, cols: u64, alpha: f64, std: f64) -> Result<Self> {
        check_sides("near_identity", &[rows, cols])?;
        check_scale("std", std)?;
        check_location("alpha", alpha)?;
        Ok(Self::NearIdentity { rows, cols, alpha, std })
    }

    /// N(0, std^2) in equal blocks on the diagonal, else 0.
    ///
    /// # Errors
    /// [`Error::Law`] where the blocks do not divide a side, a side is 2^32 or more, or the std is outside the stream's range.
    pub fn block_diagonal(rows: u64, cols: u64, blocks: u64, std: f64) -> Result<Self> {
        check_sides("block_diagonal", &[rows, cols])?;
        if blocks == 0 || !rows.is_multiple_of(blocks) || !cols.is_multiple_of(blocks) {
            return Err(Error::Law(format!(
                "block_diagonal on {rows} x {cols}: {blocks} blocks do not divide both sides"
            )));
        }
        check_scale("std", std)?;
        Ok(Self::BlockDiagonal { rows, cols, blocks, std })
    }

    /// N(0, std^2), with ceil(sparsity * rows) zeros in each column.
    ///
    /// # Errors
    /// [`Error::Law`] where the sparsity is not in [0, 1], a side is 2^32 or more (rows: 2^31), or the std is outside the stream's
    /// range.
    pub fn sparse(rows: u64, cols: u64, sparsity: f64, std: f64) -> Result<Self> {
        check_sides("sparse", &[rows, cols])?;
        if rows > 1 << 31 {
            return Err(Error::Law(format!("sparse on {rows} x {cols}: at most 2^31 rows")));
        }
        if !(0.0..=1.0).contains(&sparsity) {
            return Err(Error::Law(format!("sparse: sparsity is {sparsity:?}, must lie in [0, 1]")));
        }
        check_scale("std", std)?;
        // As torch: the product is rounded, then brought up to an integer. It never exceeds the rows.
        Ok(Self::Sparse { rows, cols, zeros: (sparsity * rows as f64).ceil() as u64, std })
    }

    /// A table of positions, a row each, of `width` columns: sines and cosines.
    ///
    /// # Errors
    /// [`Error::Law`] where the width is odd or above 2^16, or the base is not in (1, 2^100\].
    pub fn sinusoidal(positions: u64, width: u64, base: f64, layout: SinusoidalLayout) -> Result<Self> {
        sinusoidal::check(base, width, layout)?;
        Ok(Self::Sinusoidal { positions, width, base, layout })
    }

    /// ln(1 + c) at index c of the last axis, of this length.
    ///
    /// # Errors
    /// [`Error::Law`] where the axis is longer than 2^24.
    pub fn log_range(length: u64) -> Result<Self> {
        if !(1..=MAX_RANGE).contains(&length) {
            return Err(Error::Law(format!("log_range: a last axis of {length}, must lie in [1, {MAX_RANGE}]")));
        }
        Ok(Self::LogRange { length })
    }

    /// The inverse softplus of a step that is log-uniform on (min, max), and at least `floor`.
    ///
    /// # Errors
    /// [`Error::Law`] where the numbers are not in order, or `max / min` is too large for the polynomial.
    pub fn dt_bias(min: f64, max: f64, floor: f64) -> Result<Self> {
        Steps::new(min, max, floor)?;
        Ok(Self::DtBias { min, max, floor })
    }

    /// The frequencies of a table of positions.
    pub(crate) fn frequencies(&self) -> Option<std::sync::Arc<[u64]>> {
        match *self {
            Self::Sinusoidal { width, base, layout, .. } => Some(sinusoidal::frequencies(base, width, layout).into()),
            _ => None,
        }
    }

    /// Mean and std over the whole tensor.
    pub(super) fn structured_moments(&self) -> (f64, f64) {
        // A share `on` of elements of this mean and std, the rest 0.
        let mixed = |on: f64, mean: f64, std: f64| {
            let first = on * mean;
            (first, (on * (std * std + mean * mean) - first * first).max(0.0).sqrt())
        };
        let diagonal = |rows: u64, cols: u64| 1.0 / rows.max(cols) as f64;
        match *self {
            Self::Identity { rows, cols, gain } => mixed(diagonal(rows, cols), gain, 0.0),
            Self::Dirac { out, inputs, kernel, groups, .. } => {
                mixed(diagonal(out / groups, inputs) / kernel as f64, 1.0, 0.0)
            }
            Self::NearIdentity { rows, cols, alpha, std } => {
                let (mean, spread) = mixed(diagonal(rows, cols), alpha, 0.0);
                (mean, (spread * spread + std * std).sqrt())
            }
            Self::BlockDiagonal { blocks, std, .. } => mixed(1.0 / blocks as f64, 0.0, std),
            Self::Sparse { rows, zeros, std, .. } => mixed((rows - zeros) as f64 / rows as f64, 0.0, std),
            Self::Sinusoidal { positions, width, base, layout } => {
                let n = positions as f64;
                // The sum of e^(i w p) over the positions.
                let sums = sinusoidal::frequencies(base, width, layout).into_iter().map(|f| {
                    let half = f as f64 / 18_446_744_073_709_551_616.0 * PI;
                    let size = if half == 0.0 { n } else { libm::sin(n * half) / libm::sin(half) };
                    size * (libm::sin((n - 1.0) * half) + libm::cos((n - 1.0) * half))
                });
                let mean = sums.sum::<f64>() / (n * width as f64);
                (mean, (0.5 - mean * mean).max(0.0).sqrt())
            }
            Self::LogRange { length } => {
                let (mut first, mut second) = (0.0, 0.0);
                for c in 1..=length {
                    let x = libm::log(c as f64);
                    first += x;
                    second += x * x;
                }
                let (mean, n) = (first / length as f64, length as f64);
                (mean, (second / n - mean * mean).max(0.0).sqrt())
            }
            Self::DtBias { min, max, floor } => {
                Steps::new(min, max, floor).map_or((f64::NAN, f64::NAN), |steps| steps.moments())
            }
            // The squares of a row or column of the longer side sum to gain^2.
            Self::Orthogonal { count, rows, cols, gain, inner, spot } => {
                let kernel = if spot.is_some() { (count * inner) as f64 } else { 1.0 };
                (0.0, gain.abs() / (rows.max(cols) as f64 * kernel).sqrt())
            }
            _ => (f64::NAN, f64::NAN),
        }
    }

    pub(super) fn structured_range(&self) -> (f64, f64) {
        match *self {
            Self::Identity { gain, .. } => (gain.min(0.0), gain.max(0.0)),
            Self::Dirac { .. } => (0.0, 1.0),
            Self::NearIdentity { alpha, std, .. } => {
                (alpha.min(0.0) - MAX_NORMAL * std, alpha.max(0.0) + MAX_NORMAL * std)
            }
            Self::BlockDiagonal { std, .. } | Self::Sparse { std, .. } => (-MAX_NORMAL * std, MAX_NORMAL * std),
            Self::LogRange { length } => (0.0, libm::log(length as f64)),
            Self::DtBias { min, max, floor } => {
                Steps::new(min, max, floor).map_or((f64::NAN, f64::NAN), |steps| steps.ends())
            }
            // An element is at most 1 but for rounding.
            Self::Orthogonal { gain, .. } => (-1.000_01 * gain.abs(), 1.000_01 * gain.abs()),
            _ => (-1.0, 1.0),
        }
    }

    pub(super) fn display_structured(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Identity { rows, cols, gain } => write!(f, "identity of {rows} x {cols}, gain {gain}"),
            Self::Dirac { out, inputs, kernel, groups, .. } => {
                write!(f, "dirac of {out} x {inputs}, kernel of {kernel}, {groups} groups")
            }
            Self::NearIdentity { rows, cols, alpha, std } => {
                write!(f, "identity of {rows} x {cols}, gain {alpha}, plus N(0, {std}^2)")
            }
            Self::BlockDiagonal { rows, cols, blocks, std } => {
                write!(f, "N(0, {std}^2) in {blocks} blocks of {rows} x {cols}")
            }
            Self::Sparse { rows, zeros, std, .. } => write!(f, "N(0, {std}^2), {zeros} of {rows} in a column zero"),
            Self::Sinusoidal { positions, width, base, .. } => {
                write!(f, "sines and cosines of {positions} positions, {width} columns, base {base}")
            }
            Self::LogRange { length } => write!(f, "ln 1 to ln {length}"),
            Self::DtBias { min, max, floor } => {
                write!(f, "inverse softplus of a log-uniform ({min}, {max}), at least {floor}")
            }
            Self::Orthogonal { count, rows, cols, gain, inner, spot: Some(_) } => {
                write!(f, "orthogonal {rows} x {cols} in the middle of {}, gain {gain}", count * inner)
            }
            Self::Orthogonal { count: 1, rows, cols, gain, .. } => write!(f, "orthogonal {rows} x {cols}, gain {gain}"),
            Self::Orthogonal { count, rows, cols, gain, .. } => {
                write!(f, "{count} orthogonal {rows} x {cols}, gain {gain}")
            }
            _ => f.write_str("?"),
        }
    }
}
