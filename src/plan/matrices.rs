//! Where the elements of a logical tensor of orthogonal matrices come from: which matrix, and which of its elements.

use crate::value::law::{Law, MAX_SCALE, MIN_SCALE};
use crate::{Error, Result};

/// Reflectors that are applied together, a block of reflectors: part of the stream.
pub const BLOCK: usize = 64;

/// Rows whose products are summed apart, before the sums are added, a chunk: part of the stream.
pub const CHUNK_ROWS: usize = 256;

/// The orthogonal matrices that the elements of one logical tensor belong to, however many they are: the tensor's key,
/// the shape that they all have, and how they lie in the tensor. A [`Batch`] of them is what is made at once.
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

/// An element of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    /// The index of the matrix in the tensor.
    pub matrix: u64,
    /// The index of the element in the matrix, row-major.
    pub index: u64,
}

impl Matrices {
    /// Those of an orthogonal law; `None` for any other law.
    pub fn of(law: &Law, key: [u32; 2]) -> Option<Self> {
        let Law::Orthogonal(law) = law else { return None };
        // The law has checked that the numbers fit.
        let (rows, cols, gain) = (law.rows() as u32, law.cols() as u32, law.gain() as f32);
        Some(Self { key, rows, cols, gain, inner: law.inner(), spot: law.spot() })
    }

    /// Elements of each matrix.
    pub fn size(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.cols)
    }

    /// `count` of them, from index `first` on.
    pub fn batch(&self, first: u32, count: u32) -> Batch {
        Batch { key: self.key, first, count, rows: self.rows, cols: self.cols, gain: self.gain }
    }

    /// The matrices that the indices `from..from + elements` of the tensor are, whole and side by side; `None` where
    /// they are anything else.
    #[cfg(feature = "gpu")]
    pub fn whole_batch(&self, from: u64, elements: u64) -> Option<Batch> {
        let whole = self.spot.is_none() && from.is_multiple_of(self.size()) && elements.is_multiple_of(self.size());
        let number = |elements: u64| u32::try_from(elements / self.size()).ok();
        whole.then(|| Some(self.batch(number(from)?, number(elements)?))).flatten()
    }

    /// What stands at an index of the tensor; `None` where that is zero.
    pub fn element(&self, index: u64) -> Option<Element> {
        let (outer, beside) = (index / self.inner, index % self.inner);
        let (matrix, index) = (outer / self.size(), outer % self.size());
        match self.spot {
            None => Some(Element { matrix, index }),
            // delta_orthogonal: the kernel's axes come after the matrix's (inner > 1) or before them.
            Some(spot) if self.inner > 1 => (beside == spot).then_some(Element { matrix: 0, index }),
            Some(spot) => (matrix == spot).then_some(Element { matrix: 0, index }),
        }
    }

    /// How many indices from this one on are of the same matrix, element after element: at least 1.
    pub fn neighbors(&self, index: u64) -> u64 {
        if self.inner > 1 { 1 } else { self.size() - index % self.size() }
    }
}

/// Orthogonal matrices of one shape that are made together and lie side by side in f32, each row-major, `rows x cols`.
/// In a plan they are some of a tensor's `Matrices`; an embedder may ask for any.
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
    /// [`Error::Buffer`] where their number passes 2^64, an index passes 2^32, or the gain is out of range.
    pub fn elements(&self) -> Result<u64> {
        let gain = f64::from(self.gain.abs());
        if !(gain == 0.0 || (MIN_SCALE..=MAX_SCALE).contains(&gain)) {
            let reason = format!("orthogonal: gain {} must be 0 or of a magnitude in [2^-76, 2^120]", self.gain);
            return Err(Error::Buffer(reason));
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

/// Bytes of memory that making a matrix of this shape takes on the CPU beside the matrix itself. Each thread also uses
/// 64 KiB of its stack.
#[cfg(feature = "safetensors")]
pub(crate) fn workspace_bytes(rows: u32, cols: u32) -> u64 {
    4 * BLOCK as u64 * u64::from(rows.max(cols)).next_multiple_of(8) + 8 * (BLOCK * BLOCK) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_names_its_matrix_and_its_element() {
        let of = |law: Law| Matrices::of(&law, [1, 2]).unwrap();
        let element = |matrix, index| Some(Element { matrix, index });
        let batch = of(Law::orthogonal(3, 4, 5, 1.0).unwrap());
        assert_eq!(
            (batch.element(0), batch.element(19), batch.element(20)),
            (element(0, 0), element(0, 19), element(1, 0))
        );
        assert_eq!((batch.element(59), batch.neighbors(59), batch.neighbors(20)), (element(2, 19), 1, 20));
        // [out 2, in 3, 5 side by side], the third of which has the matrix.
        let last = of(Law::delta_orthogonal((2, 3), (5, 1), 2, 1.0).unwrap());
        assert_eq!((last.element(2), last.element(3), last.element(7)), (element(0, 0), None, element(0, 1)));
        // [4 before, in 2, out 3], the second of which is the matrix.
        let first = of(Law::delta_orthogonal((2, 3), (1, 4), 1, 1.0).unwrap());
        assert_eq!(
            (first.element(5), first.element(6), first.element(11), first.element(12)),
            (None, element(0, 0), element(0, 5), None)
        );
        assert!(Matrices::of(&Law::normal(0.0, 1.0).unwrap(), [1, 2]).is_none());
    }
}
