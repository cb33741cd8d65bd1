//! The two products that take most of the time, `MR x NR` results at once, in registers. Every result is a sequence of
//! fused multiply-adds in the stream's order, so that neither `MR` and `NR` nor the width of a vector shows in the
//! bits.

use super::{BLOCK, GROUP, Line, STRIP};
use crate::cpu::fma::Fma;

/// `sum over rows of lines[row][column + i] * b[row][from + j]`, from the last row to the first, so that the
/// leading 1 of a reflector comes last: small numbers are added before it, where their sum loses less.
#[inline(always)]
pub(super) fn over_rows<A: Fma, const MR: usize, const NR: usize>(
    lines: &[Line],
    column: usize,
    b: &[[f32; STRIP]],
    from: usize,
) -> [[f32; NR]; MR] {
    let mut sums = [[0.0; NR]; MR];
    for (line, b) in lines.iter().zip(b).rev() {
        let a: &[f32; MR] = line[column..column + MR].try_into().expect("inside the line");
        let b: &[f32; NR] = b[from..from + NR].try_into().expect("inside the strip");
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
    b: &[[f32; STRIP]; BLOCK],
    from: usize,
) -> [[f32; NR]; MR] {
    let mut sums = [[0.0; NR]; MR];
    for (lines, b) in lines.iter().zip(b.chunks_exact(GROUP)) {
        let lines: &[Line; MR] = lines[row..row + MR].try_into().expect("the rows are padded to a multiple of MR");
        for (k, b) in b.iter().enumerate() {
            let b: &[f32; NR] = b[from..from + NR].try_into().expect("inside the strip");
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
