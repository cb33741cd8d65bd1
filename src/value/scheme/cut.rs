//! The normal whose std on a window is the one given.

use super::Bounds;
use crate::value::law::MAX_SCALE;
use crate::value::law::truncated::moments;
use crate::value::text::Number;

/// The sigma of the normal around `mean` whose std on the window is `std`; else why there is none.
pub(super) fn sigma(mean: f64, std: f64, bounds: Bounds) -> Result<f64, String> {
    if !(std.is_finite() && std > 0.0) {
        return Err(format!("std is {}, must be finite and above 0", Number(std)));
    }
    let (Bounds::Sigma(lo, hi) | Bounds::Absolute(lo, hi)) = bounds;
    if !(mean.is_finite() && lo < hi) {
        return Err("needs a finite mean and lo < hi".to_owned());
    }
    match bounds {
        Bounds::Sigma(a, b) => {
            let sigma = std / moments(0.0, 1.0, a, b).1;
            if sigma.is_finite() {
                Ok(sigma)
            } else {
                Err("the window is too far from the mean, or too thin".to_owned())
            }
        }
        Bounds::Absolute(lo, hi) => bisect(mean, std, lo, hi),
    }
}

/// The std on a fixed window grows with sigma, from 0 up to that of the uniform, and never exceeds sigma.
fn bisect(mean: f64, std: f64, lo: f64, hi: f64) -> Result<f64, String> {
    if lo == f64::NEG_INFINITY && hi == f64::INFINITY {
        return Ok(std);
    }
    // False also for NaN, the std of a window too far from the mean for this sigma.
    let wide_enough = |sigma: f64| moments(mean, sigma, lo, hi).1 >= std;
    // A finite window within 1/1024 of a sigma is uniform to 1 part in 10^7: wider than that means never.
    let reach = (lo - mean).abs().max((hi - mean).abs());
    let widest = (1024.0 * reach).min(MAX_SCALE);
    let (mut below, mut above) = (std, std);
    while !wide_enough(above) {
        if above > widest {
            let most = (hi - lo) / 12f64.sqrt();
            if most == f64::INFINITY {
                return Ok(above); // beyond every law's range, which the law itself reports
            }
            return Err(format!(
                "no normal around the mean has std {} on [{}, {}], where the std stays below {}; take a smaller std, a \
                 wider window or std_of=parent",
                Number(std),
                Number(lo),
                Number(hi),
                Number(most)
            ));
        }
        below = above;
        above *= 2.0;
    }
    loop {
        let middle = below + (above - below) / 2.0;
        if middle <= below || middle >= above {
            return Ok(above);
        }
        if wide_enough(middle) { above = middle } else { below = middle }
    }
}
