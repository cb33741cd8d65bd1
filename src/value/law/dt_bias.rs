//! The bias of a Mamba block's step: the inverse softplus of a log-uniform step, as a polynomial in the uniform
//! lattice.

use super::chebyshev::{self, Domain};
use super::quadrature::integrate;
use super::{Describe, Law};
use crate::value::law::share::Share;
use crate::value::libm;
use crate::value::text::Number;
use crate::{Error, Result};
use std::fmt::{Display, Formatter};

/// Coefficients of the polynomial.
pub(crate) const TERMS: usize = 12;
/// How far the polynomial may lie from the exact bias, relative to the larger of that and 1.
const MAX_ERROR: f64 = 2e-7;

/// ln(e^dt - 1), as torch writes it: softplus of it is dt.
fn inverse_softplus(dt: f64) -> f64 {
    dt + libm::log(-libm::expm1(-dt))
}

/// The inverse softplus of a step that is log-uniform on (min, max), and at least `floor`; see [`Law::dt_bias`].
#[derive(Clone, Debug, PartialEq)]
pub struct DtBias {
    min: f64,
    max: f64,
    floor: f64,
    polynomial: [f32; TERMS],
}

impl Law {
    /// The inverse softplus, ln(e^dt - 1), of a step dt that is log-uniform on (min, max). Smaller steps than `floor`
    /// are raised to it.
    ///
    /// # Errors
    /// [`Error::Law`] where the numbers are not in order, or `max / min` is too large for the polynomial.
    pub fn dt_bias(min: f64, max: f64, floor: f64) -> Result<Self> {
        let error = |reason: String| {
            let [min, max, floor] = [min, max, floor].map(Number);
            Error::Law(format!("dt_bias(min={min}, max={max}, floor={floor}): {reason}"))
        };
        if !(min > 0.0 && min < max && max <= 1e3 && floor >= 0.0 && floor < max && min >= 1e-30) {
            return Err(error("needs 1e-30 <= min < max <= 1000 and 0 <= floor < max".to_owned()));
        }
        let mut law = DtBias { min, max, floor, polynomial: [0.0; TERMS] };
        law.polynomial = law.fit();
        let worst = law.fit_error();
        // A NaN is no small error.
        if worst.is_nan() || worst > MAX_ERROR {
            return Err(error(format!(
                "the fit's error is {worst:.1e}, at most {MAX_ERROR:e} is served; take a smaller max / min"
            )));
        }
        Ok(Self::DtBias(law))
    }
}

impl DtBias {
    /// The smallest step drawn.
    #[must_use]
    pub const fn min(&self) -> f64 {
        self.min
    }

    /// The largest step drawn.
    #[must_use]
    pub const fn max(&self) -> f64 {
        self.max
    }

    /// Smaller steps are raised to this.
    #[must_use]
    pub const fn floor(&self) -> f64 {
        self.floor
    }

    /// The polynomial in t, lowest degree first.
    pub(crate) const fn polynomial(&self) -> &[f32; TERMS] {
        &self.polynomial
    }

    /// The middle and the half-width of the logarithms of the steps.
    fn log_steps(&self) -> (f64, f64) {
        let (low, high) = (libm::log(self.min), libm::log(self.max));
        ((low + high) / 2.0, (high - low) / 2.0)
    }

    /// The bias at `t` in [-1, 1], before the floor.
    fn exact(&self, t: f64) -> f64 {
        let (middle, half) = self.log_steps();
        inverse_softplus(libm::exp(middle + t * half))
    }

    /// The polynomial that equals the bias at Chebyshev's points, each coefficient rounded once.
    fn fit(&self) -> [f32; TERMS] {
        let cosine = |m: usize| libm::cos(m as f64 * std::f64::consts::PI / (2 * TERMS) as f64);
        let monomials: [f64; TERMS] = chebyshev::interpolate(Domain::Symmetric, cosine, |t| self.exact(t));
        // So small a coefficient changes no value; none is subnormal.
        monomials.map(|m| if m.abs() < 1.0 / (1u64 << 60) as f64 { 0.0 } else { m as f32 })
    }

    /// The polynomial's worst error over 513 points.
    fn fit_error(&self) -> f64 {
        (0..=512).fold(0.0, |worst: f64, i| {
            let t = f64::from(i) / 256.0 - 1.0;
            let value = self.polynomial.iter().rev().fold(0.0, |h, &c| h * t + f64::from(c));
            let exact = self.exact(t);
            let error = (value - exact).abs() / if exact.abs() < 1.0 { 1.0 } else { exact.abs() };
            if error > worst || error.is_nan() { error } else { worst }
        })
    }

    /// The mean of a function of the bias: a share of the elements stands at the floor, the rest is integrated above
    /// it.
    fn expect(&self, f: impl Fn(f64) -> f64) -> f64 {
        if self.floor <= self.min {
            return integrate(-1.0, 1.0, |t| f(self.exact(t))) / 2.0;
        }
        let (middle, half) = self.log_steps();
        let floor = (libm::log(self.floor) - middle) / half;
        (floor + 1.0) / 2.0 * f(self.range().0) + integrate(floor, 1.0, |t| f(self.exact(t))) / 2.0
    }
}

impl Describe for DtBias {
    fn range(&self) -> (f64, f64) {
        let low = if self.min < self.floor { self.floor } else { self.min };
        (inverse_softplus(low), inverse_softplus(self.max))
    }

    fn moments(&self) -> (f64, f64) {
        let mean = self.expect(|x| x);
        (mean, self.expect(|x| (x - mean) * (x - mean)).sqrt())
    }

    fn kurtosis(&self) -> Option<f64> {
        let (mean, std) = self.moments();
        Some(self.expect(|x| ((x - mean) / std).powi(4)))
    }

    fn shares(&self, count: u64) -> Vec<Share> {
        vec![Share::drawn(count, self)]
    }
}

impl Display for DtBias {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let [min, max, floor] = [self.min, self.max, self.floor].map(Number);
        write!(f, "inverse softplus of a log-uniform ({min}, {max}), at least {floor}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The moments against sums over 2^20 midpoints, with and without a floor inside.
    #[test]
    fn moments_are_those_of_a_fine_sum() {
        for (min, max, floor) in [(0.001, 0.1, 1e-4), (0.001, 0.1, 0.01), (0.5, 5.0, 0.0)] {
            let law = Law::dt_bias(min, max, floor).unwrap();
            let Law::DtBias(bias) = &law else { panic!("{law}") };
            let (lo, hi) = bias.range();
            let n = 1u32 << 20;
            let values = || (0..n).map(|i| bias.exact(f64::from(2 * i + 1) / f64::from(n) - 1.0).clamp(lo, hi));
            let average = |f: &dyn Fn(f64) -> f64| values().map(f).sum::<f64>() / f64::from(n);
            let mean = average(&|x| x);
            let std = average(&|x| (x - mean).powi(2)).sqrt();
            let kurtosis = average(&|x| ((x - mean) / std).powi(4));
            assert!((law.mean() - mean).abs() < 1e-9 && (law.std() - std).abs() < 1e-9, "{law}");
            assert!((law.kurtosis().unwrap() - kurtosis).abs() < 1e-8, "{law}: {kurtosis}");
        }
    }
}
