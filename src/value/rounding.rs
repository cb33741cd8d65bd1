//! How values are rounded to a dtype: to nearest even, inward to a window's ends, or stochastically.

use super::dtype::DType;
use crate::{Error, Result};
use half::{bf16, f16};

impl DType {
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
}

/// How the f32 value of an element is rounded to its dtype. Its text form is `nearest` or `stochastic`.
///
/// The arithmetic by which a fill stores f16 and bf16 stands in src/cpu/store.rs and its twins shaders/store_f16.wgsl
/// and shaders/store_bf16.wgsl.
///
/// ```
/// # use seedbed::plan::{Plan, TensorSpec};
/// # use seedbed::{DType, Rounding, Scheme, StreamVersion};
/// assert_eq!("stochastic".parse::<Rounding>()?, Rounding::Stochastic);
/// let spec = TensorSpec::new("w", [4], Scheme::ones())?.rounding(Rounding::Stochastic);
/// let mut plan = Plan::new(StreamVersion::V1, 42);
/// // An f32 value is stored as it is.
/// assert!(plan.push(&spec).is_err());
/// assert!(plan.push(&spec.dtype(DType::BF16)).is_ok());
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Rounding {
    /// To the nearest value, ties to even.
    #[default]
    NearestEven,
    /// To one of the two neighbors in the dtype: away from zero with a probability of floor(2^32 p) / 2^32, where p in
    /// \[0, 1) says how far the value lies between the neighbor nearer to zero and the other. The mean is the f32
    /// value.
    ///
    /// A word of Philox domain 3 that belongs to the element decides, so that seed, name and index still give the
    /// bytes. f16 and bf16 only: a plan refuses it for f32.
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
            (Self::Stochastic, DType::F16 | DType::BF16)
            | (Self::NearestEven, DType::F32 | DType::F16 | DType::BF16) => Ok(()),
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
    ///
    /// # Errors
    /// [`Error::Unknown`] for another word.
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
