//! A strip of the matrix, [`STRIP`] columns side by side, through a block of reflectors: `C - V (T (V^T C))`.

use super::product::{over_columns, over_rows};
use super::reflect::flushed;
use super::{BLOCK, CHUNK_ROWS, GROUP, Line, STRIP};
use crate::cpu::fma::Fma;
use std::marker::PhantomData;

type Square = [[f32; STRIP]; BLOCK];

/// Begins with a cache line, so that no vector lies across two.
#[repr(align(64))]
struct Aligned<T>(T);

/// The destination, seen as the taller one of the matrix and its transpose, and shared by tasks each of which owns some
/// of its columns.
pub(super) struct Tall<'a> {
    at: *mut f32,
    rows: usize,
    cols: usize,
    /// Elements from a row of the tall matrix to the next, and from a column to the next: one of them is 1.
    row_step: usize,
    col_step: usize,
    owner: PhantomData<&'a mut [f32]>,
}

// SAFETY: it stands for an exclusive borrow of plain numbers, which any thread may have. They are reached by `read` and
// `write` alone. Callers of `read` and `write` guarantee that no two threads touch the same columns.
unsafe impl Sync for Tall<'_> {}

impl<'a> Tall<'a> {
    /// The view of a row-major matrix.
    pub fn new(out: &'a mut [f32], (rows, cols): (usize, usize)) -> Self {
        assert_eq!(out.len(), rows * cols);
        let at = out.as_mut_ptr();
        if rows >= cols {
            Self { at, rows, cols, row_step: cols, col_step: 1, owner: PhantomData }
        } else {
            Self { at, rows: cols, cols: rows, row_step: 1, col_step: cols, owner: PhantomData }
        }
    }

    /// Reads `into.len()` rows and `width` columns.
    ///
    /// # Safety
    /// No other thread writes these columns while this runs.
    #[inline(always)]
    unsafe fn read(&self, row: usize, col: usize, width: usize, into: &mut [[f32; STRIP]]) {
        assert!(row + into.len() <= self.rows && col + width <= self.cols && width <= STRIP);
        for (r, into) in into.iter_mut().enumerate() {
            let start = (row + r) * self.row_step + col * self.col_step;
            if self.col_step == 1 {
                // SAFETY: `width` elements of one row, inside the matrix by the assertion. By the contract nobody
                // writes them while the slice lives, and `into` is memory of the caller's own.
                into[..width].copy_from_slice(unsafe { std::slice::from_raw_parts(self.at.add(start), width) });
            } else {
                for (j, into) in into[..width].iter_mut().enumerate() {
                    // SAFETY: inside the matrix by the assertion. By the contract nobody writes this column meanwhile.
                    *into = unsafe { *self.at.add(start + j * self.col_step) };
                }
            }
        }
    }

    /// Writes values side by side in a row.
    ///
    /// # Safety
    /// No other thread reads or writes these columns while this runs.
    #[inline(always)]
    unsafe fn write(&self, row: usize, col: usize, values: &[f32]) {
        assert!(row < self.rows && col + values.len() <= self.cols);
        let start = row * self.row_step + col * self.col_step;
        if self.col_step == 1 {
            // SAFETY: elements of one row, inside the matrix by the assertion. They are in the columns that the caller
            // has alone by the contract, so that nothing else refers to them while the slice lives.
            unsafe { std::slice::from_raw_parts_mut(self.at.add(start), values.len()) }.copy_from_slice(values);
        } else {
            for (j, &value) in values.iter().enumerate() {
                // SAFETY: inside the matrix by the assertion, in a column that the caller has alone by the contract.
                unsafe { *self.at.add(start + j * self.col_step) = value };
            }
        }
    }
}

/// A block of reflectors, and the matrix that it is applied to: what the strips share.
pub(super) struct Reflectors<'a> {
    pub v: [&'a [Line]; BLOCK / GROUP],
    pub t: [&'a [Line]; BLOCK / GROUP],
    pub diagonal: &'a [f32; BLOCK],
    /// The first column of the block of reflectors, and its first row.
    pub first: usize,
    /// Rows of the block of reflectors.
    pub rows: usize,
    pub gain: f32,
    pub c: &'a Tall<'a>,
}

/// Adds `V^T B` over the rows of a chunk to the sums.
#[inline(always)]
fn add_products<A: Fma, const MR: usize, const NR: usize>(
    v: [&[Line]; BLOCK / GROUP],
    first: usize,
    b: &[[f32; STRIP]],
    sums: &mut [[f32; STRIP]],
) {
    for from in (0..STRIP).step_by(NR) {
        for i in (0..BLOCK).step_by(MR) {
            let lines = &v[i / GROUP][first..first + b.len()];
            let results = over_rows::<A, MR, NR>(lines, i % GROUP, b, from);
            for (sums, results) in sums[i..i + MR].iter_mut().zip(&results) {
                for j in 0..NR {
                    sums[from + j] += results[j];
                }
            }
        }
    }
}

/// Columns `STRIP s ..` of `V^T V`, into the sums.
#[inline(always)]
pub(super) fn gram<A: Fma, const MR: usize, const NR: usize>(
    v: [&[Line]; BLOCK / GROUP],
    rows: usize,
    s: usize,
    sums: &mut [[f32; STRIP]],
) {
    sums.fill([0.0; STRIP]);
    let mut packed = Aligned([[0.0; STRIP]; CHUNK_ROWS]);
    for first in (0..rows).step_by(CHUNK_ROWS).rev() {
        let packed = &mut packed.0[..CHUNK_ROWS.min(rows - first)];
        for (r, packed) in packed.iter_mut().enumerate() {
            for g in 0..STRIP / GROUP {
                packed[g * GROUP..(g + 1) * GROUP].copy_from_slice(&v[s * (STRIP / GROUP) + g][first + r]);
            }
        }
        add_products::<A, MR, NR>(v, first, packed, sums);
    }
}

impl Reflectors<'_> {
    /// Strip `s`, columns `first + STRIP s ..` of the matrix, at most [`STRIP`] of them, through the block of
    /// reflectors.
    ///
    /// # Safety
    /// No other call for this matrix and this `s` runs at the same time, and none for another block of reflectors of
    /// the matrix: strips of one block have no column in common.
    #[inline(always)]
    pub unsafe fn fill_strip<A: Fma, const MR: usize, const NR: usize>(&self, s: usize) {
        let col = self.first + s * STRIP;
        let width = STRIP.min(self.c.cols - col);
        // The columns of the block of reflectors itself are still those of the identity.
        let w = if s * STRIP < BLOCK {
            self.of_identity(s)
        } else {
            // SAFETY: these are the columns of strip `s`, which no other thread touches by this function's contract.
            unsafe { self.products::<A, MR, NR>(col, width) }
        };
        let b = self.apply::<A, MR, NR>(&w.0);
        // SAFETY: as above.
        unsafe { self.update::<A, MR, NR>(s, col, width, &b.0) };
    }

    /// `V^T C` of the block of reflectors' own columns, which are still those of the identity, with their signs.
    #[inline(always)]
    fn of_identity(&self, s: usize) -> Aligned<Square> {
        let mut w = Aligned([[0.0; STRIP]; BLOCK]);
        for j in 0..STRIP.min(self.rows - (s * STRIP).min(self.rows)) {
            let row = s * STRIP + j;
            for k in 0..BLOCK {
                w.0[k][j] = flushed(self.v[k / GROUP][row][k % GROUP] * self.diagonal[row]);
            }
        }
        w
    }

    /// `V^T C` of columns that later blocks have filled: the first rows of C are still 0 there.
    ///
    /// # Safety
    /// No other thread writes columns `col..col + width` while this runs.
    #[inline(always)]
    unsafe fn products<A: Fma, const MR: usize, const NR: usize>(&self, col: usize, width: usize) -> Aligned<Square> {
        let mut w = Aligned([[0.0; STRIP]; BLOCK]);
        let mut packed = Aligned([[0.0; STRIP]; CHUNK_ROWS]);
        for chunk in (0..self.rows).step_by(CHUNK_ROWS).rev() {
            let (first, end) = (chunk.max(BLOCK), self.rows.min(chunk + CHUNK_ROWS));
            let packed = &mut packed.0[..end.saturating_sub(first)];
            // SAFETY: this function's contract, for the same columns.
            unsafe { self.c.read(self.first + first, col, width, packed) };
            add_products::<A, MR, NR>(self.v, first, packed, &mut w.0);
        }
        w.0.as_flattened_mut().iter_mut().for_each(|w| *w = flushed(*w));
        w
    }

    /// `B = T W`.
    #[inline(always)]
    fn apply<A: Fma, const MR: usize, const NR: usize>(&self, w: &Square) -> Aligned<Square> {
        let mut b = Aligned([[0.0; STRIP]; BLOCK]);
        for from in (0..STRIP).step_by(NR) {
            for i in (0..BLOCK).step_by(MR) {
                let results = over_columns::<A, MR, NR>(self.t, i, w, from);
                for (b, results) in b.0[i..i + MR].iter_mut().zip(&results) {
                    for j in 0..NR {
                        b[from + j] = flushed(results[j]);
                    }
                }
            }
        }
        b
    }

    /// `C - V B`; after the first block, which comes last, the values are those of the tensor.
    ///
    /// # Safety
    /// No other thread reads or writes columns `col..col + width` while this runs.
    #[inline(always)]
    unsafe fn update<A: Fma, const MR: usize, const NR: usize>(&self, s: usize, col: usize, width: usize, b: &Square) {
        for row in (0..self.rows).step_by(MR) {
            let count = MR.min(self.rows - row);
            let mut c = Aligned([[0.0; STRIP]; MR]);
            let c = &mut c.0;
            if s * STRIP < BLOCK {
                for (i, c) in c.iter_mut().enumerate() {
                    let j = (row + i).wrapping_sub(s * STRIP);
                    if j < STRIP && row + i < BLOCK {
                        c[j] = self.diagonal[row + i];
                    }
                }
            } else if row >= BLOCK {
                // SAFETY: this function's contract, for the same columns.
                unsafe { self.c.read(self.first + row, col, width, &mut c[..count]) };
            }
            for from in (0..STRIP).step_by(NR) {
                let results = over_columns::<A, MR, NR>(self.v, row, b, from);
                for (c, results) in c.iter_mut().zip(&results) {
                    for j in 0..NR {
                        c[from + j] = flushed(c[from + j] - results[j]);
                    }
                }
            }
            for (i, c) in c[..count].iter_mut().enumerate() {
                if self.first == 0 {
                    for c in c.iter_mut() {
                        let value = *c * self.gain;
                        // The stream has no -0.
                        *c = if value.to_bits() << 1 == 0 { 0.0 } else { value };
                    }
                }
                // SAFETY: this function's contract, for the same columns.
                unsafe { self.c.write(self.first + row + i, col, &c[..width]) };
            }
        }
    }
}
