//! The twin of shaders/math.wgsl: -2 ln u, the square root, and sine and cosine of a turn, in exact arithmetic.
//!
//! Only integers, f32 `+`, `*` and fused multiply-add, in the order written: rule "exact arithmetic" of
//! docs/ARCHITECTURE.md. The coefficients are fitted by tests/data/fit_math.py; docs/stream.md states the measured
//! errors.

use super::fma::Fma;

/// 2^23 + the low half of w.
#[inline(always)]
fn low_half(w: u32) -> f32 {
    f32::from_bits(0x4b00_0000 | (w & 0xffff))
}

/// w + 1/2, rounded once.
#[inline(always)]
pub(crate) fn half_up<A: Fma>(w: u32) -> f32 {
    A::fma((w >> 16) as i32 as f32, 65536.0, low_half(w) - 8_388_607.5)
}

/// -2 ln u for u = (w + 1/2) 2^-32, in [2^-32, 45.8).
#[inline(always)]
pub(crate) fn neg_2_ln<A: Fma>(w: u32) -> f32 {
    // Above sqrt(1/2), u = 1 + f with f = -(2^32 - 1 - w + 1/2) 2^-32: no cancellation near 1.
    let near = w >= 0xb504_f334;
    let y = half_up::<A>(if near { !w } else { w });
    let b = y.to_bits();
    // The exponent stays where it is, in 2^23: an integer of 9 bits above 23 zeros.
    let e = b.wrapping_sub(0x3f35_04f3) & 0xff80_0000;
    let m = f32::from_bits(b.wrapping_sub(e));
    let f = if near { y * f32::from_bits(0xaf80_0000) } else { m - 1.0 };
    // 64 ln 2 - e 2 ln 2: the product's exact value rounded once, as 32 - e is an integer.
    let k = A::fma(e as i32 as f32, f32::from_bits(0xb431_7218), f32::from_bits(0x4231_7218));
    let k = if near { 0.0 } else { k };
    let mut h = f32::from_bits(0x3e53_62bc);
    h = A::fma(f, h, f32::from_bits(0xbea6_e829));
    h = A::fma(f, h, f32::from_bits(0x3eb0_2bf9));
    h = A::fma(f, h, f32::from_bits(0xbecb_a7f7));
    h = A::fma(f, h, f32::from_bits(0x3eff_bb77));
    h = A::fma(f, h, f32::from_bits(0xbf2a_ad6e));
    h = A::fma(f, h, f32::from_bits(0x3f80_0028));
    h = A::fma(f, h, -2.0);
    A::fma(f, h, k)
}

/// The square root of a normal positive number.
#[inline(always)]
pub(crate) fn root<A: Fma>(v: f32) -> f32 {
    // y is v^(-1/2) within 3.4 %; (1 - e)^(-1/2) = 1 + e p(e) with e = 1 - v y^2 mends that.
    let y = f32::from_bits(0x5f37_4740 - (v.to_bits() >> 1));
    let s = v * y;
    let e = A::fma(-s, y, 1.0);
    let mut p = f32::from_bits(0x3e8c_defe);
    p = A::fma(e, p, f32::from_bits(0x3ea0_bb10));
    p = A::fma(e, p, f32::from_bits(0x3ebf_ff9a));
    p = A::fma(e, p, f32::from_bits(0x3eff_ffc9));
    A::fma(s, e * p, s)
}

/// Cosine and sine of 2 pi (w + 1/2) 2^-32, times a positive r.
#[inline(always)]
pub(crate) fn turn<A: Fma>(w: u32, r: f32) -> [f32; 2] {
    // From the nearest quarter turn on, in [-1/8, 1/8] of a turn, rounded once: the signed number in the last 30 bits,
    // and 1/2. The second constant is (1/2 - 2^23) 2^-32.
    let hi = (w << 2) as i32 >> 18;
    let lo = A::fma(low_half(w), f32::from_bits(0x2f80_0000), f32::from_bits(0xbaff_ffff));
    quarter_turn::<A>(w.wrapping_add(0x2000_0000), A::fma(hi as f32, f32::from_bits(0x3780_0000), lo), r)
}

/// Cosine and sine of 2 pi phase 2^-64.
#[inline(always)]
pub(crate) fn turn_64<A: Fma>(phase: u64) -> [f32; 2] {
    let w = (phase >> 32) as u32;
    let v = w.wrapping_add(0x2000_0000);
    let hi = (w << 2) as i32 >> 18;
    // The next 24 bits, times 2^-56 by their exponent; and the rest as in `turn`.
    let tail = (phase as u32 >> 8) as i32 as f32;
    let low = tail.to_bits().wrapping_sub(0x1c00_0000);
    let low = f32::from_bits(if (phase as u32) < 0x0000_0100 { 0 } else { low });
    let lo = A::fma((w & 0xffff) as i32 as f32, f32::from_bits(0x2f80_0000), low);
    quarter_turn::<A>(v, A::fma(hi as f32, f32::from_bits(0x3780_0000), lo), 1.0)
}

/// Cosine and sine of x of a turn, x in [-1/8, 1/8], after as many quarter turns as the first two bits of v say, times
/// a positive r.
#[inline(always)]
fn quarter_turn<A: Fma>(v: u32, x: f32, r: f32) -> [f32; 2] {
    let z = x * x;
    let mut s = f32::from_bits(0xc299_8cc7);
    s = A::fma(z, s, f32::from_bits(0x42a3_4052));
    s = A::fma(z, s, f32::from_bits(0xc225_5e12));
    s = A::fma(z, s, f32::from_bits(0x40c9_0fdb));
    let s = x * s;
    let mut c = f32::from_bits(0xc2a7_3c5f);
    c = A::fma(z, c, f32::from_bits(0x4281_d82c));
    c = A::fma(z, c, f32::from_bits(0xc19d_e9ce));
    c = A::fma(z, c, 1.0);
    // Quarter turns 1 and 3 swap them; the cosine is negative in 1 and 2, the sine in 2 and 3. r has no sign yet, and
    // takes theirs.
    let odd = v & 0x4000_0000 != 0;
    let (c, s) = if odd { (s, c) } else { (c, s) };
    let cosine = f32::from_bits(r.to_bits() | (v.wrapping_add(0x4000_0000) >> 31 << 31));
    let sine = f32::from_bits(r.to_bits() | (v >> 31 << 31));
    [cosine * c, sine * s]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::fma::Wide;

    /// The largest of `error` over every `stride`-th word, on two threads.
    fn worst(stride: u64, error: impl Fn(u32) -> f64 + Sync) -> f64 {
        let half = |from: u64| {
            (from..1 << 32).step_by(2 * stride as usize).fold(0.0, |worst: f64, w| worst.max(error(w as u32)))
        };
        std::thread::scope(|s| {
            let other = s.spawn(|| half(stride));
            half(0).max(other.join().unwrap())
        })
    }

    fn u(w: u32) -> f64 {
        (f64::from(w) + 0.5) / 4_294_967_296.0
    }

    /// The errors that docs/stream.md states.
    fn check_errors(stride: u64) {
        let log = worst(stride, |w| {
            let exact = if w < 1 << 31 { -2.0 * u(w).ln() } else { -2.0 * (-u(!w)).ln_1p() };
            (f64::from(neg_2_ln::<Wide>(w)) / exact - 1.0).abs()
        });
        let circle = worst(stride, |w| {
            let (sin, cos) = (std::f64::consts::TAU * u(w)).sin_cos();
            let [c, s] = turn::<Wide>(w, 1.0);
            // Near the axes the f64 reference's own error is relative to 2 pi: hence absolute.
            (f64::from(c) - cos).abs().max((f64::from(s) - sin).abs())
        });
        println!("-2 ln u: relative {log:.3e}; sin, cos: absolute {circle:.3e}");
        // The fit 1.6e-7; the roundings of y, of h and of f h, 6e-8 each.
        assert!(log < 3.7e-7, "{log:e}");
        assert!(circle < 1e-7, "{circle:e}");
    }

    #[test]
    fn log_sine_and_cosine_are_as_accurate_as_stated_on_every_1021st_word() {
        check_errors(1021);
    }

    #[test]
    #[ignore = "long: all 2^32 words"]
    fn log_sine_and_cosine_are_as_accurate_as_stated_on_every_word() {
        check_errors(1);
    }

    #[test]
    fn root_is_as_accurate_as_stated_on_every_mantissa() {
        let mut worst = 0.0f64;
        // The seed's error has period 4 in v: two exponents hold every case. The ends of the range as well.
        for bits in (0x3f80_0000..0x4080_0000).chain(0x2f80_0000..0x2f81_0000).chain(0x4230_0000..0x4238_0000) {
            let v = f32::from_bits(bits);
            worst = worst.max((f64::from(root::<Wide>(v)) / f64::from(v).sqrt() - 1.0).abs());
        }
        println!("root: relative {worst:.3e}");
        assert!(worst < 1.1e-7, "{worst:e}");
    }

    #[test]
    fn sine_and_cosine_are_relatively_accurate_near_the_axes() {
        for quarter in 0..4u32 {
            for r in (-100_000i32..100_000).step_by(7) {
                let w = (quarter << 30).wrapping_add(r as u32);
                let small = (std::f64::consts::TAU * (f64::from(r) + 0.5) / 4_294_967_296.0).sin();
                let [c, s] = turn::<Wide>(w, 1.0);
                let got = match quarter {
                    0 => s,
                    1 => -c,
                    2 => -s,
                    _ => c,
                };
                assert!((f64::from(got) / small - 1.0).abs() < 2e-7, "{w:#x}");
            }
        }
    }

    /// The formulas as they were first written, from which the definition of the stream was taken: -2 ln u, and cosine
    /// and sine, with shifted exponents, converted halves and signs put on at last.
    mod as_first_written {
        use crate::cpu::fma::{Fma, Wide};

        fn half_up(w: u32) -> f32 {
            Wide::fma((w >> 16) as i32 as f32, 65536.0, (w & 0xffff) as i32 as f32 + 0.5)
        }

        pub fn neg_2_ln(w: u32) -> f32 {
            let near = w >= 0xb504_f334;
            let y = half_up(if near { !w } else { w });
            let b = y.to_bits();
            let e = (b.wrapping_sub(0x3f35_04f3) as i32) >> 23;
            let m = f32::from_bits(b.wrapping_sub((e << 23) as u32));
            let f = if near { y * f32::from_bits(0xaf80_0000) } else { m - 1.0 };
            let k = Wide::fma(e as f32, f32::from_bits(0xbfb1_7218), f32::from_bits(0x4231_7218));
            let k = if near { 0.0 } else { k };
            let mut h = f32::from_bits(0x3e53_62bc);
            for c in [0xbea6_e829, 0x3eb0_2bf9, 0xbecb_a7f7, 0x3eff_bb77, 0xbf2a_ad6e, 0x3f80_0028, 0xc000_0000] {
                h = Wide::fma(f, h, f32::from_bits(c));
            }
            Wide::fma(f, h, k)
        }

        pub fn turn(w: u32) -> [f32; 2] {
            let v = w.wrapping_add(0x2000_0000);
            let r = (v & 0x3fff_ffff) as i32 - 0x2000_0000;
            let lo = Wide::fma((r & 0xffff) as f32, f32::from_bits(0x2f80_0000), f32::from_bits(0x2f00_0000));
            quarter_turn(v, Wide::fma((r >> 16) as f32, f32::from_bits(0x3780_0000), lo))
        }

        pub fn turn_64(phase: u64) -> [f32; 2] {
            let v = ((phase >> 32) as u32).wrapping_add(0x2000_0000);
            let r = (v & 0x3fff_ffff) as i32 - 0x2000_0000;
            let tail = (phase as u32 >> 8) as i32 as f32;
            let low = tail.to_bits().wrapping_sub(0x1c00_0000);
            let low = f32::from_bits(if (phase as u32) < 0x0000_0100 { 0 } else { low });
            let lo = Wide::fma((r & 0xffff) as f32, f32::from_bits(0x2f80_0000), low);
            quarter_turn(v, Wide::fma((r >> 16) as f32, f32::from_bits(0x3780_0000), lo))
        }

        fn quarter_turn(v: u32, x: f32) -> [f32; 2] {
            let z = x * x;
            let mut s = f32::from_bits(0xc299_8cc7);
            for d in [0x42a3_4052, 0xc225_5e12, 0x40c9_0fdb] {
                s = Wide::fma(z, s, f32::from_bits(d));
            }
            let s = x * s;
            let mut c = f32::from_bits(0xc2a7_3c5f);
            for d in [0x4281_d82c, 0xc19d_e9ce, 0x3f80_0000] {
                c = Wide::fma(z, c, f32::from_bits(d));
            }
            let (c, s) = if v & 0x4000_0000 != 0 { (s, c) } else { (c, s) };
            [
                f32::from_bits(c.to_bits() ^ (v.wrapping_add(0x4000_0000) & 0x8000_0000)),
                f32::from_bits(s.to_bits() ^ (v & 0x8000_0000)),
            ]
        }
    }

    /// Every `stride`-th word gives the bits of the formulas as first written.
    fn check_bits(stride: u64) {
        let r = f32::from_bits(0x40d8_6c22);
        let differing = worst(stride, |w| {
            let same = neg_2_ln::<Wide>(w).to_bits() == as_first_written::neg_2_ln(w).to_bits();
            let [c, s] = turn::<Wide>(w, r).map(f32::to_bits);
            // The product with r takes the sign of the cosine or the sine, whichever of the two has it.
            let [x, y] = as_first_written::turn(w).map(|t| (r * t).to_bits());
            f64::from(u8::from(!(same && c == x && s == y)))
        });
        assert_eq!(differing, 0.0);
        let differing = worst(stride, |w| {
            let phase = u64::from(w) << 32 | u64::from(w.wrapping_mul(0x9e37_79b9) >> (w & 31));
            let [new, old] = [turn_64::<Wide>(phase), as_first_written::turn_64(phase)].map(|t| t.map(f32::to_bits));
            f64::from(u8::from(new != old))
        });
        assert_eq!(differing, 0.0);
    }

    #[test]
    fn every_1021st_word_has_the_bits_of_the_formulas_as_first_written() {
        check_bits(1021);
    }

    #[test]
    #[ignore = "long: all 2^32 words"]
    fn every_word_has_the_bits_of_the_formulas_as_first_written() {
        check_bits(1);
    }

    /// The negative control: a word's neighbor has other bits, so that the comparison sees a change of the last place.
    #[test]
    fn another_word_has_other_bits() {
        let other = (0..1u64 << 32).step_by(1 << 22).filter(|&w| {
            let w = w as u32;
            turn::<Wide>(w, 1.0).map(f32::to_bits) != as_first_written::turn(w ^ 0x400).map(f32::to_bits)
        });
        assert!(other.count() > 1000);
    }
}
