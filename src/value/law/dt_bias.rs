//! The bias of a Mamba block's step: the inverse softplus of a log-uniform step, as a polynomial in the uniform lattice.

use crate::{Error, Result};

/// Coefficients of the polynomial.
pub(crate) const TERMS: usize = 12;
/// How far the polynomial may lie from the exact bias, relative to the larger of that and 1.
const MAX_ERROR: f64 = 2e-7;

/// ln(e^dt - 1), as torch writes it: softplus of it is dt.
pub(crate) fn inverse_softplus(dt: f64) -> f64 {
    dt + libm::log(-libm::expm1(-dt))
}

/// The steps from `min` to `max`, none below `floor`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    min: f64,
    max: f64,
    floor: f64,
}

impl Steps {
    /// # Errors
    /// [`Error::Law`] with the numbers.
    pub fn new(min: f64, max: f64, floor: f64) -> Result<Self> {
        let named = || format!("dt_bias(min={min:?}, max={max:?}, floor={floor:?})");
        if !(min > 0.0 && min < max && max <= 1e3 && floor >= 0.0 && floor < max && min >= 1e-30) {
            return Err(Error::Law(format!("{}: needs 1e-30 <= min < max <= 1000 and 0 <= floor < max", named())));
        }
        let steps = Self { min, max, floor };
        let error = steps.error();
        // A NaN is no small error.
        if error.is_nan() || error > MAX_ERROR {
            return Err(Error::Law(format!(
                "{}: the fit's error is {error:.1e}, at most {MAX_ERROR:e} is served; take a smaller max / min",
                named()
            )));
        }
        Ok(steps)
    }

    /// The bias at `t` in [-1, 1], before the floor.
    fn exact(&self, t: f64) -> f64 {
        let (low, high) = (libm::log(self.min), libm::log(self.max));
        inverse_softplus(libm::exp((low + high) / 2.0 + t * ((high - low) / 2.0)))
    }

    /// The lowest and the highest bias.
    pub fn ends(&self) -> (f64, f64) {
        let low = if self.min < self.floor { self.floor } else { self.min };
        (inverse_softplus(low), inverse_softplus(self.max))
    }

    /// The polynomial that equals the bias at Chebyshev's points, lowest degree first, each coefficient rounded once.
    pub fn polynomial(&self) -> [f32; TERMS] {
        let angle = |m: usize| libm::cos(m as f64 * std::f64::consts::PI / (2 * TERMS) as f64);
        let values: [f64; TERMS] = std::array::from_fn(|j| self.exact(angle(2 * j + 1)));
        let (mut monomials, mut basis, mut before) = ([0.0; TERMS], [0.0; TERMS], [0.0; TERMS]);
        basis[0] = 1.0;
        for k in 0..TERMS {
            let mut c = 0.0;
            for (j, value) in values.iter().enumerate() {
                c += value * angle(k * (2 * j + 1));
            }
            c = if k == 0 { c / TERMS as f64 } else { c * 2.0 / TERMS as f64 };
            for (m, b) in monomials.iter_mut().zip(basis) {
                *m += c * b;
            }
            // T_1 = t T_0, then T_{k+1} = 2 t T_k - T_{k-1}: integers, exact.
            let double = if k == 0 { 1.0 } else { 2.0 };
            let next = std::array::from_fn(|i| double * (if i == 0 { 0.0 } else { basis[i - 1] }) - before[i]);
            before = basis;
            basis = next;
        }
        // So small a coefficient changes no value; none is subnormal.
        monomials.map(|m| if m.abs() < 1.0 / (1u64 << 60) as f64 { 0.0 } else { m as f32 })
    }

    /// The polynomial's worst error over 513 points.
    fn error(&self) -> f64 {
        let poly = self.polynomial();
        (0..=512).fold(0.0, |worst: f64, i| {
            let t = f64::from(i) / 256.0 - 1.0;
            let value = poly.iter().rev().fold(0.0, |h, &c| h * t + f64::from(c));
            let exact = self.exact(t);
            let error = (value - exact).abs() / if exact.abs() < 1.0 { 1.0 } else { exact.abs() };
            if error > worst || error.is_nan() { error } else { worst }
        })
    }

    /// The mean and the std of the bias, by the midpoints of 4096 equal stretches.
    pub fn moments(&self) -> (f64, f64) {
        let (mut first, mut second) = (0.0, 0.0);
        for value in self.midpoints() {
            first += value / 4096.0;
            second += value * value / 4096.0;
        }
        (first, (second - first * first).max(0.0).sqrt())
    }

    /// Its kurtosis, likewise.
    pub fn kurtosis(&self) -> f64 {
        let (mean, std) = self.moments();
        self.midpoints().map(|value| ((value - mean) / std).powi(4)).sum::<f64>() / 4096.0
    }

    fn midpoints(&self) -> impl Iterator<Item = f64> {
        let (low, high) = self.ends();
        (0..4096).map(move |i| self.exact((f64::from(2 * i) + 1.0) / 4096.0 - 1.0).clamp(low, high))
    }
}
