//! The element types that can be stored: names, sizes and ranges. rounding.rs has how values are rounded to them.

use crate::{Error, Result};
use half::{bf16, f16};

/// The type of a stored element. Values are computed in f32; a 16-bit value is the f32 value rounded once, as
/// [`Rounding`] says.
///
/// Its text form is `f32`, `f16` or `bf16`; `parse` also reads torch's names of them, `float32` and so on, in either
/// case.
///
/// ```
/// # use seedbed::DType;
/// assert_eq!("bfloat16".parse::<DType>()?, DType::BF16);
/// assert_eq!((DType::BF16.to_string(), DType::BF16.size()), ("bf16".to_owned(), 2));
/// assert_eq!(DType::F16.round(70_000.0), f32::INFINITY);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// [`Rounding`]: crate::Rounding
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

    /// Bytes per element.
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

    /// The largest finite value: 65504 for f16.
    #[must_use]
    pub fn max(self) -> f64 {
        match self {
            Self::F32 => f64::from(f32::MAX),
            Self::F16 => f16::MAX.to_f64(),
            Self::BF16 => bf16::MAX.to_f64(),
        }
    }

    /// The name that a `config.json` uses: `float32`, `float16`, `bfloat16`.
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
    ///
    /// # Errors
    /// [`Error::Unknown`] for another name.
    fn from_str(s: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|d| s.eq_ignore_ascii_case(&d.to_string()) || s.eq_ignore_ascii_case(d.long_name()))
            .ok_or_else(|| Error::unknown("dtype", s, Self::ALL.map(|d| d.to_string())))
    }
}
