//! Statistics that judge what was filled: Kolmogorov-Smirnov, chi-square, counts of rare values, correlation.
//!
//! Every test yields a [`Check`] with the alpha it was given: the chance that a correct sample fails it. Not for values
//! of 16 bits: their rounding alone fails a Kolmogorov-Smirnov test; compare their bits with the rounded f32.

mod counts;
mod ks;
pub mod special;
mod tests;

pub use counts::{
    binomial_lower_tail, binomial_upper_tail, chi_square, poisson_count, poisson_lower_tail, poisson_upper_tail,
    tail_count,
};
pub use ks::{CdfHistogram, anderson_darling, anderson_darling_p_value, kolmogorov_p_value, ks_statistic};
use seedbed::stats::Moments;
use seedbed::stats::special::two_sided;

/// A statistic, its p-value under the law that was claimed, and the alpha it is judged by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Check {
    /// The test's statistic: a distance, a z-score, a chi-square, a count.
    pub statistic: f64,
    /// The chance of a statistic at least as extreme if the law holds.
    pub p_value: f64,
    /// The chance, chosen beforehand, at which a correct sample is rejected.
    pub alpha: f64,
}

impl Check {
    /// A check of a statistic that is standard normal, two-sided: `p = erfc(|z| / sqrt 2)`.
    pub fn of_z(z: f64, alpha: f64) -> Self {
        Self { statistic: z, p_value: two_sided(z), alpha }
    }

    /// `p_value >= alpha`. A NaN, which an empty sample yields, does not pass.
    pub fn passed(&self) -> bool {
        self.p_value >= self.alpha
    }

    /// The check as one of `n`, so that all of them together have the alpha given: Bonferroni's `alpha / n`.
    pub fn one_of(self, n: u64) -> Self {
        Self { alpha: self.alpha / n.max(1) as f64, ..self }
    }
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = if self.passed() { "passed" } else { "failed" };
        write!(f, "{verdict}: statistic {:.6}, p {:.3e}, alpha {:.0e}", self.statistic, self.p_value, self.alpha)
    }
}

/// Tests the mean of independent values of a law with this mean and std: `z = (mean - mu) sqrt(n) / sigma`.
pub fn mean_check(moments: &Moments, mu: f64, sigma: f64, alpha: f64) -> Check {
    Check::of_z((moments.mean() - mu) * (moments.count() as f64).sqrt() / sigma, alpha)
}

/// Tests the variance of independent values of a law with this std and kurtosis (3 normal, 1.8 uniform), for large n:
/// `z = (s^2 / sigma^2 - 1) sqrt(n / (kurtosis - 1))`.
pub fn variance_check(moments: &Moments, sigma: f64, kurtosis: f64, alpha: f64) -> Check {
    let ratio = moments.variance() / (sigma * sigma);
    Check::of_z((ratio - 1.0) * (moments.count() as f64 / (kurtosis - 1.0)).sqrt(), alpha)
}

/// Pearson's correlation of two slices, over the shorter one's length:
/// `sum (x - mx)(y - my) / sqrt(sum (x - mx)^2 sum (y - my)^2)`. NaN where a slice is constant or below 2 values.
///
/// Of `n` independent pairs it is close to N(0, 1/n): see [`correlation_check`].
pub fn correlation(x: &[f32], y: &[f32]) -> f64 {
    const LANES: usize = 8;
    let n = x.len().min(y.len());
    let (x, y) = (&x[..n], &y[..n]);
    let mean = |v: &[f32]| {
        let mut m = Moments::new();
        m.add(v);
        if m.nonfinite() == 0 { m.mean() } else { f64::NAN }
    };
    let (mx, my) = (mean(x), mean(y));
    let (mut sxy, mut sxx, mut syy) = ([0.0f64; LANES], [0.0f64; LANES], [0.0f64; LANES]);
    let mut add = |lane: usize, x: f32, y: f32| {
        let (dx, dy) = (f64::from(x) - mx, f64::from(y) - my);
        sxy[lane] += dx * dy;
        sxx[lane] += dx * dx;
        syy[lane] += dy * dy;
    };
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let (xt, yt) = (xs.remainder(), ys.remainder());
    xs.zip(ys).for_each(|(x, y)| (0..LANES).for_each(|lane| add(lane, x[lane], y[lane])));
    xt.iter().zip(yt).for_each(|(&x, &y)| add(0, x, y));
    let total = |s: [f64; LANES]| s.iter().sum::<f64>();
    if n < 2 { f64::NAN } else { total(sxy) / (total(sxx) * total(syy)).sqrt() }
}

/// The correlation of a slice with itself, shifted by `lag` elements; NaN where fewer than 2 pairs are left.
pub fn autocorrelation(x: &[f32], lag: usize) -> f64 {
    correlation(x, x.get(lag..).unwrap_or_default())
}

/// Tests that two slices are uncorrelated: `z = r sqrt(n)`, which is N(0, 1) for large `n`.
pub fn correlation_check(x: &[f32], y: &[f32], alpha: f64) -> Check {
    Check::of_z(correlation(x, y) * (x.len().min(y.len()) as f64).sqrt(), alpha)
}
