//! The elements of a run that lie on a pattern: the blocks of a diagonal, at one element of each kernel.

use super::structured::div_rem;
use crate::plan::placement::Run;
use crate::value::params::LawParams;

/// Calls `found` with the parts of a run that are on the law's pattern.
pub(super) fn on_pattern(law: &LawParams, run: &Run, found: &mut dyn FnMut(&Run)) {
    if run.count == 0 {
        return;
    }
    let row = u64::from(law.cols) * u64::from(law.inner);
    if run.src_step == 1 && u64::from(law.cols) >= 2 * u64::from(law.block_cols) {
        along_rows(law, row, run, found);
    } else {
        by_element(law, run, found);
    }
}

/// Which block of its group an output lies in, output after output.
#[derive(Clone, Copy)]
struct Output {
    /// In the group.
    row: u32,
    block: u32,
    /// In the block.
    within: u32,
}

impl Output {
    fn new(law: &LawParams, output: u64) -> Self {
        let row = (output % u64::from(law.rows)) as u32;
        Self { row, block: row / law.block_rows, within: row % law.block_rows }
    }

    fn next(self, law: &LawParams) -> Self {
        if self.row + 1 == law.rows {
            Self { row: 0, block: 0, within: 0 }
        } else if self.within + 1 == law.block_rows {
            Self { row: self.row + 1, block: self.block + 1, within: 0 }
        } else {
            Self { row: self.row + 1, within: self.within + 1, ..self }
        }
    }
}

/// [`on_pattern`] where indices follow each other: `row` of them for each output.
fn along_rows(law: &LawParams, row: u64, run: &Run, found: &mut dyn FnMut(&Run)) {
    let (inner, spot) = (u64::from(law.inner), u64::from(law.spot));
    let (first, mut from) = (run.src / row, run.src % row);
    let mut output = Output::new(law, first);
    // The number of the row's first element that is the run's.
    let mut done = 0;
    while done < run.count {
        let to = row.min(from + run.count - done);
        let lo = (u64::from(output.block) * u64::from(law.block_cols)).min(u64::from(law.cols));
        let hi = (lo + u64::from(law.block_cols)).min(u64::from(law.cols));
        // The inputs of the block whose element `spot` lies in from..to.
        let inside = |end: u64| (end.saturating_sub(spot)).div_ceil(inner);
        let lo = if lo * inner < from { lo.max(inside(from)) } else { lo };
        let hi = if hi * inner > to { hi.min(inside(to)) } else { hi };
        if lo < hi {
            let at = lo * inner + spot - from + done;
            found(&Run {
                src: run.src + at,
                dst: run.dst + at * run.dst_step,
                count: hi - lo,
                src_step: inner,
                dst_step: inner * run.dst_step,
            });
        }
        done += to - from;
        from = 0;
        output = output.next(law);
    }
}

/// [`on_pattern`] of any run: by how far kernel element, input and output move from one element to the next.
fn by_element(law: &LawParams, run: &Run, found: &mut dyn FnMut(&Run)) {
    let split = |index: u64| {
        let (pair, spot) = div_rem(index, law.inner);
        let (output, input) = div_rem(pair, law.cols);
        (output, input, spot)
    };
    let (output, mut input, mut spot) = split(run.src);
    let (outputs_on, inputs_on, spots_on) = split(run.src_step);
    let (rows, outputs_on) = (u64::from(law.rows), outputs_on % u64::from(law.rows));
    let mut row = output % rows;
    // The outputs of the group that the input's block has.
    let mut last_input = None;
    let (mut low, mut high) = (0, 0);
    let mut open: Option<Run> = None;
    for k in 0..run.count {
        if last_input != Some(input) {
            last_input = Some(input);
            low = u64::from(input / law.block_cols) * u64::from(law.block_rows);
            high = low + u64::from(law.block_rows);
        }
        if spot == law.spot && low <= row && row < high {
            match &mut open {
                Some(open) => open.count += 1,
                None => {
                    let src = run.src.wrapping_add(k.wrapping_mul(run.src_step));
                    open = Some(Run { src, dst: run.dst + k * run.dst_step, count: 1, ..*run });
                }
            }
        } else if let Some(run) = open.take() {
            found(&run);
        }
        // No sum of two rests passes 2^33.
        let next = |a: u32, b: u32, carry: u64, all: u32| {
            let sum = u64::from(a) + u64::from(b) + carry;
            if sum >= u64::from(all) { ((sum - u64::from(all)) as u32, 1) } else { (sum as u32, 0) }
        };
        let carry;
        (spot, carry) = next(spot, spots_on, 0, law.inner);
        let (now, carry) = next(input, inputs_on, carry, law.cols);
        input = now;
        row += outputs_on + carry;
        // At most two of the rests and a carry: rows may be 1.
        while row >= rows {
            row -= rows;
        }
    }
    if let Some(run) = open {
        found(&run);
    }
}

#[cfg(test)]
mod tests {
    use super::super::structured::is_on_pattern;
    use super::*;
    use crate::value::params::mask;

    /// Runs of every step over small patterns, and one far behind the start, against the definition.
    #[test]
    fn the_parts_of_a_run_are_its_elements_on_the_pattern() {
        let mut seen = 0;
        for (inner, spot) in [(1, 0), (3, 0), (3, 2), (4, 1)] {
            for (rows, cols, block_rows, block_cols) in
                [(1, 1, 1, 1), (5, 7, 1, 1), (7, 5, 1, 1), (6, 9, 2, 3), (6, 9, 6, 9), (8, 4, 4, 2), (3, 1, 1, 1)]
            {
                let law = LawParams {
                    mask: mask::PATTERN,
                    inner,
                    spot,
                    rows,
                    cols,
                    block_rows,
                    block_cols,
                    ..LawParams::zero()
                };
                let group = u64::from(rows) * u64::from(cols) * u64::from(inner);
                for src in (0..2 * group).chain([group * 1_000_000_007 + 3]) {
                    for src_step in [1, 2, 3, 4, 5, 7, 9, 11, 35, 64, group, group + 1] {
                        for (count, dst_step) in [(1, 1), (2, 3), (2 * group + 1, 1)] {
                            let run = Run { src, dst: 17, count, src_step, dst_step };
                            let expected: Vec<_> = (0..count)
                                .map(|k| (src + k * src_step, 17 + k * dst_step))
                                .filter(|&(index, _)| is_on_pattern(&law, index))
                                .collect();
                            let mut parts = Vec::new();
                            on_pattern(&law, &run, &mut |part| {
                                let part = *part;
                                let of = |k| (part.src + k * part.src_step, part.dst + k * part.dst_step);
                                parts.extend((0..part.count).map(of));
                            });
                            assert_eq!(parts, expected, "{run:?} of {rows} x {cols} x {inner}");
                            seen += parts.len();
                        }
                    }
                }
            }
        }
        assert!(seen > 100_000, "{seen}");
    }
}
