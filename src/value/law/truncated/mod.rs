//! The truncated normal's window: the constants of its inverse CDF, computed in f64. docs/stream/truncated.md is normative.
//!
//! One 32-bit word x stands for the probability (x + 1/2) / 2^32 of the window, counted from `lo`, or from `hi` where the
//! window is turned. Mode C works with probabilities of the whole normal; mode H, for thin and far windows, with the tail
//! relative to that beyond the window's edge, since absolute ones would underflow or cancel there.

mod chebyshev;
mod mills;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

use crate::value::law::MIN_SCALE;
use crate::value::params::LawParams;
use crate::{Error, Result};
use mills::{GAUSS, central, log_drop, neg_log_tail, quantile_offset, upper_tail};

const TWO_32: f64 = 4_294_967_296.0;
/// 1 / sqrt(2 pi).
const PHI_0: f64 = f64::from_bits(0x3fd9_8845_33d4_3651);
/// Mode H looks no farther: a refined word reaches a tail of 2^-64 = exp(-44.36).
const FARTHEST: f64 = 44.4;
/// Mode H is taken up to this multiple of -ln Q(a): beyond, mode C's tail is the better fit.
const TAIL_RATIO: f64 = 1.25;
/// 2^-60: below, the density is flat to f64's last digit and the window uniform; a smaller step could become subnormal.
const FLAT: f64 = 1.0 / (1u64 << 60) as f64;
/// 2^-64: least std and width of a window. See [`Window::new`] on why these bounds keep subnormals out.
const MIN_WIDTH: f64 = FLAT / 16.0;
/// 2^-45: least width that a window's values may occupy in mode H.
const MIN_TAIL_WIDTH: f64 = 1.0 / (1u64 << 45) as f64;

/// A window in units of std, turned so that its densest end comes first: `-a <= b`.
#[derive(Clone, Copy, Debug)]
struct Standard {
    a: f64,
    b: f64,
    /// b - a, without the cancellation.
    d: f64,
    /// std, negative where the window is turned.
    sigma: f64,
    /// The bound that `a` stands for.
    edge: f64,
}

impl Standard {
    fn new(mean: f64, std: f64, lo: f64, hi: f64) -> Self {
        let (a, b, d) = ((lo - mean) / std, (hi - mean) / std, (hi - lo) / std);
        // Minus infinity plus infinity is NaN, and does not turn.
        if a + b < 0.0 {
            Self { a: -b, b: -a, d, sigma: -std, edge: hi }
        } else {
            Self { a, b, d, sigma: std, edge: lo }
        }
    }
}

/// The constants of one window, as docs/stream/truncated.md names them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    tail: bool,
    refine: bool,
    threshold: u32,
    scale: f64,
    center: f64,
    step: f64,
    offset: f64,
    left: f64,
    right: f64,
    left_edge: f64,
    right_edge: f64,
    inverse: f64,
    poly: [f64; chebyshev::TERMS],
    /// Mode H: how far from the edge values go.
    occupied: f64,
    reach: (f64, f64),
}

impl Window {
    /// The constants of N(mean, std^2) on [lo, hi], either bound possibly infinite.
    ///
    /// The limits keep every number of the device a normal f32 or 0. In mode C the least nonzero |c| is s 2^-25 (c is a
    /// sum of multiples of that; an `off` below s 2^-24 is set to 0) and |z| >= 2.5 |c|, with P std >= 0.17 min(std, hi - lo), so
    /// |z| std > 2^-126 from a width of 2^-64 on. In mode H the least v is 2^-39, the least coefficient 2^-77 (width 2^-45,
    /// floor 2^-32), so sums of Horner's scheme that do not vanish exceed 2^-126. A nonzero mean or bound of magnitude
    /// 2^-76 or more leaves 48 bits below it for a cancellation.
    ///
    /// # Errors
    /// [`Error::Law`] where the window, its bounds or the stretch that its values occupy are below those limits.
    pub(crate) fn new(mean: f64, std: f64, lo: f64, hi: f64) -> Result<Self> {
        let fail = |reason: String| Error::Law(format!("N({mean:?}, {std:?}^2) on [{lo:?}, {hi:?}]: {reason}"));
        for bound in [lo, hi] {
            if bound != 0.0 && bound.abs() < MIN_SCALE {
                return Err(fail(format!("bound {bound:e} must be 0 or of magnitude {MIN_SCALE:e} or more")));
            }
        }
        let narrow = std.min(hi - lo);
        if narrow < MIN_WIDTH {
            return Err(fail(format!("std and width must be at least {MIN_WIDTH:e}, one is {narrow:e}")));
        }
        let w = Standard::new(mean, std, lo, hi);
        let window = if w.a > 0.0 {
            let drop = log_drop(w.a, w.d);
            if drop.min(FARTHEST) <= TAIL_RATIO * neg_log_tail(w.a) {
                Self::tail(w, hi - lo, drop)
            } else {
                Self::center_beside(mean, w, upper_tail(w.a) * -libm::expm1(-drop))
            }
        } else {
            let mass = central(w.b) + central(-w.a);
            if mass < FLAT { Self::tail(w, hi - lo, mass) } else { Self::center_within(mean, w, mass) }
        };
        if window.tail && window.poly[1] != 0.0 && window.occupied < MIN_TAIL_WIDTH {
            let (occupied, edge) = (window.occupied, w.edge);
            return Err(fail(format!("values lie within {occupied:e} of {edge:e}, needs at least {MIN_TAIL_WIDTH:e}")));
        }
        Ok(window.bounded(lo, hi))
    }

    /// Mode C for a <= 0: the mean lies in the window, of probability `mass`.
    fn center_within(mean: f64, w: Standard, mass: f64) -> Self {
        let step = mass / TWO_32;
        let below = central(-w.a) / step;
        let threshold = 65536.0 * libm::floor(below / 65536.0 + 0.5);
        let offset = (threshold + 0.5 - below) * step;
        let (left_edge, right_edge) = (upper_tail(-w.a), upper_tail(w.b));
        let far = right_edge.min(if threshold > 0.0 { left_edge } else { right_edge });
        Self {
            refine: far < step * 1_048_576.0,
            threshold: threshold as u32,
            offset: if offset.abs() < step / 16_777_216.0 { 0.0 } else { offset },
            left: left_edge + step / 2.0,
            left_edge,
            ..Self::center(mean, w, step, right_edge)
        }
    }

    /// Mode C for a > 0: the mean lies before the window.
    fn center_beside(mean: f64, w: Standard, mass: f64) -> Self {
        let step = mass / TWO_32;
        Self { offset: central(w.a) + step / 2.0, ..Self::center(mean, w, step, upper_tail(w.b)) }
    }

    /// What both sorts of mode C share.
    fn center(mean: f64, w: Standard, step: f64, right_edge: f64) -> Self {
        // Every tail probability p the device forms is at least s 2^-32 (refined: e >= 1; else K >= 1 and `rr` >= -s/2), and
        // Q(z) <= exp(-z^2 / 2) / 2 bounds z from p; the bound exceeds the quantile by far more than the device errs.
        let farthest = (-2.0 * libm::log(2.0 * (step / TWO_32))).sqrt();
        let std = w.sigma.abs();
        let slack = (mean.abs() + std * farthest) / 1_048_576.0;
        Self {
            tail: false,
            refine: right_edge < step * 1_048_576.0,
            threshold: 0,
            scale: w.sigma,
            center: mean,
            step,
            offset: 0.0,
            left: 0.0,
            right: right_edge - step / 2.0,
            left_edge: 0.0,
            right_edge,
            inverse: 0.0,
            poly: [0.0; chebyshev::TERMS],
            occupied: 0.0,
            reach: (mean - std * farthest - slack, mean + std * farthest + slack),
        }
    }

    /// Mode H: the tail beyond the edge shrinks by exp(-drop) across the window.
    fn tail(w: Standard, width: f64, drop: f64) -> Self {
        let flat = drop < FLAT;
        let drop = drop.max(FLAT);
        let farthest = drop.min(FARTHEST);
        let (step, right_edge) = (-libm::expm1(-drop) / TWO_32, libm::exp(-drop));
        let mut poly = [0.0; chebyshev::TERMS];
        let mut reach = width;
        if flat {
            poly[0] = if w.sigma < 0.0 { -width } else { width };
        } else {
            poly = chebyshev::interpolate(|v| w.sigma * quantile_offset(w.a, v * farthest) / v);
            let least = poly[0].abs() / TWO_32;
            for h in &mut poly {
                if h.abs() < least {
                    *h = least.copysign(*h);
                }
            }
            reach = reach.min(w.sigma.abs() * quantile_offset(w.a, farthest));
        }
        // Refined or not, p >= s 2^-32 >= 2^-64 (1 - 2^-20) wherever em < E, so v < 1 and no value passes delta(em).
        let slack = (w.edge.abs() + reach) / 1_048_576.0;
        Self {
            tail: true,
            refine: right_edge < step * 1_048_576.0,
            threshold: 0,
            scale: w.sigma,
            center: w.edge,
            step,
            offset: step / 2.0,
            left: 0.0,
            right: right_edge - step / 2.0,
            left_edge: 0.0,
            right_edge,
            inverse: -1.0 / farthest,
            poly,
            occupied: reach,
            reach: if w.sigma < 0.0 { (w.edge - reach - slack, w.edge) } else { (w.edge, w.edge + reach + slack) },
        }
    }

    /// The reach, cut at the bounds.
    fn bounded(mut self, lo: f64, hi: f64) -> Self {
        self.reach = (self.reach.0.max(lo), self.reach.1.min(hi));
        self
    }

    /// Writes the constants, each rounded once to f32; the law's kind and its bounds are the caller's.
    pub(crate) fn write(&self, params: &mut LawParams) {
        params.tail = u32::from(self.tail);
        params.refine = u32::from(self.refine);
        params.threshold = self.threshold;
        params.scale = narrow(self.scale);
        params.center = narrow(self.center);
        params.step = narrow(self.step);
        params.offset = narrow(self.offset);
        params.left = narrow(self.left);
        params.right = narrow(self.right);
        params.left_edge = narrow(self.left_edge);
        params.right_edge = narrow(self.right_edge);
        params.inverse = narrow(self.inverse);
        params.poly = self.poly.map(narrow);
    }
}

/// The nearest f32; +0 where that is subnormal or -0, since devices may or may not flush those.
fn narrow(x: f64) -> f32 {
    let y = x as f32;
    if y.abs() < f32::MIN_POSITIVE { 0.0 } else { y }
}

/// Mean and standard deviation of N(mean, std^2) conditioned on [lo, hi].
///
/// By quadrature with positive weights (32 panels of 8 points), not by the closed form, whose differences lose every digit
/// in thin and far windows. Error of either beside the std: below 1e-14.
pub(crate) fn moments(mean: f64, std: f64, lo: f64, hi: f64) -> (f64, f64) {
    let w = Standard::new(mean, std, lo, hi);
    if w.a > 0.0 {
        // Offsets from the edge, as far as exp(-60) of its density.
        let length = w.d.min(120.0 / (w.a + (w.a * w.a + 120.0).sqrt()));
        let density = |t: f64| libm::exp(-(w.a + t / 2.0) * t);
        let mass = integrate(0.0, length, density);
        let first = integrate(0.0, length, |t| t * density(t)) / mass;
        let second = integrate(0.0, length, |t| (t - first) * (t - first) * density(t)) / mass;
        return (w.edge + w.sigma * first, std * second.sqrt());
    }
    // (phi(a) - phi(b)) / P, where b^2 - a^2 keeps its digits as a product.
    let ratio = if w.b == f64::INFINITY { 1.0 } else { -libm::expm1(-w.d * (w.a + w.b) / 2.0) };
    let first = PHI_0 * libm::exp(-w.a * w.a / 2.0) * ratio / (central(w.b) + central(-w.a));
    let (from, to) = (w.a.max(-11.0), w.b.min(11.0));
    let density = |z: f64| libm::exp(-z * z / 2.0);
    let mass = integrate(from, to, density);
    let second = integrate(from, to, |z| (z - first) * (z - first) * density(z)) / mass;
    (mean + w.sigma * first, std * second.sqrt())
}

/// The kurtosis of N(mean, std^2) conditioned on [lo, hi]: its fourth central moment over its squared variance, 3 uncut.
pub(crate) fn kurtosis(mean: f64, std: f64, lo: f64, hi: f64) -> f64 {
    let w = Standard::new(mean, std, lo, hi);
    // The density of the offset from the edge in a tail, of the deviate itself elsewhere.
    let (from, to) = match w.a > 0.0 {
        true => (0.0, w.d.min(120.0 / (w.a + (w.a * w.a + 120.0).sqrt()))),
        false => (w.a.max(-11.0), w.b.min(11.0)),
    };
    let density = |x: f64| if w.a > 0.0 { libm::exp(-(w.a + x / 2.0) * x) } else { libm::exp(-x * x / 2.0) };
    let mass = integrate(from, to, density);
    let first = integrate(from, to, |x| x * density(x)) / mass;
    let central = |power: i32| integrate(from, to, |x| (x - first).powi(power) * density(x)) / mass;
    let second = central(2);
    central(4) / (second * second)
}

/// The integral of `f` over [from, to].
fn integrate(from: f64, to: f64, f: impl Fn(f64) -> f64) -> f64 {
    const PANELS: u32 = 32;
    let width = (to - from) / f64::from(PANELS);
    let mut sum = 0.0;
    for panel in 0..PANELS {
        let start = from + width * f64::from(panel);
        for (node, weight) in GAUSS {
            sum += weight * f(start + width * node);
        }
    }
    sum * width
}

/// An interval that no generated value leaves: the bounds, or how far the words reach where that is less.
pub(crate) fn reach(mean: f64, std: f64, lo: f64, hi: f64) -> (f64, f64) {
    Window::new(mean, std, lo, hi).map_or((lo, hi), |window| window.reach)
}
