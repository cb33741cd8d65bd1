//! Runs of elements of any law.

use super::constant::{constant_bits, fill_bits};
use super::fill::Series;
use super::gather::Gather;
use super::level::Available;
use super::pattern::on_pattern;
use super::placed::fill_placed;
use super::sparse::cut_zeros;
use crate::plan::placement::Run;
use crate::value::params::{LawParams, kind, mask};

/// Calls what it is given with each of some runs, which write different elements.
pub(super) type Runs<'a> = &'a dyn Fn(&mut dyn FnMut(&Run));

/// Fills the elements of runs, whose destination elements are those of `out`.
pub(super) fn fill_runs(level: Available, series: &Series<'_>, runs: Runs<'_>, out: &mut [u8]) {
    let law = series.law;
    let uncut = law.unmasked();
    let (zero, centered) = (LawParams::zero(), LawParams { center: 0.0, ..uncut });
    let mut fill = |law: &LawParams, runs: Runs<'_>| fill_uncut(level, &Series { law, ..*series }, runs, out);
    let on_the_pattern = |found: &mut dyn FnMut(&Run)| runs(&mut |run| on_pattern(law, run, found));
    match law.mask {
        mask::PATTERN => {
            fill(&zero, runs);
            fill(&uncut, &on_the_pattern);
        }
        mask::CENTERED => {
            fill(&centered, runs);
            fill(&uncut, &on_the_pattern);
        }
        mask::SPARSE => {
            fill(&uncut, runs);
            runs(&mut |run| cut_zeros(level, series, run, out));
        }
        _ => fill(&uncut, runs),
    }
}

/// [`fill_runs`] of a law without a mask.
fn fill_uncut(level: Available, series: &Series<'_>, runs: Runs<'_>, out: &mut [u8]) {
    if let Some(bits) = constant_bits(series) {
        return runs(&mut |run| fill_bits(bits, series.dtype, run, out));
    }
    if let kind::SINUSOIDAL | kind::LOG_RANGE | kind::LINSPACE = series.law.kind {
        return runs(&mut |run| fill_placed(level, series, run, out));
    }
    let mut gather = Gather::new(level, series);
    runs(&mut |run| gather.take(run, out));
    gather.finish(out);
}
