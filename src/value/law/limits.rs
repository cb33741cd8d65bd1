//! The numbers that a law accepts: those for which every f32 that a kernel forms is 0 or normal and finite.

use crate::value::text::Number;
use crate::{Error, Result};

/// The smallest std, half-width, or nonzero magnitude of a mean or midpoint: below, a product of a
/// deviate and a scale could be subnormal, where drivers differ.
pub const MIN_SCALE: f64 = 1.0 / (1u128 << 76) as f64;
/// The largest std, half-width, mean or midpoint.
pub const MAX_SCALE: f64 = (1u128 << 120) as f64;
/// No normal deviate of stream version 1 exceeds this magnitude.
pub const MAX_NORMAL: f64 = 6.77;

/// [`MIN_SCALE`] to [`MAX_SCALE`], as errors write it.
const SCALES: &str = "[2^-76, 2^120] ([1.3e-23, 1.3e36])";

/// The error of a number that must be 0 or a normal f32.
const NORMAL_OR_ZERO: &str = "must be 0 or a normal finite f32 (of magnitude in [1.2e-38, 3.4e38])";

pub(super) fn check_scale(what: &str, x: f64) -> Result<()> {
    if (MIN_SCALE..=MAX_SCALE).contains(&x) {
        return Ok(());
    }
    Err(Error::Law(format!("{what} {}: must lie in {SCALES}", Number(x))))
}

pub(super) fn check_location(what: &str, x: f64) -> Result<()> {
    if x == 0.0 || (MIN_SCALE..=MAX_SCALE).contains(&x.abs()) {
        return Ok(());
    }
    Err(Error::Law(format!("{what} {}: must be 0 or of magnitude in {SCALES}", Number(x))))
}

/// A number that becomes an f32 by itself: 0, or normal after rounding.
pub(super) fn check_value(what: &str, x: f64) -> Result<()> {
    if x == 0.0 || (x as f32).is_normal() {
        return Ok(());
    }
    Err(Error::Law(format!("{what} {}: {NORMAL_OR_ZERO}", Number(x))))
}

/// The sides of a tensor, or of what it is made of.
pub(super) fn check_sides(what: &str, sides: &[u64]) -> Result<()> {
    if sides.iter().all(|&n| (1..1 << 32).contains(&n)) {
        return Ok(());
    }
    Err(Error::Law(format!("{what} of sides {sides:?}: each must lie in [1, 2^32)")))
}
