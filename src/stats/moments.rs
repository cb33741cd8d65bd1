//! Count, mean and central moments of a stream of values, in one pass and in mergeable pieces.

use super::Check;

/// Values whose sums are formed together: they fit the first-level cache, so reading them twice costs little.
const CHUNK: usize = 4096;
const LANES: usize = 4;

/// The exponent bits of an f32: all set in an infinity and a NaN.
const EXPONENT: u32 = 0x7f80_0000;

/// Count, mean, `M_k = sum (x - mean)^k` for k = 2, 3, 4, smallest and largest value of the finite values seen, and how many
/// were not finite.
///
/// In f64; a chunk is summed around its own mean, chunks are merged by Pébay's formulas (SAND2008-6212), which
/// generalize Chan's: no cancellation, whatever the mean. Order and chunking move the last bits only.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    count: u64,
    nonfinite: u64,
    mean: f64,
    m2: f64,
    m3: f64,
    m4: f64,
    min: f32,
    max: f32,
}

impl Default for Moments {
    fn default() -> Self {
        let (min, max) = (f32::INFINITY, f32::NEG_INFINITY);
        Self { count: 0, nonfinite: 0, mean: 0.0, m2: 0.0, m3: 0.0, m4: 0.0, min, max }
    }
}

impl Moments {
    /// Of no values.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds values.
    pub fn add(&mut self, values: &[f32]) {
        for chunk in values.chunks(CHUNK) {
            self.merge(&Self::of_chunk(chunk));
        }
    }

    fn of_chunk(chunk: &[f32]) -> Self {
        let mut sum = [0.0f64; LANES];
        let mut min = [f32::INFINITY; LANES];
        let mut max = [f32::NEG_INFINITY; LANES];
        let mut bad = [0u32; LANES];
        let (body, tail) = chunk.split_at(chunk.len() / LANES * LANES);
        let mut first = |lane: usize, x: f32| {
            sum[lane] += f64::from(x);
            min[lane] = if x < min[lane] { x } else { min[lane] };
            max[lane] = if x > max[lane] { x } else { max[lane] };
            bad[lane] += u32::from(x.to_bits() & EXPONENT == EXPONENT);
        };
        // Lanes counted by a constant become vectors.
        body.chunks_exact(LANES).for_each(|v| (0..LANES).for_each(|lane| first(lane, v[lane])));
        tail.iter().enumerate().for_each(|(lane, &x)| first(lane, x));

        let nonfinite: u32 = bad.iter().sum();
        if nonfinite > 0 {
            let finite: Vec<f32> = chunk.iter().copied().filter(|x| x.is_finite()).collect();
            return Self { nonfinite: u64::from(nonfinite), ..Self::of_chunk(&finite) };
        }
        let count = chunk.len() as u64;
        if count == 0 {
            return Self::default();
        }
        let mean = sum.iter().sum::<f64>() / count as f64;

        let (mut s2, mut s3, mut s4) = ([0.0f64; LANES], [0.0f64; LANES], [0.0f64; LANES]);
        let mut second = |lane: usize, x: f32| {
            let d = f64::from(x) - mean;
            let d2 = d * d;
            s2[lane] += d2;
            s3[lane] += d2 * d;
            s4[lane] += d2 * d2;
        };
        body.chunks_exact(LANES).for_each(|v| (0..LANES).for_each(|lane| second(lane, v[lane])));
        tail.iter().enumerate().for_each(|(lane, &x)| second(lane, x));
        Self {
            count,
            nonfinite: 0,
            mean,
            m2: s2.iter().sum(),
            m3: s3.iter().sum(),
            m4: s4.iter().sum(),
            min: min.into_iter().fold(f32::INFINITY, f32::min),
            max: max.into_iter().fold(f32::NEG_INFINITY, f32::max),
        }
    }

    /// Adds what another has seen, as if its values had been added here.
    pub fn merge(&mut self, other: &Self) {
        self.nonfinite += other.nonfinite;
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = Self { nonfinite: self.nonfinite, ..other.clone() };
            return;
        }
        let (na, nb) = (self.count as f64, other.count as f64);
        let n = na + nb;
        let d = other.mean - self.mean;
        let d2 = d * d;
        let (a, b) = (na / n, nb / n);
        let m4 = d2 * d2 * na * b * (a * a - a * b + b * b)
            + 6.0 * d2 * (a * a * other.m2 + b * b * self.m2)
            + 4.0 * d * (a * other.m3 - b * self.m3);
        let m3 = d2 * d * na * b * (a - b) + 3.0 * d * (a * other.m2 - b * self.m2);
        self.m4 += other.m4 + m4;
        self.m3 += other.m3 + m3;
        self.m2 += other.m2 + d2 * na * b;
        self.mean += d * b;
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// The number of finite values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The number of infinities and NaNs; they enter nothing else.
    #[must_use]
    pub fn nonfinite(&self) -> u64 {
        self.nonfinite
    }

    /// The smallest finite value; `None` of none.
    #[must_use]
    pub fn min(&self) -> Option<f32> {
        (self.count > 0).then_some(self.min)
    }

    /// The largest finite value; `None` of none.
    #[must_use]
    pub fn max(&self) -> Option<f32> {
        (self.count > 0).then_some(self.max)
    }

    /// `sum x / n`; NaN of none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.mean }
    }

    /// `M2 / (n - 1)`; NaN below 2 values.
    #[must_use]
    pub fn variance(&self) -> f64 {
        if self.count < 2 { f64::NAN } else { self.m2 / (self.count - 1) as f64 }
    }

    /// `sqrt(M2 / (n - 1))`, as torch's `std`; NaN below 2 values.
    #[must_use]
    pub fn std(&self) -> f64 {
        self.variance().sqrt()
    }

    /// `sqrt(n) M3 / M2^(3/2)`: 0 of a symmetric law; NaN where all values are equal.
    #[must_use]
    pub fn skewness(&self) -> f64 {
        (self.count as f64).sqrt() * (self.m3 / self.m2) / self.m2.sqrt()
    }

    /// `n M4 / M2^2`: 3 of a normal law, 1.8 of a uniform one; NaN where all values are equal.
    #[must_use]
    pub fn kurtosis(&self) -> f64 {
        self.count as f64 * (self.m4 / self.m2 / self.m2)
    }

    /// Tests the mean of independent values of a law with this mean and std: `z = (mean - mu) sqrt(n) / sigma`.
    #[must_use]
    pub fn mean_check(&self, mu: f64, sigma: f64, alpha: f64) -> Check {
        Check::of_z((self.mean() - mu) * (self.count as f64).sqrt() / sigma, alpha)
    }

    /// Tests the variance of independent values of a law with this std and kurtosis (3 normal, 1.8 uniform), for large n:
    /// `z = (s^2 / sigma^2 - 1) sqrt(n / (kurtosis - 1))`.
    #[must_use]
    pub fn variance_check(&self, sigma: f64, kurtosis: f64, alpha: f64) -> Check {
        let ratio = self.variance() / (sigma * sigma);
        Check::of_z((ratio - 1.0) * (self.count as f64 / (kurtosis - 1.0)).sqrt(), alpha)
    }
}
