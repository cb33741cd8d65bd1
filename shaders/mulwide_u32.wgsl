// The 64-bit product of two words, as (high word, low word): four 16-bit products and the carries between them. The
// other implementation is mulwide_u64.wgsl.
fn mul_wide(a: u32, b: u32) -> vec2<u32> {
    let a_lo = a & 0xffffu;
    let a_hi = a >> 16u;
    let b_lo = b & 0xffffu;
    let b_hi = b >> 16u;
    let low = a_lo * b_lo;
    // Both sums are at most (2^16 - 1)^2 + (2^16 - 1) < 2^32: no carry is lost.
    let middle = a_hi * b_lo + (low >> 16u);
    let cross = a_lo * b_hi + (middle & 0xffffu);
    return vec2<u32>(a_hi * b_hi + (middle >> 16u) + (cross >> 16u), a * b);
}
