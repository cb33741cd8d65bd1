//! The writer: the header first, then the tensors' bytes, in the file's order or each at its offset; then one rename.

use super::{Header, HeaderEntry};
use crate::checkpoint::disk::{Ahead, directory, new_temp, sync_directory, without_temp_path};
use crate::{Error, Result};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempPath};

/// Bytes collected before the operating system is called; larger writes pass through uncopied.
const BUFFER: usize = 1 << 20;

/// Writes one safetensors file: all tensors in the order of [`Header::entries`], each by as many calls as suit.
///
/// The bytes go to a temporary file in the target's directory, which [`finish`](Self::finish) renames: at any time the
/// target is as it was before, or complete. A writer that is dropped leaves nothing behind.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::DType;
/// use seedbed::checkpoint::{Header, HeaderEntry, Reader, Writer};
/// use std::collections::BTreeMap;
///
/// let entry = HeaderEntry { name: "w".to_owned(), dtype: DType::F16.into(), dims: vec![2, 2] };
/// let dir = tempfile::tempdir().unwrap();
/// let target = dir.path().join("w.safetensors");
/// let mut writer = Writer::create(&target, Header::new(vec![entry], &BTreeMap::new())?)?;
/// while let Some((entry, missing)) = writer.pending() {
///     assert_eq!((entry.name.as_str(), missing), ("w", 8));
///     writer.write(&[0; 8])?;
/// }
/// writer.finish()?;
///
/// let mut reader = Reader::open(&target)?;
/// let mut values = Vec::new();
/// reader.read_f32("w", |_, read| {
///     values.extend_from_slice(read);
///     Ok(())
/// })?;
/// assert_eq!(values, [0.0; 4]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Writer {
    file: BufWriter<NamedTempFile>,
    target: PathBuf,
    header: Header,
    /// The tensor that is being written, and how many data bytes were.
    index: usize,
    written: u64,
    sync: bool,
    ahead: Ahead,
    /// A failed write may have left some of its bytes behind: nothing may follow it.
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
        // A rename would replace a device such as /dev/null with a file.
        if std::fs::metadata(&target).is_ok_and(|m| !m.is_file()) {
            return Err(refuse("exists and is not a regular file"));
        }
        let temp = new_temp(directory(&target)).map_err(|e| Error::io(&target, e))?;
        let mut file = BufWriter::with_capacity(BUFFER, temp);
        let started = file.write_all(header.bytes());
        let mut writer =
            Self { file, target, header, index: 0, written: 0, sync: true, ahead: Ahead::default(), failed: false };
        started.map_err(|e| writer.io(&e))?;
        writer.skip_complete();
        Ok(writer)
    }

    /// The same writer, which waits at the end until the file is on the disk, or does not. By default it waits.
    #[must_use]
    pub fn sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// Where the file will stand.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// The header that was given.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The tensor whose bytes come next and how many it still needs, at least 1; `None` once all are written.
    /// Tensors without elements are passed over.
    #[must_use]
    pub fn pending(&self) -> Option<(&HeaderEntry, u64)> {
        let entry = self.header.entries().get(self.index)?;
        Some((entry, self.header.range(self.index)?.end - self.written))
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
        if let Err(e) = self.file.write_all(bytes).and_then(|()| self.count(given)) {
            self.failed = true;
            return Err(self.io(&e));
        }
        self.written += given;
        self.skip_complete();
        Ok(())
    }

    /// Writes all tensors at once. `work` is given the file, the path that it will have, the offset of the first data
    /// byte, and a function to be told how many bytes were written, as they are. When it returns, it has written every
    /// data byte of the header.
    ///
    /// # Errors
    /// [`Error::Io`]; those of `work`, after which the file cannot be continued.
    pub(crate) fn write_all_at(
        &mut self,
        work: impl FnOnce((&File, &Path, u64), &mut dyn FnMut(u64) -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        if self.written != 0 || self.failed {
            return Err(self.refuse("all tensors are to be written at once, but some were written before".to_owned()));
        }
        self.failed = true;
        self.file.flush().map_err(|e| self.io(&e))?;
        let (file, ahead) = (self.file.get_ref().as_file(), &mut self.ahead);
        work((file, &self.target, self.header.bytes().len() as u64), &mut |bytes| {
            if self.sync {
                ahead.wrote(file, bytes).map_err(|e| Error::io(&self.target, e))?;
            }
            Ok(())
        })?;
        self.failed = false;
        self.written = self.header.data_len();
        self.index = self.header.entries().len();
        Ok(())
    }

    /// Counts bytes that were handed to the system: from time to time it is asked to bring them to the disk.
    fn count(&mut self, bytes: u64) -> io::Result<()> {
        if self.sync { self.ahead.wrote(self.file.get_ref().as_file(), bytes) } else { Ok(()) }
    }

    /// Flushes, syncs, renames; returns the bytes of the file.
    ///
    /// # Errors
    /// As [`complete`](Self::complete) and [`CompleteFile::persist`]. The target is as before then.
    pub fn finish(self) -> Result<u64> {
        self.complete()?.persist()
    }

    /// Flushes, syncs and closes the temporary file, which does not yet have the target's name.
    ///
    /// # Errors
    /// [`Error::Tensor`] where the pending tensor still needs bytes; [`Error::Io`].
    pub fn complete(mut self) -> Result<CompleteFile> {
        if let Some((entry, left)) = self.pending() {
            let total = self.header.data_len();
            let reason = format!("unfinished: {left} bytes missing, {} of {total} written in all", self.written);
            return Err(self.refuse(reason).in_tensor(&entry.name));
        }
        self.file.flush().map_err(|e| self.io(&e))?;
        self.ahead.finish().map_err(|e| self.io(&e))?;
        if self.sync {
            self.file.get_ref().as_file().sync_all().map_err(|e| self.io(&e))?;
        }
        let Self { file, target, header, sync, .. } = self;
        let temp = file.into_inner().map_err(|e| Error::io(&target, without_temp_path(&e.into_error())))?;
        Ok(CompleteFile { temp: temp.into_temp_path(), target, bytes: header.file_len(), sync })
    }

    fn skip_complete(&mut self) {
        while self.header.range(self.index).is_some_and(|range| range.end == self.written) {
            self.index += 1;
        }
    }

    fn refuse(&self, reason: String) -> Error {
        Error::Checkpoint { path: self.target.display().to_string(), reason }
    }

    fn io(&self, e: &io::Error) -> Error {
        let progress =
            format!("{} ({} of {} data bytes taken)", without_temp_path(e), self.written, self.header.data_len());
        Error::io(&self.target, io::Error::new(e.kind(), progress))
    }
}

/// A file whose bytes are all written, under a temporary name. Dropped without [`persist`](Self::persist), it is
/// removed.
#[derive(Debug)]
pub struct CompleteFile {
    temp: TempPath,
    target: PathBuf,
    bytes: u64,
    sync: bool,
}

impl CompleteFile {
    /// Bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives the file its name, replacing what stands there; returns its bytes.
    ///
    /// # Errors
    /// [`Error::Io`]; the target is as before then.
    pub fn persist(self) -> Result<u64> {
        self.temp.persist(&self.target).map_err(|e| Error::io(&self.target, e.error))?;
        if self.sync {
            sync_directory(directory(&self.target))?;
        }
        Ok(self.bytes)
    }

    /// The temporary file.
    pub(crate) fn path(&self) -> &Path {
        &self.temp
    }

    pub(crate) fn into_parts(self) -> (TempPath, PathBuf) {
        (self.temp, self.target)
    }
}

#[cfg(test)]
impl Writer {
    pub(super) fn temp_path(&self) -> PathBuf {
        self.file.get_ref().path().to_path_buf()
    }
}
