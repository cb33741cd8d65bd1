//! The reader: the header alone at first, then any tensor, some bytes at a time.

use super::LENGTH_FIELD;
use super::parse::{StoredTensor, header_len, parse};
use crate::{Error, Result};
use half::f16;
use safetensors::Dtype;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The most bytes of a tensor that a [`Reader`] has in memory at once.
pub const READ_BYTES: usize = 4 << 20;

/// An open safetensors file whose header was found sound: no tensor overlaps another or leaves the file.
///
/// Only the header is in memory, and [`READ_BYTES`] of a tensor while it is read. See [`Writer`](super::Writer) for an
/// example.
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

    /// Hands a tensor's bytes to `sink`, in order and at most [`READ_BYTES`] per call, always whole elements: `sink`
    /// gets the offset of the first byte in the tensor, and the bytes.
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
        let mut buffer = vec![0; READ_BYTES.min((range.end - range.start) as usize)];
        let mut at = range.start;
        self.file.seek(SeekFrom::Start(at)).map_err(|e| io_error(at, &e))?;
        while at < range.end {
            let n = READ_BYTES.min((range.end - at) as usize);
            self.file.read_exact(&mut buffer[..n]).map_err(|e| io_error(at, &e))?;
            sink(at - range.start, &buffer[..n])?;
            at += n as u64;
        }
        Ok(())
    }

    /// Hands a tensor's values to `sink` as f32, in order, some per call: `sink` gets the index of the first element,
    /// and the values. Exact for F32, F16 and BF16; F64 is rounded to nearest.
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
