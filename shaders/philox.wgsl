// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers, SC 2011).

// Which of a tensor's independent streams a counter belongs to: its fourth word.
const DOMAIN_VALUES: u32 = 0u;
const DOMAIN_ORTHOGONAL: u32 = 1u;
const DOMAIN_SPARSE: u32 = 2u;
const DOMAIN_ROUNDING: u32 = 3u;

fn philox_round(x: vec4<u32>, k: vec2<u32>) -> vec4<u32> {
    let p0 = mul_wide(0xd2511f53u, x.x);
    let p1 = mul_wide(0xcd9e8d57u, x.z);
    return vec4<u32>(p1.x ^ x.y ^ k.x, p1.y, p0.x ^ x.w ^ k.y, p0.y);
}

// The four words of a counter under a key: ten rounds.
fn philox(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
    let w = vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
    var x = philox_round(counter, key);
    x = philox_round(x, key + w);
    x = philox_round(x, key + 2u * w);
    x = philox_round(x, key + 3u * w);
    x = philox_round(x, key + 4u * w);
    x = philox_round(x, key + 5u * w);
    x = philox_round(x, key + 6u * w);
    x = philox_round(x, key + 7u * w);
    x = philox_round(x, key + 8u * w);
    return philox_round(x, key + 9u * w);
}
