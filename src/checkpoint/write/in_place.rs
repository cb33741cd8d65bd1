//! Fills by all cores straight into a file: every thread fills a buffer that its cache holds, and writes it where it
//! belongs.

use super::pipeline::{WRITER, check_memory};
use crate::checkpoint::Progress;
use crate::checkpoint::disk::write_all_at;
use crate::cpu::{self, Level};
use crate::{Error, Fill, Result};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// A thread's buffer: what a core's own cache holds.
const BUFFER: u64 = 1 << 20;

/// Smaller buffers are not used: system calls would cost more than the bytes.
const MIN_BUFFER: u64 = 256 << 10;

/// A range of a file's bytes: ranges of one or several fills, one behind the other.
struct FileRange<'a> {
    /// The first byte, from the start of the file.
    at: u64,
    len: u64,
    /// Each fill with its first byte and the number of its bytes.
    fills: Vec<(&'a Fill, u64, u64)>,
}

/// Cuts fills into ranges of at most `max` bytes. Each fill has its first byte, counted from byte `at` of the file;
/// where others have bytes between two fills, a range ends.
fn ranges<'a>(fills: &'a [(Fill, u64)], at: u64, max: u64) -> impl Iterator<Item = FileRange<'a>> + Send {
    let (mut next, mut from) = (0, 0);
    std::iter::from_fn(move || {
        let mut range = FileRange { at: 0, len: 0, fills: Vec::new() };
        while let Some((fill, place)) = fills.get(next) {
            let here = at + place + from;
            if range.fills.is_empty() {
                range.at = here;
            } else if here != range.at + range.len {
                break;
            }
            // A fill is cut only at multiples of 4 bytes from its start, as `fill_range` requires.
            let len = (fill.bytes() - from).min((max - range.len) & !3);
            if len > 0 {
                range.fills.push((fill, from, len));
            }
            range.len += len;
            from += len;
            if from < fill.bytes() {
                break;
            }
            (next, from) = (next + 1, 0);
        }
        (range.len > 0).then_some(range)
    })
}

/// Writes fills into a file, each at its place behind byte `at`. `wrote` and `progress` are called on this thread,
/// with the bytes since the last call and with all so far.
///
/// # Errors
/// [`Error::Buffer`] where the memory is too small; [`Error::Io`] with the path; whatever `wrote` and `progress`
/// return.
pub fn fill_in_place(
    fills: &[(Fill, u64)],
    level: Level,
    (file, path, at): (&File, &Path, u64),
    memory: u64,
    wrote: &mut dyn FnMut(u64) -> Result<()>,
    progress: Progress<'_>,
) -> Result<()> {
    let memory = check_memory(memory, 0)? - WRITER;
    let workers = (cpu::threads() as u64).clamp(1, memory / MIN_BUFFER);
    let buffer = (memory / workers).min(BUFFER) & !4095;
    by_workers(fills, level, (file, path, at), (workers, buffer), wrote, progress)
}

/// Dropped by a panic, it tells the other threads to end.
struct EndOthers<'a>(&'a AtomicBool);

impl Drop for EndOthers<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

fn by_workers(
    fills: &[(Fill, u64)],
    level: Level,
    (file, path, at): (&File, &Path, u64),
    (workers, buffer): (u64, u64),
    wrote: &mut dyn FnMut(u64) -> Result<()>,
    progress: Progress<'_>,
) -> Result<()> {
    let work = Mutex::new(ranges(fills, at, buffer));
    let stop = AtomicBool::new(false);
    let end = at + fills.last().map_or(0, |(fill, place)| place + fill.bytes());
    let bytes = fills.iter().map(|(fill, _)| fill.bytes()).sum::<u64>();
    let (sender, written) = channel();
    let ranges = cpu::RangeFiller::new(level);
    let worker = |sender: Sender<u64>| -> Result<()> {
        let _guard = EndOthers(&stop);
        let mut bytes = vec![0; buffer as usize];
        while !stop.load(Ordering::Relaxed) {
            // The lock is held for the cut alone, which cannot panic.
            let Some(range) = work.lock().ok().and_then(|mut work| work.next()) else { break };
            let mut done = 0;
            for (fill, from, len) in range.fills {
                ranges.fill_here(fill, from, &mut bytes[done..done + len as usize])?;
                done += len as usize;
            }
            write_all_at(file, &bytes[..done], range.at).map_err(|e| {
                let where_to = format!("{e} (writing {done} bytes at byte {} of {end})", range.at);
                Error::io(path, io::Error::new(e.kind(), where_to))
            })?;
            // The thread that counts may have stopped.
            let _ = sender.send(range.len);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let _guard = EndOthers(&stop);
        let guarded = |sender| worker(sender).inspect_err(|_| stop.store(true, Ordering::Relaxed));
        let mut threads = Vec::new();
        for _ in 0..workers.min(bytes.div_ceil(buffer)) {
            let sender = sender.clone();
            match thread::Builder::new().spawn_scoped(scope, move || guarded(sender)) {
                Ok(thread) => threads.push(thread),
                // The system allows no more threads: the ones that have started do all the work.
                Err(_) if !threads.is_empty() => break,
                Err(e) => return Err(Error::io(path, io::Error::new(e.kind(), format!("no thread to write it: {e}")))),
            }
        }
        drop(sender);
        let mut done = 0;
        let mut count = || -> Result<()> {
            for bytes in &written {
                done += bytes;
                wrote(bytes)?;
                progress(done)?;
            }
            Ok(())
        };
        let counted = count().inspect_err(|_| stop.store(true, Ordering::Relaxed));
        let results = threads.into_iter().map(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        counted.and(results.collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Plan, TensorSpec};
    use crate::{DType, Scheme, StreamVersion};
    use std::io::Write;

    /// Fills of odd sizes, and their bytes one behind the other.
    fn some() -> (Vec<(Fill, u64)>, Vec<u8>) {
        let mut plan = Plan::new(StreamVersion::V1, 5);
        let mut bytes = Vec::new();
        let sizes = [3, 9, 700_001, 1, 131_072, 5, 400_003, 2];
        let mut at = 0;
        let fills = sizes.iter().enumerate().map(|(i, &n)| {
            let dtype = if i % 3 == 0 { DType::F32 } else { DType::BF16 };
            let spec = TensorSpec::new(format!("t{i}"), [n], Scheme::normal(0.0, 1.0)).unwrap().dtype(dtype);
            let fill = plan.push(&spec).unwrap().fill();
            let mut own = vec![0; fill.bytes() as usize];
            cpu::fill(&fill, &mut own).unwrap();
            bytes.extend(own);
            at += fill.bytes();
            let from = at - fill.bytes();
            (fill, from)
        });
        (fills.collect(), bytes)
    }

    #[test]
    fn ranges_hold_every_byte_once_and_cut_fills_at_words() {
        let (fills, bytes) = some();
        for max in [4096, 8192, 1 << 20] {
            let mut at = 10;
            for range in ranges(&fills, 10, max) {
                assert_eq!(range.at, at);
                assert_eq!(range.len, range.fills.iter().map(|p| p.2).sum::<u64>());
                assert!((1..=max).contains(&range.len));
                assert!(range.fills.iter().all(|p| p.1.is_multiple_of(4)));
                at += range.len;
            }
            assert_eq!(at, 10 + bytes.len() as u64);
        }
    }

    /// Bytes of others between two fills are left as they are.
    #[test]
    fn a_gap_ends_a_range_and_is_not_written() {
        let (mut fills, bytes) = some();
        for (i, (_, place)) in fills.iter_mut().enumerate() {
            *place += 5 * i as u64;
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        let end = fills.last().map(|(fill, place)| place + fill.bytes()).unwrap();
        file.as_file().write_all(&vec![0xaa; end as usize]).unwrap();
        let place = (file.as_file(), file.path(), 0);
        by_workers(&fills, Level::best(), place, (2, 4096), &mut |_| Ok(()), &mut |_| Ok(())).unwrap();
        let all = std::fs::read(file.path()).unwrap();
        let (mut from, mut gap) = (0, 0);
        for (fill, place) in &fills {
            let (place, len) = (*place as usize, fill.bytes() as usize);
            assert!(all[gap..place].iter().all(|&b| b == 0xaa) && all[place..place + len] == bytes[from..from + len]);
            (from, gap) = (from + len, place + len);
        }
    }

    #[test]
    fn a_file_filled_in_place_holds_the_fills_and_what_stood_before() {
        let (fills, bytes) = some();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"before").unwrap();
        for (workers, buffer) in [(1, 4096), (3, 4096), (2, 256 << 10), (9, 1 << 20)] {
            let (mut told, mut last) = (0, 0);
            file.as_file().set_len(6).unwrap();
            by_workers(
                &fills,
                Level::best(),
                (file.as_file(), file.path(), 6),
                (workers, buffer),
                &mut |n| {
                    told += n;
                    Ok(())
                },
                &mut |done| {
                    last = done;
                    Ok(())
                },
            )
            .unwrap();
            assert_eq!((told, last), (bytes.len() as u64, bytes.len() as u64));
            let all = std::fs::read(file.path()).unwrap();
            assert!(all[..6] == *b"before" && all[6..] == bytes);
        }
    }

    #[test]
    fn errors_of_the_disk_of_the_progress_and_of_the_memory_end_it() {
        let (fills, _) = some();
        let file = tempfile::NamedTempFile::new().unwrap();
        let read_only = File::open(file.path()).unwrap();
        let run = |file: &File, memory, limit| {
            let place = (file, Path::new("w.safetensors"), 0);
            let mut progress = |done| if done > limit { Err(Error::Config("stopped".into())) } else { Ok(()) };
            fill_in_place(&fills, Level::best(), place, memory, &mut |_| Ok(()), &mut progress).unwrap_err().to_string()
        };
        let text = run(&read_only, 512 << 20, u64::MAX);
        assert!(text.starts_with("w.safetensors: ") && text.contains("os error"), "{text}");
        assert_eq!(run(file.as_file(), 512 << 20, 1000), "config: stopped");
        assert!(run(file.as_file(), 1000, u64::MAX).starts_with("buffer: a memory of 1000 bytes is too small"));
    }
}
