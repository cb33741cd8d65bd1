// Elements stored as f32: their own bits.

// Elements per 32-bit word.
const PER_WORD: u32 = 1u;

fn encoded(x: f32) -> u32 {
    return bitcast<u32>(x);
}

// Never called: the plan refuses stochastic rounding of f32 tensors, which need no rounding.
fn encoded_by(x: f32, w: u32) -> u32 {
    return encoded(x);
}
