//! Where the elements of a logical tensor of orthogonal matrices come from: which matrix, and which of its elements.

#[cfg(feature = "gpu")]
use crate::cpu::orthogonal::Batch;
use crate::law::Law;

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
