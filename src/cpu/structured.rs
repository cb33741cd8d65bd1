//! The twin of shaders/structured.wgsl: laws whose values depend on where in its logical tensor an element lies, and the Mamba
//! step's bias.
//!
//! A law that is cut is filled as if it were not, then cut: the uncut fill is the fast one.

use super::fill::store_one;
use super::fill::{Run, TILE};
use super::fma::{Fma, Native, Wide};
use super::math::turn_64;
use super::philox::philox;
use super::sample::{clamp, log_ratio};
use super::{FUSED, Level};
use crate::value::key::domain;
use crate::value::params::{LawParams, kind, mask};

/// A 64-bit number by a 32-bit one: the quotient and the rest.
#[inline(always)]
fn div_rem(a: u64, d: u32) -> (u64, u32) {
    (a / u64::from(d), (a % u64::from(d)) as u32)
}

/// The same without 64-bit integers: Knuth's algorithm D in digits of 16 bits.
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

/// Whether an element of a tensor \[out, in, kernel\] is on the pattern: at the kernel's `spot`, in the blocks of the diagonal, which
/// begins again every `rows` outputs.
#[inline(always)]
fn is_on_pattern(law: &LawParams, index: u64) -> bool {
    let (pair, spot) = div_rem(index, law.inner);
    if spot != law.spot {
        return false;
    }
    let (output, input) = div_rem(pair, law.cols);
    (output as u32 % law.rows) / law.block_rows == input / law.block_cols
}

/// Which of a tile's elements are zeros of their columns: those whose row's place in a permutation of the rows is below
/// `threshold`. The permutation is VariablePhilox (Mitchell, Stokes, Frank, Holmes: Bandwidth-optimal random shuffling for GPUs,
/// 2022) on the least even or odd number of bits that holds the rows, at least 4, walked until it is a row.
#[inline(always)]
fn is_zero_row(law: &LawParams, key: [u32; 2], column: &[u32; TILE], row: &[u32; TILE]) -> [bool; TILE] {
    let mut keys = [[0; TILE]; 24];
    for q in 0..6 {
        for i in 0..TILE {
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
    // An element that has arrived stays; the others walk on.
    let mut walks = [true; TILE];
    while walks.iter().fold(false, |any, &w| any | w) {
        let mut l = x.map(|x| x >> right);
        let mut r = x.map(|x| x & ((1 << right) - 1));
        for keys in &keys {
            for i in 0..TILE {
                let p = u64::from(l[i]).wrapping_mul(0xd2b7_4407_b1ce_6e93);
                let lo = ((p as u32) << (right - left)) | (r[i] >> left);
                l[i] = ((p >> 32) as u32 ^ keys[i] ^ r[i]) & ((1 << left) - 1);
                r[i] = lo & ((1 << right) - 1);
            }
        }
        for i in 0..TILE {
            x[i] = if walks[i] { (l[i] << right) | r[i] } else { x[i] };
            walks[i] = x[i] >= law.rows;
        }
    }
    x.map(|x| x < law.threshold)
}

/// The product modulo 2^64: a fraction of a turn.
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

/// ln(1 + column).
#[inline(always)]
fn log_range_value<A: Fma>(column: u32) -> f32 {
    let b = (((column & 0x00ff_ffff) + 1) as i32 as f32).to_bits();
    let e = (b.wrapping_sub(0x3f35_04f3) as i32) >> 23;
    let f = f32::from_bits(b.wrapping_sub((e << 23) as u32)) - 1.0;
    // e ln 2, rounded once: a product that feeds an addition must stand inside an fma.
    let k = A::fma((e + 64) as f32, f32::from_bits(0x3f31_7218), f32::from_bits(0xc231_7218));
    A::fma(f, log_ratio::<A>(f), k)
}

/// A polynomial in the word's place in (-1, 1).
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

/// One value of a law of its own kind, at an index with its quotient and rest by the columns.
#[inline(always)]
fn structured_value<A: Fma>(run: &Run<'_>, index: u64, place: (u64, u32)) -> f32 {
    match run.law.kind {
        kind::SINUSOIDAL => sinusoidal_value::<A>(run.law, run.table, place),
        kind::LOG_RANGE => log_range_value::<A>(place.1),
        _ => {
            let b = index / 4;
            let words = philox([b as u32, (b >> 32) as u32, 0, domain::VALUES], run.key);
            dt_bias_value::<A>(run.law, words[(index % 4) as usize])
        }
    }
}

/// Quotient and rest of a run's indices by `d`, without a division an element where they are consecutive.
#[inline(always)]
fn places(run: &Run<'_>, d: u32) -> impl Iterator<Item = (u64, (u64, u32))> {
    let (mut index, step, mut place) = (run.src, run.step, div_rem(run.src, d));
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

/// Fills `out` with elements of a run of a structured law.
pub(super) fn fill_structured(level: Level, run: &Run<'_>, out: &mut [u8]) {
    let size = run.dtype.size() as usize;
    if run.law.mask == mask::NONE {
        return at_level(level, run, out);
    }
    let mut uncut = run.law.unmasked();
    if run.law.mask == mask::CENTERED {
        uncut.center = 0.0;
    }
    super::fill_run(level, &Run { law: &uncut, ..*run }, out);
    match run.law.mask {
        mask::PATTERN => {
            for ((index, _), element) in places(run, run.law.cols).zip(out.chunks_exact_mut(size)) {
                if !is_on_pattern(run.law, index) {
                    element.fill(0);
                }
            }
        }
        mask::CENTERED => {
            let centered = run.law.unmasked();
            for ((index, _), element) in places(run, run.law.cols).zip(out.chunks_exact_mut(size)) {
                if is_on_pattern(run.law, index) {
                    super::fill_run(level, &Run { law: &centered, src: index, step: 1, ..*run }, element);
                }
            }
        }
        _ => at_level(level, run, out),
    }
}

/// Cuts what is there, or fills with the values of a law of its own kind, with the code of one level.
fn at_level(level: Level, run: &Run<'_>, out: &mut [u8]) {
    match level {
        // SAFETY: a level above `Baseline` comes from `available`, which has asked the processor for these features.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { at_avx2(run, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { at_avx512(run, out) },
        _ if FUSED => cut_or_fill::<Native>(run, out),
        _ => cut_or_fill::<Wide>(run, out),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn at_avx2(run: &Run<'_>, out: &mut [u8]) {
    cut_or_fill::<Native>(run, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn at_avx512(run: &Run<'_>, out: &mut [u8]) {
    cut_or_fill::<Native>(run, out);
}

#[inline(always)]
fn cut_or_fill<A: Fma>(run: &Run<'_>, out: &mut [u8]) {
    let size = run.dtype.size() as usize;
    if run.law.mask == mask::SPARSE {
        let mut places = places(run, run.law.cols);
        for tile in out.chunks_mut(TILE * size) {
            let (mut row, mut column) = ([0; TILE], [0; TILE]);
            for (i, (_, (r, c))) in places.by_ref().take(tile.len() / size).enumerate() {
                (row[i], column[i]) = (r as u32, c);
            }
            let zero = is_zero_row(run.law, run.key, &column, &row);
            for (element, zero) in tile.chunks_exact_mut(size).zip(zero) {
                if zero {
                    element.fill(0);
                }
            }
        }
        return;
    }
    // The step's bias has no columns.
    for ((index, place), element) in places(run, run.law.cols.max(1)).zip(out.chunks_exact_mut(size)) {
        let value = structured_value::<A>(run, index, place);
        store_one(run.dtype, run.rounding, (run.key, index), value, element);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// Every word's bias, in steps, against f64.
    #[test]
    fn the_step_s_bias_is_as_accurate_as_stated() {
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
