//! The reader: the header alone at first, then any tensor, some bytes at a time.

use super::LENGTH_FIELD;
use super::parse::{StoredHeader, StoredTensor};
use crate::{Error, Result};
use half::f16;
use safetensors::Dtype;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The most bytes of a tensor that a [`Reader`] has in memory at once.
pub const READ_BYTES: usize = 4 << 20;

/// An open safetensors file whose header was found sound: no tensor overlaps another or leaves the file.
///
/// Only the header is in memory, and [`READ_BYTES`] of a tensor while it is read. See `Writer` for an example of a
/// file, and [`Weights::from_readers`](crate::checkpoint::Weights::from_readers) for one of bytes in memory.
#[derive(Debug)]
pub struct Reader<R = File> {
    source: R,
    path: PathBuf,
    header: StoredHeader,
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
        let file = File::open(&path).map_err(io_error)?;
        Self::of_length(path, file, about.len())
    }
}

impl<R: Read + Seek> Reader<R> {
    /// Reads the header of a file that is somewhere else than on the disk, as a [`Cursor`](std::io::Cursor) over its
    /// bytes. `name` stands for its path in errors.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn new(name: impl Into<PathBuf>, mut source: R) -> Result<Self> {
        let path = name.into();
        let file_len = source.seek(SeekFrom::End(0)).map_err(|e| Error::io(&path, e))?;
        source.rewind().map_err(|e| Error::io(&path, e))?;
        Self::of_length(path, source, file_len)
    }

    fn of_length(path: PathBuf, mut source: R, file_len: u64) -> Result<Self> {
        let io_error = |e| Error::io(&path, e);
        let name = path.display().to_string();
        let mut start = Vec::new();
        // The length of the header is checked before as much is asked for.
        source.by_ref().take(LENGTH_FIELD).read_to_end(&mut start).map_err(io_error)?;
        let header_len = StoredHeader::header_len(&name, &start, file_len)?;
        start.resize(header_len as usize, 0);
        source.read_exact(&mut start[LENGTH_FIELD as usize..]).map_err(io_error)?;
        let header = StoredHeader::parse(&name, &start, file_len)?;
        Ok(Self { source, path, header })
    }

    /// Hands a tensor's bytes to `sink`, in order and at most [`READ_BYTES`] per call, always whole elements: `sink`
    /// gets the offset of the first byte in the tensor, and the bytes.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where there is no such tensor; [`Error::Io`]; whatever `sink` returns, at once.
    pub fn read_bytes(&mut self, name: &str, mut sink: impl FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
        let Some(range) = self.tensor(name).map(|t| t.range.clone()) else {
            let reason = format!("no tensor {name:?} among {}", self.tensors().len());
            return Err(Error::Checkpoint { path: self.path.display().to_string(), reason });
        };
        let path = &self.path;
        let io_error = |at: u64, e: &io::Error| {
            let text = format!("{e} (at byte {at} of {}, tensor {name})", range.end);
            Error::io(path, io::Error::new(e.kind(), text))
        };
        let some = |left: u64| left.min(READ_BYTES as u64) as usize;
        let mut buffer = vec![0; some(range.end - range.start)];
        let mut at = range.start;
        self.source.seek(SeekFrom::Start(at)).map_err(|e| io_error(at, &e))?;
        while at < range.end {
            let n = some(range.end - at);
            self.source.read_exact(&mut buffer[..n]).map_err(|e| io_error(at, &e))?;
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

impl<R> Reader<R> {
    /// The tensors in the file's order.
    #[must_use]
    pub fn tensors(&self) -> &[StoredTensor] {
        self.header.tensors()
    }

    /// The tensor of this name.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&StoredTensor> {
        self.header.tensor(name)
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &StoredHeader {
        &self.header
    }

    /// The file's string-to-string map, empty where it has none.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        self.header.metadata()
    }

    /// The path as given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
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
