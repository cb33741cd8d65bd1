//! The triangular factor `T` of a block of reflectors, `H_1 H_2 .. = I - V T V^T`, from the products of the reflectors
//! with each other.

use super::reflect::{flushed, reciprocal};
use super::{BLOCK, GROUP, Line, STRIP};
use crate::cpu::fma::Fma;

/// `T`, the inverse of the upper triangle of `V^T V` with half its diagonal (Puglisi 1992): with it `I - V T V^T` is
/// orthogonal whatever `V` is, so that the rounding of the reflectors does not matter. By back substitution, a row at a
/// time.
#[inline(always)]
pub(super) fn factor<A: Fma>(gram: &[[f32; STRIP]], width: usize, t: &mut [Line]) {
    let at = |i: usize, k: usize| gram[k / STRIP * BLOCK + i][k % STRIP];
    let mut rows = [[0.0f32; BLOCK]; BLOCK];
    for i in (0..BLOCK).rev() {
        // Reflectors from `width` on are 0: whatever T has for them is multiplied by 0.
        let inverse = reciprocal::<A>(if i < width { 0.5 * at(i, i) } else { 1.0 });
        let mut sums = [0.0; BLOCK];
        for k in i + 1..BLOCK {
            let x = flushed(at(i, k));
            for j in 0..BLOCK {
                sums[j] = A::fma(x, rows[k][j], sums[j]);
            }
        }
        for j in i + 1..BLOCK {
            rows[i][j] = flushed(-(flushed(sums[j]) * inverse));
        }
        rows[i][i] = inverse;
    }
    for (g, lines) in t.chunks_exact_mut(BLOCK).enumerate() {
        for (line, row) in lines.iter_mut().zip(&rows) {
            line.copy_from_slice(&row[g * GROUP..(g + 1) * GROUP]);
        }
    }
}
