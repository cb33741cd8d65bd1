// The Frobenius norm of one tensor, or the product of two norms, brought to a wanted number: measured in integers, then one
// product an element.
//
// An element is m 2^(e - 150), m of 24 bits. The m^2 are shifted to the largest element's exponent and added as 96-bit integers,
// so that any number of threads, in any order, comes to the same sum. Only + and * of f32 and fused multiply-adds follow.

struct Parameters {
    // The first word of the binding that counts, and how many items there are.
    first: u32,
    items: u32,
    // The place of the first result.
    at: u32,
    // Threads that share the items.
    threads: u32,
    // Which of the tensors, of how many.
    slot: u32,
    tensors: u32,
    // The bits of the wanted norm or product.
    wanted: u32,
}

@group(0) @binding(0) var<storage, read> parameters: Parameters;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read> found: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<u32>;

// m^2 2^16 of an element, shifted from its own exponent to `top`, the largest one's, rounded down: (low, high).
fn square(b: u32, top: u32) -> vec2<u32> {
    let biased = (b >> 23u) & 0xffu;
    let m = (b & 0x007fffffu) | 0x00800000u;
    let p = mul_wide(m, m);
    let hi = (p.x << 16u) | (p.y >> 16u);
    let lo = p.y << 16u;
    let n = 2u * (top - biased);
    let far = n >= 32u;
    let h = select(hi, 0u, far);
    let l = select(lo, hi, far);
    let k = n & 31u;
    let shifted = vec2<u32>((l >> k) | ((h << 1u) << (31u - k)), h >> k);
    // A subnormal counts as 0, and so does what lies 2^32 below the largest.
    return select(shifted, vec2<u32>(0u), biased == 0u || n >= 64u);
}

// a + b on 96-bit numbers, lowest word first.
fn add_96(a: vec3<u32>, b: vec3<u32>) -> vec3<u32> {
    let x = a.x + b.x;
    let carry = u32(x < b.x);
    let y = a.y + b.y;
    let z = y + carry;
    return vec3<u32>(x, z, a.z + b.z + u32(y < b.y) + u32(z < carry));
}

// 1 / d, d normal and positive, by Newton's steps from within 12 %.
fn reciprocal(d: f32) -> f32 {
    var y = bitcast<f32>(0x7ef311c7u - bitcast<u32>(d));
    y = fused(fused(-d, y, 1.0), y, y);
    y = fused(fused(-d, y, 1.0), y, y);
    y = fused(fused(-d, y, 1.0), y, y);
    return fused(fused(-d, y, 1.0), y, y);
}

// The square root, with one residual step more than `root`.
fn sharp_root(v: f32) -> f32 {
    let r = root(v);
    return fused(fused(-r, r, v), 0.5 * reciprocal(r), r);
}

// The root of a sum of squares: the bits of a number in [1, 2], and the exponent of 2 that it is to be multiplied with.
fn root_of(sum: vec3<u32>, top: u32) -> vec2<u32> {
    let middle = select(64u + (countLeadingZeros(sum.x) & 31u), 32u + (countLeadingZeros(sum.y) & 31u), sum.y != 0u);
    let zeros = select(middle, countLeadingZeros(sum.z), sum.z != 0u);
    let far = zeros >= 32u;
    let k = zeros & 31u;
    let upper = (select(sum.z, sum.y, far) << k) | ((select(sum.y, sum.x, far) >> 1u) >> (31u - k));
    // The leading bit's place; the largest element's square alone puts it at 62 or above.
    let place = 95u - zeros;
    // In [1, 4], rounded once: an even power of 2 is left.
    let v = bitcast<f32>(((127u + (place & 1u)) << 23u) + ((upper >> 8u) & 0x007fffffu) + ((upper >> 7u) & 1u));
    return vec2<u32>(bitcast<u32>(sharp_root(v)), (place >> 1u) + top - 158u);
}

// q 2^e as the bits of a number in [1, 2) and an exponent.
fn split(q: f32, e: u32) -> vec2<u32> {
    let b = bitcast<u32>(q);
    return vec2<u32>((b & 0x007fffffu) | 0x3f800000u, e + (b >> 23u) - 127u);
}

// wanted / norm.
fn factor_of_one(wanted: u32, a: vec2<u32>) -> vec2<u32> {
    let w = split(bitcast<f32>(wanted), 0u);
    return split(bitcast<f32>(w.x) * reciprocal(bitcast<f32>(a.x)), w.y - a.y);
}

// The root of wanted / (norm norm), for either tensor.
fn factor_of_two(wanted: u32, a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let w = split(bitcast<f32>(wanted), 0u);
    let q = bitcast<f32>(w.x) * reciprocal(bitcast<f32>(a.x) * bitcast<f32>(b.x));
    let e = w.y - a.y - b.y;
    // An odd exponent gives one 2 to the root.
    let v = bitcast<f32>(bitcast<u32>(q) + ((e & 1u) << 23u));
    return split(sharp_root(v), bitcast<u32>(bitcast<i32>(e - (e & 1u)) >> 1u));
}

// An element times the factor: 0 where the product would be subnormal, never beyond the largest f32.
fn scaled(b: u32, f: vec2<u32>) -> u32 {
    let biased = (b >> 23u) & 0xffu;
    let p = bitcast<u32>(bitcast<f32>((b & 0x007fffffu) | 0x3f800000u) * bitcast<f32>(f.x));
    let e = bitcast<i32>(biased + f.y + (p >> 23u) - 127u);
    let kept = select((bitcast<u32>(e) << 23u) | (p & 0x007fffffu), 0x7f7fffffu, e > 254);
    return (b & 0x80000000u) | select(kept, 0u, biased == 0u || e < 1);
}

// The largest magnitude, of elements or of what other threads found: one a thread.
@compute @workgroup_size(64)
fn largest(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let thread = 64u * id.x + local;
    if thread >= parameters.threads {
        return;
    }
    var found_here = 0u;
    for (var i = thread; i < parameters.items; i += parameters.threads) {
        let magnitude = source[parameters.first + i] & 0x7fffffffu;
        found_here = select(found_here, magnitude, magnitude > found_here);
    }
    result[parameters.at + thread] = found_here;
}

// The sum of the squares of a thread's elements.
@compute @workgroup_size(64)
fn squares(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let thread = 64u * id.x + local;
    if thread >= parameters.threads {
        return;
    }
    let top = found[parameters.slot] >> 23u;
    var sum = vec3<u32>(0u);
    for (var i = thread; i < parameters.items; i += parameters.threads) {
        sum = add_96(sum, vec3<u32>(square(source[parameters.first + i], top), 0u));
    }
    put(parameters.at + thread, sum);
}

fn put(at: u32, sum: vec3<u32>) {
    result[3u * at] = sum.x;
    result[3u * at + 1u] = sum.y;
    result[3u * at + 2u] = sum.z;
}

fn take(at: u32) -> vec3<u32> {
    return vec3<u32>(source[3u * at], source[3u * at + 1u], source[3u * at + 2u]);
}

// The sum of other threads' sums.
@compute @workgroup_size(64)
fn sums(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let thread = 64u * id.x + local;
    if thread >= parameters.threads {
        return;
    }
    var sum = vec3<u32>(0u);
    for (var i = thread; i < parameters.items; i += parameters.threads) {
        sum = add_96(sum, take(i));
    }
    put(parameters.at + thread, sum);
}

// The factor of one tensor or of two; 0 where a tensor has none: all 0, or not all finite.
@compute @workgroup_size(1)
fn factor() {
    let a = found[0] >> 23u;
    let b = found[parameters.tensors - 1u] >> 23u;
    var f = vec2<u32>(0u);
    if a >= 1u && a <= 254u && b >= 1u && b <= 254u {
        if parameters.tensors == 1u {
            f = factor_of_one(parameters.wanted, root_of(take(0u), a));
        } else {
            f = factor_of_two(parameters.wanted, root_of(take(0u), a), root_of(take(1u), b));
        }
    }
    result[0] = f.x;
    result[1] = f.y;
}

// Each element times the factor, in place: a thread reads the words that it alone writes.
@compute @workgroup_size(64)
fn scale(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let thread = 64u * id.x + local;
    let f = vec2<u32>(found[0], found[1]);
    if thread >= parameters.threads || f.x == 0u {
        return;
    }
    for (var i = thread; i < parameters.items; i += parameters.threads) {
        result[parameters.first + i] = scaled(result[parameters.first + i], f);
    }
}
