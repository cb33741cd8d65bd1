//! Several safetensors files, filled and written one after the other.

use super::WriteOptions;
use super::in_place::fill_in_place;
use super::pipeline::in_order;
use crate::backend::Backend;
use crate::checkpoint::disk::WRITES_AT_OFFSETS;
use crate::checkpoint::memory::check_matrices;
use crate::checkpoint::{CompleteFile, Header, HeaderEntry, Progress, Writer};
use crate::{Error, Fill, Result};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread::{Builder, JoinHandle};

/// One safetensors file that is to be written.
#[derive(Debug)]
pub struct FilePlan {
    /// Where it will stand.
    pub target: PathBuf,
    pub header: Header,
    /// Its tensors, in the header's order.
    pub fills: Vec<Fill>,
}

impl FilePlan {
    /// Lays out fills, each with the dimensions that it has in the file.
    ///
    /// # Errors
    /// Those of [`Header::new`].
    pub fn new(target: PathBuf, tensors: Vec<(Fill, Vec<u64>)>, metadata: &BTreeMap<String, String>) -> Result<Self> {
        let entry = |(fill, dims): &(Fill, Vec<u64>)| HeaderEntry {
            name: fill.name().to_owned(),
            dtype: fill.dtype(),
            dims: dims.clone(),
        };
        let header = Header::new(tensors.iter().map(entry).collect(), metadata)?;
        let mut by_name: HashMap<String, Fill> = tensors.into_iter().map(|(f, _)| (f.name().to_owned(), f)).collect();
        let fills = header.entries().iter().filter_map(|e| by_name.remove(&e.name)).collect();
        Ok(Self { target, header, fills })
    }
}

/// Files that are written one after the other; those that are complete do not have their names yet.
struct Queue {
    waiting: std::vec::IntoIter<(PathBuf, Header)>,
    open: Option<Writer>,
    /// The file before: it is brought to the disk while the next one is written.
    syncing: Option<JoinHandle<Result<CompleteFile>>>,
    complete: Vec<CompleteFile>,
    sync: bool,
}

impl Queue {
    /// Goes on to the next file that needs bytes, or until all files are complete.
    fn advance(&mut self) -> Result<()> {
        loop {
            match self.open.take() {
                Some(writer) if writer.pending().is_some() => {
                    self.open = Some(writer);
                    return Ok(());
                }
                Some(writer) => {
                    self.settle()?;
                    let target = writer.target().to_path_buf();
                    let thread = Builder::new().spawn(|| writer.complete());
                    self.syncing = Some(thread.map_err(|e| Error::io(target, e))?);
                }
                None => match self.waiting.next() {
                    Some((target, header)) => self.open = Some(Writer::create(target, header)?.sync(self.sync)),
                    None => return self.settle(),
                },
            }
        }
    }

    /// Waits until the file before is on the disk.
    fn settle(&mut self) -> Result<()> {
        if let Some(thread) = self.syncing.take() {
            self.complete.push(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(())
    }

    /// Writes all tensors of the open file.
    fn write_all_at(
        &mut self,
        work: impl FnOnce((&File, &Path, u64), &mut dyn FnMut(u64) -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        if let Some(writer) = &mut self.open {
            writer.write_all_at(work)?;
        }
        self.advance()
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(writer) = &mut self.open {
            writer.write(bytes)?;
        }
        self.advance()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // A temporary file is removed by its thread, which must not outlive the call. An error is on its way already,
        // so that of the thread is not told.
        let _ = self.syncing.take().map(JoinHandle::join);
    }
}

/// Writes files under temporary names. `progress` is told the bytes of all files together, and once more when
/// everything is on the disk.
///
/// # Errors
/// Those of [`write_safetensors`](super::write_safetensors).
pub fn write_files(
    files: Vec<FilePlan>,
    backend: &Backend,
    options: &WriteOptions,
    progress: Progress<'_>,
) -> Result<Vec<CompleteFile>> {
    check_matrices(files.iter().flat_map(|f| &f.fills), options.memory)?;
    let (parts, fills): (Vec<_>, Vec<_>) = files.into_iter().map(|f| ((f.target, f.header), f.fills)).unzip();
    let mut queue =
        Queue { waiting: parts.into_iter(), open: None, syncing: None, complete: Vec::new(), sync: options.sync };
    queue.advance()?;
    let mut done = 0;
    if let (Backend::Cpu(level), true) = (backend, WRITES_AT_OFFSETS) {
        for fills in fills.iter().filter(|fills| fills.iter().any(|f| f.bytes() > 0)) {
            queue.write_all_at(|(file, path, at), wrote| {
                let mut progress = |bytes| progress(done + bytes);
                fill_in_place(fills, *level, (file, path, at), options.memory, wrote, &mut progress)
            })?;
            done += fills.iter().map(Fill::bytes).sum::<u64>();
        }
    } else {
        let fills: Vec<&Fill> = fills.iter().flatten().collect();
        in_order(&fills, options.memory, backend, progress, |bytes| queue.write(bytes))?;
        done = fills.iter().map(|f| f.bytes()).sum();
    }
    // The caller may have been interrupted while the disk was waited for.
    progress(done)?;
    Ok(std::mem::take(&mut queue.complete))
}
