//! The twin of shaders/fill.wgsl: the elements of a law that is drawn, from words to stored bytes.
//!
//! Every function is inlined into the `run` of some work, which is compiled once for each level and which the compiler
//! then vectorizes: the loops go over the Philox blocks of a tile and have no branch that depends on a value.

use super::fma::Fma;
use super::level::{Arithmetic, Work};
use super::philox::philox;
use super::sample::{fine_probability, is_fine, normal, truncated, truncated_at, uniform};
use super::store::{bf16_bits, bf16_bits_by, f16_bits, f16_bits_by};
use super::structured::{dt_bias_value, log_of_uniform_value};
use crate::value::key::domain;
use crate::value::params::{LawParams, kind};
use crate::{DType, Rounding};

/// Philox blocks of a tile of elements that follow each other.
pub(super) const TILE_BLOCKS: usize = 64;

type Words<const N: usize> = [[u32; N]; 4];
type Values<const N: usize> = [[f32; N]; 4];

/// The elements of one law under one key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Series<'a> {
    pub law: &'a LawParams,
    pub key: [u32; 2],
    /// The frequencies of a table of positions.
    pub table: &'a [u64],
    pub dtype: DType,
    pub rounding: Rounding,
}

/// The four words of each of the tile's counters.
#[inline(always)]
pub(super) fn tile_words<const N: usize>(
    key: [u32; 2],
    block: impl Fn(usize) -> u64,
    draw: u32,
    domain: u32,
) -> Words<N> {
    let mut words = [[0; N]; 4];
    for i in 0..N {
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
fn tile_values<A: Fma, const N: usize>(law: &LawParams, w: &Words<N>, draw_1: impl Fn() -> Words<N>) -> Values<N> {
    let mut v = [[0.0; N]; 4];
    // A copy on the stack: choosing between fields behind a reference becomes gathers.
    let law = *law;
    match law.kind {
        kind::UNIFORM => {
            for k in 0..4 {
                for i in 0..N {
                    v[k][i] = uniform::<A>(&law, w[k][i]);
                }
            }
        }
        kind::NORMAL => {
            for k in [0, 2] {
                for i in 0..N {
                    let [c, s] = normal::<A>(&law, w[k][i], w[k + 1][i]);
                    v[k][i] = c;
                    v[k + 1][i] = s;
                }
            }
        }
        kind::TRUNCATED => {
            for k in 0..4 {
                for i in 0..N {
                    v[k][i] = truncated::<A>(&law, w[k][i]);
                }
            }
            let fine = |w: &[u32; N]| w.iter().fold(false, |any, &w| any | is_fine(&law, w));
            // The second draw is rare: a tile makes it only where one of its words needs it.
            if law.refine == 1 && w.iter().fold(false, |any, w| any | fine(w)) {
                let more = draw_1();
                for k in 0..4 {
                    for i in 0..N {
                        if is_fine(&law, w[k][i]) {
                            let p = fine_probability::<A>(&law, w[k][i], more[k][i]);
                            v[k][i] = truncated_at::<A>(&law, w[k][i], p);
                        }
                    }
                }
            }
        }
        kind::CONSTANT => v = [[law.center; N]; 4],
        kind::LOG_OF_UNIFORM => {
            for k in 0..4 {
                for i in 0..N {
                    v[k][i] = log_of_uniform_value::<A>(&law, w[k][i]);
                }
            }
        }
        kind::DT_BIAS => {
            for k in 0..4 {
                for i in 0..N {
                    v[k][i] = dt_bias_value::<A>(&law, w[k][i]);
                }
            }
        }
        // `kind_value` has the code for these.
        other => debug_assert!(false, "kind {other} is not drawn"),
    }
    v
}

/// Stores the tile's values, interleaved: `out` holds `4 N` elements.
#[inline(always)]
fn store_tile<A: Arithmetic, const N: usize>(dtype: DType, v: &Values<N>, out: &mut [u8]) {
    match dtype {
        DType::F32 => {
            for (i, four) in out.chunks_exact_mut(16).enumerate() {
                for k in 0..4 {
                    four[4 * k..4 * k + 4].copy_from_slice(&v[k][i].to_bits().to_le_bytes());
                }
            }
        }
        DType::F16 => {
            let bits = [A::f16s(&v[0]), A::f16s(&v[1]), A::f16s(&v[2]), A::f16s(&v[3])];
            store_halves(|k, i| bits[k][i], out);
        }
        DType::BF16 => store_halves(|k, i| bf16_bits(v[k][i]), out),
    }
}

/// [`store_tile`] with each value rounded by its word.
#[inline(always)]
fn store_tile_by<const N: usize>(dtype: DType, v: &Values<N>, w: &Words<N>, out: &mut [u8]) {
    match dtype {
        DType::F16 => store_halves(|k, i| f16_bits_by(v[k][i], w[k][i]), out),
        // The plan refuses stochastic rounding of f32.
        DType::BF16 | DType::F32 => store_halves(|k, i| bf16_bits_by(v[k][i], w[k][i]), out),
    }
}

#[inline(always)]
fn store_halves(bits: impl Fn(usize, usize) -> u16, out: &mut [u8]) {
    for (i, four) in out.chunks_exact_mut(8).enumerate() {
        for k in 0..4 {
            four[2 * k..2 * k + 2].copy_from_slice(&bits(k, i).to_le_bytes());
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

/// Writes the elements of so many blocks, four of each: `out` holds `4 N` elements.
#[inline(always)]
pub(super) fn fill_tile<A: Arithmetic, const N: usize>(
    series: &Series<'_>,
    block: impl Fn(usize) -> u64 + Copy,
    out: &mut [u8],
) {
    let words =
        if series.law.kind == kind::CONSTANT { [[0; N]; 4] } else { tile_words(series.key, block, 0, domain::VALUES) };
    let values = tile_values::<A, N>(series.law, &words, || tile_words(series.key, block, 1, domain::VALUES));
    match series.rounding {
        Rounding::NearestEven => store_tile::<A, N>(series.dtype, &values, out),
        Rounding::Stochastic => {
            store_tile_by(series.dtype, &values, &tile_words(series.key, block, 0, domain::ROUNDING), out);
        }
    }
}

/// Bytes of a tile of elements that follow each other.
pub(super) const fn tile_bytes(dtype: DType) -> usize {
    4 * TILE_BLOCKS * dtype.size() as usize
}

/// Fills `out`, whole tiles, with the elements from a block on.
pub(super) struct FillTiles<'a, 'b> {
    pub series: &'a Series<'a>,
    pub block: u64,
    pub out: &'b mut [u8],
}

impl Work for FillTiles<'_, '_> {
    #[inline(always)]
    fn run<A: Arithmetic, const NR: usize>(self) {
        fill_contiguous::<A>(self.series, self.block, self.out);
    }
}

/// Elements whose indices follow each other: every value of a block is stored.
#[inline(always)]
fn fill_contiguous<A: Arithmetic>(series: &Series<'_>, mut block: u64, out: &mut [u8]) {
    for tile in out.chunks_exact_mut(tile_bytes(series.dtype)) {
        fill_tile::<A, TILE_BLOCKS>(series, |i| block + i as u64, tile);
        block += TILE_BLOCKS as u64;
    }
}
