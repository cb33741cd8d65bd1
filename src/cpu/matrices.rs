//! Elements of orthogonal matrices on their way into a fill: each matrix is made once, then copied to where its
//! elements lie.

use super::fill::store_one;
use super::level::Level;
use super::orthogonal::{self, Workspace};
use super::threads::Threads;
use crate::Result;
use crate::plan::fill::{Fill, Piece};
use crate::plan::matrices::{Element, Matrices};
use crate::plan::placement::Run;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

/// Matrices up to this size, in elements, are rebuilt, not cached: making one costs about as much as reading it.
const SMALL: u64 = 1 << 14;

/// Bytes of matrices up to which those of a range are made together, however many there are.
const AT_ONCE: u64 = 16 << 20;

/// Matrices that are cached: where one ends and the next begins, ranges of both may be under way.
const KEPT: usize = 2;

/// The level whose code makes matrices, and the threads that do.
type On = (Level, Threads);

/// A matrix that some thread makes, or has made.
type Made = Arc<Mutex<Option<Arc<Vec<f32>>>>>;

/// The matrices that were made last, with the tensor and the index that each belongs to: for a tensor that is filled
/// range by range.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<VecDeque<(Matrices, u64, Made)>>);

impl Kept {
    /// The matrix of an index: made here, or by another thread while this one waits.
    ///
    /// A thread of rayon's pool never waits: the thread that makes the matrix may itself wait for work that this one
    /// has, and while it waits it may be called back to this very function. It makes the matrix for itself.
    fn matrix(&self, on: On, matrices: &Matrices, index: u64) -> Result<Arc<Vec<f32>>> {
        let made = match self.0.lock() {
            Ok(mut kept) => match kept.iter().find(|(m, i, _)| (m, *i) == (matrices, index)) {
                Some((_, _, made)) => made.clone(),
                None => {
                    kept.truncate(KEPT - 1);
                    kept.push_front((*matrices, index, Made::default()));
                    kept[0].2.clone()
                }
            },
            // A thread died while it held the list: do without the list.
            Err(_) => Made::default(),
        };
        #[cfg(feature = "parallel")]
        let may_wait = rayon::current_thread_index().is_none();
        #[cfg(not(feature = "parallel"))]
        let may_wait = true;
        let made = if may_wait { made.lock().ok() } else { made.try_lock().ok() };
        let Some(mut made) = made else { return make(on, matrices, index, 1) };
        if let Some(values) = &*made {
            return Ok(values.clone());
        }
        let values = make(on, matrices, index, 1)?;
        *made = Some(values.clone());
        Ok(values)
    }
}

/// Makes `count` matrices from index `first` on, side by side.
fn make((level, threads): On, matrices: &Matrices, first: u64, count: u64) -> Result<Arc<Vec<f32>>> {
    // The law has checked that there are fewer than 2^32.
    let batch = matrices.batch(first as u32, count as u32);
    let mut values = vec![0.0; batch.elements()? as usize];
    orthogonal::fill_on(threads, level, &batch, &mut values, &mut Workspace::default())?;
    Ok(Arc::new(values))
}

/// The indices of the matrices that a range of a fill has elements of, for each of the fill's pieces.
#[derive(Debug, Default)]
pub(super) struct Needed(Vec<BTreeSet<u64>>);

impl Needed {
    /// Those of the destination's elements `from..to`.
    pub fn of(fill: &Fill, from: u64, to: u64) -> Self {
        if !fill.has_matrices() {
            return Self::default();
        }
        let of_piece = |piece: &Piece| {
            let mut needed = BTreeSet::new();
            if let Some(matrices) = &piece.matrices {
                piece.placement.runs(from, to, &mut |run: Run| {
                    neighbors(matrices, &run, |_, _, element| {
                        needed.extend(element.map(|e| e.matrix));
                    });
                });
            }
            needed
        };
        Self(fill.pieces.iter().map(of_piece).collect())
    }

    /// Whether they are more than are made at once, so that the range is to be cut.
    pub fn too_many(&self, fill: &Fill) -> bool {
        let (mut count, mut bytes) = (0, 0u64);
        for (needed, piece) in self.0.iter().zip(&fill.pieces) {
            let size = piece.matrices.map_or(0, |m| m.size().saturating_mul(4));
            count += needed.len();
            bytes = bytes.saturating_add((needed.len() as u64).saturating_mul(size));
        }
        bytes > AT_ONCE && count > 1
    }
}

/// A matrix that is made: (index of the matrix, the values that contain it, its offset in them).
type ReadyMatrix = (u64, Arc<Vec<f32>>, usize);

/// The matrices that a range of a fill has elements of, for each of the fill's pieces.
#[derive(Debug, Default)]
pub(super) struct Ready(Vec<Vec<ReadyMatrix>>);

impl Ready {
    /// Makes the matrices that are needed and not kept.
    pub fn new(fill: &Fill, on: On, needed: Needed, kept: &Kept) -> Result<Self> {
        let of_piece = |(piece, needed): (&Piece, BTreeSet<u64>)| {
            let Some(matrices) = &piece.matrices else { return Ok(Vec::new()) };
            let mut ready = Vec::new();
            let mut rest = needed.into_iter().peekable();
            while let Some(first) = rest.next() {
                if matrices.size() > SMALL {
                    ready.push((first, kept.matrix(on, matrices, first)?, 0));
                    continue;
                }
                // Small ones that follow each other are made together.
                let mut last = first;
                while rest.next_if_eq(&(last + 1)).is_some() {
                    last += 1;
                }
                let values = make(on, matrices, first, last - first + 1)?;
                let size = matrices.size() as usize;
                ready.extend((first..=last).map(|t| (t, values.clone(), (t - first) as usize * size)));
            }
            Ok(ready)
        };
        fill.pieces.iter().zip(needed.0).map(of_piece).collect::<Result<Vec<_>>>().map(Self)
    }

    /// Writes the elements of a run of a piece; `out` begins with destination element `from`.
    pub fn copy_run(&self, fill: &Fill, piece: usize, run: &Run, from: u64, out: &mut [u8]) {
        let (size, rounding) = (fill.dtype.size() as usize, fill.pieces[piece].rounding);
        let Some(matrices) = &fill.pieces[piece].matrices else { return };
        neighbors(matrices, run, |k, count, element| {
            let values = element.and_then(|e| {
                let made = &self.0[piece];
                let at = made.binary_search_by_key(&e.matrix, |(t, _, _)| *t).ok()?;
                let first = made[at].2 + e.index as usize;
                Some(&made[at].1[first..first + count as usize])
            });
            for j in 0..count {
                let value = values.map_or(0.0, |v| v[j as usize]);
                let at = (run.dst + (k + j) * run.dst_step - from) as usize * size;
                let index = run.src.wrapping_add((k + j).wrapping_mul(run.src_step));
                store_one(fill.dtype, rounding, (matrices.key, index), value, &mut out[at..at + size]);
            }
        });
    }
}

/// Cuts a run where its elements stop being neighbors in one matrix, and calls `f` with each part: the number of its
/// first element in the run, how many elements it has, and what the first one is.
fn neighbors(matrices: &Matrices, run: &Run, mut f: impl FnMut(u64, u64, Option<Element>)) {
    let mut k = 0;
    while k < run.count {
        let index = run.src.wrapping_add(k.wrapping_mul(run.src_step));
        let element = matrices.element(index);
        let count = if run.src_step == 1 { matrices.neighbors(index).min(run.count - k) } else { 1 };
        f(k, count, element);
        k += count;
    }
}

#[cfg(all(test, feature = "parallel"))]
mod tests {
    use super::super::RangeFiller;
    use super::*;
    use crate::plan::{Plan, TensorSpec};
    use crate::{Scheme, StreamVersion};
    use rayon::prelude::*;
    use std::time::Duration;

    /// Each of many tasks of a small pool wants the same matrices from one shared cache, and makes them on that pool.
    #[test]
    fn threads_of_a_pool_that_share_matrices_do_not_wait_for_each_other() {
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let spec = TensorSpec::new("w", [4, 160, 160], Scheme::orthogonal(1.0, 1)).unwrap();
            let fill = Plan::new(StreamVersion::V1, 42).push(&spec).unwrap().fill();
            let mut whole = vec![0; fill.bytes() as usize];
            super::super::fill(&fill, &mut whole).unwrap();
            let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
            let shared = RangeFiller::new(Level::best());
            pool.install(|| {
                (0..200usize).into_par_iter().for_each(|i| {
                    let from = i * 3_001 % (whole.len() / 4 - 1000) * 4;
                    let mut part = vec![0; 4000];
                    shared.fill(&fill, from as u64, &mut part).unwrap();
                    assert!(part == whole[from..from + 4000], "bytes from {from}");
                });
            });
            sender.send(()).unwrap();
        });
        // Two minutes for what takes a fraction of a second.
        assert!(receiver.recv_timeout(Duration::from_secs(120)).is_ok(), "the pool's threads wait, or one has failed");
    }
}
