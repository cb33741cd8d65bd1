//! A header that was read: what it says, and whether it fits the file.

use super::{FileDType, LENGTH_FIELD, MAX_HEADER, METADATA_KEY};
use crate::checkpoint::lfs::{LFS_POINTER, is_lfs_pointer};
use crate::{DType, Error, Result};
use safetensors::Dtype;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use std::collections::{BTreeMap, HashMap};

/// A tensor of a file, as its header lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTensor {
    /// The name.
    pub name: String,
    /// The dimensions, row-major, outermost first.
    pub dims: Vec<u64>,
    /// The byte range, from the start of the file.
    pub range: std::ops::Range<u64>,
    pub(super) stored: Dtype,
}

impl StoredTensor {
    /// The element type; `None` for one that seedbed does not write.
    #[must_use]
    pub fn dtype(&self) -> Option<DType> {
        self.file_dtype().dtype()
    }

    /// The element type, whichever of the format's it is.
    #[must_use]
    pub fn file_dtype(&self) -> FileDType {
        FileDType(self.stored)
    }

    /// The element type as the format spells it: `F32`, `BF16`, `F64`, `I64`, ..
    #[must_use]
    pub fn dtype_name(&self) -> String {
        self.stored.to_string()
    }

    /// Whether [`Reader::read_f32`](super::Reader::read_f32) can read it.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        matches!(self.stored, Dtype::F64 | Dtype::F32 | Dtype::F16 | Dtype::BF16)
    }

    /// The number of elements.
    #[must_use]
    pub fn count(&self) -> u64 {
        // Checked against the byte range when the header was read.
        self.dims.iter().product()
    }
}

/// The header of a safetensors file that was found sound: no tensor overlaps another or leaves the file. Read from
/// bytes in memory, wherever they come from.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::DType;
/// use seedbed::checkpoint::{Header, HeaderEntry, StoredHeader};
///
/// let entry = HeaderEntry { name: "w".to_owned(), dtype: DType::BF16.into(), dims: vec![3, 4] };
/// let written = Header::new(vec![entry], &[("made".to_owned(), "here".to_owned())].into())?;
///
/// // Of a file that is fetched, its length and first 8 bytes say how much more to ask for.
/// let (start, file_len) = (written.bytes(), written.file_len());
/// let header_len = StoredHeader::header_len("model.safetensors", &start[..8], file_len)?;
/// let header = StoredHeader::parse("model.safetensors", &start[..header_len as usize], file_len)?;
/// let tensor = header.tensor("w").unwrap();
/// assert_eq!((tensor.dtype(), &tensor.dims[..]), (Some(DType::BF16), &[3, 4][..]));
/// assert_eq!(tensor.range, header_len..header_len + 24);
/// assert_eq!(header.metadata()["made"], "here");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct StoredHeader {
    tensors: Vec<StoredTensor>,
    index: HashMap<String, usize>,
    metadata: BTreeMap<String, String>,
}

impl StoredHeader {
    /// How many bytes a file's header takes, the length in front included. `start` is the file's first 8 bytes or more;
    /// `name` stands for its path in errors.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where the file cannot hold it.
    pub fn header_len(name: &str, start: &[u8], file_len: u64) -> Result<u64> {
        let Some(length) = start.first_chunk() else {
            return Err(refuse(name, format!("{} bytes: too short for a safetensors file", start.len())));
        };
        if is_lfs_pointer(start) {
            return Err(refuse(name, LFS_POINTER.to_owned()));
        }
        let json = json_len(u64::from_le_bytes(*length), file_len).map_err(|reason| refuse(name, reason))?;
        Ok(LENGTH_FIELD + json as u64)
    }

    /// Reads the header from the first bytes of a file, of which there may be more.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where it is no safetensors header, does not fit a file of `file_len` bytes, or is cut.
    pub fn parse(name: &str, start: &[u8], file_len: u64) -> Result<Self> {
        let header_len = Self::header_len(name, start, file_len)?;
        let cut = || refuse(name, format!("a header of {header_len} bytes, of which {} are here", start.len()));
        let json = start.get(LENGTH_FIELD as usize..header_len as usize).ok_or_else(cut)?;
        let (tensors, metadata) = parse(json, file_len - header_len).map_err(|reason| refuse(name, reason))?;
        let index = tensors.iter().enumerate().map(|(i, t)| (t.name.clone(), i)).collect();
        Ok(Self { tensors, index, metadata })
    }

    /// The tensors in the file's order.
    #[must_use]
    pub fn tensors(&self) -> &[StoredTensor] {
        &self.tensors
    }

    /// The tensor of this name.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&StoredTensor> {
        Some(&self.tensors[*self.index.get(name)?])
    }

    /// The file's string-to-string map, empty where it has none.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }
}

fn refuse(name: &str, reason: String) -> Error {
    Error::Checkpoint { path: name.to_owned(), reason }
}

/// Checks that a header of `n` bytes fits the file, before anything of that size is allocated.
///
/// # Errors
/// The reason, with the numbers.
fn json_len(n: u64, file_len: u64) -> std::result::Result<usize, String> {
    let room = file_len.saturating_sub(LENGTH_FIELD);
    if n > room {
        return Err(format!("header of {n} bytes, but only {room} follow: truncated, or not a safetensors file"));
    }
    if n > MAX_HEADER {
        return Err(format!(
            "header of {n} bytes, the format allows {MAX_HEADER}, and loaders refuse more: save it as several files"
        ));
    }
    usize::try_from(n).map_err(|e| e.to_string())
}

/// What the header says of a tensor, in numbers of 64 bits whatever the machine's addresses have: a browser reads the
/// headers of files that its memory does not hold.
#[derive(Debug, serde::Deserialize)]
struct Info {
    dtype: Dtype,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

struct Json {
    metadata: BTreeMap<String, String>,
    tensors: Vec<(String, Info)>,
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Json;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Json, A::Error> {
                let mut json = Json { metadata: BTreeMap::new(), tensors: Vec::new() };
                while let Some(key) = map.next_key::<String>()? {
                    let named = |e| A::Error::custom(format_args!("{key:?}: {e}"));
                    if key == METADATA_KEY {
                        json.metadata = map.next_value::<Option<_>>().map_err(named)?.unwrap_or_default();
                    } else {
                        let info = map.next_value().map_err(named)?;
                        json.tensors.push((key, info));
                    }
                }
                Ok(json)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

type Contents = (Vec<StoredTensor>, BTreeMap<String, String>);

/// Reads the JSON, and proves that its tensors cover the `data_len` bytes behind it, each byte once.
///
/// # Errors
/// The reason, with the tensor and the numbers.
fn parse(json: &[u8], data_len: u64) -> std::result::Result<Contents, String> {
    let text = std::str::from_utf8(json).map_err(|e| format!("header: {e}"))?;
    let Json { metadata, mut tensors } = serde_json::from_str(text).map_err(|e| format!("header: {e}"))?;
    tensors.sort_by(|(a_name, a), (b_name, b)| (a.data_offsets, a_name).cmp(&(b.data_offsets, b_name)));

    let mut names = std::collections::HashSet::with_capacity(tensors.len());
    let mut expected = 0;
    for (name, info) in &tensors {
        let (start, end) = info.data_offsets;
        let at = format_args!("bytes {start} to {end} of the data");
        if !names.insert(name.as_str()) {
            return Err(format!("tensor {name:?} occurs twice"));
        }
        if start != expected || end < start {
            return Err(format!("tensor {name:?}: {at}, but the one before it ends at {expected}"));
        }
        if end > data_len {
            return Err(format!("tensor {name:?}: {at}, of which the file has {data_len}"));
        }
        let bits = info.shape.iter().try_fold(info.dtype.bitsize() as u64, |n, &d| n.checked_mul(d));
        if bits.is_none_or(|bits| bits % 8 != 0 || bits / 8 != end - start) {
            return Err(format!("tensor {name:?}: {at} do not hold {} {:?}", info.dtype, info.shape));
        }
        expected = end;
    }
    if expected != data_len {
        return Err(format!("the tensors take {expected} bytes, the file has {data_len}"));
    }
    let base = LENGTH_FIELD + json.len() as u64;
    let stored = |(name, Info { dtype, shape, data_offsets: (start, end) })| StoredTensor {
        name,
        dims: shape,
        range: base + start..base + end,
        stored: dtype,
    };
    Ok((tensors.into_iter().map(stored).collect(), metadata))
}
