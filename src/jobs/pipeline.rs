//! Fills beside writes, within a stated memory.

use super::Progress;
use crate::engine::Engine;
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

/// What a CPU of few threads takes: a piece that its caches hold until it is written. Measured on 2 cores, GPT-2 of 498 MB
/// into the page cache: 0.22 s with 4 MiB, 0.30 s with 32.
const CPU_PIECE: u64 = 4 << 20;

/// The piece that serves an engine best where memory does not matter.
fn best_piece(engine: &Engine) -> u64 {
    match engine {
        // Each thread wants a few tasks.
        Engine::Cpu(_) => (cpu::threads() as u64 * MIN_PIECE).clamp(CPU_PIECE, MAX_PIECE),
        #[cfg(feature = "gpu")]
        Engine::Gpu(_) => MAX_PIECE,
    }
}

/// What a `checkpoint::Writer` collects.
const WRITER: u64 = 1 << 20;

/// The bytes of one piece, so that all that is allocated for the data stays within `memory`.
///
/// # Errors
/// [`Error::Buffer`] where it is less than the smallest pieces need.
pub(super) fn piece_bytes(memory: u64, engine: &Engine) -> Result<u64> {
    let fixed = engine.working_bytes() + WRITER;
    let least = fixed + BUFFERS * MIN_PIECE;
    if memory < least {
        let reason = format!(
            "a memory of {memory} bytes is too small: {least} are needed ({BUFFERS} pieces of {MIN_PIECE}, {WRITER} to \
             write, {} for the device)",
            engine.working_bytes()
        );
        return Err(Error::Buffer(reason));
    }
    // Whole pages, so that a piece ends with an element, and on the CPU with a task.
    let piece = ((memory - fixed) / BUFFERS).min(best_piece(engine));
    Ok(piece - piece % MIN_PIECE.min(4096))
}

/// Fills on this thread and hands the bytes to `write` on another: each fill's in order, a piece at a time, no piece with
/// bytes of two fills.
///
/// # Errors
/// Those of [`piece_bytes`] and [`Engine::fill_range`]; whatever `write` and `progress` return.
pub(super) fn overlap(
    fills: &[&Fill],
    memory: u64,
    engine: &Engine,
    progress: Progress<'_>,
    mut write: impl FnMut(&[u8]) -> Result<()> + Send,
) -> Result<()> {
    let largest = fills.iter().map(|f| f.bytes()).max().unwrap_or(0);
    let piece = piece_bytes(memory, engine)?.min(largest);
    thread::scope(|scope| {
        let (filled, to_write) = sync_channel::<(Vec<u8>, usize)>(BUFFERS as usize);
        let (written, free) = channel::<Vec<u8>>();
        for _ in 0..BUFFERS {
            // The receiver lives in this scope.
            let _ = written.send(Vec::new());
        }
        let disk = scope.spawn(move || -> Result<()> {
            for (bytes, len) in to_write {
                write(&bytes[..len])?;
                // Nobody waits for the last buffers.
                let _ = written.send(bytes);
            }
            Ok(())
        });
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
                    engine.fill_range(fill, at, &mut buffer[..len as usize])?;
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
        let engine = Engine::cpu();
        for memory in [4 << 20, (4 << 20) + 1, 5_000_000, 50 << 20, DEFAULT_MEMORY, u64::MAX] {
            let piece = piece_bytes(memory, &engine).unwrap();
            assert!(piece.is_multiple_of(4096) && (MIN_PIECE..=MAX_PIECE).contains(&piece), "{memory}: {piece}");
            assert!(BUFFERS * piece + WRITER <= memory);
        }
        assert_eq!(piece_bytes(DEFAULT_MEMORY, &engine).unwrap(), best_piece(&engine));
        let text = piece_bytes((4 << 20) - 1, &engine).unwrap_err().to_string();
        assert!(text.starts_with("buffer: a memory of 4194303 bytes is too small: 4194304 are needed"), "{text}");
    }
}
