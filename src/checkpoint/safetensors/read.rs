//! The reader: the header alone at first, then any tensor in pieces.

use super::{LENGTH_FIELD, MAX_HEADER, METADATA_KEY, from_stored};
use crate::{DType, Error, Result};
use half::f16;
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes of a tensor that are in memory at once.
pub const CHUNK: usize = 4 << 20;

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTensor {
    /// The name.
    pub name: String,
    /// The dimensions, row-major, outermost first.
    pub dims: Vec<u64>,
    /// The byte range, from the start of the file.
    pub range: std::ops::Range<u64>,
    stored: Dtype,
}

impl StoredTensor {
    /// The element type; `None` for one that seedbed does not write.
    #[must_use]
    pub fn dtype(&self) -> Option<DType> {
        from_stored(self.stored)
    }

    /// The element type as the format spells it: `F32`, `BF16`, `F64`, `I64`, ..
    #[must_use]
    pub fn dtype_name(&self) -> String {
        self.stored.to_string()
    }

    /// Whether [`Reader::read_f32`] can read it.
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

/// An open safetensors file whose header was found sound: no tensor overlaps another or leaves the file.
#[derive(Debug)]
pub struct Reader {
    file: File,
    path: PathBuf,
    tensors: Vec<StoredTensor>,
    index: HashMap<String, usize>,
    metadata: BTreeMap<String, String>,
}

impl Reader {
    /// Opens a file and reads its header, not its data.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Checkpoint`] where the header is no safetensors header or does not fit the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let io_error = |e| Error::io(&path, e);
        let refuse = |reason| Error::Checkpoint { path: path.display().to_string(), reason };

        // Asked before opening, which would wait for the other end of a pipe.
        let about = std::fs::metadata(&path).map_err(io_error)?;
        if !about.is_file() {
            return Err(refuse("is not a regular file".to_owned()));
        }
        let mut file = File::open(&path).map_err(io_error)?;
        let file_len = about.len();
        if file_len < LENGTH_FIELD {
            return Err(refuse(format!("{file_len} bytes: too short for a safetensors file")));
        }
        let mut length = [0; LENGTH_FIELD as usize];
        file.read_exact(&mut length).map_err(io_error)?;
        let json_len = header_len(u64::from_le_bytes(length), file_len).map_err(refuse)?;
        let mut json = vec![0; json_len];
        file.read_exact(&mut json).map_err(io_error)?;
        let (tensors, metadata) = parse(&json, file_len - LENGTH_FIELD - json_len as u64).map_err(refuse)?;
        let index = tensors.iter().enumerate().map(|(i, t)| (t.name.clone(), i)).collect();
        Ok(Self { file, path, tensors, index, metadata })
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

    /// The path as given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Hands a tensor's bytes to `sink`, at most [`CHUNK`] at once and in order, each piece with its offset in
    /// the tensor. Pieces hold whole elements.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where there is no such tensor; [`Error::Io`]; whatever `sink` returns, at once.
    pub fn read_bytes(&mut self, name: &str, mut sink: impl FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
        let Some(&index) = self.index.get(name) else {
            let reason = format!("no tensor {name:?} among {}", self.tensors.len());
            return Err(Error::Checkpoint { path: self.path.display().to_string(), reason });
        };
        let range = self.tensors[index].range.clone();
        let path = &self.path;
        let io_error = |at: u64, e: &io::Error| {
            let text = format!("{e} (at byte {at} of {}, tensor {name})", range.end);
            Error::io(path, io::Error::new(e.kind(), text))
        };
        let mut buffer = vec![0; CHUNK.min((range.end - range.start) as usize)];
        let mut at = range.start;
        self.file.seek(SeekFrom::Start(at)).map_err(|e| io_error(at, &e))?;
        while at < range.end {
            let n = CHUNK.min((range.end - at) as usize);
            self.file.read_exact(&mut buffer[..n]).map_err(|e| io_error(at, &e))?;
            sink(at - range.start, &buffer[..n])?;
            at += n as u64;
        }
        Ok(())
    }

    /// Hands a tensor's values to `sink` as f32, in order, each piece with the index of its first element.
    /// Exact for F32, F16 and BF16; F64 is rounded to nearest.
    ///
    /// # Errors
    /// As [`read_bytes`](Self::read_bytes), and [`Error::Tensor`] for any other dtype.
    pub fn read_f32(&mut self, name: &str, mut sink: impl FnMut(u64, &[f32]) -> Result<()>) -> Result<()> {
        let Some(dtype) = self.tensor(name).map(|t| t.stored) else {
            return self.read_bytes(name, |_, _| Ok(()));
        };
        let size = match dtype {
            Dtype::F64 => 8,
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::BF16 => 2,
            other => {
                let known = ["F32", "F16", "BF16", "F64"];
                return Err(Error::unknown("dtype", other.to_string(), known).in_tensor(name));
            }
        };
        let mut values = Vec::new();
        self.read_bytes(name, |at, bytes| {
            decode(dtype, bytes, &mut values);
            sink(at / size, &values)
        })
    }
}

fn decode(dtype: Dtype, bytes: &[u8], values: &mut Vec<f32>) {
    values.clear();
    let halves = || bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    match dtype {
        Dtype::F16 => values.extend(halves().map(|h| f16::from_bits(h).to_f32())),
        Dtype::BF16 => values.extend(halves().map(|h| f32::from_bits(u32::from(h) << 16))),
        Dtype::F64 => {
            let wide = |b: &[u8]| f64::from_le_bytes(b.try_into().unwrap_or_default());
            values.extend(bytes.chunks_exact(8).map(|b| wide(b) as f32));
        }
        _ => values.extend(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
    }
}

/// The header's length, found to fit the file before anything of that size is allocated.
pub(super) fn header_len(n: u64, file_len: u64) -> Result<usize, String> {
    let room = file_len.saturating_sub(LENGTH_FIELD);
    if n > MAX_HEADER {
        return Err(format!("header of {n} bytes, the format allows {MAX_HEADER}: not a safetensors file"));
    }
    if n > room {
        return Err(format!("header of {n} bytes, but only {room} follow: truncated, or not a safetensors file"));
    }
    usize::try_from(n).map_err(|e| e.to_string())
}

struct Json {
    metadata: BTreeMap<String, String>,
    tensors: Vec<(String, TensorInfo)>,
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Json;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
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

/// Reads the JSON and proves that its tensors tile the `data_len` bytes behind it.
pub(super) fn parse(json: &[u8], data_len: u64) -> Result<Contents, String> {
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
        if end as u64 > data_len {
            return Err(format!("tensor {name:?}: {at}, of which the file has {data_len}"));
        }
        let bits = info.shape.iter().try_fold(info.dtype.bitsize(), |n, &d| n.checked_mul(d));
        if bits.is_none_or(|bits| bits % 8 != 0 || bits / 8 != end - start) {
            return Err(format!("tensor {name:?}: {at} do not hold {} {:?}", info.dtype, info.shape));
        }
        expected = end;
    }
    if expected as u64 != data_len {
        return Err(format!("the tensors take {expected} bytes, the file has {data_len}"));
    }
    let stored = |(name, info): &(String, TensorInfo)| StoredTensor {
        name: name.clone(),
        dims: info.shape.iter().map(|&d| d as u64).collect(),
        range: {
            let base = LENGTH_FIELD + json.len() as u64;
            base + info.data_offsets.0 as u64..base + info.data_offsets.1 as u64
        },
        stored: info.dtype,
    };
    let found = tensors.iter().map(stored).collect();
    // Whatever else the format asks for.
    Metadata::new(None, tensors).map_err(|e| format!("header: {e}"))?;
    Ok((found, metadata))
}
