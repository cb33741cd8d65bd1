//! Fills and writes at the same time, in the order of the bytes and within a stated memory.

use crate::backend::Backend;
use crate::checkpoint::Progress;
use crate::cpu::Level;
use crate::{Error, Fill, Result, cpu};
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

/// Buffers that exist at once: one is filled, one is written, one waits, so that neither side stands still.
const BUFFERS: u64 = 3;

/// Smaller buffers are not used: threads and system calls would cost more than the bytes.
const MIN_BUFFER: u64 = 1 << 20;

/// Larger buffers are not used: no device gets faster, and the first write would wait longer for its bytes.
const MAX_BUFFER: u64 = 32 << 20;

/// The buffer of a CPU with few threads: its caches hold the bytes until they are written.
const CPU_BUFFER: u64 = 4 << 20;

/// Bytes that a [`Writer`](crate::checkpoint::Writer) collects before it calls the operating system.
pub const WRITER: u64 = 1 << 20;

/// Checks that `memory` bytes are enough for the smallest buffers, for a writer and for the `device` bytes that a
/// device keeps; returns them.
///
/// # Errors
/// [`Error::Buffer`] where they are not.
pub fn check_memory(memory: u64, device: u64) -> Result<u64> {
    // A device's bytes are written from its own transfer buffers.
    let buffers = if device == 0 { BUFFERS * MIN_BUFFER } else { 0 };
    let least = device + WRITER + buffers;
    if memory >= least {
        return Ok(memory);
    }
    Err(Error::Buffer(format!(
        "a memory of {memory} bytes is too small: {least} are needed ({buffers} to fill, {WRITER} to write, \
         {device} for the device)"
    )))
}

/// The bytes of one buffer, so that all that is allocated for the data stays within `memory`.
///
/// # Errors
/// Those of [`check_memory`].
fn buffer_bytes(memory: u64) -> Result<u64> {
    // Each thread wants a few tasks.
    let best = (cpu::threads() as u64 * MIN_BUFFER).clamp(CPU_BUFFER, MAX_BUFFER);
    // Whole pages, so that a buffer ends with an element, and with a task.
    let buffer = ((check_memory(memory, 0)? - WRITER) / BUFFERS).min(best);
    Ok(buffer - buffer % 4096)
}

/// Hands the bytes of the fills to `write` in order, a buffer at a time, none of which has bytes of two fills. The next
/// buffer is filled meanwhile: by the device, or by all cores.
///
/// # Errors
/// [`Error::Buffer`] where the memory is too small; those of [`Backend::fill_range`]; whatever `write` and `progress`
/// return.
pub fn in_order(
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
            check_memory(memory, engine.working_bytes())?;
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
    let size = buffer_bytes(memory)?.min(largest);
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
                        buffer = vec![0; size as usize];
                    }
                    let len = size.min(fill.bytes() - at);
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
    use crate::checkpoint::DEFAULT_MEMORY;

    #[test]
    fn buffers_stay_within_the_memory() {
        for memory in [4 << 20, (4 << 20) + 1, 5_000_000, 50 << 20, DEFAULT_MEMORY, u64::MAX] {
            let bytes = buffer_bytes(memory).unwrap();
            assert!(bytes.is_multiple_of(4096) && (MIN_BUFFER..=MAX_BUFFER).contains(&bytes), "{memory}: {bytes}");
            assert!(BUFFERS * bytes + WRITER <= memory);
        }
        assert!(buffer_bytes(DEFAULT_MEMORY).unwrap() >= CPU_BUFFER);
        let text = buffer_bytes((4 << 20) - 1).unwrap_err().to_string();
        assert!(text.starts_with("buffer: a memory of 4194303 bytes is too small: 4194304 are needed"), "{text}");
    }
}
