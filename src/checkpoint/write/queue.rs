//! Several safetensors files, filled and written one after the other.

use super::WriteOptions;
use super::carried::{Carried, Sources};
use super::in_place::fill_in_place;
use super::pipeline::in_order;
use crate::backend::Backend;
use crate::checkpoint::disk::{WRITES_AT_OFFSETS, write_all_at};
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
    /// Its tensors that are filled, in the header's order, each with its first byte in the data section.
    pub fills: Vec<(Fill, u64)>,
    /// Its other tensors, likewise.
    pub carried: Vec<(Carried, u64)>,
}

impl FilePlan {
    /// Lays out fills, each with the dimensions that it has in the file, and other tensors with their entries.
    ///
    /// # Errors
    /// Those of [`Header::new`].
    pub fn new(
        target: PathBuf,
        tensors: Vec<(Fill, Vec<u64>)>,
        others: Vec<(Carried, HeaderEntry)>,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let entry = |(fill, dims): &(Fill, Vec<u64>)| HeaderEntry {
            name: fill.name().to_owned(),
            dtype: fill.dtype().into(),
            dims: dims.clone(),
        };
        let entries = tensors.iter().map(entry).chain(others.iter().map(|(_, entry)| entry.clone()));
        let header = Header::new(entries.collect(), metadata)?;
        let mut by_name: HashMap<String, Fill> = tensors.into_iter().map(|(f, _)| (f.name().to_owned(), f)).collect();
        let mut others: HashMap<String, Carried> = others.into_iter().map(|(c, _)| (c.name.clone(), c)).collect();
        let (mut fills, mut carried, mut at) = (Vec::new(), Vec::new(), 0);
        for (i, entry) in header.entries().iter().enumerate() {
            fills.extend(by_name.remove(&entry.name).map(|fill| (fill, at)));
            carried.extend(others.remove(&entry.name).map(|other| (other, at)));
            at = header.range(i).map_or(at, |range| range.end);
        }
        Ok(Self { target, header, fills, carried })
    }
}

/// Files that are written one after the other; those that are complete do not have their names yet.
struct Queue<'a> {
    waiting: std::vec::IntoIter<(PathBuf, Header, HashMap<String, Carried>)>,
    open: Option<Writer>,
    /// Tensors of the open file that no fill makes, where they are written in their turn.
    carried: HashMap<String, Carried>,
    sources: &'a mut Sources,
    /// The file before: it is brought to the disk while the next one is written.
    syncing: Option<JoinHandle<Result<CompleteFile>>>,
    complete: Vec<CompleteFile>,
    sync: bool,
}

impl Queue<'_> {
    /// Goes on to the next file that needs bytes of a fill, or until all files are complete.
    fn advance(&mut self) -> Result<()> {
        loop {
            match self.open.take() {
                Some(mut writer) if writer.pending().is_some() => {
                    let carried = writer.pending().and_then(|(entry, _)| self.carried.remove(&entry.name));
                    let Some(carried) = carried else {
                        self.open = Some(writer);
                        return Ok(());
                    };
                    self.sources.read(&carried, |_, bytes| writer.write(bytes))?;
                    self.open = Some(writer);
                }
                Some(writer) => {
                    self.settle()?;
                    let target = writer.target().to_path_buf();
                    let thread = Builder::new().spawn(|| writer.complete());
                    self.syncing = Some(thread.map_err(|e| Error::io(target, e))?);
                }
                None => match self.waiting.next() {
                    Some((target, header, carried)) => {
                        self.carried = carried;
                        self.open = Some(Writer::create(target, header)?.sync(self.sync));
                    }
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
        work: impl FnOnce(&mut Sources, (&File, &Path, u64), &mut dyn FnMut(u64) -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        if let Some(writer) = &mut self.open {
            let sources = &mut *self.sources;
            writer.write_all_at(|place, wrote| work(sources, place, wrote))?;
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

impl Drop for Queue<'_> {
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
    sources: &mut Sources,
    backend: &Backend,
    options: &WriteOptions,
    progress: Progress<'_>,
) -> Result<Vec<CompleteFile>> {
    check_matrices(files.iter().flat_map(|f| f.fills.iter().map(|(fill, _)| fill)), options.memory)?;
    let level = match backend {
        Backend::Cpu(level) if WRITES_AT_OFFSETS => Some(*level),
        Backend::Cpu(_) => None,
        #[cfg(feature = "gpu")]
        Backend::Gpu(_) => None,
    };
    let (mut waiting, mut work) = (Vec::new(), Vec::new());
    for file in files {
        let bytes = file.header.data_len();
        // In order, the queue writes them in their turn; in place, whoever fills the others.
        let in_turn = if level.is_none() {
            file.carried.iter().map(|(c, _)| (c.name.clone(), c.clone())).collect()
        } else {
            HashMap::new()
        };
        waiting.push((file.target, file.header, in_turn));
        work.push((file.fills, file.carried, bytes));
    }
    let mut queue = Queue {
        waiting: waiting.into_iter(),
        open: None,
        carried: HashMap::new(),
        sources,
        syncing: None,
        complete: Vec::new(),
        sync: options.sync,
    };
    queue.advance()?;
    let mut done = 0;
    if let Some(level) = level {
        for (fills, carried, bytes) in work.iter().filter(|(_, _, bytes)| *bytes > 0) {
            queue.write_all_at(|sources, (file, path, at), wrote| {
                let mut filled = 0;
                fill_in_place(fills, level, (file, path, at), options.memory, wrote, &mut |bytes| {
                    filled = bytes;
                    progress(done + bytes)
                })?;
                for (carried, place) in carried {
                    sources.read(carried, |from, bytes| {
                        write_all_at(file, bytes, at + place + from).map_err(|e| Error::io(path, e))?;
                        filled += bytes.len() as u64;
                        wrote(bytes.len() as u64)?;
                        progress(done + filled)
                    })?;
                }
                Ok(())
            })?;
            done += bytes;
        }
    } else {
        let fills: Vec<&Fill> = work.iter().flat_map(|(fills, _, _)| fills.iter().map(|(fill, _)| fill)).collect();
        in_order(&fills, options.memory, backend, progress, |bytes| queue.write(bytes))?;
        done = work.iter().map(|(_, _, bytes)| bytes).sum();
    }
    // The caller may have been interrupted while the disk was waited for.
    progress(done)?;
    Ok(std::mem::take(&mut queue.complete))
}
