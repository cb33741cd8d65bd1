//! The two products that cost the time, a tile of the result in registers: every element is a sequence of fused multiply-adds
//! in the stream's order, so that neither the tile nor the vector's width shows in the bits.

use super::{BLOCK, GROUP, Line, SLAB};
use crate::cpu::fma::Fma;

/// `sum over rows of lines[row][column + i] * b[row][from + j]`, from the last row to the first: a reflector's leading 1 comes
/// last, and does not coarsen the sums of its small numbers.
#[inline(always)]
pub(super) fn over_rows<A: Fma, const MR: usize, const NR: usize>(
    lines: &[Line],
    column: usize,
    b: &[[f32; SLAB]],
    from: usize,
) -> [[f32; NR]; MR] {
    let mut sums = [[0.0; NR]; MR];
    for (line, b) in lines.iter().zip(b).rev() {
        let a: &[f32; MR] = line[column..column + MR].try_into().expect("inside the line");
        let b: &[f32; NR] = b[from..from + NR].try_into().expect("inside the slab");
        for i in 0..MR {
            for j in 0..NR {
                sums[i][j] = A::fma(a[i], b[j], sums[i][j]);
            }
        }
    }
    sums
}

/// `sum over k of lines[k / GROUP][row + i][k % GROUP] * b[k][from + j]`.
#[inline(always)]
pub(super) fn over_columns<A: Fma, const MR: usize, const NR: usize>(
    lines: [&[Line]; BLOCK / GROUP],
    row: usize,
    b: &[[f32; SLAB]; BLOCK],
    from: usize,
) -> [[f32; NR]; MR] {
    let mut sums = [[0.0; NR]; MR];
    for (lines, b) in lines.iter().zip(b.chunks_exact(GROUP)) {
        let lines: &[Line; MR] = lines[row..row + MR].try_into().expect("whole tiles");
        for (k, b) in b.iter().enumerate() {
            let b: &[f32; NR] = b[from..from + NR].try_into().expect("inside the slab");
            for i in 0..MR {
                let a = lines[i][k % GROUP];
                for j in 0..NR {
                    sums[i][j] = A::fma(a, b[j], sums[i][j]);
                }
            }
        }
    }
    sums
}
