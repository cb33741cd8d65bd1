// A stored element: the f32's own bits.
const PER_WORD: u32 = 1u;

fn encoded(x: f32) -> u32 {
    return bitcast<u32>(x);
}
