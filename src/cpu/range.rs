//! Ranges of a fill: which pieces have elements in them, and the runs of those.

use super::fill::Series;
use super::level::{Available, Level};
use super::matrices::{Kept, Needed, Ready};
use super::runs::fill_runs;
use crate::Result;
use crate::plan::Fill;
use crate::plan::placement::Run;

/// Fills the elements from an index on, copying those of matrices from what is ready.
type FillWork<'a> = dyn Fn(Available, u64, &mut [u8], &Ready) + 'a;

/// Bytes of the destination that one task fills: a multiple of every dtype's tile.
const TASK_BYTES: usize = 256 << 10;

/// Fills ranges of fills with the code of one level, and keeps the orthogonal matrices of the last range for the next
/// one.
///
/// Several threads may share it where none of them is one of rayon's pool: a thread waits for the matrix that another
/// one makes, and a thread of the pool may be called back to the very work that it waits for.
#[derive(Debug)]
pub(crate) struct RangeFiller {
    level: Level,
    kept: Kept,
}

impl RangeFiller {
    pub fn new(level: Level) -> Self {
        Self { level, kept: Kept::default() }
    }

    /// Writes the bytes `from..from + out.len()` of a fill, on all cores where the feature `parallel` is on.
    ///
    /// # Errors
    /// As [`super::fill_range`].
    pub fn fill(&self, fill: &Fill, from: u64, out: &mut [u8]) -> Result<()> {
        self.prepared(fill, from, out, &|level, from, out, ready| {
            let task = |(i, out): (usize, &mut [u8])| {
                let size = fill.dtype.size();
                fill_elements(fill, level, (from + (i * TASK_BYTES) as u64) / size, out, ready);
            };
            #[cfg(feature = "parallel")]
            {
                use rayon::prelude::*;
                if out.len() > TASK_BYTES {
                    out.par_chunks_mut(TASK_BYTES).enumerate().for_each(task);
                    return;
                }
            }
            out.chunks_mut(TASK_BYTES).enumerate().for_each(task);
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
        work(level, from, out, &Ready::new(fill, self.level, needed, &self.kept)?);
        Ok(())
    }
}

/// Writes the elements that begin at destination element `from`.
fn fill_elements(fill: &Fill, level: Available, from: u64, out: &mut [u8], ready: &Ready) {
    let (size, per_word) = (fill.dtype.size(), fill.dtype.per_word());
    let to = (from + out.len() as u64 / size).min(fill.elements);
    // The padding half-word of an odd 16-bit tensor.
    out[((to - from.min(to)) * size) as usize..].fill(0);
    let first = fill.segments.partition_point(|s| s.words.end * per_word <= from);
    for (number, segment) in fill.segments[first..].iter().enumerate() {
        if to <= segment.words.start * per_word {
            break;
        }
        for &index in &segment.pieces {
            let piece = &fill.pieces[index];
            // A piece is filled where it is met first, in all its segments: its runs are gathered.
            if number == 0 || piece.placement.dst / per_word == segment.words.start {
                fill_piece(fill, level, index, (from, to), out, ready);
            }
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
