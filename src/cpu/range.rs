//! Ranges of a fill: which pieces have elements in them, and the runs of those.

use super::fill::Series;
use super::level::{Available, Level};
use super::masked::fill_series;
use super::matrices::{Kept, Needed, Ready};
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
    for segment in &fill.segments[first..] {
        let (from_here, to_here) = (from.max(segment.words.start * per_word), to.min(segment.words.end * per_word));
        if from_here >= to_here {
            break;
        }
        for &index in &segment.pieces {
            let piece = &fill.pieces[index];
            piece.placement.runs(from_here, to_here, &mut |run: Run| {
                if piece.matrices.is_some() {
                    return ready.copy_run(fill, index, &run, from, out);
                }
                let series = Series {
                    law: &piece.law,
                    key: piece.key,
                    table: piece.table.as_deref().unwrap_or_default(),
                    src: run.src,
                    step: run.src_step,
                    dtype: fill.dtype,
                    rounding: piece.rounding,
                };
                fill_run(level, &series, &run, from, out);
            });
        }
    }
}

/// Fills the elements of a run, which may lie apart in the destination; `out` begins with destination element `from`.
fn fill_run(level: Available, series: &Series<'_>, run: &Run, from: u64, out: &mut [u8]) {
    let size = series.dtype.size() as usize;
    let at = (run.dst - from) as usize * size;
    if run.dst_step == 1 {
        return fill_series(level, series, &mut out[at..at + run.count as usize * size]);
    }
    let mut buffer = [0; 4096];
    let mut done = 0;
    while done < run.count {
        let count = (run.count - done).min((buffer.len() / size) as u64);
        let part = Series { src: run.src.wrapping_add(done.wrapping_mul(run.src_step)), ..*series };
        let values = &mut buffer[..count as usize * size];
        fill_series(level, &part, values);
        for (k, value) in values.chunks_exact(size).enumerate() {
            let at = at + (done as usize + k) * run.dst_step as usize * size;
            out[at..at + size].copy_from_slice(value);
        }
        done += count;
    }
}
