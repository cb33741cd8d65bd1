//! Where the elements of a logical tensor of orthogonal matrices come from: which matrix, and which of its elements.

use crate::value::law::Law;
use crate::{Error, Result};

/// Reflectors of a block: part of the stream.
pub const BLOCK: usize = 64;
/// The orthogonal matrices of one logical tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Matrices {
    pub key: [u32; 2],
    pub rows: u32,
    pub cols: u32,
    pub gain: f32,
    /// Elements of a kernel that lie side by side; 1 where matrices are whole.
    inner: u64,
    /// In a kernel: the element, of those side by side or of the matrices, that has the matrix. All others are zero.
    spot: Option<u64>,
}

/// An element of a matrix, of a tensor's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub matrix: u64,
    pub element: u64,
}

impl Matrices {
    /// Those of an orthogonal law.
    pub fn of(law: &Law, key: [u32; 2]) -> Option<Self> {
        match *law {
            // The law has checked that the numbers fit.
            Law::Orthogonal { rows, cols, gain, inner, spot, .. } => {
                Some(Self { key, rows: rows as u32, cols: cols as u32, gain: gain as f32, inner, spot })
            }
            _ => None,
        }
    }

    /// Elements of a matrix.
    pub fn size(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.cols)
    }

    /// All matrices of a tensor of so many elements; none where it is not made of them alone.
    #[cfg(feature = "gpu")]
    pub fn batch(&self, elements: u64) -> Option<Batch> {
        let count = u32::try_from(elements / self.size()).ok().filter(|_| self.spot.is_none())?;
        Some(Batch { key: self.key, first: 0, count, rows: self.rows, cols: self.cols, gain: self.gain })
    }

    /// What stands at an index of the tensor; none: zero.
    pub fn entry(&self, index: u64) -> Option<Entry> {
        let (place, beside) = (index / self.inner, index % self.inner);
        let (matrix, element) = (place / self.size(), place % self.size());
        match self.spot {
            None => Some(Entry { matrix, element }),
            // One matrix: the spot is among its neighbours, or among matrices.
            Some(spot) if self.inner > 1 => (beside == spot).then_some(Entry { matrix: 0, element }),
            Some(spot) => (matrix == spot).then_some(Entry { matrix: 0, element }),
        }
    }

    /// How many indices from this one on are of the same matrix, element after element: at least 1.
    pub fn run(&self, index: u64) -> u64 {
        if self.inner > 1 { 1 } else { self.size() - index % self.size() }
    }
}

/// Matrices of one tensor, side by side: each row-major, `rows x cols`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Batch {
    /// The tensor's key.
    pub key: [u32; 2],
    /// The index of the first matrix in the tensor.
    pub first: u32,
    /// How many matrices.
    pub count: u32,
    /// Rows of each.
    pub rows: u32,
    /// Columns of each.
    pub cols: u32,
    /// The factor of every element; 0, or of a magnitude in [2^-76, 2^120].
    pub gain: f32,
}

impl Batch {
    /// Elements of one matrix.
    #[must_use]
    pub fn matrix_len(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.cols)
    }

    /// Elements of all of them.
    ///
    /// # Errors
    /// [`Error::Buffer`] where they pass `u64`, the indices pass 2^32, or the gain is out of range.
    pub fn elements(&self) -> Result<u64> {
        let gain = self.gain.abs();
        let (least, most) = (f32::from_bits(0x1980_0000), f32::from_bits(0x7b80_0000));
        if !(gain == 0.0 || (least..=most).contains(&gain)) {
            return Err(Error::Buffer(format!("gain {}: 0 or a magnitude in [2^-76, 2^120] is needed", self.gain)));
        }
        let len = self.matrix_len().checked_mul(u64::from(self.count));
        match len {
            Some(len) if self.first.checked_add(self.count).is_some() => Ok(len),
            _ => Err(Error::Buffer(format!("{} orthogonal matrices after {} are too many", self.count, self.first))),
        }
    }

    /// Rows and columns of the tall one of the matrix and its transpose.
    pub(crate) fn tall(&self) -> (u32, u32) {
        (self.rows.max(self.cols), self.rows.min(self.cols))
    }
}

/// Bytes of a [`crate::cpu::orthogonal::Workspace`] after a matrix of this shape; each thread also uses 64 KiB of its stack.
#[must_use]
pub fn workspace_bytes(rows: u32, cols: u32) -> u64 {
    4 * BLOCK as u64 * u64::from(rows.max(cols)).next_multiple_of(8) + 8 * (BLOCK * BLOCK) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_names_its_matrix_and_its_element() {
        let of = |law: Law| Matrices::of(&law, [1, 2]).unwrap();
        let entry = |matrix, element| Some(Entry { matrix, element });
        let batch = of(Law::orthogonal(3, 4, 5, 1.0).unwrap());
        assert_eq!((batch.entry(0), batch.entry(19), batch.entry(20)), (entry(0, 0), entry(0, 19), entry(1, 0)));
        assert_eq!((batch.entry(59), batch.run(59), batch.run(20)), (entry(2, 19), 1, 20));
        // [out 2, in 3, 5 side by side], the third of which has the matrix.
        let last = of(Law::delta_orthogonal((2, 3), (5, 1), 2, 1.0).unwrap());
        assert_eq!((last.entry(2), last.entry(3), last.entry(7)), (entry(0, 0), None, entry(0, 1)));
        // [4 before, in 2, out 3], the second of which is the matrix.
        let first = of(Law::delta_orthogonal((2, 3), (1, 4), 1, 1.0).unwrap());
        assert_eq!(
            (first.entry(5), first.entry(6), first.entry(11), first.entry(12)),
            (None, entry(0, 0), entry(0, 5), None)
        );
        assert!(Matrices::of(&Law::normal(0.0, 1.0).unwrap(), [1, 2]).is_none());
    }
}
