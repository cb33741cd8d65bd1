// Elements stored as f16. Values are finite and within the range of f16.

// Elements per 32-bit word.
const PER_WORD: u32 = 2u;

// The bits of x rounded to nearest, ties to even.
fn encoded(x: f32) -> u32 {
    let b = bitcast<u32>(x);
    // 2^e for the f16's exponent e: that of x, but -14 for subnormal f16s, whose last bit is that of 2^-14.
    let power = max(b & 0x7f800000u, 0x38800000u);
    // 2^e + |x| 2^-13: the last bit of this sum is 2^(e - 23) and stands for the f16's own, so that its one rounding is
    // the f16's. (What a subnormal x or product is taken for makes no difference to it.)
    let sum = bitcast<u32>(fused(bitcast<f32>(b & 0x7fffffffu), bitcast<f32>(0x39000000u), bitcast<f32>(power)));
    // It has the exponent e + 127 and the fraction q = |x| 2^(10 - e), 1024 to 2048, or less below 2^-14. The f16 is
    // 1024 (e + 14) + q: the implicit bit of q, or its carry, is part of the exponent.
    let magnitude = sum + (sum >> 13u) - 0x0001c400u;
    return insertBits(b >> 16u, magnitude, 0u, 15u);
}

// The bits of x rounded stochastically by the word w: with p / 2^32 the position of |x| between its two f16 neighbors,
// x rounds away from zero where w + p reaches 2^32.
fn encoded_by(x: f32, w: u32) -> u32 {
    let b = bitcast<u32>(x);
    let magnitude = b & 0x7fffffffu;
    let biased = magnitude >> 23u;
    // A normal f16 drops 13 bits. Below 2^-14 the last bit is worth 2^-24: one more bit is dropped for each power of 2
    // below. The smaller a value is, the fewer words make it round up, down to none.
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
