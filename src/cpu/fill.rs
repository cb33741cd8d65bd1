//! The twin of shaders/fill.wgsl: the elements of one law, from words to stored bytes.
//!
//! Every function is inlined into [`FillSeries::run`], which is compiled once for each level and which the compiler
//! then vectorizes: the loops go over [`TILE_BLOCKS`] Philox blocks and have no branch that depends on a value.

use super::fma::Fma;
use super::level::Work;
use super::philox::philox;
use super::sample::{fine_probability, is_fine, normal, truncated, truncated_at, uniform};
use super::store::{bf16_bits, bf16_bits_by, f16_bits, f16_bits_by};
use crate::value::key::domain;
use crate::value::params::{LawParams, kind};
use crate::{DType, Rounding};

/// Philox blocks that are computed together: a tile.
pub(super) const TILE_BLOCKS: usize = 64;

type Words = [[u32; TILE_BLOCKS]; 4];
type Values = [[f32; TILE_BLOCKS]; 4];

/// Elements of one law under one key, at evenly spaced logical indices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Series<'a> {
    pub law: &'a LawParams,
    pub key: [u32; 2],
    /// The frequencies of a table of positions.
    pub table: &'a [u64],
    /// The logical index of the first element.
    pub src: u64,
    /// The step of the logical index from one element to the next.
    pub step: u64,
    pub dtype: DType,
    pub rounding: Rounding,
}

/// The four words of each of the tile's counters.
#[inline(always)]
fn tile_words(key: [u32; 2], block: impl Fn(usize) -> u64, draw: u32, domain: u32) -> Words {
    let mut words = [[0; TILE_BLOCKS]; 4];
    for i in 0..TILE_BLOCKS {
        let b = block(i);
        let w = philox([b as u32, (b >> 32) as u32, draw, domain], key);
        for k in 0..4 {
            words[k][i] = w[k];
        }
    }
    words
}

/// The four values of each of the tile's blocks.
#[inline(always)]
fn tile_values<A: Fma>(law: &LawParams, w: &Words, draw_1: impl Fn() -> Words) -> Values {
    let mut v = [[0.0; TILE_BLOCKS]; 4];
    // A copy on the stack: choosing between fields behind a reference becomes gathers.
    let law = *law;
    match law.kind {
        kind::UNIFORM => {
            for k in 0..4 {
                for i in 0..TILE_BLOCKS {
                    v[k][i] = uniform::<A>(&law, w[k][i]);
                }
            }
        }
        kind::NORMAL => {
            for k in [0, 2] {
                for i in 0..TILE_BLOCKS {
                    let [c, s] = normal::<A>(&law, w[k][i], w[k + 1][i]);
                    v[k][i] = c;
                    v[k + 1][i] = s;
                }
            }
        }
        kind::TRUNCATED => {
            for k in 0..4 {
                for i in 0..TILE_BLOCKS {
                    v[k][i] = truncated::<A>(&law, w[k][i]);
                }
            }
            let fine = |w: &[u32; TILE_BLOCKS]| w.iter().fold(false, |any, &w| any | is_fine(&law, w));
            // The second draw is rare: a tile makes it only where one of its words needs it.
            if law.refine == 1 && w.iter().fold(false, |any, w| any | fine(w)) {
                let more = draw_1();
                for k in 0..4 {
                    for i in 0..TILE_BLOCKS {
                        if is_fine(&law, w[k][i]) {
                            let p = fine_probability::<A>(&law, w[k][i], more[k][i]);
                            v[k][i] = truncated_at::<A>(&law, w[k][i], p);
                        }
                    }
                }
            }
        }
        kind::CONSTANT => v = [[law.center; TILE_BLOCKS]; 4],
        // `fill_series` has other code for these.
        other => debug_assert!(false, "kind {other} is structured"),
    }
    v
}

/// Stores the tile's values, interleaved: `out` holds `4 TILE_BLOCKS` elements.
#[inline(always)]
fn store_tile(dtype: DType, v: &Values, out: &mut [u8]) {
    match dtype {
        DType::F32 => {
            for (i, four) in out.chunks_exact_mut(16).enumerate() {
                for k in 0..4 {
                    four[4 * k..4 * k + 4].copy_from_slice(&v[k][i].to_bits().to_le_bytes());
                }
            }
        }
        DType::F16 => store_halves(v, out, f16_bits),
        DType::BF16 => store_halves(v, out, bf16_bits),
    }
}

#[inline(always)]
fn store_halves(v: &Values, out: &mut [u8], bits: impl Fn(f32) -> u16) {
    for (i, four) in out.chunks_exact_mut(8).enumerate() {
        for k in 0..4 {
            four[2 * k..2 * k + 2].copy_from_slice(&bits(v[k][i]).to_le_bytes());
        }
    }
}

/// [`store_tile`] with each value rounded by its word.
#[inline(always)]
fn store_tile_by(dtype: DType, v: &Values, w: &Words, out: &mut [u8]) {
    match dtype {
        DType::F16 => store_halves_by(v, w, out, f16_bits_by),
        // The plan refuses stochastic rounding of f32.
        DType::BF16 | DType::F32 => store_halves_by(v, w, out, bf16_bits_by),
    }
}

#[inline(always)]
fn store_halves_by(v: &Values, w: &Words, out: &mut [u8], bits: impl Fn(f32, u32) -> u16) {
    for (i, four) in out.chunks_exact_mut(8).enumerate() {
        for k in 0..4 {
            four[2 * k..2 * k + 2].copy_from_slice(&bits(v[k][i], w[k][i]).to_le_bytes());
        }
    }
}

/// Stores one value: that of a logical index under a key, which choose the word that a stochastic rounding takes.
#[inline(always)]
pub(super) fn store_one(dtype: DType, rounding: Rounding, (key, index): ([u32; 2], u64), value: f32, out: &mut [u8]) {
    let word = || philox([(index / 4) as u32, (index >> 34) as u32, 0, domain::ROUNDING], key)[(index % 4) as usize];
    let bits = match (dtype, rounding) {
        (DType::F32, _) => return out.copy_from_slice(&value.to_bits().to_le_bytes()),
        (DType::F16, Rounding::NearestEven) => f16_bits(value),
        (DType::BF16, Rounding::NearestEven) => bf16_bits(value),
        (DType::F16, Rounding::Stochastic) => f16_bits_by(value, word()),
        (DType::BF16, Rounding::Stochastic) => bf16_bits_by(value, word()),
    };
    out.copy_from_slice(&bits.to_le_bytes());
}

/// Fills `out` with the elements of a series of a plain law, side by side.
pub(super) struct FillSeries<'a, 'b> {
    pub series: &'a Series<'a>,
    pub out: &'b mut [u8],
}

impl Work for FillSeries<'_, '_> {
    #[inline(always)]
    fn run<A: Fma, const NR: usize>(self) {
        if self.series.step == 1 {
            fill_contiguous::<A>(self.series, self.out);
        } else {
            fill_strided::<A>(self.series, self.out);
        }
    }
}

/// Elements whose indices follow each other: every value of a block is stored.
#[inline(always)]
fn fill_contiguous<A: Fma>(series: &Series<'_>, mut out: &mut [u8]) {
    let size = series.dtype.size() as usize;
    let mut block = series.src / 4;
    // Elements of the first tile that come before the series.
    let mut skip = (series.src % 4) as usize * size;
    let mut whole = [0; TILE_BLOCKS * 16];
    while !out.is_empty() {
        let at = |i: usize| block + i as u64;
        let words = if series.law.kind == kind::CONSTANT {
            [[0; TILE_BLOCKS]; 4]
        } else {
            tile_words(series.key, at, 0, domain::VALUES)
        };
        let values = tile_values::<A>(series.law, &words, || tile_words(series.key, at, 1, domain::VALUES));
        let store = |out: &mut [u8]| match series.rounding {
            Rounding::NearestEven => store_tile(series.dtype, &values, out),
            Rounding::Stochastic => {
                store_tile_by(series.dtype, &values, &tile_words(series.key, at, 0, domain::ROUNDING), out);
            }
        };
        let whole = &mut whole[..4 * TILE_BLOCKS * size];
        let taken = (whole.len() - skip).min(out.len());
        let (now, later) = std::mem::take(&mut out).split_at_mut(taken);
        if taken == whole.len() {
            store(now);
        } else {
            store(whole);
            now.copy_from_slice(&whole[skip..skip + taken]);
        }
        out = later;
        skip = 0;
        block += TILE_BLOCKS as u64;
    }
}

/// Elements whose indices are `step` apart: a block is computed for each of them, and one of its values is stored.
#[inline(always)]
fn fill_strided<A: Fma>(series: &Series<'_>, out: &mut [u8]) {
    let size = series.dtype.size() as usize;
    let mut src = series.src;
    let mut whole = [0; TILE_BLOCKS * 16];
    for now in out.chunks_mut(TILE_BLOCKS * size) {
        let index = |i: usize| src.wrapping_add((i as u64).wrapping_mul(series.step));
        let at = |i: usize| index(i) / 4;
        let words = if series.law.kind == kind::CONSTANT {
            [[0; TILE_BLOCKS]; 4]
        } else {
            tile_words(series.key, at, 0, domain::VALUES)
        };
        let values = tile_values::<A>(series.law, &words, || tile_words(series.key, at, 1, domain::VALUES));
        let mut picked = [[0.0; TILE_BLOCKS]; 4];
        for i in 0..TILE_BLOCKS {
            picked[i % 4][i / 4] = values[(index(i) % 4) as usize][i];
        }
        let whole = &mut whole[..4 * TILE_BLOCKS * size];
        match series.rounding {
            Rounding::NearestEven => store_tile(series.dtype, &picked, whole),
            Rounding::Stochastic => {
                let words = tile_words(series.key, at, 0, domain::ROUNDING);
                let mut draws = [[0; TILE_BLOCKS]; 4];
                for i in 0..TILE_BLOCKS {
                    draws[i % 4][i / 4] = words[(index(i) % 4) as usize][i];
                }
                store_tile_by(series.dtype, &picked, &draws, whole);
            }
        }
        now.copy_from_slice(&whole[..now.len()]);
        src = index(TILE_BLOCKS);
    }
}
