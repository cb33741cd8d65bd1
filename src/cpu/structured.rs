//! The twin of shaders/structured.wgsl: laws whose values depend on where in its logical tensor an element lies, and
//! the bias of Mamba's step. `masked.rs` walks over the elements.

use super::fill::{Series, TILE_BLOCKS};
use super::fma::Fma;
use super::math::turn_64;
use super::philox::philox;
use super::sample::{clamp, log_ratio};
use crate::value::key::domain;
use crate::value::params::{LawParams, kind};

/// A 64-bit number divided by a 32-bit one: the quotient and the rest.
#[inline(always)]
pub(super) fn div_rem(a: u64, d: u32) -> (u64, u32) {
    (a / u64::from(d), (a % u64::from(d)) as u32)
}

/// [`div_rem`] without 64-bit integers, as the shader does it: Knuth's algorithm D in digits of 16 bits.
#[cfg(test)]
fn div_rem_split(a: u64, d: u32) -> (u64, u32) {
    let (a_lo, a_hi) = (a as u32, (a >> 32) as u32);
    let high = a_hi / d;
    let s = d.leading_zeros();
    let v = d << s;
    let low = a_lo << s;
    let mut rest = ((a_hi - high * d) << s) | ((a_lo >> 1) >> (31 - s));
    let mut q = 0;
    for k in 0..2 {
        let digit = (low >> (16 - 16 * k)) & 0xffff;
        let mut guess = rest / (v >> 16);
        let mut r = rest - guess * (v >> 16);
        for _ in 0..2 {
            if r <= 0xffff && (guess > 0xffff || guess * (v & 0xffff) > ((r << 16) | digit)) {
                guess -= 1;
                r += v >> 16;
            }
        }
        rest = ((rest << 16) | digit).wrapping_sub(guess.wrapping_mul(v));
        q = (q << 16) | guess;
    }
    (u64::from(high) << 32 | u64::from(q), rest >> s)
}

/// Whether an element of a tensor \[out, in, kernel\] is on the pattern: at the kernel's element `spot`, in the blocks
/// of a diagonal that begins again every `rows` outputs.
#[inline(always)]
pub(super) fn is_on_pattern(law: &LawParams, index: u64) -> bool {
    let (pair, spot) = div_rem(index, law.inner);
    if spot != law.spot {
        return false;
    }
    let (output, input) = div_rem(pair, law.cols);
    (output as u32 % law.rows) / law.block_rows == input / law.block_cols
}

/// Which of as many elements as a tile has blocks are zeros of their columns: those whose row is permuted to a number
/// below `threshold`. The permutation of the rows is VariablePhilox (Mitchell, Stokes, Frank, Holmes: Bandwidth-optimal
/// random shuffling for GPUs, 2022) on the least number of bits that holds the rows, at least 4, repeated until the
/// result is a row.
#[inline(always)]
pub(super) fn is_zero_row(
    law: &LawParams,
    key: [u32; 2],
    column: &[u32; TILE_BLOCKS],
    row: &[u32; TILE_BLOCKS],
) -> [bool; TILE_BLOCKS] {
    let mut keys = [[0; TILE_BLOCKS]; 24];
    for q in 0..6 {
        for i in 0..TILE_BLOCKS {
            let words = philox([column[i], 0, q, domain::SPARSE], key);
            for k in 0..4 {
                keys[4 * q as usize + k][i] = words[k];
            }
        }
    }
    let needed = 32 - (law.rows - 1).leading_zeros();
    let width = if needed < 4 { 4 } else { needed };
    let left = width / 2;
    let right = width - left;
    let mut x = *row;
    // An element whose number is a row stays; the others are permuted again.
    let mut walks = [true; TILE_BLOCKS];
    while walks.iter().fold(false, |any, &w| any | w) {
        let mut l = x.map(|x| x >> right);
        let mut r = x.map(|x| x & ((1 << right) - 1));
        for keys in &keys {
            for i in 0..TILE_BLOCKS {
                let p = u64::from(l[i]).wrapping_mul(0xd2b7_4407_b1ce_6e93);
                let lo = ((p as u32) << (right - left)) | (r[i] >> left);
                l[i] = ((p >> 32) as u32 ^ keys[i] ^ r[i]) & ((1 << left) - 1);
                r[i] = lo & ((1 << right) - 1);
            }
        }
        for i in 0..TILE_BLOCKS {
            x[i] = if walks[i] { (l[i] << right) | r[i] } else { x[i] };
            walks[i] = x[i] >= law.rows;
        }
    }
    x.map(|x| x < law.threshold)
}

/// The product modulo 2^64: a fraction of a turn, in 2^-64.
#[inline(always)]
fn phase_of(f: u64, position: u64) -> u64 {
    f.wrapping_mul(position)
}

/// A table of positions: sine or cosine of position * frequency.
#[inline(always)]
fn sinusoidal_value<A: Fma>(law: &LawParams, table: &[u64], (position, column): (u64, u32)) -> f32 {
    let half = law.cols / 2;
    let (pair, second) = if law.spot == 1 {
        if column < half { (column, 0) } else { (column - half, 1) }
    } else {
        (column / 2, column % 2)
    };
    let [c, s] = turn_64::<A>(phase_of(table[pair as usize], position));
    let x = if second == 1 { c } else { s };
    // A sine of 0 after half a turn is -0.
    if x == 0.0 { 0.0 } else { x }
}

/// ln y of a positive normal number.
#[inline(always)]
fn log_of<A: Fma>(y: f32) -> f32 {
    let b = y.to_bits();
    let e = (b.wrapping_sub(0x3f35_04f3) as i32) >> 23;
    let f = f32::from_bits(b.wrapping_sub((e << 23) as u32)) - 1.0;
    // e ln 2, rounded once: a product that feeds an addition must stand inside an fma.
    let k = A::fma((e + 64) as f32, f32::from_bits(0x3f31_7218), f32::from_bits(0xc231_7218));
    A::fma(f, log_ratio::<A>(f), k)
}

/// ln(1 + column).
#[inline(always)]
fn log_range_value<A: Fma>(column: u32) -> f32 {
    log_of::<A>(((column & 0x00ff_ffff) + 1) as i32 as f32)
}

/// Even steps, counted from the nearer end, so that both ends are met; the middle is given.
#[inline(always)]
fn linspace_value<A: Fma>(law: &LawParams, column: u32) -> f32 {
    let rest = law.cols - 1 - column;
    let from_first = A::fma((column & 0x00ff_ffff) as i32 as f32, law.step, law.left);
    let from_last = A::fma((rest & 0x00ff_ffff) as i32 as f32, -law.step, law.right);
    let x = if column < rest { from_first } else { from_last };
    if column == rest { law.center } else { x }
}

/// ln u, u uniform in 2^24 even steps from the lower end: so small a u keeps its digits, which the logarithm shows.
#[inline(always)]
fn log_of_uniform_value<A: Fma>(law: &LawParams, w: u32) -> f32 {
    let u = A::fma((w >> 8) as i32 as f32, law.step, law.offset);
    clamp(log_of::<A>(u), law.lo, law.hi)
}

/// A polynomial in the uniform number in (-1, 1) that the word stands for.
#[inline(always)]
fn dt_bias_value<A: Fma>(law: &LawParams, w: u32) -> f32 {
    let t = (2 * (w >> 8) as i32 - 0x00ff_ffff) as f32 * f32::from_bits(0x3380_0000);
    let mut h = law.more[2];
    h = A::fma(t, h, law.more[1]);
    h = A::fma(t, h, law.more[0]);
    for k in (0..9).rev() {
        h = A::fma(t, h, law.poly[k]);
    }
    clamp(h, law.lo, law.hi)
}

/// One value of a law whose kind is structured, at an index, whose quotient and rest by the columns are `place`.
#[inline(always)]
pub(super) fn kind_value<A: Fma>(series: &Series<'_>, index: u64, place: (u64, u32)) -> f32 {
    let word = || {
        let b = index / 4;
        philox([b as u32, (b >> 32) as u32, 0, domain::VALUES], series.key)[(index % 4) as usize]
    };
    match series.law.kind {
        kind::SINUSOIDAL => sinusoidal_value::<A>(series.law, series.table, place),
        kind::LOG_RANGE => log_range_value::<A>(place.1),
        kind::LINSPACE => linspace_value::<A>(series.law, place.1),
        kind::LOG_OF_UNIFORM => log_of_uniform_value::<A>(series.law, word()),
        kind::DT_BIAS => dt_bias_value::<A>(series.law, word()),
        other => {
            debug_assert!(false, "kind {other} is not structured");
            0.0
        }
    }
}

#[cfg(test)]
mod tests;
