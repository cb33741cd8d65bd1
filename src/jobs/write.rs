//! Fills into files: bounded memory, the device's work beside the disk's.

use super::{CHUNK, Progress};
use crate::checkpoint::{Entry, Header, Writer};
use crate::engine::Engine;
use crate::{Error, Fill, Result};
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

/// Pieces that exist at once: one is filled while the other is written.
const BUFFERS: usize = 2;

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

/// Writes fills, each with the dimensions it has in the file, as one safetensors file in the format's order; returns the bytes
/// of the file. What stands at `target` is replaced at the end, at once.
///
/// # Errors
/// Those of [`Header::new`], [`Writer`] and [`Engine::fill_range`]; whatever `progress` returns. The target is as before
/// then, and no temporary file is left.
pub fn write_safetensors(
    target: &Path,
    tensors: Vec<(Fill, Vec<u64>)>,
    metadata: &BTreeMap<String, String>,
    engine: &Engine,
    progress: Progress<'_>,
) -> Result<u64> {
    let entry = |(fill, dims): &(Fill, Vec<u64>)| Entry {
        name: fill.name().to_owned(),
        dtype: fill.dtype(),
        dims: dims.clone(),
    };
    let header = Header::new(tensors.iter().map(entry).collect(), metadata)?;
    let mut by_name: HashMap<String, Fill> = tensors.into_iter().map(|(f, _)| (f.name().to_owned(), f)).collect();
    let ordered: Vec<Fill> = header.entries().iter().filter_map(|e| by_name.remove(&e.name)).collect();
    let writer = Writer::create(target, header)?;
    stream(writer, &ordered, engine, progress)?.finish()
}

/// Writes one fill's bytes as they are, little-endian and row-major; returns how many. The output is not named by a path:
/// its errors name `label`.
///
/// # Errors
/// [`Error::Io`]; those of [`Engine::fill_range`]; whatever `progress` returns.
pub fn write_raw(
    out: &mut dyn Write,
    label: &str,
    fill: &Fill,
    engine: &Engine,
    progress: Progress<'_>,
) -> Result<u64> {
    let mut buffer = Vec::new();
    let mut at = 0;
    while at < fill.bytes() {
        buffer.resize(CHUNK.min(fill.bytes() - at) as usize, 0);
        engine.fill_range(fill, at, &mut buffer)?;
        out.write_all(&buffer).map_err(|e| Error::io(label, e))?;
        at += buffer.len() as u64;
        progress(at)?;
    }
    out.flush().map_err(|e| Error::io(label, e))?;
    Ok(at)
}

/// Fills on this thread and writes on another.
fn stream(mut writer: Writer, fills: &[Fill], engine: &Engine, progress: Progress<'_>) -> Result<Writer> {
    thread::scope(|scope| {
        let (filled, to_write) = sync_channel::<Vec<u8>>(BUFFERS);
        let (written, free) = channel::<Vec<u8>>();
        for _ in 0..BUFFERS {
            // The receiver lives in this scope.
            let _ = written.send(Vec::new());
        }
        let disk = scope.spawn(move || -> Result<Writer> {
            for bytes in to_write {
                writer.write(&bytes)?;
                // Nobody waits for the last buffers.
                let _ = written.send(bytes);
            }
            Ok(writer)
        });
        let mut fill_all = || -> Result<()> {
            let mut done = 0;
            for fill in fills {
                let mut at = 0;
                while at < fill.bytes() {
                    // A closed channel means that the disk failed: its error is the answer.
                    let Ok(mut buffer) = free.recv() else { return Ok(()) };
                    buffer.resize(CHUNK.min(fill.bytes() - at) as usize, 0);
                    engine.fill_range(fill, at, &mut buffer)?;
                    let len = buffer.len() as u64;
                    if filled.send(buffer).is_err() {
                        return Ok(());
                    }
                    at += len;
                    done += len;
                    progress(done)?;
                }
            }
            Ok(())
        };
        let result = fill_all();
        drop(filled);
        let writer = disk.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        result.and(writer)
    })
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
            write_safetensors(&target, tensors, &BTreeMap::new(), &Engine::cpu(), &mut |done| {
                if done > limit { Err(Error::Config("stopped".into())) } else { Ok(()) }
            })
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
        assert_eq!(write_raw(&mut raw, "memory", &fill, &Engine::cpu(), &mut |_| Ok(())).unwrap(), 14);
        crate::cpu::fill(&fill, &mut whole).unwrap();
        assert_eq!(raw, whole);
    }
}
