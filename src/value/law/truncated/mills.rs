//! Upper tails of the standard normal, absolute and relative, in f64: `+ - * /`, square roots and the copy of `libm`.

use crate::value::law::quadrature::GAUSS;
use crate::value::libm;
use std::f64::consts::SQRT_2;

/// sqrt(pi / 2).
const SQRT_HALF_PI: f64 = f64::from_bits(0x3ff4_0d93_1ff6_2706);
/// ln(2 pi) / 2.
const HALF_LN_TWO_PI: f64 = f64::from_bits(0x3fed_67f1_c864_beb5);
/// Depth of the continued fraction. At x = 4 a depth of 40 errs by less than 1e-17 (30: 4e-16).
const FRACTION_DEPTH: u32 = 40;
/// Newton steps of [`quantile_offset`]. Four reach the rounding of f64 on every window tried, far or thin; one more to
/// be sure.
const NEWTON_STEPS: u32 = 5;

/// Q(x), the probability above x.
pub(super) fn upper_tail(x: f64) -> f64 {
    libm::erfc(x / SQRT_2) / 2.0
}

/// The probability between 0 and x, with the sign of x.
pub(super) fn central(x: f64) -> f64 {
    libm::erf(x / SQRT_2) / 2.0
}

/// Mills ratio M(x) = Q(x) / phi(x), x >= 0: below 4 by `erfc`, from there by Laplace's continued fraction
/// 1/(x + 1/(x + 2/(x + 3/(x + ..)))).
pub(super) fn mills(x: f64) -> f64 {
    if x < 4.0 {
        return SQRT_HALF_PI * libm::exp(x * x / 2.0) * libm::erfc(x / SQRT_2);
    }
    let mut y = x;
    for k in (1..=FRACTION_DEPTH).rev() {
        y = x + f64::from(k) / y;
    }
    1.0 / y
}

/// -ln Q(x), x >= 0, also where Q underflows.
pub(super) fn neg_log_tail(x: f64) -> f64 {
    (x * x / 2.0 + HALF_LN_TWO_PI) - libm::log(mills(x))
}

/// E(d) = ln Q(a) - ln Q(a + d), a >= 0, d >= 0: the integral of 1/M over [a, a + d].
///
/// A short step is integrated by one panel (a difference of logarithms would cancel); a long one takes the closed form.
/// Eight points integrate 1/M over half a decay length to 1e-16: its nearest pole is more than two units off the real
/// line.
pub(super) fn log_drop(a: f64, d: f64) -> f64 {
    if d * a.max(1.0) < 0.5 {
        let mut sum = 0.0;
        for (node, weight) in GAUSS {
            sum += weight / mills(a + d * node);
        }
        return d * sum;
    }
    if d == f64::INFINITY {
        return f64::INFINITY;
    }
    d * (a + d / 2.0) + libm::log(mills(a) / mills(a + d))
}

/// The d with E(d) = e: where the tail beyond a has shrunk by exp(-e).
///
/// Newton's method for a convex, increasing function: whatever the start, from the second step on it falls towards the
/// root.
pub(super) fn quantile_offset(a: f64, e: f64) -> f64 {
    let rate = 1.0 / mills(a);
    // E(d) <= d rate + d^2 / 2, since 1/M has a slope below 1: the root of the right side lies just below the one
    // sought.
    let mut d = 2.0 * e / (rate + (rate * rate + 2.0 * e).sqrt());
    for _ in 0..NEWTON_STEPS {
        d -= (log_drop(a, d) - e) * mills(a + d);
    }
    d
}
