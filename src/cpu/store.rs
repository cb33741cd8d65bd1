//! The twin of shaders/store_f32.wgsl, store_f16.wgsl and store_bf16.wgsl: an f32's bits as a stored element's.

/// The bits of a bf16: rounded to nearest even, in integers. The value is finite and fits.
#[inline(always)]
pub(crate) fn bf16_bits(x: f32) -> u16 {
    let b = x.to_bits();
    ((b + 0x7fff + ((b >> 16) & 1)) >> 16) as u16
}

/// The bits of an f16: rounded to nearest even, in integers. The value is finite and fits.
#[inline(always)]
pub(crate) fn f16_bits(x: f32) -> u16 {
    let b = x.to_bits();
    let magnitude = b & 0x7fff_ffff;
    // Normal: drop 13 bits. Below 2^-14 the last place is 2^-24: drop as many more as the exponent is short.
    let short = 113u32.saturating_sub(magnitude >> 23).min(12);
    let drop = 13 + short;
    let significand = (magnitude & 0x007f_ffff) | if short == 0 { 0 } else { 0x0080_0000 };
    let exponent = if short == 0 { (magnitude >> 23) - 112 } else { 0 };
    let whole = if short == 0 { (exponent << 23) | significand } else { significand };
    let rounded = (whole + ((1 << (drop - 1)) - 1) + ((whole >> drop) & 1)) >> drop;
    ((b >> 16) & 0x8000 | rounded) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
