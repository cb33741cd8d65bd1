// Elements stored as f16. Values are finite and within the range of f16.

// Elements per 32-bit word.
const PER_WORD: u32 = 2u;

// The bits of x rounded to nearest, ties to even, in integers.
fn encoded(x: f32) -> u32 {
    let b = bitcast<u32>(x);
    let magnitude = b & 0x7fffffffu;
    // A normal f16 drops 13 bits. Below 2^-14 the last bit is worth 2^-24: one more bit is dropped for each power of 2
    // below.
    let biased = magnitude >> 23u;
    let lacking = select(0u, 113u - biased, biased < 113u);
    let short = select(lacking, 12u, lacking > 12u);
    let drop = 13u + short;
    let subnormal = (magnitude & 0x007fffffu) | 0x00800000u;
    let whole = select(subnormal, magnitude - 0x38000000u, short == 0u);
    let rounded = (whole + ((1u << (drop - 1u)) - 1u) + ((whole >> drop) & 1u)) >> drop;
    return ((b >> 16u) & 0x8000u) | rounded;
}

// The bits of x rounded stochastically by the word w: with p / 2^32 the position of |x| between its two f16 neighbors,
// x rounds away from zero where w + p reaches 2^32.
fn encoded_by(x: f32, w: u32) -> u32 {
    let b = bitcast<u32>(x);
    let magnitude = b & 0x7fffffffu;
    let biased = magnitude >> 23u;
    // As in `encoded`, but without its limit of 12: the smaller a value is, the fewer words make it round up, down to
    // none.
    let short = select(0u, 113u - biased, biased < 113u);
    let subnormal = select((magnitude & 0x007fffffu) | 0x00800000u, 0u, biased == 0u);
    let whole = select(subnormal, magnitude - 0x38000000u, short == 0u);
    // The 13 + short dropped bits become the upper bits of the position. Where short is above 19, the lowest of them
    // are lost.
    let left = select(0u, 19u - short, short < 19u);
    let right = select(0u, short - 19u, short > 19u);
    let position = (whole << left) >> select(right, 31u, right > 31u);
    // All 24 bits are dropped from short = 11 on; the limit keeps the count of the shift below 32.
    let toward_zero = whole >> (13u + select(short, 12u, short > 12u));
    return ((b >> 16u) & 0x8000u) | (toward_zero + u32(position > ~w));
}
