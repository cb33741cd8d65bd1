//! The special function behind the p-value of a z-score.

use crate::value::libm::erfc;
use std::f64::consts::SQRT_2;

/// `P(|Z| >= |z|)`: the p-value of a z-score.
#[must_use]
pub fn two_sided(z: f64) -> f64 {
    erfc(z.abs() / SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2 stats.norm.sf(z) of scipy 1.17.1.
    #[test]
    fn p_values_have_their_known_values() {
        for (z, half) in [(0.5, 0.3085375387259869), (6.76, 6.8995870155696684e-12), (37.0, 5.7255712225239266e-300)] {
            for z in [z, -z] {
                assert!((two_sided(z) / (2.0 * half) - 1.0).abs() < 1e-12, "{z}");
            }
        }
        assert_eq!((two_sided(0.0), two_sided(f64::INFINITY)), (1.0, 0.0));
        assert!(two_sided(f64::NAN).is_nan());
    }
}
