// A stored element: the bits of an f16, rounded to nearest even, in integers. The value is finite and fits.
const PER_WORD: u32 = 2u;

fn encoded(x: f32) -> u32 {
    let b = bitcast<u32>(x);
    let magnitude = b & 0x7fffffffu;
    // Normal: drop 13 bits. Below 2^-14 the last place is 2^-24: drop as many more as the exponent is short.
    let biased = magnitude >> 23u;
    let lacking = select(0u, 113u - biased, biased < 113u);
    let short = select(lacking, 12u, lacking > 12u);
    let drop = 13u + short;
    let subnormal = (magnitude & 0x007fffffu) | 0x00800000u;
    let whole = select(subnormal, magnitude - 0x38000000u, short == 0u);
    let rounded = (whole + ((1u << (drop - 1u)) - 1u) + ((whole >> drop) & 1u)) >> drop;
    return ((b >> 16u) & 0x8000u) | rounded;
}

// The same rounded by a word: away from zero where the word and the position between the two neighbours, in 2^-32, reach 2^32.
fn encoded_by(x: f32, w: u32) -> u32 {
    let b = bitcast<u32>(x);
    let magnitude = b & 0x7fffffffu;
    let biased = magnitude >> 23u;
    // As in `encoded`, but never short of it: the far smaller values go up in fewer words, down to none.
    let short = select(0u, 113u - biased, biased < 113u);
    let subnormal = select((magnitude & 0x007fffffu) | 0x00800000u, 0u, biased == 0u);
    let whole = select(subnormal, magnitude - 0x38000000u, short == 0u);
    // 13 + short bits are dropped: they become the upper bits of the position. Beyond 19 the lowest fall out.
    let left = select(0u, 19u - short, short < 19u);
    let right = select(0u, short - 19u, short > 19u);
    let position = (whole << left) >> select(right, 31u, right > 31u);
    // A whole of 24 bits is gone once 24 are dropped.
    let toward_zero = whole >> (13u + select(short, 12u, short > 12u));
    return ((b >> 16u) & 0x8000u) | (toward_zero + u32(position > ~w));
}
