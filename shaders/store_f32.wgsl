// A stored element: the f32's own bits.
const PER_WORD: u32 = 1u;

fn encoded(x: f32) -> u32 {
    return bitcast<u32>(x);
}

// No element of an f32 tensor is rounded: the plan refuses it.
fn encoded_by(x: f32, w: u32) -> u32 {
    return encoded(x);
}
