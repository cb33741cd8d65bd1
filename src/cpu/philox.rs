//! The twin of shaders/philox.wgsl: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers, SC 2011).

use super::mulwide::mul_wide;

/// Multipliers of the first and the third word of the counter.
const M: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
/// What is added to the key between rounds: the golden ratio and sqrt(3) - 1.
const W: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];

#[inline(always)]
fn philox_round(x: [u32; 4], k: [u32; 2]) -> [u32; 4] {
    let (hi0, lo0) = mul_wide(M[0], x[0]);
    let (hi1, lo1) = mul_wide(M[1], x[2]);
    [hi1 ^ x[1] ^ k[0], lo1, hi0 ^ x[3] ^ k[1], lo0]
}

/// The four words of a counter under a key: ten rounds.
#[inline(always)]
pub(crate) fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let mut x = counter;
    let mut k = key;
    for _ in 0..10 {
        x = philox_round(x, k);
        k = [k[0].wrapping_add(W[0]), k[1].wrapping_add(W[1])];
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random123's known answers, from its own data file.
    #[test]
    fn known_answers() {
        let mut lines = 0;
        for line in include_str!("../../tests/data/kat_vectors").lines().filter(|l| l.starts_with("philox4x32 10 ")) {
            let w: Vec<u32> = line.split_whitespace().skip(2).map(|w| u32::from_str_radix(w, 16).unwrap()).collect();
            assert_eq!(philox([w[0], w[1], w[2], w[3]], [w[4], w[5]]), [w[6], w[7], w[8], w[9]], "{line}");
            lines += 1;
        }
        assert_eq!(lines, 3);
    }
}
