//! Elements of orthogonal matrices on their way into a fill: each matrix is made once, then copied where it belongs.

use super::Level;
use super::fill::store_one;
use super::orthogonal::{self, Batch, Workspace};
use crate::Result;
use crate::plan::fill::{Fill, Piece};
use crate::plan::matrices::{Entry, Matrices};
use crate::plan::placement::Stretch;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

/// Elements up to which a matrix is not kept for the next call: it costs little more than reading it.
const SMALL: u64 = 1 << 14;

/// Bytes of matrices up to which those of a window are made together, however many there are.
const AT_ONCE: u64 = 16 << 20;

/// Matrices that are kept: where one ends and the next begins, windows of both are under way.
const KEPT: usize = 2;

type Made = Arc<Mutex<Option<Arc<Vec<f32>>>>>;

/// The matrices that were made last, for callers that fill one tensor window by window.
#[derive(Debug, Default)]
pub(crate) struct Memo(Mutex<VecDeque<(Matrices, u64, Made)>>);

impl Memo {
    /// One matrix: made here, or by another thread while this one waits. That thread must not be one of the pool's, which may be
    /// called back to work before it is done.
    fn matrix(&self, level: Level, matrices: &Matrices, matrix: u64) -> Result<Arc<Vec<f32>>> {
        let made = match self.0.lock() {
            Ok(mut kept) => match kept.iter().find(|(m, t, _)| (m, *t) == (matrices, matrix)) {
                Some((_, _, made)) => made.clone(),
                None => {
                    kept.truncate(KEPT - 1);
                    kept.push_front((*matrices, matrix, Made::default()));
                    kept[0].2.clone()
                }
            },
            // A thread died while it held the list: do without.
            Err(_) => Made::default(),
        };
        let Ok(mut made) = made.lock() else { return some(level, matrices, matrix, 1) };
        if let Some(values) = &*made {
            return Ok(values.clone());
        }
        let values = some(level, matrices, matrix, 1)?;
        *made = Some(values.clone());
        Ok(values)
    }
}

/// Matrices from one on, side by side.
fn some(level: Level, matrices: &Matrices, first: u64, count: u64) -> Result<Arc<Vec<f32>>> {
    let Matrices { key, rows, cols, gain, .. } = *matrices;
    // The law has checked that there are fewer than 2^32.
    let batch = Batch { key, first: first as u32, count: count as u32, rows, cols, gain };
    let mut values = vec![0.0; batch.elements()? as usize];
    orthogonal::fill(level, &batch, &mut values, &mut Workspace::default())?;
    Ok(Arc::new(values))
}

/// The numbers of the matrices that a window of a fill has elements of, for each of its pieces.
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
                piece.placement.runs(from, to, &mut |s: Stretch| {
                    each(matrices, &s, |_, _, entry| {
                        needed.extend(entry.map(|e| e.matrix));
                    });
                });
            }
            needed
        };
        Self(fill.pieces.iter().map(of_piece).collect())
    }

    /// Whether they are more than are made at once, and the window is to be cut.
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

/// A matrix, the values that it stands among, and where it begins.
type Place = (u64, Arc<Vec<f32>>, usize);

/// The matrices that a window of a fill has elements of, for each of its pieces.
#[derive(Debug, Default)]
pub(super) struct Ready(Vec<Vec<Place>>);

impl Ready {
    /// Makes them.
    pub fn new(fill: &Fill, level: Level, needed: Needed, memo: &Memo) -> Result<Self> {
        let of_piece = |(piece, needed): (&Piece, BTreeSet<u64>)| {
            let Some(matrices) = &piece.matrices else { return Ok(Vec::new()) };
            let mut places = Vec::new();
            let mut rest = needed.into_iter().peekable();
            while let Some(first) = rest.next() {
                if matrices.size() > SMALL {
                    places.push((first, memo.matrix(level, matrices, first)?, 0));
                    continue;
                }
                // Small ones that follow each other are made together.
                let mut last = first;
                while rest.next_if_eq(&(last + 1)).is_some() {
                    last += 1;
                }
                let values = some(level, matrices, first, last - first + 1)?;
                let size = matrices.size() as usize;
                places.extend((first..=last).map(|t| (t, values.clone(), (t - first) as usize * size)));
            }
            Ok(places)
        };
        fill.pieces.iter().zip(needed.0).map(of_piece).collect::<Result<Vec<_>>>().map(Self)
    }

    /// Writes a stretch of a piece; `out` begins with destination element `from`.
    pub fn gather(&self, fill: &Fill, piece: usize, s: &Stretch, from: u64, out: &mut [u8]) {
        let (size, rounding) = (fill.dtype.size() as usize, fill.pieces[piece].rounding);
        let Some(matrices) = &fill.pieces[piece].matrices else { return };
        each(matrices, s, |k, count, entry| {
            let values = entry.and_then(|e| {
                let made = &self.0[piece];
                let at = made.binary_search_by_key(&e.matrix, |(t, _, _)| *t).ok()?;
                let element = made[at].2 + e.element as usize;
                Some(&made[at].1[element..element + count as usize])
            });
            for j in 0..count {
                let value = values.map_or(0.0, |v| v[j as usize]);
                let at = (s.dst + (k + j) * s.dst_step - from) as usize * size;
                let index = s.src.wrapping_add((k + j).wrapping_mul(s.src_step));
                store_one(fill.dtype, rounding, (matrices.key, index), value, &mut out[at..at + size]);
            }
        });
    }
}

/// The stretch cut where its elements stop being neighbours of one matrix: (first, how many, what stands there).
fn each(matrices: &Matrices, s: &Stretch, mut f: impl FnMut(u64, u64, Option<Entry>)) {
    let mut k = 0;
    while k < s.count {
        let index = s.src.wrapping_add(k.wrapping_mul(s.src_step));
        let entry = matrices.entry(index);
        let run = if s.src_step == 1 { matrices.run(index).min(s.count - k) } else { 1 };
        f(k, run, entry);
        k += run;
    }
}
