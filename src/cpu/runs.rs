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
    if law.mask == mask::NONE {
        return fill_uncut(level, series, runs, out);
    }
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
        _ => {
            fill(&uncut, runs);
            runs(&mut |run| cut_zeros(level, series, run, out));
        }
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
    let mut turned = Turned::default();
    runs(&mut |run| turned.take(run, &mut |run| gather.take(run, out)));
    turned.finish(&mut |run| gather.take(run, out));
    gather.finish(out);
}

/// Runs that are gathered while they lie beside each other in the logical tensor, as those of a transposed one do:
/// taken the other way round, their elements follow each other, and a block gives four of them.
#[derive(Default)]
struct Turned {
    /// The first of them.
    first: Option<Run>,
    count: u64,
    /// How far they lie apart in the destination.
    pitch: u64,
}

impl Turned {
    /// As many runs as a cache holds a line of each.
    const MOST: u64 = 16;

    fn take(&mut self, run: &Run, found: &mut dyn FnMut(&Run)) {
        if run.src_step == 1 {
            self.finish(found);
            return found(run);
        }
        if let Some(first) = &self.first {
            let is_like = (run.count, run.src_step, run.dst_step) == (first.count, first.src_step, first.dst_step);
            let pitch = if self.count == 1 { run.dst.wrapping_sub(first.dst) } else { self.pitch };
            let is_next = run.src == first.src.wrapping_add(self.count)
                && run.dst == first.dst.wrapping_add(self.count.wrapping_mul(pitch));
            if is_like && is_next && self.count < Self::MOST {
                (self.count, self.pitch) = (self.count + 1, pitch);
                return;
            }
        }
        self.finish(found);
        (self.first, self.count) = (Some(*run), 1);
    }

    fn finish(&mut self, found: &mut dyn FnMut(&Run)) {
        let Some(first) = self.first.take() else { return };
        if self.count == 1 {
            return found(&first);
        }
        for k in 0..first.count {
            found(&Run {
                src: first.src.wrapping_add(k.wrapping_mul(first.src_step)),
                dst: first.dst + k * first.dst_step,
                count: self.count,
                src_step: 1,
                dst_step: self.pitch,
            });
        }
    }
}
