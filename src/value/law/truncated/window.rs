//! The truncated normal's window: the constants of its inverse CDF, computed in f64. docs/stream/truncated.md is
//! normative.
//!
//! One 32-bit word x stands for the probability (x + 1/2) / 2^32 of the window, counted from `lo`, or from `hi` where
//! the window is turned. Mode C works with probabilities of the whole normal; mode H, for thin and far windows, with
//! the tail relative to that beyond the window's edge, since absolute ones would underflow or cancel there.

use super::mills::{central, log_drop, neg_log_tail, quantile_offset, upper_tail};
use crate::value::law::MIN_SCALE;
use crate::value::law::chebyshev::{self, Domain};
use crate::value::libm;
use crate::value::text::Number;
use crate::{Error, Result};

/// Coefficients of mode H's polynomial.
const TERMS: usize = 9;
const TWO_32: f64 = 4_294_967_296.0;
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
pub(super) struct Standard {
    pub a: f64,
    pub b: f64,
    /// b - a, without the cancellation.
    pub d: f64,
    /// std, negative where the window is turned.
    pub sigma: f64,
    /// The bound that `a` stands for.
    pub edge: f64,
}

impl Standard {
    pub fn new(mean: f64, std: f64, lo: f64, hi: f64) -> Self {
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
///
/// The fields that a kernel reads are those of the same names of `LawParams`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    pub tail: bool,
    pub refine: bool,
    pub threshold: u32,
    pub scale: f64,
    pub center: f64,
    pub step: f64,
    pub offset: f64,
    pub left: f64,
    pub right: f64,
    pub left_edge: f64,
    pub right_edge: f64,
    pub inverse: f64,
    pub poly: [f64; TERMS],
    /// Mode H: how far from the edge values go.
    occupied: f64,
    /// An interval that no value leaves: the bounds, or how far the words reach where that is less.
    pub reach: (f64, f64),
}

impl Window {
    /// The constants of N(mean, std^2) on [lo, hi], either bound possibly infinite.
    ///
    /// The limits keep every number of the device a normal f32 or 0.
    ///
    /// In mode C the least nonzero |c| is s 2^-25 (c is a sum of multiples of that; an `off` below s 2^-24 is set to 0)
    /// and |z| is at least 2.5 |c|. With P std of at least 0.17 times the smaller of std and the width, |z| std exceeds
    /// 2^-126 from a width of 2^-64 on. In mode H the least v is 2^-39 and the least coefficient 2^-77 (width 2^-45,
    /// floor 2^-32), so that sums of Horner's scheme that do not vanish exceed 2^-126. A nonzero mean or bound of
    /// magnitude 2^-76 or more leaves 48 bits below it for a cancellation.
    ///
    /// # Errors
    /// [`Error::Law`] where the window, its bounds or the width that its values occupy are below those limits.
    pub(super) fn new(mean: f64, std: f64, lo: f64, hi: f64) -> Result<Self> {
        let fail = |reason: String| {
            let [mean, std, lo, hi] = [mean, std, lo, hi].map(Number);
            Error::Law(format!("N({mean}, {std}^2) on [{lo}, {hi}]: {reason}"))
        };
        for bound in [lo, hi] {
            if bound != 0.0 && bound.abs() < MIN_SCALE {
                return Err(fail(format!("bound {} must be 0 or of magnitude 2^-76 (1.3e-23) or more", Number(bound))));
            }
        }
        let narrow = std.min(hi - lo);
        if narrow < MIN_WIDTH {
            return Err(fail(format!("std and width must be at least 2^-64 (5.4e-20), one is {narrow:e}")));
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
            return Err(fail(format!("values lie within {occupied:.1e} of {edge:e}, needs at least 2^-45 (2.8e-14)")));
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
        // Every tail probability p the device forms is at least s 2^-32 (refined: e >= 1; else K >= 1 and `rr` >=
        // -s/2), and Q(z) <= exp(-z^2 / 2) / 2 bounds z from p; the bound exceeds the quantile by far more than the
        // device errs.
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
            poly: [0.0; TERMS],
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
        let mut poly = [0.0; TERMS];
        let mut reach = width;
        if flat {
            poly[0] = if w.sigma < 0.0 { -width } else { width };
        } else {
            poly = chebyshev::interpolate(Domain::Unit, chebyshev::cosine_18, |v| {
                w.sigma * quantile_offset(w.a, v * farthest) / v
            });
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
}
