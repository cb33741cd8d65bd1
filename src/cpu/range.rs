//! Ranges of a fill: which pieces have elements in them, and the runs of those.

use super::fill::Series;
use super::level::{Available, Level};
use super::matrices::{Kept, Needed, Ready};
use super::runs::fill_runs;
use super::threads::Threads;
use crate::Result;
use crate::plan::Fill;
use crate::plan::fill::Piece;
use crate::plan::placement::Run;
use crate::value::params::{kind, mask};

/// Fills the elements from an index on, copying those of matrices from what is ready.
type FillWork<'a> = dyn Fn(Available, u64, &mut [u8], &Ready) + 'a;

/// Bytes of the destination that one task fills: a multiple of every dtype's tile, and half of a small cache.
const TASK_BYTES: usize = 256 << 10;

/// [`TASK_BYTES`] where columns are sparse.
const SPARSE_TASK_BYTES: usize = 1 << 20;

/// Fills ranges of fills with the code of one level, and keeps the orthogonal matrices of the last range for the next
/// one.
///
/// Several threads may share it: one waits for the matrix that another one makes, or makes its own.
#[derive(Debug)]
pub(crate) struct RangeFiller {
    level: Level,
    threads: Threads,
    kept: Kept,
}

impl RangeFiller {
    /// One that fills on all cores where the feature `parallel` is on.
    pub fn new(level: Level) -> Self {
        Self { level, threads: Threads::Pool, kept: Kept::default() }
    }

    /// One that fills on the calling thread, matrices as well.
    pub fn alone(level: Level) -> Self {
        Self { threads: Threads::Current, ..Self::new(level) }
    }

    /// Writes the bytes `from..from + out.len()` of a fill.
    ///
    /// # Errors
    /// As [`super::fill_range`].
    pub fn fill(&self, fill: &Fill, from: u64, out: &mut [u8]) -> Result<()> {
        self.prepared(fill, from, out, &|level, from, out, ready| {
            let size = fill.dtype.size();
            // What is small does not start a pool.
            let is_shared = self.threads == Threads::Pool && out.len() > TASK_BYTES;
            let threads = if is_shared { super::threads() } else { 1 };
            let each = task_bytes(fill, out.len().div_ceil(threads));
            let task = |(i, out): (usize, &mut [u8])| {
                fill_elements(fill, level, (from + (i * each) as u64) / size, out, ready);
            };
            #[cfg(feature = "parallel")]
            if threads > 1 && out.len() > each {
                use rayon::prelude::*;
                return out.par_chunks_mut(each).enumerate().for_each(task);
            }
            out.chunks_mut(each).enumerate().for_each(task);
        })
    }

    /// [`RangeFiller::fill`] on the calling thread alone; matrices are still made on all cores.
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "checkpoint")]
    pub fn fill_here(&self, fill: &Fill, from: u64, out: &mut [u8]) -> Result<()> {
        self.prepared(fill, from, out, &|level, from, out, ready| {
            fill_elements(fill, level, from / fill.dtype.size(), out, ready);
        })
    }

    /// Checks the range and hands it to `work` together with the matrices that it is copied from: whole, or in parts
    /// where it has elements of more matrices than are made at once.
    fn prepared(&self, fill: &Fill, from: u64, out: &mut [u8], work: &FillWork<'_>) -> Result<()> {
        fill.check_range(from, out.len() as u64)?;
        let level = self.level.checked()?;
        let (size, first) = (fill.dtype.size(), from / fill.dtype.size());
        let end = (first + out.len() as u64 / size).min(fill.elements);
        let needed = Needed::of(fill, first, end);
        if out.len() > 4 && needed.too_many(fill) {
            let half = (out.len() / 2).next_multiple_of(4);
            let (head, tail) = out.split_at_mut(half);
            self.prepared(fill, from, head, work)?;
            return self.prepared(fill, from + half as u64, tail, work);
        }
        work(level, from, out, &Ready::new(fill, (self.level, self.threads), needed, &self.kept)?);
        Ok(())
    }
}

/// Bytes of the destination that one task fills, where each thread's share is so many.
fn task_bytes(fill: &Fill, share: usize) -> usize {
    let is_set = |piece: &Piece| {
        let is_patterned = matches!(piece.law.mask, mask::NONE | mask::PATTERN);
        piece.matrices.is_none() && piece.law.kind == kind::CONSTANT && is_patterned
    };
    if fill.pieces.iter().all(is_set) {
        // Memory that is only set passes the caches where much of it is set at once.
        return share.next_multiple_of(TASK_BYTES).max(TASK_BYTES);
    }
    // The keys of a column are made once for all its rows in a task.
    let is_sparse = fill.pieces.iter().any(|piece| piece.law.mask == mask::SPARSE);
    if is_sparse { SPARSE_TASK_BYTES } else { TASK_BYTES }
}

/// Writes the elements that begin at destination element `from`.
fn fill_elements(fill: &Fill, level: Available, from: u64, out: &mut [u8], ready: &Ready) {
    let (size, per_word) = (fill.dtype.size(), fill.dtype.per_word());
    let to = (from + out.len() as u64 / size).min(fill.elements);
    // The padding half-word of an odd 16-bit tensor.
    out[((to - from.min(to)) * size) as usize..].fill(0);
    let first = fill.segments.partition_point(|s| s.words.end * per_word <= from);
    for segment in &fill.segments[first..] {
        let here = (from.max(segment.words.start * per_word), to.min(segment.words.end * per_word));
        if here.0 >= here.1 {
            break;
        }
        let out = &mut out[((here.0 - from) * size) as usize..((here.1 - from) * size) as usize];
        for &index in &segment.pieces {
            fill_piece(fill, level, index, here, out, ready);
        }
    }
}

/// Fills a piece's elements in a range of the destination; `out` begins where the range does.
fn fill_piece(fill: &Fill, level: Available, index: usize, (from, to): (u64, u64), out: &mut [u8], ready: &Ready) {
    let piece = &fill.pieces[index];
    if piece.matrices.is_some() {
        return piece.placement.runs(from, to, &mut |run: Run| ready.copy_run(fill, index, &run, from, out));
    }
    let series = Series {
        law: &piece.law,
        key: piece.key,
        table: piece.table.as_deref().unwrap_or_default(),
        dtype: fill.dtype,
        rounding: piece.rounding,
    };
    let runs = |f: &mut dyn FnMut(&Run)| {
        piece.placement.runs(from, to, &mut |run: Run| f(&Run { dst: run.dst - from, ..run }));
    };
    fill_runs(level, &series, &runs, out);
}
