//! Runs of laws whose values go by place: a table of positions, a logarithmic range, even steps.

use super::fill::{Series, tile_words};
use super::level::{Arithmetic, Available, Work};
use super::store::{bf16_bits, bf16_bits_by, f16_bits_by};
use super::structured::{div_rem, kind_value};
use crate::plan::placement::Run;
use crate::value::key::domain;
use crate::value::params::kind;
use crate::{DType, Rounding};

/// Elements that are computed together.
const LANES: usize = 32;

/// Writes the elements of a run, whose destination elements are those of `out`.
pub(super) fn fill_placed(level: Available, series: &Series<'_>, run: &Run, out: &mut [u8]) {
    let size = series.dtype.size() as usize;
    let (at, count) = (run.dst as usize * size, run.count as usize * size);
    if run.dst_step == 1 {
        return fill_side_by_side(level, series, run, &mut out[at..at + count]);
    }
    let mut buffer = [0; 4096];
    let each = (buffer.len() / size) as u64;
    for done in (0..run.count).step_by(each as usize) {
        let count = (run.count - done).min(each);
        let part = Run { src: run.src.wrapping_add(done.wrapping_mul(run.src_step)), count, ..*run };
        let values = &mut buffer[..count as usize * size];
        fill_side_by_side(level, series, &part, values);
        for (k, value) in values.chunks_exact(size).enumerate() {
            let at = at + (done as usize + k) * run.dst_step as usize * size;
            out[at..at + size].copy_from_slice(value);
        }
    }
}

/// [`fill_placed`] of elements that fill `out`.
fn fill_side_by_side(level: Available, series: &Series<'_>, run: &Run, out: &mut [u8]) {
    let row = (series.law.cols as usize).saturating_mul(series.dtype.size() as usize);
    // A table's rows differ, and so do the words that elements are rounded by.
    let repeats = series.law.kind != kind::SINUSOIDAL && series.rounding == Rounding::NearestEven && run.src_step == 1;
    let mut made = if repeats { out.len().min(row) } else { out.len() };
    level.run(FillPlaced { series, src: run.src, step: run.src_step, out: &mut out[..made] });
    // From any column on, the elements of one row after the other.
    while made < out.len() {
        let more = made.min(out.len() - made);
        out.copy_within(..more, made);
        made += more;
    }
}

/// Fills with the elements from index `src` on, `step` apart.
struct FillPlaced<'a, 'b> {
    series: &'a Series<'a>,
    src: u64,
    step: u64,
    out: &'b mut [u8],
}

impl Work for FillPlaced<'_, '_> {
    #[inline(always)]
    fn run<A: Arithmetic, const NR: usize>(self) {
        let Self { series, src, step, out } = self;
        let (law, size) = (series.law, series.dtype.size() as usize);
        let cols = law.cols;
        // The place of the next element, and how far it moves from one element to the next.
        let (mut row, mut column) = div_rem(src, cols);
        let (rows_on, columns_on) = div_rem(step, cols);
        let mut index = src;
        for tile in out.chunks_mut(LANES * size) {
            let (mut rows, mut columns) = ([row; LANES], [0; LANES]);
            if step == 1 && cols - column > LANES as u32 {
                for i in 0..LANES {
                    columns[i] = column + i as u32;
                }
                column += LANES as u32;
            } else {
                for i in 0..LANES {
                    (rows[i], columns[i]) = (row, column);
                    // No sum of two rests passes 2^33.
                    let next = u64::from(column) + u64::from(columns_on);
                    let carry = next >= u64::from(cols);
                    column = (next - if carry { u64::from(cols) } else { 0 }) as u32;
                    row = row.wrapping_add(rows_on).wrapping_add(u64::from(carry));
                }
            }
            let values = kind_value::<A, LANES>(law, series.table, &rows, &columns);
            let at = |i: usize| index.wrapping_add((i as u64).wrapping_mul(step));
            store_lanes::<A, LANES>(series, &values, at, tile);
            index = at(LANES);
        }
    }
}

/// Stores the values of as many lanes as `out` has elements; a stochastic rounding takes the word of each index.
#[inline(always)]
fn store_lanes<A: Arithmetic, const N: usize>(
    series: &Series<'_>,
    v: &[f32; N],
    index: impl Fn(usize) -> u64 + Copy,
    out: &mut [u8],
) {
    let words = || -> [u32; N] {
        let words: [[u32; N]; 4] = tile_words(series.key, |i| index(i) / 4, 0, domain::ROUNDING);
        std::array::from_fn(|i| words[(index(i) % 4) as usize][i])
    };
    let mut bits = [0u16; N];
    match (series.dtype, series.rounding) {
        (DType::F32, _) => {
            for (out, v) in out.as_chunks_mut::<4>().0.iter_mut().zip(v) {
                *out = v.to_bits().to_le_bytes();
            }
            return;
        }
        (DType::F16, Rounding::NearestEven) => bits = A::f16s(v),
        (DType::BF16, Rounding::NearestEven) => {
            for i in 0..N {
                bits[i] = bf16_bits(v[i]);
            }
        }
        (DType::F16, Rounding::Stochastic) => {
            let w = words();
            for i in 0..N {
                bits[i] = f16_bits_by(v[i], w[i]);
            }
        }
        (DType::BF16, Rounding::Stochastic) => {
            let w = words();
            for i in 0..N {
                bits[i] = bf16_bits_by(v[i], w[i]);
            }
        }
    }
    for (out, bits) in out.as_chunks_mut::<2>().0.iter_mut().zip(bits) {
        *out = bits.to_le_bytes();
    }
}
