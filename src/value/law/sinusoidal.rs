//! Frequencies of tables of positions, as 64-bit fractions of a turn, rounded once.
//!
//! In pairs of f64 (Dekker 1971: a sum and its error), some 104 bits, of which 64 count: every platform gets the same words, and
//! they are those of exact arithmetic unless that comes within 2^-30 of a tie.

use crate::{Error, Result};

/// How a table of positions is laid out, and which frequencies it has.
///
/// With d columns and h = d / 2, column pair j turns by base^-e radians a position, one column its sine, the other its cosine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SinusoidalLayout {
    /// Column 2j the sine, 2j + 1 the cosine, e = 2j / d: Vaswani et al. 2017.
    #[default]
    Interleaved,
    /// Column j the sine, h + j the cosine, e = 2j / d: Marian and Pegasus in transformers.
    Halves,
    /// Column j the sine, h + j the cosine, e = j / (h - 1): tensor2tensor and Whisper, where the last frequency is 1 / base.
    HalvesToEnd,
}

impl SinusoidalLayout {
    /// The exponent of pair `j`, as a fraction.
    fn exponent(self, width: u64, j: u64) -> (u64, u64) {
        match self {
            Self::Interleaved | Self::Halves => (2 * j, width),
            Self::HalvesToEnd => (j, width / 2 - 1),
        }
    }
}

/// The most columns of a table.
pub(crate) const MAX_WIDTH: u64 = 1 << 16;
const MAX_BASE: f64 = (1u128 << 100) as f64;

/// # Errors
/// [`Error::Law`] with the numbers, where the columns or the base have no table.
pub(crate) fn check(base: f64, width: u64, layout: SinusoidalLayout) -> Result<()> {
    if !(base > 1.0 && base <= MAX_BASE) {
        return Err(Error::Law(format!("sinusoidal: base is {base:?}, must lie above 1 and not above {MAX_BASE:e}")));
    }
    let least = if layout == SinusoidalLayout::HalvesToEnd { 4 } else { 2 };
    if !width.is_multiple_of(2) || !(least..=MAX_WIDTH).contains(&width) {
        return Err(Error::Law(format!(
            "sinusoidal: {width} columns, needs an even number of them from {least} to {MAX_WIDTH}: a sine and a cosine \
             for each frequency"
        )));
    }
    Ok(())
}

/// round(2^64 base^-e / (2 pi)) for each pair of columns.
pub(crate) fn frequencies(base: f64, width: u64, layout: SinusoidalLayout) -> Vec<u64> {
    let log = ln(base);
    let frequency = |j| {
        let (over, under) = layout.exponent(width, j);
        let x = -(log.times(Two(over as f64, 0.0))).over(under as f64);
        exp(x).times(TURNS_A_RADIAN).scaled(18_446_744_073_709_551_616.0).rounded()
    };
    (0..width / 2).map(frequency).collect()
}

/// 1 / (2 pi).
const TURNS_A_RADIAN: Two = Two(f64::from_bits(0x3fc4_5f30_6dc9_c883), f64::from_bits(0xbc66_b01e_c541_7056));
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

    /// round(2^64 base^-e / (2 pi)), computed with 60 digits by tests/data/sinusoidal.py.
    #[test]
    fn frequencies_are_those_of_60_digits() {
        let mut lines = 0;
        for line in include_str!("../../../tests/data/frequencies.tsv").lines().filter(|l| !l.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            let layout = fields[2].parse::<SinusoidalLayout>().unwrap();
            let (base, width): (f64, u64) = (fields[0].parse().unwrap(), fields[1].parse().unwrap());
            check(base, width, layout).unwrap();
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
