//! Tests of a whole distribution: Kolmogorov-Smirnov, sorted and streaming, and Anderson-Darling.

use super::Check;
use super::special::kolmogorov_upper_tail;
use libm::exp;

/// `D = sup |F_n(x) - F(x)|` of values sorted in ascending order: the largest of `i/n - F(x_i)` and `F(x_i) - (i-1)/n`.
/// NaN of no values, of a NaN, and where the values are not sorted.
pub fn ks_statistic(sorted: &[f32], cdf: impl Fn(f64) -> f64) -> f64 {
    let n = sorted.len() as f64;
    let mut largest = 0.0f64;
    let mut before = f32::NEG_INFINITY;
    for (i, &x) in sorted.iter().enumerate() {
        let f = cdf(f64::from(x));
        if f.is_nan() || x.is_nan() || x < before {
            return f64::NAN;
        }
        before = x;
        largest = largest.max((i + 1) as f64 / n - f).max(f - i as f64 / n);
    }
    if sorted.is_empty() { f64::NAN } else { largest }
}

/// `P(D_n >= d)` of `n` independent values of a continuous law: Kolmogorov's limit at `(sqrt n + 0.12 + 0.11 / sqrt n)
/// d` (Stephens 1970). Against the finite law, from 100 values on and for p >= 1e-8: within 9 %, from 10^5 on within 1
/// %. Of 20 values and fewer it is too large where p < 1e-4.
pub fn kolmogorov_p_value(d: f64, n: u64) -> f64 {
    if n == 0 || d.is_nan() {
        return f64::NAN;
    }
    let root = (n as f64).sqrt();
    kolmogorov_upper_tail((root + 0.12 + 0.11 / root) * d)
}

/// Kolmogorov-Smirnov over a stream of any length: a histogram of `u = F(x)` in equal bins of [0, 1].
///
/// The empirical distribution is known exactly at the bins' edges, so with `B` bins `statistic() <= D <= statistic() +
/// 1 / B`: it never rejects more often than the sorted test, and at 2^20 bins and 10^9 values loses at most 0.03 of
/// `sqrt(n) D`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CdfHistogram {
    counts: Vec<u64>,
    outside: u64,
}

impl CdfHistogram {
    /// Bins that suit up to 10^9 values, in 8 MiB.
    pub const BINS: usize = 1 << 20;

    /// An empty histogram; at least 1 bin.
    pub fn new(bins: usize) -> Self {
        Self { counts: vec![0; bins.max(1)], outside: 0 }
    }

    /// Adds values of the law with this distribution function, which must not decrease.
    pub fn add(&mut self, values: &[f32], cdf: impl Fn(f64) -> f64) {
        for &x in values {
            self.add_probability(cdf(f64::from(x)));
        }
    }

    /// Adds one `u = F(x)`. Whatever is not in [0, 1] fails every test made from this histogram.
    #[inline]
    pub fn add_probability(&mut self, u: f64) {
        if (0.0..=1.0).contains(&u) {
            let last = self.counts.len() - 1;
            let bin = (u * self.counts.len() as f64) as usize;
            self.counts[bin.min(last)] += 1;
        } else {
            self.outside += 1;
        }
    }

    /// Adds what another histogram of as many bins has seen; returns whether it has as many, else nothing is added.
    pub fn merge(&mut self, other: &Self) -> bool {
        if self.counts.len() != other.counts.len() {
            return false;
        }
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
        self.outside += other.outside;
        true
    }

    /// The number of values.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.outside
    }

    /// `max |F_n(k/B) - k/B|` over the bins' edges, within `1/B` below the true D. NaN of no values, and where an
    /// `F(x)` was not in [0, 1].
    pub fn statistic(&self) -> f64 {
        let (n, bins) = (self.count() as f64, self.counts.len() as f64);
        if self.outside > 0 || n == 0.0 {
            return f64::NAN;
        }
        let (mut below, mut largest) = (0u64, 0.0f64);
        for (k, &count) in self.counts.iter().enumerate() {
            below += count;
            largest = largest.max((below as f64 / n - (k + 1) as f64 / bins).abs());
        }
        largest
    }

    /// The Kolmogorov-Smirnov test.
    pub fn check(&self, alpha: f64) -> Check {
        let d = self.statistic();
        Check { statistic: d, p_value: kolmogorov_p_value(d, self.count()), alpha }
    }

    /// A chi-square test over `groups` groups of adjacent bins, which must divide the number of bins: sees ripples that
    /// move no probability far, where Kolmogorov-Smirnov sees little. NaN otherwise.
    pub fn chi_square(&self, groups: usize, alpha: f64) -> Check {
        let fits = groups > 1 && self.counts.len().is_multiple_of(groups) && self.outside == 0;
        let width = if fits { self.counts.len() / groups } else { return super::chi_square(&[], &[], 0, alpha) };
        let observed: Vec<u64> = self.counts.chunks(width).map(|c| c.iter().sum()).collect();
        super::chi_square(&observed, &vec![self.count() as f64 / groups as f64; groups], 0, alpha)
    }
}

/// `A^2 = -n - sum (2i - 1)(ln u_i + ln(1 - u_(n+1-i))) / n`, `u_i = F(x_i)` in ascending order: Anderson and Darling's
/// statistic, which weighs the tails most. Takes `ln F` and `ln(1 - F)` so that far tails keep their digits.
/// NaN of no values; infinite where a value is impossible.
pub fn anderson_darling(sorted: &[f32], ln_cdf: impl Fn(f64) -> f64, ln_upper: impl Fn(f64) -> f64) -> f64 {
    let n = sorted.len();
    if n == 0 || !sorted.is_sorted() {
        return f64::NAN;
    }
    let terms = sorted.iter().zip(sorted.iter().rev()).enumerate();
    let sum: f64 =
        terms.map(|(i, (&x, &y))| (2 * i + 1) as f64 * (ln_cdf(f64::from(x)) + ln_upper(f64::from(y)))).sum();
    -(n as f64) - sum / n as f64
}

/// `P(A^2 >= a)` in the limit of many values, by the short formula of Marsaglia and Marsaglia (2004): absolute error
/// below 2e-5 against Anderson and Darling's series, so an alpha below 1e-3 means little. For n above about 100.
pub fn anderson_darling_p_value(a: f64) -> f64 {
    let horner = |c: &[f64]| c.iter().rev().fold(0.0, |sum, &c| sum * a + c);
    if a.is_nan() {
        f64::NAN
    } else if a <= 0.0 {
        1.0
    } else if a < 2.0 {
        let series = horner(&[2.00012, 0.247105, -0.0649821, 0.0347962, -0.011672, 0.00168691]);
        1.0 - exp(-1.2337141 / a) / a.sqrt() * series
    } else if a > 30.0 {
        0.0
    } else {
        -libm::expm1(-exp(horner(&[1.0776, -2.30695, 0.43424, -0.082433, 0.008056, -0.0003146])))
    }
}
