//! The std of a normal that is cut, and the normal whose cut has a given std.

use super::Bounds;
use crate::value::law::MAX_SCALE;
use crate::value::text::Number;

const PANELS: usize = 128;
/// Gauss-Legendre with 5 points on [-1, 1]: node and weight.
const NODES: [(f64, f64); 5] = [
    (-0.906_179_845_938_664, 0.236_926_885_056_189_08),
    (-0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
    (0.0, 0.568_888_888_888_888_9),
    (0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
    (0.906_179_845_938_664, 0.236_926_885_056_189_08),
];
/// The density is taken as 0 where it is below e^-45 of its peak.
const TWICE_DEPTH: f64 = 90.0;

/// The std of N(0, 1) conditioned on [a, b], a < b; NaN or 0 where f64 cannot tell.
///
/// In t, the distance from the window's peak, so that a far tail loses nothing: with p = max(a, 0) after a flip that
/// makes a window of negatives positive, the density is exp(-t (t/2 + p)) up to a factor. Its second central moment is a
/// sum over 128 equal panels of 5 points each.
pub(super) fn std_of_cut(a: f64, b: f64) -> f64 {
    let (a, b) = if b < 0.0 { (-b, -a) } else { (a, b) };
    let (peak, start, end) = if a > 0.0 {
        (a, 0.0, (b - a).min(TWICE_DEPTH / (a + (a * a + TWICE_DEPTH).sqrt())))
    } else {
        (0.0, a.max(-TWICE_DEPTH.sqrt()), b.min(TWICE_DEPTH.sqrt()))
    };
    let half = (end - start) / (2 * PANELS) as f64;
    let points = || {
        (0..PANELS).flat_map(move |panel| {
            let center = start + (2 * panel + 1) as f64 * half;
            NODES.map(move |(node, weight)| {
                let t = center + node * half;
                (t, weight * libm::exp(-t * (t / 2.0 + peak)))
            })
        })
    };
    let (mut mass, mut first) = (0.0, 0.0);
    for (t, w) in points() {
        mass += w;
        first += w * t;
    }
    let mean = first / mass;
    let mut second = 0.0;
    for (t, w) in points() {
        second += w * (t - mean) * (t - mean);
    }
    (second / mass).sqrt()
}

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
            let sigma = std / std_of_cut(a, b);
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
    let wide_enough = |sigma: f64| sigma * std_of_cut((lo - mean) / sigma, (hi - mean) / sigma) >= std;
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
