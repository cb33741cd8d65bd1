//! A block of reflectors, [`GROUP`] of them per task: deviates, norms, scaling.

use super::{GROUP, Line};
use crate::cpu::fill::TILE_BLOCKS;
use crate::cpu::fma::Fma;
use crate::cpu::math::{neg_2_ln, root, turn};
use crate::cpu::philox::philox;
use crate::value::key::domain;

/// `1 / d` of a normal positive number within 2^-62 .. 2^62.
#[inline(always)]
pub(super) fn reciprocal<A: Fma>(d: f32) -> f32 {
    // The seed is within 12.2 %; each step takes the error e to e^3.
    let y = f32::from_bits(0x7ef3_11c3 - d.to_bits());
    let e = A::fma(-d, y, 1.0);
    let y = A::fma(y, A::fma(e, e, e), y);
    let e = A::fma(-d, y, 1.0);
    A::fma(y, A::fma(e, e, e), y)
}

/// +0 below 2^-40, else the number itself.
///
/// The numbers that are left are multiples of 2^-63; their products, and sums of those, are multiples of 2^-126: none
/// is subnormal.
#[inline(always)]
pub(super) fn flushed(x: f32) -> f32 {
    if x.to_bits() & 0x7fff_ffff < 0x2b80_0000 { 0.0 } else { x }
}

/// Reflectors `begin..begin + GROUP` of a block of reflectors.
pub(super) struct Group<'a> {
    /// The index in the matrix of the first reflector of the block of reflectors, and the index of the matrix.
    pub counter: [u32; 2],
    pub key: [u32; 2],
    pub begin: usize,
    /// How many reflectors the block of reflectors has: columns from this one on are 0.
    pub width: usize,
    /// Rows of the block of reflectors.
    pub rows: usize,
    /// The rows, padded to a multiple of 8.
    pub lines: &'a mut [Line],
    /// The signs that make the matrix uniform over all orthogonal ones (Haar).
    pub diagonal: Line,
}

impl Group<'_> {
    /// Makes the reflectors.
    #[inline(always)]
    pub fn reflect<A: Fma>(&mut self) {
        self.lines.fill([0.0; GROUP]);
        let taken = self.width.saturating_sub(self.begin).min(GROUP);
        let mut sums = [[0.0; TILE_BLOCKS]; GROUP];
        let mut firsts = [1.0; GROUP];
        for tile in 0..(self.rows - self.begin.min(self.rows)).div_ceil(4 * TILE_BLOCKS) {
            for i in 0..taken {
                let values = self.deviates::<A>(i, tile, &mut sums[i]);
                let at = self.begin + i + 4 * TILE_BLOCKS * tile;
                if tile == 0 {
                    firsts[i] = values[0][0];
                }
                for (k, line) in self.lines[at.min(self.rows)..self.rows].iter_mut().take(4 * TILE_BLOCKS).enumerate() {
                    line[i] = values[k % 4][k / 4];
                }
            }
        }
        let mut factors = [0.0; GROUP];
        for i in 0..taken {
            let first = firsts[i];
            // Twice the norm, for rule "exact arithmetic" has no sum of the result of a root: as a factor of an fma it
            // may be there.
            let twice = root::<A>(4.0 * total(&mut sums[i]));
            let inverse = reciprocal::<A>(A::fma(twice, 0.5, first.abs()));
            factors[i] = if first < 0.0 { -inverse } else { inverse };
            self.diagonal[i] = if first < 0.0 { 1.0 } else { -1.0 };
        }
        for line in self.lines.iter_mut() {
            for i in 0..GROUP {
                line[i] = flushed(line[i] * factors[i]);
            }
        }
        for i in 0..taken {
            self.lines[self.begin + i][i] = 1.0;
        }
    }

    /// Elements `4 TILE_BLOCKS tile ..` of reflector `i`, 0 after its end; their squares are added to the sums, one for
    /// each block of the tile.
    #[inline(always)]
    fn deviates<A: Fma>(&self, i: usize, tile: usize, sums: &mut [f32; TILE_BLOCKS]) -> [[f32; TILE_BLOCKS]; 4] {
        let reflector = self.counter[0] + (self.begin + i) as u32;
        let end = (self.rows - self.begin - i) as u32;
        let first = (tile * TILE_BLOCKS) as u32;
        let mut values = [[0.0; TILE_BLOCKS]; 4];
        for b in 0..TILE_BLOCKS {
            let block = first + b as u32;
            let w = philox([block, reflector, self.counter[1], domain::ORTHOGONAL], self.key);
            for k in [0, 2] {
                let [x, y] = turn::<A>(w[k + 1], root::<A>(neg_2_ln::<A>(w[k])));
                let element = 4 * block + k as u32;
                values[k][b] = if element < end { x } else { 0.0 };
                values[k + 1][b] = if element + 1 < end { y } else { 0.0 };
            }
        }
        for v in &values {
            for b in 0..TILE_BLOCKS {
                sums[b] = A::fma(v[b], v[b], sums[b]);
            }
        }
        values
    }
}

/// The sum of the sums: the upper half is added to the lower one until one is left.
#[inline(always)]
fn total(sums: &mut [f32; TILE_BLOCKS]) -> f32 {
    let mut half = TILE_BLOCKS / 2;
    while half > 0 {
        for b in 0..half {
            sums[b] += sums[b + half];
        }
        half /= 2;
    }
    sums[0]
}
