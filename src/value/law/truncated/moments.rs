//! Moments of a normal on a window: the one quadrature of the law, by which also a scheme finds the sigma of a given
//! std.
//!
//! By positive weights, not by the closed form, whose differences lose every digit in thin and far windows.

use super::mills::central;
use super::window::Standard;
use crate::value::law::quadrature::integrate;
use crate::value::libm;

/// 1 / sqrt(2 pi).
const PHI_0: f64 = f64::from_bits(0x3fd9_8845_33d4_3651);

/// The density on a window, up to a factor: of the offset from the edge in a tail, of the deviate itself elsewhere.
struct Density {
    /// Distance of the edge from the mean in a tail, else 0.
    start: f64,
    from: f64,
    to: f64,
}

impl Density {
    fn new(w: &Standard) -> Self {
        if w.a > 0.0 {
            // As far as exp(-60) of the density at the edge.
            Self { start: w.a, from: 0.0, to: w.d.min(120.0 / (w.a + (w.a * w.a + 120.0).sqrt())) }
        } else {
            Self { start: 0.0, from: w.a.max(-11.0), to: w.b.min(11.0) }
        }
    }

    /// The integral of `f` times the density.
    fn integrate(&self, f: impl Fn(f64) -> f64) -> f64 {
        integrate(self.from, self.to, |x| f(x) * libm::exp(-(self.start + x / 2.0) * x))
    }

    /// The mean of what the density is of.
    fn mean(&self, w: &Standard) -> f64 {
        if w.a > 0.0 {
            return self.integrate(|x| x) / self.integrate(|_| 1.0);
        }
        // (phi(a) - phi(b)) / P, where b^2 - a^2 keeps its digits as a product.
        let ratio = if w.b == f64::INFINITY { 1.0 } else { -libm::expm1(-w.d * (w.a + w.b) / 2.0) };
        PHI_0 * libm::exp(-w.a * w.a / 2.0) * ratio / (central(w.b) + central(-w.a))
    }
}

/// Mean and standard deviation of N(mean, std^2) conditioned on [lo, hi]; a NaN where f64 cannot tell.
///
/// Error of either beside the std: below 1e-14.
pub(crate) fn moments(mean: f64, std: f64, lo: f64, hi: f64) -> (f64, f64) {
    let w = Standard::new(mean, std, lo, hi);
    let density = Density::new(&w);
    let first = density.mean(&w);
    let second = density.integrate(|x| (x - first) * (x - first)) / density.integrate(|_| 1.0);
    let origin = if w.a > 0.0 { w.edge } else { mean };
    (origin + w.sigma * first, std * second.sqrt())
}

/// The kurtosis of N(mean, std^2) conditioned on [lo, hi]: its fourth central moment over its squared variance, 3
/// uncut.
pub(super) fn kurtosis(mean: f64, std: f64, lo: f64, hi: f64) -> f64 {
    let w = Standard::new(mean, std, lo, hi);
    let density = Density::new(&w);
    let first = density.mean(&w);
    let central = |power: i32| density.integrate(|x| (x - first).powi(power)) / density.integrate(|_| 1.0);
    let second = central(2);
    central(4) / (second * second)
}
