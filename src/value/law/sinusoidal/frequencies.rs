//! Frequencies of tables of positions, as 64-bit fractions of a turn, rounded once.
//!
//! In pairs of f64 (Dekker 1971: a sum and its error), some 104 bits, of which 64 count: every platform gets the same
//! words, and they are those of exact arithmetic unless that comes within 2^-30 of a tie.

use super::SinusoidalLayout;
use crate::value::libm;

/// The exponent of pair `j` of a table of `width` columns, as a fraction.
fn exponent(layout: SinusoidalLayout, width: u64, j: u64) -> (u64, u64) {
    match layout {
        SinusoidalLayout::Interleaved | SinusoidalLayout::Halves => (2 * j, width),
        SinusoidalLayout::HalvesToEnd => (j, width / 2 - 1),
    }
}

/// round(2^64 base^-e / (2 pi)) for each pair of columns.
pub(super) fn frequencies(base: f64, width: u64, layout: SinusoidalLayout) -> Vec<u64> {
    let log = ln(base);
    let frequency = |j| {
        let (over, under) = exponent(layout, width, j);
        let x = -(log.times(Two(over as f64, 0.0))).over(under as f64);
        exp(x).times(TURNS_PER_RADIAN).scaled(18_446_744_073_709_551_616.0).rounded()
    };
    (0..width / 2).map(frequency).collect()
}

/// 1 / (2 pi).
const TURNS_PER_RADIAN: Two = Two(f64::from_bits(0x3fc4_5f30_6dc9_c883), f64::from_bits(0xbc66_b01e_c541_7056));
const LN_2: Two = Two(f64::from_bits(0x3fe6_2e42_fefa_39ef), f64::from_bits(0x3c7a_bc9e_3b39_803f));

/// The sum of two f64, the second at most half a last place of the first.
#[derive(Clone, Copy, Debug)]
struct Two(f64, f64);

/// a + b and its error (Knuth).
fn two_sum(a: f64, b: f64) -> Two {
    let s = a + b;
    let t = s - a;
    Two(s, (a - (s - t)) + (b - t))
}

/// a * b and its error (Dekker, Veltkamp).
fn two_product(a: f64, b: f64) -> Two {
    let split = |x: f64| {
        let c = x * 134_217_729.0;
        let high = c - (c - x);
        (high, x - high)
    };
    let ((a1, a2), (b1, b2)) = (split(a), split(b));
    let p = a * b;
    Two(p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2)
}

impl Two {
    fn plus(self, other: Self) -> Self {
        let s = two_sum(self.0, other.0);
        let t = two_sum(self.1, other.1);
        let s = two_sum(s.0, s.1 + t.0);
        two_sum(s.0, s.1 + t.1)
    }

    fn times(self, other: Self) -> Self {
        let p = two_product(self.0, other.0);
        two_sum(p.0, p.1 + (self.0 * other.1 + self.1 * other.0))
    }

    fn over(self, d: f64) -> Self {
        let q = self.0 / d;
        let rest = self.plus(-two_product(q, d));
        let more = rest.0 / d;
        let rest = rest.plus(-two_product(more, d));
        two_sum(q, more).plus(Self(rest.0 / d, 0.0))
    }

    /// By a power of two.
    fn scaled(self, by: f64) -> Self {
        Self(self.0 * by, self.1 * by)
    }

    /// The nearest integer, of a number in [0, 2^63).
    fn rounded(self) -> u64 {
        let floor = self.0.floor();
        let rest = ((self.0 - floor) + self.1 + 0.5).floor();
        (floor as u64).wrapping_add(rest as i64 as u64)
    }
}

impl std::ops::Neg for Two {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0, -self.1)
    }
}

/// e^x for x in [-100, 0].
fn exp(x: Two) -> Two {
    let k = (x.0 / LN_2.0).round();
    let r = x.plus(-LN_2.times(Two(k, 0.0))).scaled(1.0 / 64.0);
    // |r| < 0.0055: the first term left out is below 2^-125.
    let mut sum = Two(1.0, 0.0);
    for n in (1..=14).rev() {
        sum = sum.times(r).over(f64::from(n)).plus(Two(1.0, 0.0));
    }
    for _ in 0..6 {
        sum = sum.times(sum);
    }
    // 2^k, k from -145: a normal f64.
    sum.scaled(f64::from_bits(((1023 + k as i64) as u64) << 52))
}

/// The logarithm, by Newton's step from that of f64.
fn ln(x: f64) -> Two {
    let y = libm::log(x);
    let e = exp(Two(-y, 0.0)).times(Two(x, 0.0)).plus(Two(-1.0, 0.0));
    Two(y, 0.0).plus(e.plus(-e.times(e).scaled(0.5)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// round(2^64 base^-e / (2 pi)), computed with 60 digits by tests/data/structured.py.
    #[test]
    fn frequencies_are_those_of_60_digits() {
        let mut lines = 0;
        for line in include_str!("../../../../tests/data/frequencies.tsv").lines().filter(|l| !l.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            let layout = fields[2].parse::<SinusoidalLayout>().unwrap();
            let (base, width): (f64, u64) = (fields[0].parse().unwrap(), fields[1].parse().unwrap());
            crate::value::law::Law::sinusoidal(1, width, base, layout).unwrap();
            let table = frequencies(base, width, layout);
            assert_eq!(table.len() as u64, width / 2);
            for pair in fields[3].split(' ') {
                let (j, word) = pair.split_once(':').unwrap();
                assert_eq!(table[j.parse::<usize>().unwrap()], word.parse::<u64>().unwrap(), "{line}: {j}");
            }
            lines += 1;
        }
        assert!(lines >= 6);
    }

    #[test]
    fn the_first_frequency_is_a_radian() {
        let table = frequencies(10_000.0, 8, SinusoidalLayout::HalvesToEnd);
        assert_eq!(table[0], 2_935_890_503_282_001_226);
        assert_eq!(table[3], (table[0] + 5_000) / 10_000);
    }
}
