// Elements stored as bf16. Values are finite and within the range of bf16.

// Elements per 32-bit word.
const PER_WORD: u32 = 2u;

// The bits of x rounded to nearest, ties to even, in integers.
fn encoded(x: f32) -> u32 {
    let b = bitcast<u32>(x);
    return (b + 0x7fffu + extractBits(b, 16u, 1u)) >> 16u;
}

// The bits of x rounded stochastically by the word w: the 16 dropped bits d make it round away from zero for d 2^16 of
// the 2^32 words.
fn encoded_by(x: f32, w: u32) -> u32 {
    return (bitcast<u32>(x) + (w >> 16u)) >> 16u;
}
