//! A few columns of the matrix, through one block: `C - V (T (V^T C))`.

use super::reflect::flushed;
use super::tile::{over_columns, over_rows};
use super::{BLOCK, CHUNK, GROUP, Line, SLAB};
use crate::cpu::fma::Fma;
use std::marker::PhantomData;

type Square = [[f32; SLAB]; BLOCK];

/// On a cache line's start, so that no vector crosses two.
#[repr(align(64))]
struct Aligned<T>(T);

/// The destination, seen as the tall one of the matrix and its transpose, shared by tasks that own columns of it.
pub(super) struct Matrix<'a> {
    at: *mut f32,
    rows: usize,
    cols: usize,
    /// Elements from a row of the tall matrix to the next, and from a column to the next: one of them is 1.
    row_step: usize,
    col_step: usize,
    owner: PhantomData<&'a mut [f32]>,
}

// SAFETY: it stands for an exclusive borrow of plain numbers; who reads and writes which is the duty of `read` and `write`'s callers.
unsafe impl Sync for Matrix<'_> {}

impl<'a> Matrix<'a> {
    /// Of a row-major matrix.
    pub fn new(out: &'a mut [f32], (rows, cols): (usize, usize)) -> Self {
        assert_eq!(out.len(), rows * cols);
        let at = out.as_mut_ptr();
        if rows >= cols {
            Self { at, rows, cols, row_step: cols, col_step: 1, owner: PhantomData }
        } else {
            Self { at, rows: cols, cols: rows, row_step: 1, col_step: cols, owner: PhantomData }
        }
    }

    /// Reads the box of `into.len()` rows and `width` columns.
    ///
    /// # Safety
    /// No other thread writes these columns meanwhile.
    #[inline(always)]
    unsafe fn read(&self, row: usize, col: usize, width: usize, into: &mut [[f32; SLAB]]) {
        assert!(row + into.len() <= self.rows && col + width <= self.cols && width <= SLAB);
        for (r, into) in into.iter_mut().enumerate() {
            let start = (row + r) * self.row_step + col * self.col_step;
            if self.col_step == 1 {
                // SAFETY: `width` elements of one row, inside the matrix by the assertion.
                into[..width].copy_from_slice(unsafe { std::slice::from_raw_parts(self.at.add(start), width) });
            } else {
                for (j, into) in into[..width].iter_mut().enumerate() {
                    // SAFETY: inside the matrix by the assertion.
                    *into = unsafe { *self.at.add(start + j * self.col_step) };
                }
            }
        }
    }

    /// Writes a part of a row.
    ///
    /// # Safety
    /// No other thread reads or writes these columns meanwhile.
    #[inline(always)]
    unsafe fn write(&self, row: usize, col: usize, values: &[f32]) {
        assert!(row < self.rows && col + values.len() <= self.cols);
        let start = row * self.row_step + col * self.col_step;
        if self.col_step == 1 {
            // SAFETY: elements of one row, inside the matrix by the assertion.
            unsafe { std::slice::from_raw_parts_mut(self.at.add(start), values.len()) }.copy_from_slice(values);
        } else {
            for (j, &value) in values.iter().enumerate() {
                // SAFETY: inside the matrix by the assertion.
                unsafe { *self.at.add(start + j * self.col_step) = value };
            }
        }
    }
}

/// What the tasks of one block share.
pub(super) struct Job<'a> {
    pub v: [&'a [Line]; BLOCK / GROUP],
    pub t: [&'a [Line]; BLOCK / GROUP],
    pub diagonal: &'a [f32; BLOCK],
    /// The block's first column, and first row.
    pub first: usize,
    /// Rows of the block.
    pub rows: usize,
    pub gain: f32,
    pub c: &'a Matrix<'a>,
}

/// Adds `V^T B` over the rows of a chunk to the sums.
#[inline(always)]
fn add_products<A: Fma, const MR: usize, const NR: usize>(
    v: [&[Line]; BLOCK / GROUP],
    first: usize,
    b: &[[f32; SLAB]],
    sums: &mut [[f32; SLAB]],
) {
    for from in (0..SLAB).step_by(NR) {
        for i in (0..BLOCK).step_by(MR) {
            let lines = &v[i / GROUP][first..first + b.len()];
            let tile = over_rows::<A, MR, NR>(lines, i % GROUP, b, from);
            for (sums, tile) in sums[i..i + MR].iter_mut().zip(&tile) {
                for j in 0..NR {
                    sums[from + j] += tile[j];
                }
            }
        }
    }
}

/// Columns `SLAB s ..` of `V^T V`.
#[inline(always)]
pub(super) fn gram<A: Fma, const MR: usize, const NR: usize>(
    v: [&[Line]; BLOCK / GROUP],
    rows: usize,
    s: usize,
    sums: &mut [[f32; SLAB]],
) {
    sums.fill([0.0; SLAB]);
    let mut packed = Aligned([[0.0; SLAB]; CHUNK]);
    for first in (0..rows).step_by(CHUNK).rev() {
        let packed = &mut packed.0[..CHUNK.min(rows - first)];
        for (r, packed) in packed.iter_mut().enumerate() {
            for g in 0..SLAB / GROUP {
                packed[g * GROUP..(g + 1) * GROUP].copy_from_slice(&v[s * (SLAB / GROUP) + g][first + r]);
            }
        }
        add_products::<A, MR, NR>(v, first, packed, sums);
    }
}

impl Job<'_> {
    /// Columns `first + SLAB s ..` through the block.
    #[inline(always)]
    pub fn run<A: Fma, const MR: usize, const NR: usize>(&self, s: usize) {
        let col = self.first + s * SLAB;
        let width = SLAB.min(self.c.cols - col);
        let panel = s * SLAB < BLOCK;
        let w = if panel { self.of_identity(s) } else { self.products::<A, MR, NR>(col, width) };
        let mut b = Aligned([[0.0; SLAB]; BLOCK]);
        for from in (0..SLAB).step_by(NR) {
            for i in (0..BLOCK).step_by(MR) {
                let tile = over_columns::<A, MR, NR>(self.t, i, &w.0, from);
                for (b, tile) in b.0[i..i + MR].iter_mut().zip(&tile) {
                    for j in 0..NR {
                        b[from + j] = flushed(tile[j]);
                    }
                }
            }
        }
        self.update::<A, MR, NR>(s, col, width, &b.0);
    }

    /// `V^T C` of the block's own columns, which are still the identity's, with their signs.
    #[inline(always)]
    fn of_identity(&self, s: usize) -> Aligned<Square> {
        let mut w = Aligned([[0.0; SLAB]; BLOCK]);
        for j in 0..SLAB.min(self.rows - (s * SLAB).min(self.rows)) {
            let row = s * SLAB + j;
            for k in 0..BLOCK {
                w.0[k][j] = flushed(self.v[k / GROUP][row][k % GROUP] * self.diagonal[row]);
            }
        }
        w
    }

    /// `V^T C` of columns that later blocks have filled: C's first rows are still 0 there.
    #[inline(always)]
    fn products<A: Fma, const MR: usize, const NR: usize>(&self, col: usize, width: usize) -> Aligned<Square> {
        let mut w = Aligned([[0.0; SLAB]; BLOCK]);
        let mut packed = Aligned([[0.0; SLAB]; CHUNK]);
        for chunk in (0..self.rows).step_by(CHUNK).rev() {
            let (first, end) = (chunk.max(BLOCK), self.rows.min(chunk + CHUNK));
            let packed = &mut packed.0[..end.saturating_sub(first)];
            // SAFETY: these columns belong to this task.
            unsafe { self.c.read(self.first + first, col, width, packed) };
            add_products::<A, MR, NR>(self.v, first, packed, &mut w.0);
        }
        w.0.as_flattened_mut().iter_mut().for_each(|w| *w = flushed(*w));
        w
    }

    /// `C - V B`; after the first block the values are those of the tensor.
    #[inline(always)]
    fn update<A: Fma, const MR: usize, const NR: usize>(&self, s: usize, col: usize, width: usize, b: &Square) {
        for row in (0..self.rows).step_by(MR) {
            let count = MR.min(self.rows - row);
            let mut c = Aligned([[0.0; SLAB]; MR]);
            let c = &mut c.0;
            if s * SLAB < BLOCK {
                for (i, c) in c.iter_mut().enumerate() {
                    let j = (row + i).wrapping_sub(s * SLAB);
                    if j < SLAB && row + i < BLOCK {
                        c[j] = self.diagonal[row + i];
                    }
                }
            } else if row >= BLOCK {
                // SAFETY: these columns belong to this task.
                unsafe { self.c.read(self.first + row, col, width, &mut c[..count]) };
            }
            for from in (0..SLAB).step_by(NR) {
                let tile = over_columns::<A, MR, NR>(self.v, row, b, from);
                for (c, tile) in c.iter_mut().zip(&tile) {
                    for j in 0..NR {
                        c[from + j] = flushed(c[from + j] - tile[j]);
                    }
                }
            }
            for (i, c) in c[..count].iter_mut().enumerate() {
                if self.first == 0 {
                    for c in c.iter_mut() {
                        let value = *c * self.gain;
                        // A 0 has no sign in the stream.
                        *c = if value.to_bits() << 1 == 0 { 0.0 } else { value };
                    }
                }
                // SAFETY: these columns belong to this task.
                unsafe { self.c.write(self.first + row + i, col, &c[..width]) };
            }
        }
    }
}
