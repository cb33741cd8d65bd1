//! Whether the values of a tensor can be a sample of the law that a plan gives it.

use crate::DType;
use crate::plan::PlannedTensor;
use crate::stats::{Moments, special};
use crate::value::law::{Law, Share};
use serde::Serialize;

/// The probability that a correct checkpoint is reported as off, over all of its tensors.
const ALPHA: f64 = 1e-6;

/// How the values of a tensor compare with their law.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Agreement {
    /// How many standard errors the mean lies off the law's; absent where nothing is drawn, or where only the range of
    /// the compared rows is known.
    pub mean_z: Option<f64>,
    /// How many standard errors the mean square lies off the law's; absent likewise, and for orthogonal matrices.
    pub std_z: Option<f64>,
    /// Whether mean, std and range are the law's. A mean and a mean square that are drawn may be off by chance (1e-6
    /// for all tensors together) and by rounding to the dtype, those that are not drawn by rounding alone; every value
    /// is finite and in the law's range; constants are exact.
    pub agrees: bool,
}

/// How far the values of a dtype lie apart: what rounding to it may change. A copy was rounded to two dtypes, the
/// planned one first.
struct Grain {
    dtypes: [DType; 2],
    /// Relative to the value.
    step: f64,
    /// The smallest positive value: steps are never smaller.
    least: f64,
}

impl Grain {
    fn of(dtypes: [DType; 2]) -> Self {
        let steps = dtypes.map(|dtype| match dtype {
            DType::F32 => 1e-6,
            DType::F16 => 1.0 / 1024.0,
            DType::BF16 => 1.0 / 128.0,
        });
        let step = if dtypes[0] == dtypes[1] { steps[0] } else { steps[0] + steps[1] };
        let least = dtypes.map(|dtype| f64::from(dtype.round_up(f64::MIN_POSITIVE)));
        Self { dtypes, step, least: least[0].max(least[1]) }
    }

    /// The range of a share's stored values.
    fn range(&self, share: &Share) -> (f64, f64) {
        let (lo, hi) = share.range;
        if lo == hi {
            let value = f64::from(lo as f32);
            let [planned, stored] = self.dtypes;
            let (down, up) = (f64::from(planned.round_down(value)), f64::from(planned.round_up(value)));
            return (stored.round_down(down).into(), stored.round_up(up).into());
        }
        (lo - self.step * lo.abs() - self.least, hi + self.step * hi.abs() + self.least)
    }

    /// How far rounding may move the root mean square of a share.
    fn error(&self, share: &Share) -> f64 {
        if share.kurtosis == 1.0 {
            // Orthogonal matrices in f32 are orthogonal within 1e-5.
            return self.step.max(1e-5) * share.mean.hypot(share.std) + self.least;
        }
        // Roundings up and down cancel where the steps are much finer than the spread of the values.
        let step = self.step * share.mean.abs() + self.least;
        step * (step / share.std).min(1.0)
    }
}

/// What a sum over elements should be: its variance, and how far rounding may move it.
#[derive(Default)]
struct Sum {
    expected: f64,
    variance: f64,
    slack: f64,
}

impl Sum {
    /// How many standard errors a sum is off.
    fn z(&self, sum: f64) -> Option<f64> {
        (self.variance > 0.0).then(|| (sum - self.expected) / self.variance.sqrt())
    }

    /// Whether a sum can be this one: whether a sum of this kind lies as far off with a probability of at least
    /// `limit`. `skew` standard errors are allowed beyond those of a normal distribution.
    fn allows(&self, sum: f64, limit: f64, skew: f64) -> bool {
        let off = (sum - self.expected).abs() - self.slack;
        off <= 0.0 || self.variance > 0.0 && special::two_sided((off / self.variance.sqrt() - skew).max(0.0)) >= limit
    }
}

/// Compares the values of a tensor from row `from` on, stored in a dtype that may not be the planned one, with its
/// plan; `tensors` is how many tensors are compared in all.
///
/// Only the range is compared where rows are left out of a tensor with several parts, or with a law whose elements
/// depend on where they lie.
pub(super) fn agreement(
    tensor: &PlannedTensor,
    stored: DType,
    from: u64,
    sample: &Moments,
    tensors: usize,
) -> Agreement {
    let rows = tensor.shape().dims().first().copied().unwrap_or(1);
    let row = tensor.shape().count() / rows;
    let zeros = tensor.zero_rows().iter().filter(|&&zero| zero >= from).count() as u64 * row;
    let drawn = (rows - from) * row - zeros;
    // Rows of zeros and parts exclude each other.
    let (partial, mut shares) = match tensor.parts() {
        [part] if part.law().kurtosis().is_some() || matches!(part.law(), Law::Constant(_)) => {
            (false, part.law().shares(drawn))
        }
        parts => {
            let whole = parts.iter().flat_map(|p| p.law().shares(p.shape().count())).collect::<Vec<_>>();
            (drawn < tensor.shape().count(), whole)
        }
    };
    shares.push(Share::constant(zeros, 0.0));
    shares.retain(|share| share.count > 0);

    let grain = Grain::of([tensor.dtype(), stored]);
    let ends = shares.iter().map(|share| grain.range(share));
    let (lo, hi) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), (a, b)| (lo.min(a), hi.max(b)));
    let within = |x: f32| (lo..=hi).contains(&f64::from(x));
    let in_range = sample.nonfinite() == 0 && sample.min().is_some_and(within) && sample.max().is_some_and(within);
    if partial || !in_range {
        return Agreement { mean_z: None, std_z: None, agrees: in_range };
    }

    let n = sample.count() as f64;
    let center = shares.iter().map(|s| s.count as f64 * s.mean).sum::<f64>() / n;
    let (mut first, mut second) = (Sum::default(), Sum::default());
    let mut chances = 0.0;
    for share in &shares {
        let (count, off, error) = (share.count as f64, share.mean - center, grain.error(share));
        let spread = off.hypot(share.std);
        first.expected += count * off;
        first.variance += count * share.noise * share.noise;
        first.slack += count * error;
        second.expected += count * spread * spread;
        // An upper bound: the skewness of a law is at most the square root of kurtosis - 1.
        let each = share.noise * share.noise * (share.kurtosis - 1.0).sqrt() + 2.0 * off.abs() * share.noise;
        second.variance += count * each * each;
        second.slack += count * (2.0 * spread * error + error * error);
        chances += if share.noise > 0.0 { count } else { 0.0 };
    }
    let off = sample.mean() - center;
    let squares = if n > 1.0 { sample.variance() * (n - 1.0) } else { 0.0 } + n * off * off;
    let sum = n * off;
    let limit = ALPHA / (2 * tensors.max(1)) as f64;
    // A sum of few squares is skewed: its tail is heavier than a normal one, the less so the more there are.
    let skew = 30.0 / chances.sqrt();
    Agreement {
        mean_z: first.z(sum),
        std_z: second.z(squares),
        agrees: first.allows(sum, limit, 0.0) && second.allows(squares, limit, skew),
    }
}
