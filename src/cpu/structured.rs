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
    match series.law.kind {
        kind::SINUSOIDAL => sinusoidal_value::<A>(series.law, series.table, place),
        kind::LOG_RANGE => log_range_value::<A>(place.1),
        kind::LINSPACE => linspace_value::<A>(series.law, place.1),
        _ => {
            let b = index / 4;
            let words = philox([b as u32, (b >> 32) as u32, 0, domain::VALUES], series.key);
            let w = words[(index % 4) as usize];
            match series.law.kind {
                kind::LOG_OF_UNIFORM => log_of_uniform_value::<A>(series.law, w),
                _ => dt_bias_value::<A>(series.law, w),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::fma::Wide;

    #[test]
    fn both_ways_of_division_agree() {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state ^ (state >> 29)
        };
        let edges = [1u64, 2, 3, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x1_0001, 0x7fff_ffff, 0x8000_0000, 0x8000_ffff];
        let more = [0xfffe_ffff, 0xffff_0000, 0xffff_fffe, 0xffff_ffff, 0x1_0000_0000, u64::MAX, u64::MAX - 1];
        let edges: Vec<u64> = edges.into_iter().chain(more).collect();
        for &d in edges.iter().filter(|&&d| d < 1 << 32) {
            for &q in &edges {
                for off in 0..5u64 {
                    let a = q.wrapping_mul(d).wrapping_add(off).wrapping_sub(2);
                    assert_eq!(div_rem(a, d as u32), div_rem_split(a, d as u32), "{a:#x} / {d:#x}");
                }
            }
        }
        for _ in 0..2_000_000 {
            let (a, d) = (next() >> (next() % 64), ((next() >> 32) as u32 >> (next() % 32)).max(1));
            assert_eq!(div_rem(a, d), div_rem_split(a, d), "{a:#x} / {d:#x}");
        }
    }

    /// ln(1 + c) of every c that a last axis can have.
    #[test]
    fn logarithms_are_as_accurate_as_stated_and_0_at_1() {
        assert_eq!(log_range_value::<Wide>(0).to_bits(), 0);
        let half = |from: u32| {
            (from..1 << 24).step_by(2).fold(0.0, |worst: f64, c| {
                let exact = f64::from(c).ln_1p();
                let got = f64::from(log_range_value::<Wide>(c));
                if c == 0 { worst } else { worst.max((got / exact - 1.0).abs()) }
            })
        };
        let worst = std::thread::scope(|s| {
            let other = s.spawn(|| half(1));
            half(0).max(other.join().unwrap())
        });
        println!("ln(1 + c): relative {worst:.3e}");
        assert!(worst < 2e-7, "{worst:e}");
    }

    /// Every element of axes up to the longest, against f64: both ends are met, turned round the values are the same.
    #[test]
    fn even_steps_are_as_accurate_as_stated_meet_both_ends_and_are_symmetric() {
        let params = |first: f64, last: f64, n: u64| {
            let law = crate::value::law::Law::linspace(first, last, n).unwrap();
            LawParams::new(&law, crate::DType::F32).unwrap()
        };
        let mut worst = 0.0f64;
        for (first, last) in [(-1.0, 1.0), (0.0, 1.0), (0.1, 3.7), (5.0, -0.3), (1e-3, 1e6), (2.5, 2.5)] {
            for n in [1u64, 2, 3, 10, 11, 257, 1000, 65_537, 1 << 24] {
                let (p, turned) = (params(first, last, n), params(last, first, n));
                let value = |c: u64| linspace_value::<Wide>(&p, c as u32);
                assert_eq!(value(0), first as f32);
                assert!(n == 1 || value(n - 1) == last as f32);
                for c in (0..n).step_by(if n > 1 << 20 { 997 } else { 1 }) {
                    let exact = if n == 1 { first } else { first + c as f64 * ((last - first) / (n - 1) as f64) };
                    let (got, size) = (value(c), first.abs().max(last.abs()));
                    worst = worst.max((f64::from(got) - exact).abs() / size);
                    assert!(
                        n == 1 || got == linspace_value::<Wide>(&turned, (n - 1 - c) as u32),
                        "{first} {last} {n} {c}"
                    );
                }
            }
        }
        assert_eq!(linspace_value::<Wide>(&params(-1.0, 1.0, 11), 5).to_bits(), 0);
        println!("even steps: {worst:.3e} of the larger end");
        assert!(worst < 1e-7, "{worst:e}");
    }

    /// All 2^24 values of A_log of mamba_ssm's Mamba-2 and of Qwen3-Next, against the logarithm of the exact uniform.
    #[test]
    fn logarithms_of_a_uniform_are_as_accurate_as_stated_and_in_order() {
        for (lo, hi) in [(1.0f64, 16.0), (0.01, 16.0)] {
            let law = crate::value::law::Law::log_of_uniform(lo, hi).unwrap();
            let p = LawParams::new(&law, crate::DType::F32).unwrap();
            let (mut worst, mut before, mut sum) = (0.0f64, f32::MIN, 0.0f64);
            for k in 0..1u32 << 24 {
                let exact = (lo + (f64::from(k) + 0.5) * ((hi - lo) / 16_777_216.0)).ln();
                let value = log_of_uniform_value::<Wide>(&p, k << 8);
                assert!(value >= before && p.lo <= value && value <= p.hi, "{k}: {value}");
                worst = worst.max((f64::from(value) - exact).abs() / exact.abs().max(1.0));
                (before, sum) = (value, sum + f64::from(value));
            }
            println!("ln U({lo}, {hi}): {worst:.3e}");
            assert!(worst < 2e-7, "{lo} {hi}: {worst:e}");
            assert!((sum / 16_777_216.0 - law.mean()).abs() < 2e-8, "{lo} {hi}: mean {}", sum / 16_777_216.0);
        }
    }

    /// The bias at every 4099th word against f64.
    #[test]
    fn the_bias_of_the_step_is_as_accurate_as_stated() {
        for (min, max, floor) in [(0.001, 0.1, 1e-4), (1e-4, 0.1, 0.0), (0.001, 0.1, 0.01), (0.01, 1.0, 0.0)] {
            let law = crate::value::law::Law::dt_bias(min, max, floor).unwrap();
            let p = LawParams::new(&law, crate::DType::F32).unwrap();
            let mut worst = 0.0f64;
            for w in (0..1u64 << 32).step_by(4099).chain([0xffff_ffff]) {
                let t = (2.0 * (w >> 8) as f64 + 1.0 - 16_777_216.0) / 16_777_216.0;
                let dt = ((min.ln() + max.ln()) / 2.0 + t * (max.ln() - min.ln()) / 2.0).exp().max(floor);
                let exact = dt + (-(-dt).exp_m1()).ln();
                let got = f64::from(dt_bias_value::<Wide>(&p, w as u32));
                worst = worst.max((got - exact).abs() / exact.abs().max(1.0));
            }
            println!("dt_bias({min}, {max}, {floor}): {worst:.3e}");
            assert!(worst < 3e-7, "{min} {max} {floor}: {worst:e}");
        }
    }
}
