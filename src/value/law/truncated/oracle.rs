//! A scalar f32 transcription of the device's steps, for the tests of the host's constants.

use crate::value::params::LawParams;

const LOG: [u32; 8] = [0x3f7fffff, 0xbf00003c, 0x3eaaacf3, 0xbe7fb1d6, 0x3e4bc6fa, 0xbe309f18, 0x3e261b9c, 0xbdcf198b];
const MIDDLE: [u32; 10] = [
    0x408d7294, 0xbf30e9fb, 0xbc69611c, 0x3b408228, 0x3a1b27fa, 0x37e15aa2, 0xb6fb91a4, 0xb5b71c50, 0x32a1034a,
    0x32bbfe80,
];
const NUMERATOR: [u32; 6] = [0x4008de67, 0x3fa0e2a7, 0x3e52b014, 0x3c13b3e2, 0x38b2a006, 0x33a86a86];
const DENOMINATOR: [u32; 5] = [0x3f800000, 0x3ecb7e49, 0x3d13822a, 0x3a49c366, 0x3638a19d];
const K0: u32 = 0x40845c86;
const T1: u32 = 0xc028d342;
const LN2: u32 = 0x3f317218;
const K1: u32 = 0x40020e65;
const K2: u32 = 0x3f83fd5b;

fn horner<const N: usize>(coefficients: [u32; N], x: f32) -> f32 {
    coefficients.iter().rev().fold(0.0, |y, &c| f32::mul_add(y, x, f32::from_bits(c)))
}

/// RN of a 32-bit word.
fn rounded(word: u32) -> f32 {
    let high = f32::from_bits(0x5300_0000 | word >> 16) - 549_764_202_496.0;
    high + f32::from_bits(0x4b00_0000 | word & 0xffff)
}

/// The element that `word` gives, and `second`, the same lane's word of draw 1, where the window is refined.
pub(super) fn sample(p: &LawParams, word: u32, second: u32) -> f32 {
    let left = word < p.threshold;
    let high = f32::from_bits(0x5300_0000 | word >> 16);
    let low = f32::from_bits(0x4b00_0000 | word & 0xffff);
    let two_23_39 = 549_764_202_496.0; // 2^39 + 2^23
    let j = (high - (two_23_39 + p.threshold as f32)) + low;
    let g = (high - if left { two_23_39 } else { two_23_39 + 4_294_967_296.0 }) + low;
    let c = f32::mul_add(j, p.step, p.offset);
    let mut tail = f32::mul_add(g, if left { p.step } else { -p.step }, if left { p.left } else { p.right });
    let k = if left { word } else { !word };
    if p.refine != 0 && k < 1 << 20 {
        let place = f32::mul_add(rounded(second | 1), 1.0 / 4_294_967_296.0, k as f32);
        tail = f32::mul_add(place, p.step, if left { p.left_edge } else { p.right_edge });
    }
    let y = if p.tail != 0 { tail } else { f32::mul_add(-tail, tail, tail) };
    let bits = y.to_bits();
    let exponent = (bits.wrapping_sub(0x3f35_04f3) as i32) >> 23;
    let mut f = f32::from_bits(bits.wrapping_sub((exponent as u32) << 23)) - 1.0;
    let e = exponent as f32;
    let (ln2, k0) = (f32::from_bits(LN2), f32::from_bits(K0));
    let value = if p.tail != 0 {
        if exponent == 0 {
            f = -c;
        }
        let v = f32::mul_add(f, horner(LOG, f), e * ln2) * p.inverse;
        f32::mul_add(v, horner(p.poly.map(f32::to_bits), v), p.center)
    } else {
        let t = f32::mul_add(f, horner(LOG, f), f32::mul_add(e, ln2, k0));
        let z = if t >= f32::from_bits(T1) {
            c * horner(MIDDLE, t)
        } else {
            let z = quotient(horner(NUMERATOR, -t), horner(DENOMINATOR, -t));
            if left { -z } else { z }
        };
        f32::mul_add(z, p.scale, p.center)
    };
    if value < p.lo {
        p.lo
    } else if value > p.hi {
        p.hi
    } else {
        value
    }
}

/// n / d by an integer seed and two Newton steps, all fused.
fn quotient(n: f32, d: f32) -> f32 {
    let mut y = f32::from_bits(0x7ef0_0000 - d.to_bits());
    y *= f32::mul_add(-f32::from_bits(K2) * d, y, f32::from_bits(K1));
    let mut e = f32::mul_add(-d, y, 1.0);
    e = f32::mul_add(e, e, e);
    y = f32::mul_add(y, e, y);
    let q = n * y;
    f32::mul_add(f32::mul_add(-d, q, n), y, q)
}
