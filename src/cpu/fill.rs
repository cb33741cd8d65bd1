//! The twin of shaders/fill.wgsl: runs of elements, from words to stored bytes.
//!
//! Every function is inlined into one entry a processor level (`mod.rs`), which the compiler then vectorizes: the loops go over
//! [`TILE`] Philox blocks and have no branch that depends on a value.

use super::fma::Fma;
use super::philox::philox;
use super::sample::{fine_probability, is_fine, normal, truncated, truncated_at, uniform};
use super::store::{bf16_bits, bf16_bits_by, f16_bits, f16_bits_by};
use crate::value::key::domain;
use crate::value::params::{LawParams, kind};
use crate::{DType, Rounding};

/// Philox blocks that are computed together.
pub(crate) const TILE: usize = 64;

type Words = [[u32; TILE]; 4];
type Values = [[f32; TILE]; 4];

/// Consecutive logical elements, and consecutive stored ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
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
    let mut words = [[0; TILE]; 4];
    for i in 0..TILE {
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
    let mut v = [[0.0; TILE]; 4];
    // A copy on the stack: choosing between fields behind a reference becomes gathers.
    let law = *law;
    match law.kind {
        kind::UNIFORM => {
            for k in 0..4 {
                for i in 0..TILE {
                    v[k][i] = uniform::<A>(&law, w[k][i]);
                }
            }
        }
        kind::NORMAL => {
            for k in [0, 2] {
                for i in 0..TILE {
                    let [c, s] = normal::<A>(&law, w[k][i], w[k + 1][i]);
                    v[k][i] = c;
                    v[k + 1][i] = s;
                }
            }
        }
        kind::TRUNCATED => {
            for k in 0..4 {
                for i in 0..TILE {
                    v[k][i] = truncated::<A>(&law, w[k][i]);
                }
            }
            let fine = |w: &[u32; TILE]| w.iter().fold(false, |any, &w| any | is_fine(&law, w));
            if law.refine == 1 && w.iter().fold(false, |any, w| any | fine(w)) {
                let more = draw_1();
                for k in 0..4 {
                    for i in 0..TILE {
                        if is_fine(&law, w[k][i]) {
                            let p = fine_probability::<A>(&law, w[k][i], more[k][i]);
                            v[k][i] = truncated_at::<A>(&law, w[k][i], p);
                        }
                    }
                }
            }
        }
        _ => v = [[law.center; TILE]; 4],
    }
    v
}

/// Stores the tile's values, interleaved: `out` holds `4 TILE` elements.
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

/// The same, each value rounded by its word.
#[inline(always)]
fn store_tile_by(dtype: DType, v: &Values, w: &Words, out: &mut [u8]) {
    match dtype {
        DType::F16 => store_halves_by(v, w, out, f16_bits_by),
        // The plan refuses it for f32.
        _ => store_halves_by(v, w, out, bf16_bits_by),
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

/// Stores one value, that of the logical index under the key.
#[inline(always)]
pub(crate) fn store_one(dtype: DType, rounding: Rounding, (key, index): ([u32; 2], u64), value: f32, out: &mut [u8]) {
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

/// Fills `out` with consecutive elements of the run.
#[inline(always)]
pub(crate) fn fill_run<A: Fma>(run: &Run<'_>, out: &mut [u8]) {
    if run.step == 1 { fill_contiguous::<A>(run, out) } else { fill_strided::<A>(run, out) }
}

#[inline(always)]
fn fill_contiguous<A: Fma>(run: &Run<'_>, mut out: &mut [u8]) {
    let size = run.dtype.size() as usize;
    let mut block = run.src / 4;
    // Elements of the first tile that come before the run.
    let mut skip = (run.src % 4) as usize * size;
    let mut whole = [0; TILE * 16];
    while !out.is_empty() {
        let at = |i: usize| block + i as u64;
        let words =
            if run.law.kind == kind::CONSTANT { [[0; TILE]; 4] } else { tile_words(run.key, at, 0, domain::VALUES) };
        let values = tile_values::<A>(run.law, &words, || tile_words(run.key, at, 1, domain::VALUES));
        let store = |out: &mut [u8]| match run.rounding {
            Rounding::NearestEven => store_tile(run.dtype, &values, out),
            Rounding::Stochastic => {
                store_tile_by(run.dtype, &values, &tile_words(run.key, at, 0, domain::ROUNDING), out);
            }
        };
        let whole = &mut whole[..4 * TILE * size];
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
        block += TILE as u64;
    }
}

/// Elements whose indices are `step` apart: a block for each, of which one value is kept.
#[inline(always)]
fn fill_strided<A: Fma>(run: &Run<'_>, out: &mut [u8]) {
    let size = run.dtype.size() as usize;
    let mut src = run.src;
    let mut whole = [0; TILE * 16];
    for now in out.chunks_mut(TILE * size) {
        let index = |i: usize| src.wrapping_add((i as u64).wrapping_mul(run.step));
        let at = |i: usize| index(i) / 4;
        let words =
            if run.law.kind == kind::CONSTANT { [[0; TILE]; 4] } else { tile_words(run.key, at, 0, domain::VALUES) };
        let values = tile_values::<A>(run.law, &words, || tile_words(run.key, at, 1, domain::VALUES));
        let mut picked = [[0.0; TILE]; 4];
        for i in 0..TILE {
            picked[i % 4][i / 4] = values[(index(i) % 4) as usize][i];
        }
        let whole = &mut whole[..4 * TILE * size];
        match run.rounding {
            Rounding::NearestEven => store_tile(run.dtype, &picked, whole),
            Rounding::Stochastic => {
                let words = tile_words(run.key, at, 0, domain::ROUNDING);
                let mut draws = [[0; TILE]; 4];
                for i in 0..TILE {
                    draws[i % 4][i / 4] = words[(index(i) % 4) as usize][i];
                }
                store_tile_by(run.dtype, &picked, &draws, whole);
            }
        }
        now.copy_from_slice(&whole[..now.len()]);
        src = index(TILE);
    }
}
