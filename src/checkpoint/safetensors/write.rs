//! The writer: the header first, then the tensors' bytes, in the file's order or all at once, each at its place; then one rename.

use super::ahead::Ahead;
use super::{Entry, Header};
use crate::{Error, Result};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempPath};

/// Bytes collected before the operating system is called; larger writes pass through uncopied.
const BUFFER: usize = 1 << 20;

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
    ahead: Ahead,
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
        let started = file.write_all(header.bytes());
        let mut writer =
            Self { file, target, header, index: 0, written: 0, sync: true, ahead: Ahead::default(), failed: false };
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

    /// Where the file will stand.
    pub(crate) fn target(&self) -> &Path {
        &self.target
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
        if let Err(e) = self.file.write_all(bytes).and_then(|()| self.went(given)) {
            self.failed = true;
            return Err(self.io(&e));
        }
        self.written += given;
        self.skip_complete();
        Ok(())
    }

    /// Writes all tensors at once: `work` is given the file, the name it will have, the place of the first data byte, and what to tell of bytes as they
    /// are written; when it returns, every data byte of the header stands there.
    ///
    /// # Errors
    /// [`Error::Io`]; those of `work`, after which the file cannot be continued.
    pub(crate) fn write_all_at(
        &mut self,
        work: impl FnOnce((&File, &Path, u64), &mut dyn FnMut(u64) -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        if self.written != 0 || self.failed {
            return Err(self.refuse("all tensors at once: others were written before".to_owned()));
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

    /// So many bytes were handed to the system: from time to time it is asked to bring them to the disk.
    fn went(&mut self, bytes: u64) -> io::Result<()> {
        if self.sync { self.ahead.wrote(self.file.get_ref().as_file(), bytes) } else { Ok(()) }
    }

    /// Flushes, syncs, renames; returns the bytes of the file.
    ///
    /// # Errors
    /// As [`complete`](Self::complete) and [`Complete::persist`]. The target is as before then.
    pub fn finish(self) -> Result<u64> {
        self.complete()?.persist()
    }

    /// Flushes, syncs and closes the temporary file, which does not yet have the target's name.
    ///
    /// # Errors
    /// [`Error::Tensor`] where the pending tensor still needs bytes; [`Error::Io`].
    pub fn complete(mut self) -> Result<Complete> {
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
        let temp = file.into_inner().map_err(|e| Error::io(&target, e.into_error()))?;
        Ok(Complete { temp: temp.into_temp_path(), target, bytes: header.file_len(), sync })
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
        let progress = format!("{e} ({} of {} data bytes taken)", self.written, self.header.data_len());
        Error::io(&self.target, io::Error::new(e.kind(), progress))
    }
}

/// A file that is written whole under a temporary name; dropped, it is removed.
#[derive(Debug)]
pub struct Complete {
    temp: TempPath,
    target: PathBuf,
    bytes: u64,
    sync: bool,
}

impl Complete {
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

    /// Where its bytes are for now.
    pub(crate) fn path(&self) -> &Path {
        &self.temp
    }

    pub(crate) fn into_parts(self) -> (TempPath, PathBuf) {
        (self.temp, self.target)
    }
}

/// Waits until a directory's names are on the disk: they are its own data.
pub(crate) fn sync_directory(dir: &Path) -> Result<()> {
    #[cfg(unix)]
    std::fs::File::open(dir).and_then(|d| d.sync_all()).map_err(|e| Error::io(dir, e))?;
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}

pub(crate) fn directory(target: &Path) -> &Path {
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
