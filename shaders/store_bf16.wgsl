// A stored element: the bits of a bf16, rounded to nearest even, in integers. The value is finite and fits.
const PER_WORD: u32 = 2u;

fn encoded(x: f32) -> u32 {
    let b = bitcast<u32>(x);
    return (b + 0x7fffu + ((b >> 16u) & 1u)) >> 16u;
}
