// A stored element: the bits of a bf16, rounded to nearest even, in integers. The value is finite and fits.
const PER_WORD: u32 = 2u;

fn encoded(x: f32) -> u32 {
    let b = bitcast<u32>(x);
    return (b + 0x7fffu + ((b >> 16u) & 1u)) >> 16u;
}

// The same rounded by a word: away from zero in as many of its 2^32 values as the dropped bits say, times 2^16.
fn encoded_by(x: f32, w: u32) -> u32 {
    return (bitcast<u32>(x) + (w >> 16u)) >> 16u;
}
