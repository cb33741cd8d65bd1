//! Fills into files.

use super::in_place::fill_in_place;
use super::pipeline::{check_matrices, in_order};
use super::space::check_space;
use super::{DEFAULT_MEMORY, Progress};
use crate::backend::Backend;
use crate::checkpoint::{Complete, Entry, Header, PLACES, Writer, directory};
use crate::{Error, Fill, Result};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread::{Builder, JoinHandle};

/// How files are written. The default: 512 MiB of memory, synced, one file, nothing replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteOptions {
    /// Bytes of memory that the data may take on its way.
    pub memory: u64,
    /// Whether to wait until the files are on the disk.
    pub sync: bool,
    /// The most bytes of tensors in one file of a model; none: one file.
    pub max_shard_size: Option<u64>,
    /// Whether what stands there is replaced.
    pub force: bool,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { memory: DEFAULT_MEMORY, sync: true, max_shard_size: None, force: false }
    }
}

/// Refuses a path that is taken: by a file unless `force` is set, by anything else in any case.
///
/// # Errors
/// [`Error::Checkpoint`].
pub fn check_target(target: &Path, force: bool) -> Result<()> {
    let refuse =
        |reason: &str| Err(Error::Checkpoint { path: target.display().to_string(), reason: reason.to_owned() });
    match std::fs::symlink_metadata(target) {
        Err(_) => Ok(()),
        Ok(_) if std::fs::metadata(target).is_ok_and(|m| !m.is_file()) => refuse("exists and is not a regular file"),
        Ok(_) if force => Ok(()),
        Ok(_) => refuse("exists; --force replaces it"),
    }
}

/// One safetensors file to be written, laid out.
#[derive(Debug)]
pub(super) struct OutFile {
    pub target: PathBuf,
    pub header: Header,
    /// In the header's order.
    pub fills: Vec<Fill>,
}

impl OutFile {
    /// Lays out fills, each with the dimensions it has in the file.
    pub fn new(target: PathBuf, tensors: Vec<(Fill, Vec<u64>)>, metadata: &BTreeMap<String, String>) -> Result<Self> {
        let entry = |(fill, dims): &(Fill, Vec<u64>)| Entry {
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

/// Files that are written one after the other; those that are complete have no name yet.
struct Queue {
    waiting: std::vec::IntoIter<(PathBuf, Header)>,
    open: Option<Writer>,
    /// The file before, on its way to the disk beside the writes of the next one.
    syncing: Option<JoinHandle<Result<Complete>>>,
    complete: Vec<Complete>,
    sync: bool,
}

impl Queue {
    /// Until a file is open that needs bytes, or all are complete.
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

    /// Waits for the file before.
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
        // A temporary file is removed by its thread, which must not outlive the job. After an error nobody asks for another.
        let _ = self.syncing.take().map(JoinHandle::join);
    }
}

/// Writes files under temporary names. `progress` is told the bytes of all together, and asked once more when everything is
/// on the disk.
pub(super) fn write_files(
    files: Vec<OutFile>,
    engine: &Backend,
    options: &WriteOptions,
    progress: Progress<'_>,
) -> Result<Vec<Complete>> {
    check_matrices(files.iter().flat_map(|f| &f.fills), options.memory)?;
    let (parts, fills): (Vec<_>, Vec<_>) = files.into_iter().map(|f| ((f.target, f.header), f.fills)).unzip();
    let mut queue =
        Queue { waiting: parts.into_iter(), open: None, syncing: None, complete: Vec::new(), sync: options.sync };
    queue.advance()?;
    let mut done = 0;
    match engine {
        Backend::Cpu(level) if PLACES => {
            for fills in fills.iter().filter(|fills| fills.iter().any(|f| f.bytes() > 0)) {
                queue.write_all_at(|(file, path, at), wrote| {
                    let mut progress = |bytes| progress(done + bytes);
                    fill_in_place(fills, *level, (file, path, at), options.memory, wrote, &mut progress)
                })?;
                done += fills.iter().map(Fill::bytes).sum::<u64>();
            }
        }
        _ => {
            let fills: Vec<&Fill> = fills.iter().flatten().collect();
            in_order(&fills, options.memory, engine, progress, |bytes| queue.write(bytes))?;
            done = fills.iter().map(|f| f.bytes()).sum();
        }
    }
    // An interrupt while the disk was waited for.
    progress(done)?;
    Ok(std::mem::take(&mut queue.complete))
}

/// Writes fills, each with the dimensions it has in the file, as one safetensors file in the format's order; returns the bytes
/// of the file. What stands at `target` is replaced at the end, at once: ask [`check_target`] before.
///
/// # Errors
/// Those of [`Header::new`], [`Writer`] and [`Backend::fill_range`]; [`Error::Io`] where the disk has no room for it;
/// [`Error::Buffer`] where the memory is too small; whatever `progress` returns. The target is as before then, and no
/// temporary file is left.
pub fn write_safetensors(
    target: &Path,
    tensors: Vec<(Fill, Vec<u64>)>,
    metadata: &BTreeMap<String, String>,
    engine: &Backend,
    options: &WriteOptions,
    progress: Progress<'_>,
) -> Result<u64> {
    let file = OutFile::new(target.to_path_buf(), tensors, metadata)?;
    check_space(directory(target), target, file.header.file_len())?;
    let complete = write_files(vec![file], engine, options, progress)?;
    complete.into_iter().map(Complete::persist).sum()
}

/// Writes one fill's bytes as they are, little-endian and row-major; returns how many. The output is not named by a path:
/// its errors name `label`.
///
/// # Errors
/// [`Error::Io`]; [`Error::Buffer`] where the memory is too small; those of [`Backend::fill_range`]; whatever `progress`
/// returns.
pub fn write_raw(
    out: &mut (dyn Write + Send),
    label: &str,
    fill: &Fill,
    engine: &Backend,
    options: &WriteOptions,
    progress: Progress<'_>,
) -> Result<u64> {
    check_matrices([fill], options.memory)?;
    let failed = |e| Error::io(label, e);
    in_order(&[fill], options.memory, engine, progress, |bytes| out.write_all(bytes).map_err(failed))?;
    out.flush().map_err(failed)?;
    Ok(fill.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Plan, TensorSpec};
    use crate::{DType, Scheme, StreamVersion};

    #[test]
    fn an_error_of_the_progress_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let mut plan = Plan::new(StreamVersion::V1, 3);
        for name in ["a", "b"] {
            let spec = TensorSpec::new(name, [33], Scheme::normal(0.0, 1.0)).unwrap().dtype(DType::F16);
            plan.push(&spec).unwrap();
        }
        let target = dir.path().join("x.safetensors");
        let run = |limit: u64| {
            let tensors = plan.tensors().iter().map(|t| (t.fill(), t.shape().dims().to_vec())).collect();
            write_safetensors(
                &target,
                tensors,
                &BTreeMap::new(),
                &Backend::cpu(),
                &WriteOptions::default(),
                &mut |done| {
                    if done > limit { Err(Error::Config("stopped".into())) } else { Ok(()) }
                },
            )
        };
        assert_eq!(run(66).unwrap_err().to_string(), "config: stopped");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let bytes = run(132).unwrap();
        assert_eq!(std::fs::metadata(&target).unwrap().len(), bytes);
        assert!(check_target(&target, false).unwrap_err().to_string().ends_with("exists; --force replaces it"));
        check_target(&target, true).unwrap();
        assert!(check_target(dir.path(), true).is_err());
    }

    #[test]
    fn raw_bytes_are_the_fill() {
        let mut plan = Plan::new(StreamVersion::V1, 3);
        let spec = TensorSpec::new("a", [7], Scheme::normal(0.0, 1.0)).unwrap().dtype(DType::F16);
        let fill = plan.push(&spec).unwrap().fill();
        let (mut raw, mut whole) = (Vec::new(), vec![0; 14]);
        assert_eq!(
            write_raw(&mut raw, "memory", &fill, &Backend::cpu(), &WriteOptions::default(), &mut |_| Ok(())).unwrap(),
            14
        );
        crate::cpu::fill(&fill, &mut whole).unwrap();
        assert_eq!(raw, whole);
    }
}
