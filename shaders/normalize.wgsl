// The Frobenius norm of one tensor, or the product of two norms, brought to a wanted number: the norms are measured in
// integers, then each element takes one product.
//
// An element is m 2^(e - 150), m of 24 bits. The m^2 are shifted to the largest element's exponent and added as 96-bit
// integers, so that any number of threads, in any order, comes to the same sum. What follows takes only + and * of f32
// and fused multiply-adds: rule 4 (exact arithmetic).

// The fields are documented on the host's struct, in src/gpu/normalize/passes.rs.
struct Parameters {
    first: u32,
    items: u32,
    at: u32,
    threads: u32,
    slot: u32,
    tensors: u32,
    wanted: u32,
}

@group(0) @binding(0) var<storage, read> parameters: Parameters;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read> found: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<u32>;

// The square of the element of bits `b`, as a 64-bit integer (low, high): m^2 2^16, shifted down from its own exponent
// to `top`, the exponent of the largest element, and rounded down.
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
    // A subnormal counts as 0, and so does an element 2^32 times smaller than the largest.
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

// 1 / d of a normal positive d: Newton's steps from a first guess that is within 12 %.
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

// The root of a sum of squares: x is the bits of a number in [1, 2], y the exponent of the power of 2 to multiply it
// with.
fn root_of(sum: vec3<u32>, top: u32) -> vec2<u32> {
    let middle = select(64u + (countLeadingZeros(sum.x) & 31u), 32u + (countLeadingZeros(sum.y) & 31u), sum.y != 0u);
    let zeros = select(middle, countLeadingZeros(sum.z), sum.z != 0u);
    let far = zeros >= 32u;
    let k = zeros & 31u;
    let upper = (select(sum.z, sum.y, far) << k) | ((select(sum.y, sum.x, far) >> 1u) >> (31u - k));
    // The position of the leading bit. The largest element's square alone puts it at 62 or above.
    let place = 95u - zeros;
    // A number in [1, 4], rounded once; what is left is an even power of 2, whose root is a power of 2.
    let v = bitcast<f32>(((127u + (place & 1u)) << 23u) + ((upper >> 8u) & 0x007fffffu) + ((upper >> 7u) & 1u));
    return vec2<u32>(bitcast<u32>(sharp_root(v)), (place >> 1u) + top - 158u);
}

// q 2^e as the bits (x) of a number in [1, 2) and an exponent (y).
fn split(q: f32, e: u32) -> vec2<u32> {
    let b = bitcast<u32>(q);
    return vec2<u32>((b & 0x007fffffu) | 0x3f800000u, e + (b >> 23u) - 127u);
}

// wanted / norm.
fn factor_of_one(wanted: u32, a: vec2<u32>) -> vec2<u32> {
    let w = split(bitcast<f32>(wanted), 0u);
    return split(bitcast<f32>(w.x) * reciprocal(bitcast<f32>(a.x)), w.y - a.y);
}

// The root of wanted / (norm a * norm b): the factor of both tensors.
fn factor_of_two(wanted: u32, a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let w = split(bitcast<f32>(wanted), 0u);
    let q = bitcast<f32>(w.x) * reciprocal(bitcast<f32>(a.x) * bitcast<f32>(b.x));
    let e = w.y - a.y - b.y;
    // Where the exponent is odd, one factor of 2 goes below the root.
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

// The largest magnitude of each thread's items, which are elements, or magnitudes that other threads found.
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

// The sum of the squares of each thread's elements.
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

// The sum of each thread's items, which are sums that other threads found.
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

// The factor of one tensor or of two, from one thread; 0 where a tensor has no factor: where all its elements are 0, or
// one is not finite.
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

// Each element times the factor, in place: a thread reads only words that it alone writes.
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
