//! Series of any law. A law with a mask is filled as if it had none, by the fast code for plain laws; then the mask is
//! applied to what is there.

use super::fill::{FillSeries, Series, TILE_BLOCKS, store_one};
use super::fma::Fma;
use super::level::{Available, Work};
use super::structured::{div_rem, is_on_pattern, is_zero_row, kind_value};
use crate::value::params::mask;

/// The indices of a series, each with its quotient and rest by `d`: a division for each element only where they do not
/// follow each other.
#[inline(always)]
fn indices(series: &Series<'_>, d: u32) -> impl Iterator<Item = (u64, (u64, u32))> {
    let (mut index, step, mut place) = (series.src, series.step, div_rem(series.src, d));
    std::iter::from_fn(move || {
        let now = (index, place);
        index = index.wrapping_add(step);
        place = match place {
            (q, r) if step == 1 && r + 1 < d => (q, r + 1),
            (q, _) if step == 1 => (q + 1, 0),
            _ => div_rem(index, d),
        };
        Some(now)
    })
}

/// Fills `out` with the elements of a series, side by side.
pub(super) fn fill_series(level: Available, series: &Series<'_>, out: &mut [u8]) {
    if series.law.is_structured() {
        return fill_structured(level, series, out);
    }
    level.run(FillSeries { series, out });
}

/// [`fill_series`] of a structured law.
fn fill_structured(level: Available, series: &Series<'_>, out: &mut [u8]) {
    let (law, size) = (series.law, series.dtype.size() as usize);
    if law.mask == mask::NONE {
        return level.run(FillKind { series, out });
    }
    let mut plain = law.unmasked();
    if law.mask == mask::CENTERED {
        plain.center = 0.0;
    }
    fill_series(level, &Series { law: &plain, ..*series }, out);
    if law.mask == mask::SPARSE {
        return level.run(CutRows { series, out });
    }
    // The values on a centered pattern have the law's center.
    let centered = law.unmasked();
    for ((index, _), element) in indices(series, law.cols).zip(out.chunks_exact_mut(size)) {
        match (law.mask == mask::CENTERED, is_on_pattern(law, index)) {
            (true, true) => fill_series(level, &Series { law: &centered, src: index, step: 1, ..*series }, element),
            (false, false) => element.fill(0),
            (true, false) | (false, true) => {}
        }
    }
}

/// Writes 0 where a sparse law has the zeros of a column.
struct CutRows<'a, 'b> {
    series: &'a Series<'a>,
    out: &'b mut [u8],
}

impl Work for CutRows<'_, '_> {
    #[inline(always)]
    fn run<A: Fma, const NR: usize>(self) {
        let Self { series, out } = self;
        let size = series.dtype.size() as usize;
        let mut indices = indices(series, series.law.cols);
        for tile in out.chunks_mut(TILE_BLOCKS * size) {
            let (mut row, mut column) = ([0; TILE_BLOCKS], [0; TILE_BLOCKS]);
            for (i, (_, (r, c))) in indices.by_ref().take(tile.len() / size).enumerate() {
                (row[i], column[i]) = (r as u32, c);
            }
            let zero = is_zero_row(series.law, series.key, &column, &row);
            for (element, zero) in tile.chunks_exact_mut(size).zip(zero) {
                if zero {
                    element.fill(0);
                }
            }
        }
    }
}

/// Fills with the values of a law whose kind is structured.
struct FillKind<'a, 'b> {
    series: &'a Series<'a>,
    out: &'b mut [u8],
}

impl Work for FillKind<'_, '_> {
    #[inline(always)]
    fn run<A: Fma, const NR: usize>(self) {
        let Self { series, out } = self;
        let size = series.dtype.size() as usize;
        // Laws that are drawn have no columns.
        for ((index, place), element) in indices(series, series.law.cols.max(1)).zip(out.chunks_exact_mut(size)) {
            let value = kind_value::<A>(series, index, place);
            store_one(series.dtype, series.rounding, (series.key, index), value, element);
        }
    }
}
