//! Tests of counts: chi-square over bins, and how many values may lie beyond a bound.

use super::Check;
use super::special::{beta_inc, beta_inc_upper, gamma_lower, gamma_upper};

/// Pearson's chi-square: `sum (o - e)^2 / e`, with `p = Q(dof / 2, statistic / 2)` and `dof = bins - 1 - fitted`,
/// `fitted` the parameters that were estimated from the same data. For expected counts of about 5 and above.
///
/// A bin that expects nothing is left out, or makes the statistic infinite where it holds something. NaN where
/// the lengths differ, an expected count is negative, the totals differ by more than 1e-6, or `dof` is 0.
pub fn chi_square(observed: &[u64], expected: &[f64], fitted: usize, alpha: f64) -> Check {
    let invalid = Check { statistic: f64::NAN, p_value: f64::NAN, alpha };
    let n = observed.iter().map(|&o| o as f64).sum::<f64>();
    let total = expected.iter().sum::<f64>();
    let valid = observed.len() == expected.len() && expected.iter().all(|&e| e >= 0.0);
    let totals_agree = (n - total).abs() <= 1e-6 * n;
    if !valid || n == 0.0 || !totals_agree {
        return invalid;
    }
    let (mut statistic, mut bins) = (0.0, 0);
    for (&o, &e) in observed.iter().zip(expected) {
        if e > 0.0 || o > 0 {
            let d = o as f64 - e;
            statistic += d * d / e;
            bins += 1;
        }
    }
    if bins <= fitted + 1 {
        return invalid;
    }
    let dof = (bins - 1 - fitted) as f64;
    Check { statistic, p_value: gamma_upper(dof / 2.0, statistic / 2.0), alpha }
}

/// `P(K >= k)` of `n` trials with probability `p`: `I_p(k, n - k + 1)`. NaN where `p` is not in [0, 1].
pub fn binomial_upper_tail(k: u64, n: u64, p: f64) -> f64 {
    match k {
        _ if !(0.0..=1.0).contains(&p) => f64::NAN,
        0 => 1.0,
        _ if k > n => 0.0,
        _ => beta_inc(k as f64, (n - k) as f64 + 1.0, p),
    }
}

/// `P(K <= k)` of `n` trials with probability `p`: `1 - I_p(k + 1, n - k)`. NaN where `p` is not in [0, 1].
pub fn binomial_lower_tail(k: u64, n: u64, p: f64) -> f64 {
    match k {
        _ if !(0.0..=1.0).contains(&p) => f64::NAN,
        _ if k >= n => 1.0,
        _ => beta_inc_upper(k as f64 + 1.0, (n - k) as f64, p),
    }
}

/// `P(K >= k)` of Poisson's law with mean `m`: `P(k, m)`.
pub fn poisson_upper_tail(k: u64, m: f64) -> f64 {
    if k == 0 && m >= 0.0 { 1.0 } else { gamma_lower(k as f64, m) }
}

/// `P(K <= k)` of Poisson's law with mean `m`: `Q(k + 1, m)`.
pub fn poisson_lower_tail(k: u64, m: f64) -> f64 {
    gamma_upper(k as f64 + 1.0, m)
}

/// Tests that `k` of `n` independent values lie where each does with probability `p`, say beyond 5 std: twice the
/// smaller binomial tail. The statistic is `k`.
pub fn tail_count(k: u64, n: u64, p: f64, alpha: f64) -> Check {
    if k > n {
        return Check { statistic: k as f64, p_value: f64::NAN, alpha };
    }
    two_tails(k, binomial_lower_tail(k, n, p), binomial_upper_tail(k, n, p), alpha)
}

/// Tests that `k` rare events were seen where `m` are expected: twice the smaller Poisson tail. The statistic is `k`.
pub fn poisson_count(k: u64, m: f64, alpha: f64) -> Check {
    two_tails(k, poisson_lower_tail(k, m), poisson_upper_tail(k, m), alpha)
}

fn two_tails(k: u64, lower: f64, upper: f64, alpha: f64) -> Check {
    // f64::min would drop a NaN.
    let smaller = if lower < upper { lower } else { upper + 0.0 * lower };
    let p_value = if smaller > 0.5 { 1.0 } else { 2.0 * smaller };
    Check { statistic: k as f64, p_value, alpha }
}
