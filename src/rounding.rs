//! How an f32 value becomes a 16-bit one.

use crate::{DType, Error, Result};

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
        [Self::NearestEven, Self::Stochastic].into_iter().find(|r| r.to_string() == s).ok_or_else(|| Error::Unknown {
            what: "rounding",
            given: s.to_owned(),
            expected: "nearest or stochastic".to_owned(),
        })
    }
}
