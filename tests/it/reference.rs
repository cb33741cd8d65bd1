//! The stream a second time, written from its description: the crate's own code is compared with it.

use seedbed::StreamVersion;
use seedbed::key::Key;

/// Philox4x32-10 with 64-bit products.
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut a, mut b, mut c, mut d], [mut k0, mut k1]) = (counter, key);
    for _ in 0..10 {
        let (x, y) = (u64::from(a) * 0xd251_1f53, u64::from(c) * 0xcd9e_8d57);
        (a, b, c, d) = ((y >> 32) as u32 ^ b ^ k0, y as u32, (x >> 32) as u32 ^ d ^ k1, x as u32);
        (k0, k1) = (k0.wrapping_add(0x9e37_79b9), k1.wrapping_add(0xbb67_ae85));
    }
    [a, b, c, d]
}

/// A tensor's words.
#[derive(Clone, Copy)]
pub struct Words([u32; 2]);

impl Words {
    pub fn of(seed: u64, name: &str) -> Self {
        Self(Key::of_tensor(StreamVersion::V1, seed, name).0)
    }

    /// The four words of the block that holds element `index`.
    pub fn block(self, index: u64) -> [u32; 4] {
        let block = index / 4;
        philox([block as u32, (block >> 32) as u32, 0, 0], self.0)
    }

    /// The element of U(-1, 1): exact in f32.
    pub fn unit(self, index: u64) -> f32 {
        let k = self.block(index)[(index % 4) as usize] >> 8;
        ((2 * i64::from(k) + 1 - (1 << 24)) as f64 / f64::from(1 << 24)) as f32
    }

    /// The element of N(0, 1) in f64, by Box and Muller.
    pub fn normal(self, index: u64) -> f64 {
        let w = self.block(index);
        let pair = (index % 4 / 2 * 2) as usize;
        box_muller(w[pair], w[pair + 1])[(index % 2) as usize]
    }
}

/// A pair of exact normals. The logarithm is taken from the nearer of 0 and 1, where f64 has its digits.
pub fn box_muller(radius: u32, angle: u32) -> [f64; 2] {
    let u = |w: u32| (f64::from(w) + 0.5) / 4_294_967_296.0;
    let ln = if radius < 1 << 31 { u(radius).ln() } else { (-u(!radius)).ln_1p() };
    let (sin, cos) = (std::f64::consts::TAU * u(angle)).sin_cos();
    let r = (-2.0 * ln).sqrt();
    [r * cos, r * sin]
}

/// Random123's known answers: the reference itself is right.
#[test]
fn the_reference_philox_gives_the_known_answers() {
    let mut lines = 0;
    for line in include_str!("../data/kat_vectors").lines().filter(|l| l.starts_with("philox4x32 10 ")) {
        let w: Vec<u32> = line.split_whitespace().skip(2).map(|w| u32::from_str_radix(w, 16).unwrap()).collect();
        assert_eq!(philox([w[0], w[1], w[2], w[3]], [w[4], w[5]]), [w[6], w[7], w[8], w[9]], "{line}");
        lines += 1;
    }
    assert_eq!(lines, 3);
}

/// A fixed-seed source of test cases (SplitMix64): unrelated to the stream under test.
pub struct Cases(pub u64);

impl Cases {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// One of a list.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len() as u64) as usize]
    }
}
