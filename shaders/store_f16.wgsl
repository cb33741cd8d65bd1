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
