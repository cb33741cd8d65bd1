// a * b + c, rounded once, in 32-bit integers and without branches: for devices whose fma rounds twice. Two
// interchangeable implementations; the self-test picks the first that is exact. The other is fma_native.wgsl.
//
// Arguments and results must be 0 or normal, and nothing may overflow.

// x >> n on a pair of words (high, low), n < 64. Where a 1 falls out, the last bit is set ("sticky"), so that rounding
// sees it.
fn shift_right_sticky(x: vec2<u32>, n: u32) -> vec2<u32> {
    let far = n >= 32u;
    let y = select(x, vec2<u32>(0u, x.x), far);
    let m = n & 31u;
    let lost = select(0u, x.y, far) | ((y.y << 1u) << (31u - m));
    return vec2<u32>(y.x >> m, (y.y >> m) | ((y.x << 1u) << (31u - m)) | u32(lost != 0u));
}

// x << n on a pair of words, n < 64.
fn shift_left(x: vec2<u32>, n: u32) -> vec2<u32> {
    let y = select(x, vec2<u32>(x.y, 0u), n >= 32u);
    let m = n & 31u;
    return vec2<u32>((y.x << m) | ((y.y >> 1u) >> (31u - m)), y.y << m);
}

fn fused(a: f32, b: f32, c: f32) -> f32 {
    let ab = bitcast<u32>(a);
    let bb = bitcast<u32>(b);
    let cb = bitcast<u32>(c);
    let e_a = (ab >> 23u) & 0xffu;
    let e_b = (bb >> 23u) & 0xffu;
    let e_c = (cb >> 23u) & 0xffu;
    // Both terms as integers of 62 bits: the product has 48 bits above 14 zeros, c has 24 bits above 38 zeros.
    let none = e_a == 0u || e_b == 0u;
    let product = mul_wide(((ab & 0x007fffffu) | 0x00800000u) << 7u, ((bb & 0x007fffffu) | 0x00800000u) << 7u);
    let p = select(product, vec2<u32>(0u), none);
    let t = vec2<u32>(select(((cb & 0x007fffffu) | 0x00800000u) << 6u, 0u, e_c == 0u), 0u);
    // A product of zero gets an exponent below all others, so that the sum is c.
    let e_p = select(i32(e_a + e_b) - 126, -1000, none);
    let swap = e_p < i32(e_c);
    let e = select(e_p, i32(e_c), swap);
    let apart = bitcast<u32>(select(e_p - i32(e_c), i32(e_c) - e_p, swap));
    let x = select(p, t, swap);
    let y = shift_right_sticky(select(t, p, swap), select(apart, 63u, apart > 63u));
    let sign_p = (ab ^ bb) & 0x80000000u;
    let sign_c = cb & 0x80000000u;
    // x + y or x - y in two's complement, then its magnitude.
    let minus = u32(sign_p != sign_c);
    let z = y ^ vec2<u32>(0u - minus);
    let low = x.y + z.y;
    let lo = low + minus;
    let hi = x.x + z.x + u32(low < x.y) + u32(lo < low);
    let negative = hi >> 31u;
    let m_lo = (lo ^ (0u - negative)) + negative;
    let m_hi = (hi ^ (0u - negative)) + (negative & u32(m_lo == 0u));
    let sign = select(sign_p, sign_c, swap) ^ (negative << 31u);
    let empty = (m_hi | m_lo) == 0u;
    let zeros = select(countLeadingZeros(m_hi), 32u + (countLeadingZeros(m_lo) & 31u), m_hi == 0u);
    let sum = shift_left(vec2<u32>(m_hi, m_lo), zeros);
    let round = (sum.x >> 7u) & 1u;
    let sticky = u32(((sum.x & 0x7fu) | sum.y) != 0u);
    let mantissa = sum.x >> 8u;
    let exponent = bitcast<u32>(e - i32(zeros) + 1);
    let rounded = (exponent << 23u) + mantissa + (round & (sticky | mantissa));
    return bitcast<f32>(select(sign | rounded, sign_p & sign_c, empty));
}
