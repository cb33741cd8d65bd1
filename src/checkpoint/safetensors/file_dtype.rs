//! The element types of the format, of which seedbed fills three.

use crate::{DType, Error, Result};
use safetensors::Dtype;
use serde::Deserialize;
use serde::de::value::{Error as NameError, StrDeserializer};

/// An element type of the safetensors format. Its text form is the format's: `F32`, `BF16`, `F8_E4M3`, `I64`, `BOOL`.
///
/// ```
/// use seedbed::DType;
/// use seedbed::checkpoint::FileDType;
///
/// let long: FileDType = "I64".parse()?;
/// assert_eq!((long.bits(), long.dtype()), (64, None));
/// assert_eq!(FileDType::from(DType::BF16).to_string(), "BF16");
/// assert_eq!("BF16".parse::<FileDType>()?.dtype(), Some(DType::BF16));
/// assert!("INT".parse::<FileDType>().is_err());
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileDType(pub(super) Dtype);

impl FileDType {
    /// The same type as one that seedbed fills; `None` for all others.
    #[must_use]
    pub const fn dtype(self) -> Option<DType> {
        match self.0 {
            Dtype::F32 => Some(DType::F32),
            Dtype::F16 => Some(DType::F16),
            Dtype::BF16 => Some(DType::BF16),
            // The format's other types, of which later versions of its crate may have more.
            _ => None,
        }
    }

    /// Bits per element: the format has types of 4 and of 6 bits.
    #[must_use]
    pub fn bits(self) -> u64 {
        self.0.bitsize() as u64
    }
}

impl From<DType> for FileDType {
    fn from(dtype: DType) -> Self {
        Self(match dtype {
            DType::F32 => Dtype::F32,
            DType::F16 => Dtype::F16,
            DType::BF16 => Dtype::BF16,
        })
    }
}

impl std::fmt::Display for FileDType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0.to_string())
    }
}

impl std::str::FromStr for FileDType {
    type Err = Error;

    /// Reads the format's spelling.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    fn from_str(text: &str) -> Result<Self> {
        let known = ["F32", "F16", "BF16", "F64", "I64", "I32", "I16", "I8", "U8", "BOOL"];
        let read = Dtype::deserialize(StrDeserializer::<NameError>::new(text));
        read.map(Self).map_err(|_| Error::unknown("dtype", text, known).or_expected("another type of the format"))
    }
}
