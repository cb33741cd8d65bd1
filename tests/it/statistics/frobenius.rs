//! `unit_frobenius`: the squared Frobenius norm of what is drawn is norm^2 in expectation, whatever the shape.

use super::{ALPHA, Family, values};
use crate::laws::tensor;
use crate::support::Check;
use seedbed::{DType, Scheme};

/// n |W|^2 / norm^2 is chi-square of n degrees: its mean is n, its variance 2 n.
fn z(dims: &[u64], scheme: Scheme, norm: f64) -> f64 {
    let w = values(&tensor("statistics.frobenius", dims, scheme, DType::F32).fill());
    let n = w.len() as f64;
    let squares: f64 = w.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    (n * squares / (norm * norm) - n) / (2.0 * n).sqrt()
}

#[test]
fn the_squared_norm_is_that_of_the_scheme() {
    let mut family = Family::new("unit_frobenius");
    for (dims, norm) in [
        (&[1000_u64, 1000][..], 1.0),
        (&[3000, 700], 1.0),
        (&[700, 3000], 2.5),
        (&[64, 16, 3, 3], 0.01),
        (&[100_003], 7.0),
    ] {
        let check = |scheme| Check::of_z(z(dims, scheme, norm), ALPHA);
        family.claim(format!("{dims:?} of norm {norm}"), check(Scheme::unit_frobenius(norm)));
        // One twentieth more in the norm would be seen.
        family.control(format!("{dims:?} of norm {norm}, 1.05 of it"), check(Scheme::unit_frobenius(1.05 * norm)));
    }
    family.judge();
}
