// From words to a constant, a uniform, a normal or a truncated normal.

const CONSTANT: u32 = 0u;
const UNIFORM: u32 = 1u;
const NORMAL: u32 = 2u;
const TRUNCATED: u32 = 3u;

// x cut at lo and hi, lo <= hi: none of them is NaN or -0, as `tests/it/exact_arithmetic` asks of each call.
fn clamped(x: f32, lo: f32, hi: f32) -> f32 {
    return clamp(x, lo, hi);
}

// A uniform value: an odd multiple of 2^-24 in (-1, 1), scaled. The 2^-24 is part of `scale`.
fn uniform_value(law: Law, w: u32) -> f32 {
    let t = f32(2 * i32(w >> 8u) - 0x00ffffff);
    return clamped(fused(t, law.scale, law.center), law.lo, law.hi);
}

// A pair of normal values from a pair of words (Box and Muller, 1958).
fn normal(law: Law, w0: u32, w1: u32) -> vec2<f32> {
    let z = turn(w1, root(neg_2_ln(w0)));
    return vec2<f32>(fused(z.x, law.scale, law.center), fused(z.y, law.scale, law.center));
}

// w - t for a multiple t of 2^16, rounded once.
fn above(w: u32, t: u32) -> f32 {
    return fused(f32(i32(w >> 16u) - i32(t >> 16u)), 65536.0, f32(w & 0xffffu));
}

// 2^32 - w, rounded once.
fn below_top(w: u32) -> f32 {
    return fused(f32(0x10000u - (w >> 16u)), 65536.0, -f32(w & 0xffffu));
}

// The probability between the nearer end of the window and the word: the tail's argument.
fn tail_probability(law: Law, w: u32) -> f32 {
    let left = w < law.threshold;
    let k = select(below_top(w), above(w, 0u), left);
    return fused(k, law.step, select(law.right, law.left, left));
}

// `tail_probability` within 2^20 words of the window's end, in steps of 2^-32 words: `fine` is the lane's word of draw
// 1.
fn fine_probability(law: Law, w: u32, fine: u32) -> f32 {
    let left = w < law.threshold;
    let k = select(~w, w, left);
    // The mask changes no word that `is_fine` takes; it bounds the conversion of the others, whose result is not used.
    let steps = fused(above(fine | 1u, 0u), bitcast<f32>(0x2f800000u), f32(k & 0x000fffffu));
    return fused(steps, law.step, select(law.right_edge, law.left_edge, left));
}

// Whether the value at this word is made from `fine_probability`.
fn is_fine(law: Law, w: u32) -> bool {
    return law.refine == 1u && select(~w, w, w < law.threshold) < 0x00100000u;
}

// y = (1 + f) 2^e with f in [sqrt(1/2) - 1, sqrt(2) - 1], and h(f) = ln(1 + f) / f: (e 2^23, f, h).
fn log_parts(y: f32) -> vec3<f32> {
    let b = bitcast<u32>(y);
    let e = (b - 0x3f3504f3u) & 0xff800000u;
    let f = bitcast<f32>(b - e) - 1.0;
    return vec3<f32>(f32(bitcast<i32>(e)), f, log_ratio(f));
}

// ln(1 + f) / f for f in [sqrt(1/2) - 1, sqrt(2) - 1].
fn log_ratio(f: f32) -> f32 {
    var h = bitcast<f32>(0xbdcf198bu);
    h = fused(f, h, bitcast<f32>(0x3e261b9cu));
    h = fused(f, h, bitcast<f32>(0xbe309f18u));
    h = fused(f, h, bitcast<f32>(0x3e4bc6fau));
    h = fused(f, h, bitcast<f32>(0xbe7fb1d6u));
    h = fused(f, h, bitcast<f32>(0x3eaaacf3u));
    h = fused(f, h, bitcast<f32>(0xbf00003cu));
    return fused(f, h, bitcast<f32>(0x3f7fffffu));
}

// A window that reaches into the middle ("mode C" of docs/stream/truncated.md): the value at word `w`, whose tail
// probability is `p`.
fn central(law: Law, w: u32, p: f32) -> f32 {
    let c = fused(above(w, law.threshold), law.step, law.offset);
    let y = log_parts(fused(-p, p, p));
    let t = fused(y.y, y.z, fused(y.x, bitcast<f32>(0x33b17218u), bitcast<f32>(0x40845c86u)));
    var z: f32;
    if t >= bitcast<f32>(0xc028d342u) {
        z = c * middle(t);
    } else {
        z = far(w < law.threshold, -t);
    }
    return clamped(fused(z, law.scale, law.center), law.lo, law.hi);
}

// z / c for |z| up to 3.05, in t = ln(p (1 - p)) + 4.136.
fn middle(t: f32) -> f32 {
    var q = bitcast<f32>(0x32bbfe80u);
    q = fused(t, q, bitcast<f32>(0x32a1034au));
    q = fused(t, q, bitcast<f32>(0xb5b71c50u));
    q = fused(t, q, bitcast<f32>(0xb6fb91a4u));
    q = fused(t, q, bitcast<f32>(0x37e15aa2u));
    q = fused(t, q, bitcast<f32>(0x3a1b27fau));
    q = fused(t, q, bitcast<f32>(0x3b408228u));
    q = fused(t, q, bitcast<f32>(0xbc69611cu));
    q = fused(t, q, bitcast<f32>(0xbf30e9fbu));
    return fused(t, q, bitcast<f32>(0x408d7294u));
}

// z for |z| from 3.045 to 12.6, in u = -t: a quotient of two polynomials, divided by Newton's method.
fn far(left: bool, u: f32) -> f32 {
    var n = bitcast<f32>(0x33a86a86u);
    n = fused(u, n, bitcast<f32>(0x38b2a006u));
    n = fused(u, n, bitcast<f32>(0x3c13b3e2u));
    n = fused(u, n, bitcast<f32>(0x3e52b014u));
    n = fused(u, n, bitcast<f32>(0x3fa0e2a7u));
    n = fused(u, n, bitcast<f32>(0x4008de67u));
    var d = bitcast<f32>(0x3638a19du);
    d = fused(u, d, bitcast<f32>(0x3a49c366u));
    d = fused(u, d, bitcast<f32>(0x3d13822au));
    d = fused(u, d, bitcast<f32>(0x3ecb7e49u));
    d = fused(u, d, 1.0);
    var y = bitcast<f32>(0x7ef00000u - bitcast<u32>(d));
    y = y * fused(-bitcast<f32>(0x3f83fd5bu) * d, y, bitcast<f32>(0x40020e65u));
    var e = fused(-d, y, 1.0);
    e = fused(e, e, e);
    y = fused(y, e, y);
    let q = n * y;
    let z = fused(fused(-d, q, n), y, q);
    return select(z, -z, left);
}

// A thin or far window ("mode H"): the value, measured from the near edge.
fn from_edge(law: Law, w: u32, p: f32) -> f32 {
    let c = fused(above(w, 0u), law.step, law.offset);
    let b = bitcast<u32>(p);
    let e = bitcast<i32>(b - 0x3f3504f3u) >> 23u;
    let f = select(bitcast<f32>(b - (bitcast<u32>(e) << 23u)) - 1.0, -c, e == 0);
    // e ln 2, rounded once: a product that feeds an addition must stand inside an fma.
    let k = fused(f32(e + 64), bitcast<f32>(0x3f317218u), bitcast<f32>(0xc2317218u));
    let v = fused(f, log_ratio(f), k) * law.inverse;
    var h = law.poly[8];
    h = fused(v, h, law.poly[7]);
    h = fused(v, h, law.poly[6]);
    h = fused(v, h, law.poly[5]);
    h = fused(v, h, law.poly[4]);
    h = fused(v, h, law.poly[3]);
    h = fused(v, h, law.poly[2]);
    h = fused(v, h, law.poly[1]);
    h = fused(v, h, law.poly[0]);
    return clamped(fused(v, h, law.center), law.lo, law.hi);
}

// A truncated normal value from a word and its tail probability.
fn truncated_at(law: Law, w: u32, p: f32) -> f32 {
    if law.tail == 0u {
        return central(law, w, p);
    }
    return from_edge(law, w, p);
}
