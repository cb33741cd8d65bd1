//! The twin of shaders/store_f32.wgsl, store_f16.wgsl and store_bf16.wgsl: an f32's bits as a stored element's.

/// The bits of a bf16: rounded to nearest even, in integers. The value is finite and fits.
#[inline(always)]
pub(crate) fn bf16_bits(x: f32) -> u16 {
    let b = x.to_bits();
    ((b + 0x7fff + ((b >> 16) & 1)) >> 16) as u16
}

/// The bits of a bf16 rounded by a word: away from zero for as many of the 2^32 words as the dropped bits say,
/// times 2^16.
#[inline(always)]
pub(crate) fn bf16_bits_by(x: f32, w: u32) -> u16 {
    ((x.to_bits() + (w >> 16)) >> 16) as u16
}

/// The bits of an f16: rounded to nearest even, by one f32 addition. The value is finite and fits.
#[inline(always)]
pub(crate) fn f16_bits(x: f32) -> u16 {
    let b = x.to_bits();
    // 2^e for the f16's exponent e: that of x, but -14 for subnormal f16s, whose last bit is that of 2^-14.
    let power = (b & 0x7f80_0000).max(0x3880_0000);
    // 2^e + |x| 2^-13: the last bit of this sum is 2^(e - 23) and stands for the f16's own, so that its one rounding is
    // the f16's. The product is exact, or far too small to matter: the shader's fma gives the same.
    let sum = f32::from_bits(b & 0x7fff_ffff) * f32::from_bits(0x3900_0000) + f32::from_bits(power);
    let sum = sum.to_bits();
    // It has the exponent e + 127 and the fraction q = |x| 2^(10 - e), 1024 to 2048, or less below 2^-14. The f16 is
    // 1024 (e + 14) + q: the implicit bit of q, or its carry, is part of the exponent.
    let magnitude = sum.wrapping_add(sum >> 13).wrapping_sub(0x0001_c400);
    ((b >> 16) & 0x8000 | magnitude & 0x7fff) as u16
}

/// The bits of an f16 rounded by a word: away from zero where the word plus the position between the two neighbors, in
/// units of 2^-32, reaches 2^32.
#[inline(always)]
pub(crate) fn f16_bits_by(x: f32, w: u32) -> u16 {
    let b = x.to_bits();
    let magnitude = b & 0x7fff_ffff;
    let biased = magnitude >> 23;
    // Normal: drop 13 bits. Below 2^-14 the last place is 2^-24: drop as many more as the exponent is short. A far
    // smaller value goes up for fewer words, down to none.
    let short = 113u32.saturating_sub(biased);
    let subnormal = if biased == 0 { 0 } else { (magnitude & 0x007f_ffff) | 0x0080_0000 };
    let whole = if short == 0 { magnitude.wrapping_sub(0x3800_0000) } else { subnormal };
    // 13 + short bits are dropped: they become the upper bits of the position. Beyond 19 the lowest fall out.
    let left = 19u32.saturating_sub(short);
    let right = short.saturating_sub(19);
    let position = (whole << left) >> right.min(31);
    // A whole of 24 bits is gone once 24 are dropped.
    let toward_zero = whole >> (13 + short.min(12));
    ((b >> 16) & 0x8000 | (toward_zero + u32::from(position > !w))) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of a 16-bit pattern, and the two neighbors of a magnitude as patterns: toward zero, away from it.
    fn neighbors(x: f32, value: impl Fn(u16) -> f32) -> (u16, u16) {
        // Patterns ascend with the value.
        let (mut below, mut above) = (0u16, 0x7bff);
        while above - below > 1 {
            let middle = below + (above - below) / 2;
            if value(middle) <= x { below = middle } else { above = middle }
        }
        if value(above) <= x { (above, above) } else { (below, above) }
    }

    /// By the definition, in f64: which neighbor a word takes.
    fn expected(x: f32, w: u32, value: impl Fn(u16) -> f32) -> u16 {
        let sign = if x.is_sign_negative() { 0x8000 } else { 0 };
        let (below, above) = neighbors(x.abs(), &value);
        let [lo, x, hi] = [value(below), x.abs(), value(above)].map(f64::from);
        let position = if below == above { 0.0 } else { ((x - lo) / (hi - lo) * 4_294_967_296.0).floor() };
        sign | if position + f64::from(w) >= 4_294_967_296.0 { above } else { below }
    }

    #[test]
    fn a_word_takes_the_neighbor_that_the_definition_says() {
        let bf16 = |b: u16| half::bf16::from_bits(b).to_f32();
        let f16 = |b: u16| half::f16::from_bits(b).to_f32();
        let mut up = 0u32;
        for upper in 0..=0xffffu32 {
            for lower in [0u32, 1, 0x0fff, 0x1000, 0x2000, 0x7fff, 0x8000, 0xe001, 0xffff] {
                let x = f32::from_bits(upper << 16 | lower);
                if !(x == 0.0 || x.is_normal()) {
                    continue;
                }
                let scramble = (upper << 16 | lower).wrapping_mul(0x9e37_79b9);
                for w in [0u32, 1, !0, 0x7fff_ffff, 0x8000_0000, scramble, !lower << 16, !0 - (lower << 16)] {
                    if x.abs() <= f16(0x7bff) {
                        assert_eq!(f16_bits_by(x, w), expected(x, w, f16), "{x:e} {w:08x}");
                    }
                    if x.abs() <= bf16(0x7bff) {
                        assert_eq!(bf16_bits_by(x, w), expected(x, w, bf16), "{x:e} {w:08x}");
                        up += u32::from(bf16_bits_by(x, w) != bf16_bits_by(x, 0));
                    }
                }
            }
        }
        assert!(up > 100_000, "{up}");
    }

    /// Exactly `position` of the 2^32 words go away from zero: the last that does not and the first that does.
    #[test]
    fn the_words_that_go_up_are_counted_exactly() {
        for (x, position) in
            [(1.0f32 + 1.0 / 4096.0, 1u64 << 30), (2f32.powi(-40), 1 << 16), (2f32.powi(-56), 1), (2f32.powi(-57), 0)]
        {
            if position > 0 {
                let first = (1u64 << 32) - position;
                assert_ne!(f16_bits_by(x, first as u32), f16_bits_by(x, 0), "{x:e}");
                assert_eq!(f16_bits_by(x, first as u32 - 1), f16_bits_by(x, 0), "{x:e}");
            } else {
                assert_eq!(f16_bits_by(x, !0), 0);
            }
        }
    }

    #[test]
    fn every_f32_that_fits_rounds_as_half_does() {
        // Every sign and exponent, every upper mantissa bit pattern, and all patterns around the ties.
        for upper in 0..=0xffffu32 {
            for lower in [0u32, 1, 0x0fff, 0x1000, 0x1001, 0x2000, 0x7fff, 0x8000, 0x8001, 0xefff, 0xf000, 0xffff] {
                let x = f32::from_bits(upper << 16 | lower);
                if !x.is_finite() {
                    continue;
                }
                if half::bf16::from_f32(x).is_finite() {
                    assert_eq!(bf16_bits(x), half::bf16::from_f32(x).to_bits(), "{x:e}");
                }
                if half::f16::from_f32(x).is_finite() {
                    assert_eq!(f16_bits(x), half::f16::from_f32(x).to_bits(), "{x:e}");
                }
            }
        }
    }

    /// `f16_bits` against `half` for every `stride`-th pattern that rounds to a finite f16, subnormal f32s included, on
    /// two threads. Returns how many there were.
    fn check_f16(stride: usize) -> u64 {
        // 65520 is the least that rounds to infinity.
        let check = |from: u32| {
            let each = (from..65_520.0f32.to_bits()).step_by(2 * stride);
            each.fold(0u64, |n, magnitude| {
                for x in [magnitude, magnitude | 0x8000_0000].map(f32::from_bits) {
                    assert_eq!(f16_bits(x), half::f16::from_f32(x).to_bits(), "{x:e}");
                }
                n + 2
            })
        };
        std::thread::scope(|s| {
            let other = s.spawn(|| check(stride as u32));
            check(0) + other.join().unwrap()
        })
    }

    #[test]
    fn every_1021st_f32_that_fits_rounds_to_f16_as_half_does() {
        assert!(check_f16(1021) > 2_000_000);
    }

    #[test]
    #[ignore = "long: all f32 that fit an f16"]
    fn every_f32_that_fits_rounds_to_f16_as_half_does() {
        assert_eq!(check_f16(1), 2 * u64::from(65_520.0f32.to_bits()));
    }

    /// Devices may take a subnormal f32 for 0, as an argument or as the product with 2^-13: the f16 is 0 either way,
    /// and no sum is subnormal.
    #[test]
    fn a_subnormal_f32_rounds_to_the_f16_of_zero() {
        for pattern in (1..0x0080_0000u32).step_by(97).chain([0x007f_ffff]) {
            assert_eq!(f16_bits(f32::from_bits(pattern)), f16_bits(0.0));
            // From here on the product is normal; below, its flushing changes nothing.
            assert_eq!(f16_bits(f32::from_bits(pattern + (13 << 23))), f16_bits(0.0));
        }
    }
}
