// The 64-bit product of two words, as (high word, low word): one 64-bit multiplication. The other implementation is
// mulwide_u32.wgsl.
fn mul_wide(a: u32, b: u32) -> vec2<u32> {
    let p = u64(a) * u64(b);
    return vec2<u32>(u32(p >> 32u), u32(p));
}
