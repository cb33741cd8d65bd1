//! The zeros of sparse columns, cut out of runs that are filled.

use super::fill::Series;
use super::level::{Arithmetic, Available, Work};
use super::structured::{column_keys, div_rem, is_zero_row};
use crate::plan::placement::Run;

/// Rows of a lane whose zeros are found together: the bits of a word.
const ROWS: u64 = 32;

/// Writes 0 where the elements of a run are zeros of their columns; its destination elements are those of `out`.
pub(super) fn cut_zeros(level: Available, series: &Series<'_>, run: &Run, out: &mut [u8]) {
    let cols = u64::from(series.law.cols);
    let (row, column) = div_rem(run.src, series.law.cols);
    let mut cut = |grid: Grid| level.run(CutRows { series, grid, at: run.dst, step: run.dst_step, out: &mut *out });
    let one =
        Grid { row, rows: 1, row_step: 1, column, columns: 1, column_step: 1, skew: 0, first: 0, count: run.count };
    if run.src_step.is_multiple_of(cols) {
        // Down a column.
        cut(Grid { rows: run.count, row_step: run.src_step / cols, ..one });
    } else if run.src_step == 1 && u64::from(column) + run.count > cols {
        let rows = (u64::from(column) + run.count).div_ceil(cols);
        cut(Grid { rows, column: 0, columns: cols, skew: u64::from(column), ..one });
    } else {
        // Along each row.
        let mut first = 0;
        while first < run.count {
            let (row, column) = div_rem(run.src.wrapping_add(first.wrapping_mul(run.src_step)), series.law.cols);
            let columns = (cols - u64::from(column)).div_ceil(run.src_step).min(run.count - first);
            // Beyond a row there is one element, and no step.
            let column_step = run.src_step.min(cols) as u32;
            cut(Grid { row, column, columns, column_step, first, count: columns, ..one });
            first += columns;
        }
    }
}

/// Elements of a run by rows and columns: element `t columns + c - skew` of the grid lies in row `row + t row_step` and
/// column `column + c column_step`.
#[derive(Clone, Copy)]
struct Grid {
    row: u64,
    rows: u64,
    row_step: u64,
    column: u32,
    columns: u64,
    column_step: u32,
    /// Elements of the first row that come before the grid's.
    skew: u64,
    /// The run's element that is the grid's first.
    first: u64,
    /// Elements of the grid.
    count: u64,
}

/// Writes 0 to the elements of a grid that are zeros; the run's elements are `at + k step` of `out`.
struct CutRows<'a, 'b> {
    series: &'a Series<'a>,
    grid: Grid,
    at: u64,
    step: u64,
    out: &'b mut [u8],
}

impl Work for CutRows<'_, '_> {
    /// Two or three vectors of 16-bit numbers, as many as stay in the registers: a pass over one of them is a chain of
    /// operations that each wait for the one before.
    #[inline(always)]
    fn run<A: Arithmetic, const NR: usize>(self) {
        if NR == 32 { self.cut::<64>() } else { self.cut::<48>() }
    }
}

impl CutRows<'_, '_> {
    /// Goes over the columns as many as lanes at a time, or all of them where they are fewer: each lane has then a part
    /// of a column's rows. The keys of a column are made once.
    #[inline(always)]
    fn cut<const N: usize>(self) {
        let Self { series, grid, at, step, out } = self;
        let width = grid.columns.min(N as u64) as usize;
        let parts = (N / width) as u64;
        for c in (0..grid.columns).step_by(width) {
            let here = (grid.columns - c).min(width as u64);
            // The rows in which some of these columns are the grid's.
            let mut t = u64::from(c + here <= grid.skew);
            let end = grid.rows - u64::from((grid.rows - 1) * grid.columns + c >= grid.count + grid.skew);
            if t >= end {
                continue;
            }
            let mut column = [0; N];
            for i in 0..N {
                column[i] = grid.column.wrapping_add((c as u32 + (i % width) as u32).wrapping_mul(grid.column_step));
            }
            let keys = column_keys(series.key, &column);
            while t < end {
                let each = (end - t).div_ceil(parts).min(ROWS);
                let mut first = [0; N];
                for i in 0..N {
                    let row = grid.row + (t + (i / width) as u64 * each) * grid.row_step;
                    first[i] = row.min(u64::from(u32::MAX)) as u32;
                }
                let zero = is_zero_row(series.law, &keys, &first, grid.row_step as u32, each as u32);
                for k in 0..(each * parts).min(end - t) {
                    // The grid's element of the first of these columns; it may lie before the first or after the last.
                    let element = ((t + k) * grid.columns + c) as i64 - grid.skew as i64;
                    let [from, to] = [-element, grid.count as i64 - element].map(|n| n.clamp(0, here as i64) as usize);
                    let lanes = (k / each) as usize * width;
                    let element = (element + from as i64) as u64 + grid.first;
                    if from < to {
                        let to_cut = &zero[lanes + from..lanes + to];
                        clear(series.dtype.size() as usize, to_cut, (k % each) as u32, at + element * step, step, out);
                    }
                }
                t += each * parts;
            }
        }
    }
}

/// Writes 0 to the elements `at + i step` whose word has bit `k`.
#[inline(always)]
fn clear(size: usize, zero: &[u32], k: u32, at: u64, step: u64, out: &mut [u8]) {
    let (at, step) = (at as usize * size, step as usize * size);
    if step != size {
        for (i, zero) in zero.iter().enumerate() {
            if (zero >> k) & 1 == 1 {
                out[at + i * step..at + i * step + size].fill(0);
            }
        }
        return;
    }
    let out = &mut out[at..at + zero.len() * size];
    let keep = |zero: &u32| ((zero >> k) & 1).wrapping_sub(1);
    if size == 4 {
        for (word, zero) in out.as_chunks_mut::<4>().0.iter_mut().zip(zero) {
            *word = (u32::from_ne_bytes(*word) & keep(zero)).to_ne_bytes();
        }
    } else {
        for (half, zero) in out.as_chunks_mut::<2>().0.iter_mut().zip(zero) {
            *half = (u16::from_ne_bytes(*half) & keep(zero) as u16).to_ne_bytes();
        }
    }
}
