//! The writer: the header first, then every tensor's bytes in the file's order, then one rename.

use super::{LENGTH_FIELD, MAX_HEADER, METADATA_KEY, to_stored};
use crate::{DType, Error, Result};
use safetensors::tensor::{Metadata, TensorInfo};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Bytes collected before the operating system is called; larger writes pass through uncopied.
const BUFFER: usize = 1 << 20;

/// One tensor to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name: any UTF-8 except `__metadata__`.
    pub name: String,
    /// The element type.
    pub dtype: DType,
    /// The dimensions, row-major, outermost first; `[]` is one element, a 0 means no bytes at all.
    pub dims: Vec<u64>,
}

/// Where everything will stand in a file: computed without touching the disk.
///
/// The tensors are ordered by the dtype's alignment, descending, then by name, as the `safetensors` crate
/// orders them, and the bytes equal that crate's. One addition: the metadata's keys are sorted (there their
/// order changes from run to run), so equal input gives equal files.
#[derive(Clone, Debug)]
pub struct Header {
    /// Length field, JSON and padding.
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// Where each entry ends in the data section.
    ends: Vec<u64>,
}

struct Json<'a> {
    metadata: &'a BTreeMap<String, String>,
    tensors: &'a [(String, TensorInfo)],
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.tensors.len() + 1))?;
        map.serialize_entry(METADATA_KEY, self.metadata)?;
        for (name, info) in self.tensors {
            map.serialize_entry(name, info)?;
        }
        map.end()
    }
}

impl Header {
    /// Orders the entries and lays them out. `"format": "pt"` is added to the metadata where it has no `format`:
    /// loaders refuse files without one.
    ///
    /// # Errors
    /// [`Error::Tensor`] where a name occurs twice, is `__metadata__`, or a tensor exceeds the address space;
    /// [`Error::Placement`] where the header exceeds [`MAX_HEADER`] bytes.
    pub fn new(mut entries: Vec<Entry>, metadata: &BTreeMap<String, String>) -> Result<Self> {
        entries.sort_by(|a, b| to_stored(b.dtype).cmp(&to_stored(a.dtype)).then_with(|| a.name.cmp(&b.name)));
        let mut names = std::collections::HashSet::with_capacity(entries.len());
        for entry in &entries {
            if entry.name == METADATA_KEY || !names.insert(entry.name.as_str()) {
                let why =
                    if entry.name == METADATA_KEY { "the name is the format's own" } else { "the name occurs twice" };
                return Err(Error::Placement(why.to_owned()).in_tensor(&entry.name));
            }
        }
        let mut metadata = metadata.clone();
        metadata.entry("format".to_owned()).or_insert_with(|| "pt".to_owned());

        let mut at = 0usize;
        let mut tensors = Vec::with_capacity(entries.len());
        for entry in &entries {
            let (shape, bytes) = sizes(entry)?;
            let end = at.checked_add(bytes).ok_or_else(|| too_large(entry))?;
            let info = TensorInfo { dtype: to_stored(entry.dtype), shape, data_offsets: (at, end) };
            tensors.push((entry.name.clone(), info));
            at = end;
        }
        let ends = tensors.iter().map(|(_, info)| info.data_offsets.1 as u64).collect();

        let fail = |e: &dyn std::fmt::Display| Error::Placement(format!("safetensors header: {e}"));
        let mut bytes = vec![0; LENGTH_FIELD as usize];
        serde_json::to_writer(&mut bytes, &Json { metadata: &metadata, tensors: &tensors }).map_err(|e| fail(&e))?;
        // The format's own opinion of what was laid out here.
        Metadata::new(Some(HashMap::from_iter(metadata)), tensors).map_err(|e| fail(&e))?;

        bytes.resize(bytes.len().next_multiple_of(LENGTH_FIELD as usize), b' ');
        let json = bytes.len() as u64 - LENGTH_FIELD;
        if json > MAX_HEADER {
            let n = entries.len();
            return Err(fail(&format!("{json} bytes for {n} tensors, the format allows {MAX_HEADER}: write shards")));
        }
        bytes[..LENGTH_FIELD as usize].copy_from_slice(&json.to_le_bytes());
        Ok(Self { bytes, entries, ends })
    }

    /// The first bytes of the file: length field, JSON, padding.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The entries in the file's order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The byte range of entry `index` in the data section; `None` past the last.
    #[must_use]
    pub fn range(&self, index: usize) -> Option<std::ops::Range<u64>> {
        let end = *self.ends.get(index)?;
        Some(if index == 0 { 0 } else { self.ends[index - 1] }..end)
    }

    /// Bytes of all tensors together.
    #[must_use]
    pub fn data_len(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Bytes of the whole file.
    #[must_use]
    pub fn file_len(&self) -> u64 {
        self.bytes.len() as u64 + self.data_len()
    }
}

fn too_large(entry: &Entry) -> Error {
    let reason = format!("{} is more than a file can hold", entry.dtype);
    Error::Shape { shape: entry.dims.clone(), reason }.in_tensor(&entry.name)
}

fn sizes(entry: &Entry) -> Result<(Vec<usize>, usize)> {
    let dims: Option<Vec<usize>> = entry.dims.iter().map(|&d| usize::try_from(d).ok()).collect();
    let dims = dims.ok_or_else(|| too_large(entry))?;
    let count = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    // The format counts bits, so a size must fit in eight times its bytes.
    let bytes = count.and_then(|n| n.checked_mul(8)?.checked_mul(entry.dtype.size() as usize)).map(|bits| bits / 8);
    Ok((dims, bytes.ok_or_else(|| too_large(entry))?))
}

/// Writes one safetensors file: all tensors in the order of [`Header::entries`], each in as many pieces as suit.
///
/// The bytes go to a temporary file in the target's directory, which [`finish`](Self::finish) renames: the target is
/// absent (or its old self) or complete, and a writer that is dropped leaves nothing behind.
#[derive(Debug)]
pub struct Writer {
    file: BufWriter<NamedTempFile>,
    target: PathBuf,
    header: Header,
    /// The tensor that is being written, and how many data bytes were.
    index: usize,
    written: u64,
    sync: bool,
    /// A failed write may have left part of a piece behind: nothing may follow it.
    failed: bool,
}

impl Writer {
    /// Starts a file that will stand at `target`, replacing what stands there.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where `target` is no file name, or names something that is not a regular file;
    /// [`Error::Io`] where its directory cannot be written to.
    pub fn create(target: impl AsRef<Path>, header: Header) -> Result<Self> {
        let target = target.as_ref().to_path_buf();
        let refuse = |reason: &str| Error::Checkpoint { path: target.display().to_string(), reason: reason.to_owned() };
        if target.file_name().is_none() {
            return Err(refuse("is not the name of a file"));
        }
        // A rename would replace a device such as /dev/null by a file.
        if std::fs::metadata(&target).is_ok_and(|m| !m.is_file()) {
            return Err(refuse("exists and is not a regular file"));
        }
        let temp = new_temp(directory(&target)).map_err(|e| Error::io(&target, e))?;
        let mut file = BufWriter::with_capacity(BUFFER, temp);
        let started = file.write_all(&header.bytes);
        let mut writer = Self { file, target, header, index: 0, written: 0, sync: true, failed: false };
        started.map_err(|e| writer.io(&e))?;
        writer.skip_complete();
        Ok(writer)
    }

    /// Whether [`finish`](Self::finish) waits until the file is on the disk; it does unless told otherwise.
    #[must_use]
    pub fn sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// What stands where.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The tensor whose bytes come next and how many it still needs, at least 1; `None` once all are written.
    /// Tensors without elements are passed over.
    #[must_use]
    pub fn pending(&self) -> Option<(&Entry, u64)> {
        let entry = self.header.entries.get(self.index)?;
        Some((entry, self.header.ends[self.index] - self.written))
    }

    /// Writes the next bytes of the pending tensor: little-endian elements in row-major order.
    ///
    /// # Errors
    /// [`Error::Tensor`] where there are more bytes than it still needs: none is written then. [`Error::Io`], after
    /// which the file cannot be continued.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let given = bytes.len() as u64;
        match self.pending() {
            _ if given == 0 => return Ok(()),
            None => return Err(self.refuse(format!("{given} bytes after the last tensor"))),
            Some((entry, left)) if given > left => {
                return Err(self.refuse(format!("{given} bytes given, {left} missing")).in_tensor(&entry.name));
            }
            Some(_) => {}
        }
        if self.failed {
            return Err(self.refuse("an earlier write failed".to_owned()));
        }
        if let Err(e) = self.file.write_all(bytes) {
            self.failed = true;
            return Err(self.io(&e));
        }
        self.written += given;
        self.skip_complete();
        Ok(())
    }

    /// Flushes, syncs, renames; returns the bytes of the file.
    ///
    /// # Errors
    /// [`Error::Tensor`] where the pending tensor still needs bytes; [`Error::Io`]. The target is as before then.
    pub fn finish(mut self) -> Result<u64> {
        if let Some((entry, left)) = self.pending() {
            let total = self.header.data_len();
            let reason = format!("unfinished: {left} bytes missing, {} of {total} written in all", self.written);
            return Err(self.refuse(reason).in_tensor(&entry.name));
        }
        self.file.flush().map_err(|e| self.io(&e))?;
        if self.sync {
            self.file.get_ref().as_file().sync_all().map_err(|e| self.io(&e))?;
        }
        let Self { file, target, header, sync, .. } = self;
        let temp = file.into_inner().map_err(|e| Error::io(&target, e.into_error()))?;
        temp.persist(&target).map_err(|e| Error::io(&target, e.error))?;
        #[cfg(unix)]
        if sync {
            // The new name is in the directory's own data.
            let dir = directory(&target);
            std::fs::File::open(dir).and_then(|d| d.sync_all()).map_err(|e| Error::io(dir, e))?;
        }
        #[cfg(not(unix))]
        let _ = sync;
        Ok(header.file_len())
    }

    fn skip_complete(&mut self) {
        while self.header.ends.get(self.index).is_some_and(|&end| end == self.written) {
            self.index += 1;
        }
    }

    fn refuse(&self, reason: String) -> Error {
        Error::Checkpoint { path: self.target.display().to_string(), reason }
    }

    fn io(&self, e: &io::Error) -> Error {
        let progress = format!("{e} ({} of {} data bytes taken)", self.written, self.header.data_len());
        Error::io(&self.target, io::Error::new(e.kind(), progress))
    }
}

fn directory(target: &Path) -> &Path {
    match target.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

pub(crate) fn new_temp(dir: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".seedbed-").suffix(".tmp");
    // The default is 0600, which a rename would keep; the umask takes its share from 0666.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(dir)
}

#[cfg(test)]
impl Writer {
    pub(super) fn temp_path(&self) -> PathBuf {
        self.file.get_ref().path().to_path_buf()
    }
}
