//! Fills beside writes, in the order of the bytes and within a stated memory.

use super::Progress;
use crate::backend::Backend;
use crate::cpu::Level;
use crate::{Error, Fill, Result, cpu};
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

/// The memory that writing a file may use where nothing else is said, in bytes.
pub const DEFAULT_MEMORY: u64 = 512 << 20;

/// Pieces that exist at once: one is filled, one is written, one waits, so that neither side stands still.
const BUFFERS: u64 = 3;

/// Below, threads and system calls cost more than the bytes.
const MIN_PIECE: u64 = 1 << 20;

/// Above, no device gets faster, and the first write waits longer for the first piece.
const MAX_PIECE: u64 = 32 << 20;

/// What a CPU of few threads takes: a piece that its caches hold until it is written.
const CPU_PIECE: u64 = 4 << 20;

/// What a `checkpoint::Writer` collects.
pub(super) const WRITER: u64 = 1 << 20;

/// The memory, where it is enough for the smallest pieces, for a writer and for what the device keeps.
///
/// # Errors
/// [`Error::Buffer`] where it is not.
pub(super) fn least_memory(memory: u64, device: u64) -> Result<u64> {
    // What a device makes is read where it stands.
    let pieces = if device == 0 { BUFFERS * MIN_PIECE } else { 0 };
    let least = device + WRITER + pieces;
    if memory >= least {
        return Ok(memory);
    }
    Err(Error::Buffer(format!(
        "a memory of {memory} bytes is too small: {least} are needed ({pieces} to fill, {WRITER} to write, {device} for the \
         device)"
    )))
}

/// Refuses tensors whose orthogonal matrices, which are made as a whole, leave the memory: two are held where one ends and the next
/// begins.
///
/// # Errors
/// [`Error::Buffer`] with the tensor and the numbers.
pub(super) fn check_matrices<'a>(fills: impl IntoIterator<Item = &'a Fill>, memory: u64) -> Result<()> {
    for fill in fills {
        let needed = fill.matrix_bytes();
        if needed > memory {
            let reason = format!(
                "a memory of {memory} bytes is too small: orthogonal matrices are made as a whole, which takes {needed}"
            );
            return Err(Error::Buffer(reason).in_tensor(fill.name()));
        }
    }
    Ok(())
}

/// The bytes of one piece, so that all that is allocated for the data stays within `memory`.
fn piece_bytes(memory: u64) -> Result<u64> {
    // Each thread wants a few tasks.
    let best = (cpu::threads() as u64 * MIN_PIECE).clamp(CPU_PIECE, MAX_PIECE);
    // Whole pages, so that a piece ends with an element, and with a task.
    let piece = ((least_memory(memory, 0)? - WRITER) / BUFFERS).min(best);
    Ok(piece - piece % MIN_PIECE.min(4096))
}

/// Hands the bytes of the fills to `write` in order, a piece at a time, no piece with bytes of two fills. The next piece is made
/// meanwhile: by the device, or by all cores.
///
/// # Errors
/// [`Error::Buffer`] where the memory is too small; those of [`Backend::fill_range`]; whatever `write` and `progress` return.
pub(super) fn in_order(
    fills: &[&Fill],
    memory: u64,
    engine: &Backend,
    progress: Progress<'_>,
    write: impl FnMut(&[u8]) -> Result<()> + Send,
) -> Result<()> {
    match engine {
        Backend::Cpu(level) => from_cores(fills, memory, *level, progress, write),
        #[cfg(feature = "gpu")]
        Backend::Gpu(gpu) => {
            least_memory(memory, engine.working_bytes())?;
            from_device(fills, gpu, progress, write)
        }
    }
}

#[cfg(feature = "gpu")]
fn from_device(
    fills: &[&Fill],
    gpu: &crate::gpu::Gpu,
    progress: Progress<'_>,
    mut write: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut done = 0;
    let whole = fills.iter().map(|f| (*f, 0, f.bytes()));
    crate::gpu::blocking::stream(gpu, whole, &mut |bytes| {
        write(bytes)?;
        done += bytes.len() as u64;
        progress(done)
    })
}

/// Fills on this thread, and writes on another.
fn from_cores(
    fills: &[&Fill],
    memory: u64,
    level: Level,
    progress: Progress<'_>,
    mut write: impl FnMut(&[u8]) -> Result<()> + Send,
) -> Result<()> {
    let largest = fills.iter().map(|f| f.bytes()).max().unwrap_or(0);
    let piece = piece_bytes(memory)?.min(largest);
    thread::scope(|scope| {
        let (filled, to_write) = sync_channel::<(Vec<u8>, usize)>(BUFFERS as usize);
        let (written, free) = channel::<Vec<u8>>();
        for _ in 0..BUFFERS {
            // The receiver lives in this scope.
            let _ = written.send(Vec::new());
        }
        let disk = thread::Builder::new().spawn_scoped(scope, move || -> Result<()> {
            for (bytes, len) in to_write {
                write(&bytes[..len])?;
                // Nobody waits for the last buffers.
                let _ = written.send(bytes);
            }
            Ok(())
        });
        let disk = disk.map_err(|e| Error::io("a thread that writes", e))?;
        let ranges = cpu::RangeFiller::new(level);
        let mut fill_all = || -> Result<()> {
            let mut done = 0;
            for fill in fills {
                let mut at = 0;
                while at < fill.bytes() {
                    // A closed channel means that the write failed: its error is the answer.
                    let Ok(mut buffer) = free.recv() else { return Ok(()) };
                    // At its full length from the first use on: growing it again would clear it again.
                    if buffer.is_empty() {
                        buffer = vec![0; piece as usize];
                    }
                    let len = piece.min(fill.bytes() - at);
                    ranges.fill(fill, at, &mut buffer[..len as usize])?;
                    if filled.send((buffer, len as usize)).is_err() {
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
        let disk = disk.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        result.and(disk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_stay_within_the_memory() {
        for memory in [4 << 20, (4 << 20) + 1, 5_000_000, 50 << 20, DEFAULT_MEMORY, u64::MAX] {
            let piece = piece_bytes(memory).unwrap();
            assert!(piece.is_multiple_of(4096) && (MIN_PIECE..=MAX_PIECE).contains(&piece), "{memory}: {piece}");
            assert!(BUFFERS * piece + WRITER <= memory);
        }
        assert!(piece_bytes(DEFAULT_MEMORY).unwrap() >= CPU_PIECE);
        let text = piece_bytes((4 << 20) - 1).unwrap_err().to_string();
        assert!(text.starts_with("buffer: a memory of 4194303 bytes is too small: 4194304 are needed"), "{text}");
    }
}
