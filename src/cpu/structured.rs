//! The twin of shaders/structured.wgsl: laws whose values depend on where in its logical tensor an element lies, and
//! the bias of Mamba's step. `placed.rs`, `sparse.rs` and `pattern.rs` walk over the elements.

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
/// of a diagonal that begins again every `rows` outputs. `pattern.rs` goes from block to block instead.
#[cfg(test)]
pub(super) fn is_on_pattern(law: &LawParams, index: u64) -> bool {
    let (pair, spot) = div_rem(index, law.inner);
    let (output, input) = div_rem(pair, law.cols);
    spot == law.spot && ((output % u64::from(law.rows)) as u32) / law.block_rows == input / law.block_cols
}

/// The rounds of a column's permutation.
const ROUNDS: usize = 24;

/// The keys of the rounds, for as many columns as there are lanes. A half of a row's number has 16 bits at most, and so
/// much of a key is used.
pub(super) type ColumnKeys<const N: usize> = [[u16; N]; ROUNDS];

/// The keys of each lane's column.
#[inline(always)]
pub(super) fn column_keys<const N: usize>(key: [u32; 2], column: &[u32; N]) -> ColumnKeys<N> {
    let mut keys = [[0; N]; ROUNDS];
    for q in 0..6 {
        for i in 0..N {
            let words = philox([column[i], 0, q, domain::SPARSE], key);
            for k in 0..4 {
                keys[4 * q as usize + k][i] = words[k] as u16;
            }
        }
    }
    keys
}

/// Each lane's number, permuted once among the numbers of `width` bits: VariablePhilox (Mitchell, Stokes, Frank,
/// Holmes: Bandwidth-optimal random shuffling for GPUs, 2022).
///
/// Of the product of a half, of 16 bits, with the multiplier, of 64, only bits 0 to 15 and 32 to 47 are used: 16-bit
/// products make them, of as many lanes as a vector has 16-bit numbers. `ODD` is whether the width is odd.
#[inline(always)]
fn permuted<const N: usize, const ODD: bool>(width: u32, keys: &ColumnKeys<N>, x: &[u32; N]) -> [u32; N] {
    const M: u64 = 0xd2b7_4407_b1ce_6e93;
    const DIGITS: [u16; 3] = [M as u16, (M >> 16) as u16, (M >> 32) as u16];
    let upper = |a: u16, b: u16| ((u32::from(a) * u32::from(b)) >> 16) as u16;
    let left = width / 2;
    let right = width - left;
    let [left_mask, right_mask] = [left, right].map(|bits| ((1u32 << bits) - 1) as u16);
    let (mut l, mut r) = ([0u16; N], [0u16; N]);
    for i in 0..N {
        l[i] = (x[i] >> right) as u16;
        r[i] = x[i] as u16 & right_mask;
    }
    for keys in keys {
        for i in 0..N {
            let [p0, p1, p2] = DIGITS.map(|digit| l[i].wrapping_mul(digit));
            // Whether p1 and the upper half of the product below it have a carry.
            let carry = upper(l[i], DIGITS[0]).saturating_sub(!p1).min(1);
            let hi = p2.wrapping_add(upper(l[i], DIGITS[1])).wrapping_add(carry);
            // The right half has one bit more where the width is odd, 15 bits at most for the left one.
            let lo = if ODD { p0 << 1 | r[i] >> (left & 15) } else { p0 };
            l[i] = (hi ^ keys[i] ^ r[i]) & left_mask;
            r[i] = lo & right_mask;
        }
    }
    let mut y = [0; N];
    for i in 0..N {
        y[i] = u32::from(l[i]) << right | u32::from(r[i]);
    }
    y
}

/// Which of `count` rows, at most 32, are zeros of their column, for each lane: those that are permuted, among the
/// numbers of the least number of bits that holds the rows, at least 4, until the result is a row, to one below
/// `threshold`. Bit `k` of a lane's result stands for row `first + k step`, or for
/// the last row where that lies beyond: a walk that does not begin at a row may never come to one.
///
/// A lane goes on to its next row as soon as it has a result, so that lanes do not wait for each other at every row.
#[inline(always)]
pub(super) fn is_zero_row<const N: usize>(
    law: &LawParams,
    keys: &ColumnKeys<N>,
    first: &[u32; N],
    step: u32,
    count: u32,
) -> [u32; N] {
    let last = law.rows - 1;
    let needed = 32 - last.leading_zeros();
    let width = if needed < 4 { 4 } else { needed };
    let (mut x, mut done, mut zero) = (first.map(|row| row.min(last)), [0u32; N], [0u32; N]);
    while done.iter().fold(false, |any, &done| any | (done < count)) {
        x = if width % 2 == 1 { permuted::<N, true>(width, keys, &x) } else { permuted::<N, false>(width, keys, &x) };
        for i in 0..N {
            let (is_row, is_wanted) = (x[i] < law.rows, done[i] < count);
            let is_zero = is_row & is_wanted & (x[i] < law.threshold);
            zero[i] |= u32::from(is_zero) << (done[i] & 31);
            done[i] += u32::from(is_row & is_wanted);
            let next = first[i].wrapping_add(done[i].wrapping_mul(step));
            x[i] = if is_row { next.min(last) } else { x[i] };
        }
    }
    zero
}

/// The product modulo 2^64: a fraction of a turn, in 2^-64.
#[inline(always)]
fn phase_of(f: u64, position: u64) -> u64 {
    f.wrapping_mul(position)
}

/// The pair of a column in a table of positions, and 1 where it has the pair's cosine.
#[inline(always)]
fn pair_of(law: &LawParams, column: u32) -> (u32, u32) {
    let half = law.cols / 2;
    if law.spot == 1 {
        let second = u32::from(column >= half);
        (column - second * half, second)
    } else {
        (column / 2, column % 2)
    }
}

/// A table of positions: sine, or second, cosine of position * frequency.
#[inline(always)]
fn sinusoidal_value<A: Fma>(frequency: u64, position: u64, second: u32) -> f32 {
    let [c, s] = turn_64::<A>(phase_of(frequency, position));
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
pub(super) fn log_of_uniform_value<A: Fma>(law: &LawParams, w: u32) -> f32 {
    let u = A::fma((w >> 8) as i32 as f32, law.step, law.offset);
    clamp(log_of::<A>(u), law.lo, law.hi)
}

/// A polynomial in the uniform number in (-1, 1) that the word stands for.
#[inline(always)]
pub(super) fn dt_bias_value<A: Fma>(law: &LawParams, w: u32) -> f32 {
    let t = (2 * (w >> 8) as i32 - 0x00ff_ffff) as f32 * f32::from_bits(0x3380_0000);
    let mut h = law.more[2];
    h = A::fma(t, h, law.more[1]);
    h = A::fma(t, h, law.more[0]);
    for k in (0..9).rev() {
        h = A::fma(t, h, law.poly[k]);
    }
    clamp(h, law.lo, law.hi)
}

/// The values of a law that go by place: by the row and the column of each lane's element.
#[inline(always)]
pub(super) fn kind_value<A: Fma, const N: usize>(
    law: &LawParams,
    table: &[u64],
    row: &[u64; N],
    column: &[u32; N],
) -> [f32; N] {
    // A copy on the stack: choosing between fields behind a reference becomes gathers.
    let law = *law;
    let mut v = [0.0; N];
    match law.kind {
        kind::SINUSOIDAL => {
            // Looked up first: what may panic keeps a loop from being vectorized.
            let frequency = column.map(|column| table[pair_of(&law, column).0 as usize]);
            for i in 0..N {
                v[i] = sinusoidal_value::<A>(frequency[i], row[i], pair_of(&law, column[i]).1);
            }
        }
        kind::LOG_RANGE => {
            for i in 0..N {
                v[i] = log_range_value::<A>(column[i]);
            }
        }
        kind::LINSPACE => {
            for i in 0..N {
                v[i] = linspace_value::<A>(&law, column[i]);
            }
        }
        // `tile_values` has the code for these.
        other => debug_assert!(false, "kind {other} does not go by place"),
    }
    v
}

#[cfg(test)]
mod tests;
