// Laws whose values depend on where in its logical tensor an element lies, and the bias of Mamba's step.

// The kinds that are structured.
const SINUSOIDAL: u32 = 4u;
const LOG_RANGE: u32 = 5u;
const DT_BIAS: u32 = 6u;
const LOG_OF_UNIFORM: u32 = 7u;
const LINSPACE: u32 = 8u;

// The masks of the other kinds: none, values of 0 off a pattern, a center of 0 off a pattern, values of 0 in some
// rows of each column.
const NONE: u32 = 0u;
const PATTERN: u32 = 1u;
const CENTERED: u32 = 2u;
const SPARSE: u32 = 3u;

// A 64-bit number (low, high) divided by a 32-bit one: the quotient (low, high) and the rest. Knuth's algorithm D in
// digits of 16 bits: the divisor is shifted until its first bit is set, so that a digit's first guess is at most 2 too
// large.
fn div_rem(a: vec2<u32>, d: u32) -> vec3<u32> {
    let high = a.y / d;
    let s = countLeadingZeros(d);
    let v = d << s;
    let low = a.x << s;
    var rest = ((a.y - high * d) << s) | ((a.x >> 1u) >> (31u - s));
    var q = 0u;
    for (var k = 0u; k < 2u; k++) {
        let digit = (low >> (16u - 16u * k)) & 0xffffu;
        var guess = rest / (v >> 16u);
        var r = rest - guess * (v >> 16u);
        for (var i = 0u; i < 2u; i++) {
            if r <= 0xffffu && (guess > 0xffffu || guess * (v & 0xffffu) > ((r << 16u) | digit)) {
                guess -= 1u;
                r += v >> 16u;
            }
        }
        rest = ((rest << 16u) | digit) - guess * v;
        q = (q << 16u) | guess;
    }
    return vec3<u32>(q, high, rest >> s);
}

// Whether an element of a tensor [out, in, kernel] is on the pattern: at the kernel's element `spot`, in the blocks of
// a diagonal that begins again every `rows` outputs.
fn is_on_pattern(law: Law, index: vec2<u32>) -> bool {
    let pair = div_rem(index, law.inner);
    let place = div_rem(pair.xy, law.cols);
    let row = (place.x % law.rows) / law.block_rows;
    return pair.z == law.spot && row == place.z / law.block_cols;
}

// Whether an element is a zero of its column: its row is permuted to a number below `threshold`. The permutation of the
// rows is VariablePhilox (Mitchell, Stokes, Frank, Holmes: Bandwidth-optimal random shuffling for GPUs, 2022) on the
// least number of bits that holds the rows, at least 4, repeated until the result is a row.
fn is_zero_row(law: Law, key: vec2<u32>, column: u32, row: u32) -> bool {
    var keys: array<vec4<u32>, 6>;
    for (var q = 0u; q < 6u; q++) {
        keys[q] = philox(vec4<u32>(column, 0u, q, DOMAIN_SPARSE), key);
    }
    let needed = 32u - countLeadingZeros(law.rows - 1u);
    let width = select(needed, 4u, needed < 4u);
    let left = width / 2u;
    let right = width - left;
    var x = row;
    loop {
        var l = x >> right;
        var r = x & ((1u << right) - 1u);
        for (var k = 0u; k < 24u; k++) {
            let p = mul_wide(0xb1ce6e93u, l);
            let hi = p.x + 0xd2b74407u * l;
            let lo = (p.y << (right - left)) | (r >> left);
            l = (hi ^ keys[k / 4u][k & 3u] ^ r) & ((1u << left) - 1u);
            r = lo & ((1u << right) - 1u);
        }
        x = (l << right) | r;
        if x < law.rows {
            break;
        }
    }
    return x < law.threshold;
}

// The product of 64-bit numbers (low, high), modulo 2^64: a fraction of a turn, in 2^-64.
fn phase_of(f: vec2<u32>, position: vec2<u32>) -> vec2<u32> {
    let low = mul_wide(f.x, position.x);
    return vec2<u32>(low.y, low.x + f.x * position.y + f.y * position.x);
}

// A table of positions: sine or cosine of position * frequency.
fn sinusoidal_value(law: Law, index: vec2<u32>) -> f32 {
    let place = div_rem(index, law.cols);
    let half = law.cols / 2u;
    let halves = law.spot == 1u;
    let pair = select(place.z / 2u, place.z % half, halves);
    let second = select(place.z % 2u, place.z / half, halves);
    let t = turn_64(phase_of(frequencies[law.table + pair], place.xy));
    let x = bitcast<u32>(select(t.y, t.x, second == 1u));
    // A sine of 0 after half a turn is -0.
    return bitcast<f32>(select(x, 0u, (x << 1u) == 0u));
}

// ln y of a positive normal number.
fn log_of(y: f32) -> f32 {
    let b = bitcast<u32>(y);
    let e = bitcast<i32>(b - 0x3f3504f3u) >> 23u;
    let f = bitcast<f32>(b - (bitcast<u32>(e) << 23u)) - 1.0;
    // e ln 2, rounded once: a product that feeds an addition must stand inside an fma.
    let k = fused(f32(e + 64), bitcast<f32>(0x3f317218u), bitcast<f32>(0xc2317218u));
    return fused(f, log_ratio(f), k);
}

// ln(1 + column).
fn log_range_value(law: Law, index: vec2<u32>) -> f32 {
    let column = div_rem(index, law.cols).z;
    return log_of(f32((column & 0x00ffffffu) + 1u));
}

// Even steps, counted from the nearer end, so that both ends are met; the middle is given.
fn linspace_value(law: Law, index: vec2<u32>) -> f32 {
    let column = div_rem(index, law.cols).z;
    let rest = law.cols - 1u - column;
    let from_first = fused(f32(column & 0x00ffffffu), law.step, law.left);
    let from_last = fused(f32(rest & 0x00ffffffu), -law.step, law.right);
    let x = select(from_last, from_first, column < rest);
    return select(x, law.center, column == rest);
}

// ln u, u uniform in 2^24 even steps from the lower end: so small a u keeps its digits, which the logarithm shows.
fn log_of_uniform_value(law: Law, w: u32) -> f32 {
    let u = fused(f32(w >> 8u), law.step, law.offset);
    return clamped(log_of(u), law.lo, law.hi);
}

// A polynomial in the uniform number in (-1, 1) that the word stands for.
fn dt_bias_value(law: Law, w: u32) -> f32 {
    let t = f32(2 * i32(w >> 8u) - 0x00ffffff) * bitcast<f32>(0x33800000u);
    var poly = law.poly;
    var h = law.more[2];
    h = fused(t, h, law.more[1]);
    h = fused(t, h, law.more[0]);
    for (var k = 9u; k > 0u; k--) {
        h = fused(t, h, poly[k - 1u]);
    }
    return clamped(h, law.lo, law.hi);
}
