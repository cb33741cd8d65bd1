//! The twin of shaders/mulwide_u64.wgsl and shaders/mulwide_u32.wgsl: 32 x 32 -> 64 bits, by two
//! interchangeable implementations.

/// The product of two words: (high word, low word).
#[inline(always)]
pub(crate) fn mul_wide(a: u32, b: u32) -> (u32, u32) {
    let p = u64::from(a) * u64::from(b);
    ((p >> 32) as u32, p as u32)
}

/// [`mul_wide`] without 64-bit integers: four 16-bit products and the carries between them.
#[cfg(test)]
pub(crate) fn mul_wide_split(a: u32, b: u32) -> (u32, u32) {
    let (a_lo, a_hi, b_lo, b_hi) = (a & 0xffff, a >> 16, b & 0xffff, b >> 16);
    let low = a_lo * b_lo;
    // At most (2^16 - 1)^2 + (2^16 - 1): no carry is lost in either line.
    let middle = a_hi * b_lo + (low >> 16);
    let cross = a_lo * b_hi + (middle & 0xffff);
    (a_hi * b_hi + (middle >> 16) + (cross >> 16), a.wrapping_mul(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_implementations_agree() {
        let edges = [0, 1, 2, 0xffff, 0x1_0000, 0x1_0001, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, u32::MAX, 0xd251_1f53];
        for a in edges {
            for b in edges {
                assert_eq!(mul_wide(a, b), mul_wide_split(a, b), "{a:#x} * {b:#x}");
            }
        }
        let mut x = 1u32;
        for _ in 0..1_000_000 {
            let a = x.wrapping_mul(0x9e37_79b9) ^ (x >> 15);
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            assert_eq!(mul_wide(a, x), mul_wide_split(a, x), "{a:#x} * {x:#x}");
        }
    }
}
