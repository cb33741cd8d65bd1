//! Count, mean and central moments of a stream of values, in one pass and in mergeable pieces.

/// Values whose sums are formed together: they fit in the first-level cache, so that reading them twice costs little.
const CACHED: usize = 4096;
/// Sums that are kept side by side, as the lanes of a vector.
const LANES: usize = 4;

/// The exponent bits of an f32: all set in an infinity and a NaN.
const EXPONENT: u32 = 0x7f80_0000;

/// Count, mean, `M_k = sum (x - mean)^k` for k = 2, 3, 4, smallest and largest value of the finite values seen, and how
/// many were not finite.
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
        for chunk in values.chunks(CACHED) {
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
        // A loop over a constant number of lanes becomes vector instructions.
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    #[track_caller]
    fn near(x: f64, expected: f64, relative: f64) {
        assert!((x - expected).abs() <= relative * expected.abs(), "{x:e} is not {expected:e} within {relative:e}");
    }

    fn moments(values: &[f32]) -> Moments {
        let mut m = Moments::new();
        m.add(values);
        m
    }

    #[test]
    fn moments_equal_the_definition_and_do_not_depend_on_pieces() {
        // x.mean(), x.std(ddof=1), stats.skew(x), stats.kurtosis(x, fisher=False) of the float32 values
        let m = moments(&[0.61, -1.2, 0.03, 2.4, -0.55, 0.9, -0.07, 1.1]);
        near(m.mean(), 0.40250000613741577, 1e-14);
        near(m.std(), 1.1086897397238868, 1e-14);
        near(m.skewness(), 0.370359305352931, 1e-13);
        near(m.kurtosis(), 2.561693282732771, 1e-13);
        assert_eq!((m.count(), m.min(), m.max()), (8, Some(-1.2), Some(2.4)));

        // Nearly normal, of a mean 10^4 times the std: raw power sums would lose every digit of the fourth moment.
        let mut rng = StdRng::seed_from_u64(1);
        let values: Vec<f32> = (0..100_003)
            .map(|_| {
                let u = [(); 12].map(|()| rng.random::<f32>());
                1000.0 + (u.iter().sum::<f32>() - 6.0) * 0.1
            })
            .collect();
        let n = values.len() as f64;
        let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
        let central = |k| values.iter().map(|&x| (f64::from(x) - mean).powi(k)).sum::<f64>() / n;
        let whole = moments(&values);
        for pieces in [1, 7, 4096, 5000, 100_003] {
            let mut m = Moments::new();
            values.chunks(pieces).for_each(|c| m.merge(&moments(c)));
            for m in [&m, &whole] {
                assert_eq!(m.count(), 100_003);
                near(m.mean(), mean, 1e-14);
                near(m.variance(), central(2) * n / (n - 1.0), 1e-11);
                assert!((m.skewness() - central(3) / central(2).powf(1.5)).abs() < 1e-10);
                near(m.kurtosis(), central(4) / central(2).powi(2), 1e-11);
            }
        }
    }

    #[test]
    fn moments_of_odd_input_are_sound() {
        let m = moments(&[f32::NAN, 1.0, f32::INFINITY, 3.0, f32::NEG_INFINITY]);
        assert_eq!((m.count(), m.nonfinite(), m.mean(), m.min(), m.max()), (2, 3, 2.0, Some(1.0), Some(3.0)));
        let empty = moments(&[f32::NAN]);
        assert!(empty.mean().is_nan() && empty.std().is_nan() && empty.min().is_none() && empty.nonfinite() == 1);
        let mut both = empty.clone();
        both.merge(&m);
        assert_eq!((both.nonfinite(), both.count(), both.mean()), (4, 2, 2.0));
        let constant = moments(&vec![0.3; 10_000]);
        assert!(constant.std() < 1e-15 && (constant.mean() - f64::from(0.3f32)).abs() < 1e-15);
        let extreme = moments(&[f32::MAX, f32::MIN, f32::MAX, f32::MIN]);
        near(extreme.kurtosis(), 1.0, 1e-14);
        let tiny = moments(&[1e-42, -1e-42]);
        near(tiny.kurtosis(), 1.0, 1e-14);
    }
}
