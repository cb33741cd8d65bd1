//! Elements of a law that have one mean and one standard deviation: what a tensor's own moments are compared with.

use super::Describe;
use super::limits::MAX_NORMAL;

/// Elements of a tensor that have one distribution: the diagonal of an identity, the zeros beside it, ..
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share {
    pub count: u64,
    pub mean: f64,
    pub std: f64,
    /// The part of the standard deviation that is drawn: `std`, or 0 where no element is.
    pub noise: f64,
    /// The fourth central moment over the squared variance; 1 where the squares of the elements have a fixed sum.
    pub kurtosis: f64,
    /// The closed interval that no element leaves.
    pub range: (f64, f64),
}

impl Share {
    /// Elements of one value.
    pub fn constant(count: u64, value: f64) -> Self {
        Self { count, mean: value, std: 0.0, noise: 0.0, kurtosis: 1.0, range: (value, value) }
    }

    /// Elements of N(mean, std^2).
    pub fn normal(count: u64, mean: f64, std: f64) -> Self {
        let range = (mean - MAX_NORMAL * std, mean + MAX_NORMAL * std);
        Self { count, mean, std, noise: std, kurtosis: 3.0, range }
    }

    /// Elements that are drawn one by one, or that are uncorrelated and have squares of a fixed sum.
    pub fn drawn(count: u64, law: &impl Describe) -> Self {
        let (mean, std) = law.moments();
        Self { count, mean, std, noise: std, kurtosis: law.kurtosis().unwrap_or(1.0), range: law.range() }
    }

    /// Elements whose values follow from their indices.
    pub fn fixed(count: u64, law: &impl Describe) -> Self {
        let (mean, std) = law.moments();
        Self { count, mean, std, noise: 0.0, kurtosis: 1.0, range: law.range() }
    }

    /// `on` elements of this share, and zeros up to `count`.
    pub fn among_zeros(self, count: u64) -> Vec<Self> {
        vec![self, Self::constant(count - self.count, 0.0)]
    }
}
