//! The twin of shaders/fma_native.wgsl and shaders/fma_soft.wgsl: `a * b + c` with one rounding.
//!
//! Two interchangeable implementations; the self-test picks the first that is exact. The twin has a third one, in f64.
//! Arguments and results are 0 or normal and nothing overflows: on that domain all of them agree bit for bit.

/// A fused multiply-add.
pub(crate) trait Fma: Copy {
    /// `a * b + c`, rounded once, to nearest even.
    fn fma(a: f32, b: f32, c: f32) -> f32;
}

/// The processor's instruction. Slow (a call into libm) where the build target has none.
#[derive(Clone, Copy)]
pub(crate) struct Native;

impl Fma for Native {
    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

/// Without the instruction, in f64: the product is exact there, and the sum is rounded to odd, so that the
/// rounding to f32 that follows is the only one that counts (Boldo and Melquiond, 2008).
#[derive(Clone, Copy)]
pub(crate) struct Wide;

impl Fma for Wide {
    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        let (p, c) = (f64::from(a) * f64::from(b), f64::from(c));
        let sum = p + c;
        let back = sum - p;
        let error = (p - (sum - back)) + (c - back);
        let bits = sum.to_bits();
        // Toward the exact sum, then odd: one step down where the error points to zero, then set the last bit.
        let inward = (error.to_bits() ^ bits) >> 63;
        let odd = (bits - inward) | 1;
        let exact = error == 0.0 || bits & 1 == 1;
        f64::from_bits(if exact { bits } else { odd }) as f32
    }
}

/// Without the instruction, in 32-bit integers, as shaders/fma_soft.wgsl does it.
#[cfg(test)]
#[derive(Clone, Copy)]
pub(crate) struct Soft;

#[cfg(test)]
impl Fma for Soft {
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        soft::fused(a, b, c)
    }
}

#[cfg(test)]
mod soft {
    use crate::cpu::mulwide::mul_wide;

    /// `x >> n` on a pair of words (high, low), n < 64; a 1 that falls out stays as the last bit.
    fn shift_right_sticky(x: (u32, u32), n: u32) -> (u32, u32) {
        let far = n >= 32;
        let y = if far { (0, x.0) } else { x };
        let m = n & 31;
        let lost = (if far { x.1 } else { 0 }) | ((y.1 << 1) << (31 - m));
        (y.0 >> m, (y.1 >> m) | ((y.0 << 1) << (31 - m)) | u32::from(lost != 0))
    }

    /// `x << n` on a pair of words, n < 64.
    fn shift_left(x: (u32, u32), n: u32) -> (u32, u32) {
        let y = if n >= 32 { (x.1, 0) } else { x };
        let m = n & 31;
        ((y.0 << m) | ((y.1 >> 1) >> (31 - m)), y.1 << m)
    }

    pub(super) fn fused(a: f32, b: f32, c: f32) -> f32 {
        let (ab, bb, cb) = (a.to_bits(), b.to_bits(), c.to_bits());
        let (e_a, e_b, e_c) = ((ab >> 23) & 0xff, (bb >> 23) & 0xff, (cb >> 23) & 0xff);
        // Both terms as 62-bit integers: the product, 48 bits, above 14 zeros; c, 24 bits, above 38.
        let none = e_a == 0 || e_b == 0;
        let product = mul_wide(((ab & 0x007f_ffff) | 0x0080_0000) << 7, ((bb & 0x007f_ffff) | 0x0080_0000) << 7);
        let p = if none { (0, 0) } else { product };
        let t = (if e_c == 0 { 0 } else { ((cb & 0x007f_ffff) | 0x0080_0000) << 6 }, 0);
        // A zero product lies below everything, so that the sum is c.
        let e_p = if none { -1000 } else { (e_a + e_b) as i32 - 126 };
        let swap = e_p < e_c as i32;
        let e = if swap { e_c as i32 } else { e_p };
        let apart = e_p.abs_diff(e_c as i32);
        let x = if swap { t } else { p };
        let y = shift_right_sticky(if swap { p } else { t }, apart.min(63));
        let sign_p = (ab ^ bb) & 0x8000_0000;
        let sign_c = cb & 0x8000_0000;
        // x + y or x - y in two's complement, then its magnitude.
        let minus = u32::from(sign_p != sign_c);
        let z = (y.0 ^ 0u32.wrapping_sub(minus), y.1 ^ 0u32.wrapping_sub(minus));
        let low = x.1.wrapping_add(z.1);
        let lo = low.wrapping_add(minus);
        let hi = x.0.wrapping_add(z.0).wrapping_add(u32::from(low < x.1)).wrapping_add(u32::from(lo < low));
        let negative = hi >> 31;
        let m_lo = (lo ^ 0u32.wrapping_sub(negative)).wrapping_add(negative);
        let m_hi = (hi ^ 0u32.wrapping_sub(negative)).wrapping_add(negative & u32::from(m_lo == 0));
        let sign = (if swap { sign_c } else { sign_p }) ^ (negative << 31);
        let empty = (m_hi | m_lo) == 0;
        let zeros = if m_hi == 0 { 32 + (m_lo.leading_zeros() & 31) } else { m_hi.leading_zeros() };
        let sum = shift_left((m_hi, m_lo), zeros);
        let round = (sum.0 >> 7) & 1;
        let sticky = u32::from(((sum.0 & 0x7f) | sum.1) != 0);
        let mantissa = sum.0 >> 8;
        let exponent = (e - zeros as i32 + 1) as u32;
        let rounded = (exponent << 23).wrapping_add(mantissa).wrapping_add(round & (sticky | mantissa));
        f32::from_bits(if empty { sign_p & sign_c } else { sign | rounded })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of all kinds that the kernels meet: random ones, near ties, near cancellation, powers of two, 0.
    fn triples(n: u64) -> impl Iterator<Item = (f32, f32, f32)> {
        let mut state = 0x853c_49e6_748f_ea9bu64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 18 ^ state) >> 27) as u32
        };
        (0..n).map(move |i| {
            let mut float = |spread: u32, mask: u32| {
                let (w, e) = (next(), 127 - spread + next() % (2 * spread + 1));
                f32::from_bits((w & 0x8000_0000) | (e << 23) | (w & 0x007f_ffff & mask))
            };
            let spread = [1, 4, 12, 30][i as usize % 4];
            let mask = [!0, 0x007f_f000, 0x0070_0000, !0xff][(i / 4) as usize % 4];
            let (a, b) = (float(spread, mask), float(spread, mask));
            let c = match (i / 16) % 5 {
                0 => -(a * b),
                1 => f32::from_bits((-(a * b)).to_bits() ^ 1),
                2 => float(30, mask),
                3 => a * b * f32::from_bits(float(26, 0).to_bits()),
                _ => 0.0,
            };
            (a, b, c)
        })
    }

    #[test]
    fn every_implementation_rounds_once() {
        let mut unfused = 0u32;
        for (a, b, c) in
            triples(2_000_000).chain([(0.0, 1.5, 2.5), (1.5, 0.0, 0.0), (0.0, -1.5, 0.0), (3.0, 0.5, -1.5)])
        {
            let expected = a.mul_add(b, c);
            if expected != 0.0 && !expected.is_normal() {
                continue;
            }
            assert_eq!(Wide::fma(a, b, c).to_bits(), expected.to_bits(), "wide {a:e} {b:e} {c:e}");
            assert_eq!(Soft::fma(a, b, c).to_bits(), expected.to_bits(), "soft {a:e} {b:e} {c:e}");
            unfused += u32::from((a * b + c).to_bits() != expected.to_bits());
        }
        // The negative control: multiply, round, add, round is not it.
        assert!(unfused > 100_000, "{unfused}");
    }
}
