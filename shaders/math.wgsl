// -2 ln u, the square root, and sine and cosine of a turn, in exact arithmetic.
//
// Only integers, f32 +, * and fused multiply-add, in the order written: rule "exact arithmetic" of
// docs/ARCHITECTURE.md. The coefficients are fitted by tests/data/fit_math.py; docs/stream.md states the measured
// errors.

// 2^23 + the low half of w.
fn low_half(w: u32) -> f32 {
    return bitcast<f32>(insertBits(0x4b000000u, w, 0u, 16u));
}

// w + 1/2, rounded once.
fn half_up(w: u32) -> f32 {
    return fused(f32(w >> 16u), 65536.0, low_half(w) - 8388607.5);
}

// -2 ln u for u = (w + 1/2) 2^-32, in [2^-32, 45.8).
fn neg_2_ln(w: u32) -> f32 {
    // Above sqrt(1/2), u = 1 + f with f = -(2^32 - 1 - w + 1/2) 2^-32: no cancellation near 1.
    let near = w >= 0xb504f334u;
    let y = half_up(select(w, ~w, near));
    let b = bitcast<u32>(y);
    // The exponent stays where it is, in 2^23: an integer of 9 bits above 23 zeros.
    let e = (b - 0x3f3504f3u) & 0xff800000u;
    let m = bitcast<f32>(b - e);
    let f = select(m - 1.0, y * bitcast<f32>(0xaf800000u), near);
    // 64 ln 2 - e 2 ln 2: the product's exact value rounded once, as 32 - e is an integer.
    let scaled = fused(f32(bitcast<i32>(e)), bitcast<f32>(0xb4317218u), bitcast<f32>(0x42317218u));
    let k = select(scaled, 0.0, near);
    var h = bitcast<f32>(0x3e5362bcu);
    h = fused(f, h, bitcast<f32>(0xbea6e829u));
    h = fused(f, h, bitcast<f32>(0x3eb02bf9u));
    h = fused(f, h, bitcast<f32>(0xbecba7f7u));
    h = fused(f, h, bitcast<f32>(0x3effbb77u));
    h = fused(f, h, bitcast<f32>(0xbf2aad6eu));
    h = fused(f, h, bitcast<f32>(0x3f800028u));
    h = fused(f, h, -2.0);
    return fused(f, h, k);
}

// The square root of a normal positive number.
fn root(v: f32) -> f32 {
    // y is v^(-1/2) within 3.4 %; (1 - e)^(-1/2) = 1 + e p(e) with e = 1 - v y^2 mends that.
    let y = bitcast<f32>(0x5f374740u - (bitcast<u32>(v) >> 1u));
    let s = v * y;
    let e = fused(-s, y, 1.0);
    var p = bitcast<f32>(0x3e8cdefeu);
    p = fused(e, p, bitcast<f32>(0x3ea0bb10u));
    p = fused(e, p, bitcast<f32>(0x3ebfff9au));
    p = fused(e, p, bitcast<f32>(0x3effffc9u));
    return fused(s, e * p, s);
}

// Cosine and sine of 2 pi (w + 1/2) 2^-32, times a positive r.
fn turn(w: u32, r: f32) -> vec2<f32> {
    // From the nearest quarter turn on, in [-1/8, 1/8] of a turn, rounded once: the signed number in the last 30 bits,
    // and 1/2. The second constant is (1/2 - 2^23) 2^-32.
    let hi = extractBits(bitcast<i32>(w), 16u, 14u);
    let lo = fused(low_half(w), bitcast<f32>(0x2f800000u), bitcast<f32>(0xbaffffffu));
    return quarter_turn(w + 0x20000000u, fused(f32(hi), bitcast<f32>(0x37800000u), lo), r);
}

// Cosine and sine of 2 pi phase 2^-64, for a phase (low, high).
fn turn_64(phase: vec2<u32>) -> vec2<f32> {
    let v = phase.y + 0x20000000u;
    let hi = extractBits(bitcast<i32>(phase.y), 16u, 14u);
    // The next 24 bits, times 2^-56 by their exponent; and the rest as in `turn`.
    let tail = f32(phase.x >> 8u);
    let low = bitcast<f32>(select(bitcast<u32>(tail) - 0x1c000000u, 0u, phase.x < 0x00000100u));
    let lo = fused(f32(phase.y & 0xffffu), bitcast<f32>(0x2f800000u), low);
    return quarter_turn(v, fused(f32(hi), bitcast<f32>(0x37800000u), lo), 1.0);
}

// Cosine and sine of x of a turn, x in [-1/8, 1/8], after as many quarter turns as the first two bits of v say, times
// a positive r.
fn quarter_turn(v: u32, x: f32, r: f32) -> vec2<f32> {
    let z = x * x;
    var s = bitcast<f32>(0xc2998cc7u);
    s = fused(z, s, bitcast<f32>(0x42a34052u));
    s = fused(z, s, bitcast<f32>(0xc2255e12u));
    s = fused(z, s, bitcast<f32>(0x40c90fdbu));
    s = x * s;
    var c = bitcast<f32>(0xc2a73c5fu);
    c = fused(z, c, bitcast<f32>(0x4281d82cu));
    c = fused(z, c, bitcast<f32>(0xc19de9ceu));
    c = fused(z, c, 1.0);
    // Quarter turns 1 and 3 swap them; the cosine is negative in 1 and 2, the sine in 2 and 3. r has no sign yet, and
    // takes theirs.
    let odd = (v & 0x40000000u) != 0u;
    let cosine = bitcast<f32>(insertBits(v + 0x40000000u, bitcast<u32>(r), 0u, 31u));
    let sine = bitcast<f32>(insertBits(v, bitcast<u32>(r), 0u, 31u));
    return vec2<f32>(cosine * select(c, s, odd), sine * select(s, c, odd));
}
