//! The element types that can be stored: size, range and rounding.

use crate::{Error, Result};
use half::{bf16, f16};

/// The type of a stored element. Values are computed in f32; a 16-bit value is the f32 value rounded
/// once, to nearest even.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DType {
    /// IEEE binary32.
    F32,
    /// IEEE binary16: largest finite value 65504.
    F16,
    /// bfloat16: the upper half of an f32.
    BF16,
}

impl DType {
    /// Every dtype, in the order of the enum.
    pub const ALL: [Self; 3] = [Self::F32, Self::F16, Self::BF16];

    /// Bytes an element.
    #[must_use]
    pub const fn size(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
        }
    }

    /// Elements that share one 32-bit word of a buffer: 1 or 2.
    #[must_use]
    pub const fn per_word(self) -> u64 {
        4 / self.size()
    }

    /// The largest finite value.
    #[must_use]
    pub fn max(self) -> f64 {
        match self {
            Self::F32 => f64::from(f32::MAX),
            Self::F16 => f16::MAX.to_f64(),
            Self::BF16 => bf16::MAX.to_f64(),
        }
    }

    /// The value nearest to `x` (ties to even), as an f32; infinite where `x` is beyond the range.
    #[must_use]
    pub fn round(self, x: f32) -> f32 {
        match self {
            Self::F32 => x,
            Self::F16 => f16::from_f32(x).to_f32(),
            Self::BF16 => bf16::from_f32(x).to_f32(),
        }
    }

    /// The smallest value of this type that is not below `x`.
    #[must_use]
    pub fn round_up(self, x: f64) -> f32 {
        let mut y = self.round(x as f32);
        if f64::from(y) < x {
            y = self.next_up(y);
        }
        // `x as f32` followed by the narrower rounding may have gone up twice: step back while that is allowed.
        loop {
            let below = -self.next_up(-y);
            if f64::from(below) < x {
                return y;
            }
            y = below;
        }
    }

    /// The largest value of this type that is not above `x`.
    #[must_use]
    pub fn round_down(self, x: f64) -> f32 {
        -self.round_up(-x)
    }

    /// The next value of this type above `x`, a value of this type.
    fn next_up(self, x: f32) -> f32 {
        fn step(bits: u16) -> u16 {
            match bits {
                0x8000 => 1,
                b if b & 0x8000 != 0 => b - 1,
                b => b + 1,
            }
        }
        match self {
            Self::F32 => x.next_up(),
            Self::F16 => f16::from_bits(step(f16::from_f32(x).to_bits())).to_f32(),
            Self::BF16 => bf16::from_bits(step(bf16::from_f32(x).to_bits())).to_f32(),
        }
    }

    /// The name that `config.json` and the command line use: `float32`, `float16`, `bfloat16`.
    #[must_use]
    pub const fn long_name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::BF16 => "bfloat16",
        }
    }
}

impl std::fmt::Display for DType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::BF16 => "bf16",
        })
    }
}

impl std::str::FromStr for DType {
    type Err = Error;

    /// Reads `f32`, `f16`, `bf16`, in either case, or torch's names of them.
    fn from_str(s: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|d| s.eq_ignore_ascii_case(&d.to_string()) || s.eq_ignore_ascii_case(d.long_name()))
            .ok_or_else(|| Error::unknown("dtype", s, Self::ALL.map(|d| d.to_string())))
    }
}

/// How the f32 value of an element is rounded to its dtype.
///
/// In a file's metadata and on the command line: `nearest`, `stochastic`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Rounding {
    /// To the nearest value, ties to even.
    #[default]
    NearestEven,
    /// To one of the two neighbours, away from zero with a probability of floor(2^32 p) / 2^32, where p is the value's position
    /// between them: the mean is the f32 value. The element's own word of Philox domain 3 decides, so that seed, name and
    /// index still give the bytes. f16 and bf16 only.
    Stochastic,
}

impl Rounding {
    /// Whether values are stored as `dtype` this way.
    ///
    /// # Errors
    /// [`Error::Law`] for f32, which holds every value as it is.
    pub fn check(self, dtype: DType) -> Result<()> {
        match (self, dtype) {
            (Self::Stochastic, DType::F32) => Err(Error::Law(
                "stochastic rounding of f32: an f32 value is stored as it is; take f16 or bf16".to_owned(),
            )),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Display for Rounding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::NearestEven => "nearest",
            Self::Stochastic => "stochastic",
        })
    }
}

impl std::str::FromStr for Rounding {
    type Err = Error;

    /// Reads `nearest` or `stochastic`.
    fn from_str(s: &str) -> Result<Self> {
        let all = [Self::NearestEven, Self::Stochastic];
        all.into_iter()
            .find(|r| r.to_string() == s)
            .ok_or_else(|| Error::unknown("rounding", s, all.map(|r| r.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_inward_brackets_every_number() {
        for dtype in DType::ALL {
            for x in [0.0, 0.04, -0.04, 1.0, 1.0 + 1e-12, 1.0 - 1e-12, 65503.9, -3.3e-8, 1e-7, 0.3333] {
                let (down, up) = (f64::from(dtype.round_down(x)), f64::from(dtype.round_up(x)));
                assert!(down <= x && x <= up, "{dtype} {x}: {down} {up}");
                assert!(f64::from(dtype.next_up(dtype.round_down(x))) >= up, "{dtype} {x}");
                assert_eq!(down == x, up == x);
            }
        }
    }
}
