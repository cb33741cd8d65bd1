//! What the device is compared in on demand: every law over tensors of any size, with every rounding and placement.

use super::selftest::{SEED, schemes, structured_schemes};
use crate::plan::{Fill, Part, Plan, PlannedTensor, Slab, TensorSpec};
use crate::value::key::StreamVersion;
use crate::value::scheme::{Scheme, catalog};
use crate::{DType, Result, Rounding};

/// Rows and columns of the orthogonal matrices where there are several: three blocks of reflectors, two chunks of rows.
const MATRIX: [u64; 2] = [301, 131];

/// Orthogonal matrices of one tensor at most, so that a tensor of them is made in well under a second.
const MATRICES: u64 = 8;

/// Columns of the logical tensors that lie side by side where they are interleaved: odd, so that they share words.
const WIDTHS: [u64; 3] = [5, 7, 3];

/// A law with its numbers, and how a tensor of it is stored.
///
/// ```
/// use seedbed::DType;
/// use seedbed::gpu::cases;
///
/// # fn main() -> seedbed::Result<()> {
/// let case = cases().into_iter().find(|case| case.law() == "identity").unwrap();
/// // A matrix of odd sides, with at least so many elements.
/// assert_eq!(case.fill(1000, DType::F32, 0)?.elements(), 33 * 31);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Case {
    /// The law and what tells it from the other cases of the law.
    pub name: &'static str,
    /// The law, before a shape is known.
    pub scheme: Scheme,
    /// How the values are rounded to the dtype.
    pub rounding: Rounding,
    /// How the elements lie in the destination.
    pub storage: Storage,
}

/// How the elements of a [`Case`] lie in the destination: each takes other kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Storage {
    /// The whole tensor, in its own order.
    Whole,
    /// A matrix by columns.
    Transposed,
    /// Several tensors side by side in one, whose columns of odd number share 16-bit words.
    Interleaved,
    /// A slab of a matrix, in rows of odd length.
    Slab,
    /// A slab of a matrix, in rows of whole 16-byte steps.
    AlignedSlab,
}

impl std::fmt::Display for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Whole => "whole",
            Self::Transposed => "transposed",
            Self::Interleaved => "interleaved",
            Self::Slab => "slab",
            Self::AlignedSlab => "aligned slab",
        })
    }
}

/// Every case: each law of the catalog with its modes, rounded to nearest and stochastically, and some laws of both
/// sorts, independent and structured, in every storage.
#[must_use]
pub fn cases() -> Vec<Case> {
    let structured = structured_schemes().into_iter().map(|(name, scheme, _)| (name, scheme));
    let matrices = [("orthogonal", Scheme::orthogonal(1.5, 1)), ("delta orthogonal", Scheme::delta_orthogonal(1.5))];
    let laws: Vec<_> = schemes().into_iter().chain(structured).chain(matrices).collect();
    let mut cases = Vec::new();
    for rounding in [Rounding::NearestEven, Rounding::Stochastic] {
        let case = |storage| move |&(name, scheme): &_| Case { name, scheme, rounding, storage };
        cases.extend(laws.iter().map(case(Storage::Whole)));
        let all = ["uniform", "normal", "truncated [-2, 2]", "near identity", "sparse"];
        let stored: &[&str] = if rounding == Rounding::Stochastic { &["normal"] } else { &all };
        for storage in [Storage::Transposed, Storage::Interleaved, Storage::Slab, Storage::AlignedSlab] {
            cases.extend(laws.iter().filter(|(name, _)| stored.contains(name)).map(case(storage)));
        }
    }
    cases
}

impl Case {
    /// The name of its law in the catalog of schemes.
    ///
    /// # Panics
    /// Never: a test finds the law of every case in the catalog.
    #[must_use]
    pub fn law(&self) -> &'static str {
        let text = self.scheme.to_string();
        let name = text.split('(').next().unwrap_or_default();
        catalog().iter().map(|info| info.name()).find(|&known| known == name).expect("the catalog has every scheme")
    }

    /// The dtypes that take its rounding.
    pub fn dtypes(&self) -> impl Iterator<Item = DType> + use<> {
        let rounding = self.rounding;
        DType::ALL.into_iter().filter(move |&dtype| rounding.check(dtype).is_ok())
    }

    /// The elements of one tensor at most: orthogonal matrices are made tensor by tensor, and for more elements several
    /// tensors are compared. None of the other laws has a limit.
    #[must_use]
    pub fn most_elements(&self) -> u64 {
        match self.scheme {
            Scheme::Orthogonal { .. } => MATRICES * MATRIX[0] * MATRIX[1],
            _ => u64::MAX,
        }
    }

    /// What is compared: at least `elements` elements, as few more as the law's shape allows. Tensors of different
    /// `number` have different values.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] where there are too many elements; [`crate::Error::Law`] where the dtype has no value in
    /// the range of the law, or does not take the rounding.
    pub fn fill(&self, elements: u64, dtype: DType, number: u64) -> Result<Fill> {
        let dims = self.dims(elements.max(1));
        let name = format!("selftest {} {number}", self.name);
        let planned = |spec: TensorSpec| -> Result<PlannedTensor> {
            let spec = spec.dtype(dtype).rounding(self.rounding);
            Ok(Plan::new(StreamVersion::V1, SEED).push(&spec)?.clone())
        };
        match (self.storage, &dims[..]) {
            (Storage::Transposed, &[rows, cols]) => {
                Ok(planned(TensorSpec::transposed(name, [cols, rows], self.scheme)?)?.fill())
            }
            (Storage::Interleaved, &[rows, cols]) => {
                let (mut parts, mut start) = (Vec::new(), 0);
                for width in WIDTHS {
                    let slab = Slab::new([0, start], [rows, width]);
                    parts.push(Part::new(format!("{name} {start}"), [rows, width], self.scheme, slab)?);
                    start += width;
                }
                Ok(planned(TensorSpec::with_parts(name, [rows, cols], [rows, cols], parts)?)?.fill())
            }
            // Of a matrix that is larger by one row and a few columns on either side.
            (Storage::Slab, &[rows, cols]) => {
                let whole = planned(TensorSpec::new(name, [rows + 2, cols + 8], self.scheme)?)?;
                whole.fill_slab(&Slab::new([1, 3], [rows, cols]))
            }
            (Storage::AlignedSlab, &[rows, cols]) => {
                let whole = planned(TensorSpec::new(name, [rows + 2, cols + 32], self.scheme)?)?;
                whole.fill_slab(&Slab::new([1, 16], [rows, cols]))
            }
            (Storage::Whole | Storage::Transposed | Storage::Interleaved | Storage::Slab | Storage::AlignedSlab, _) => {
                Ok(planned(TensorSpec::new(name, dims, self.scheme)?)?.fill())
            }
        }
    }

    /// The sides of at least `n` elements: nearly square and odd where the law and the storage leave the choice.
    fn dims(&self, n: u64) -> Vec<u64> {
        match (self.storage, self.scheme) {
            (Storage::Whole, Scheme::BlockDiagonal { blocks, .. }) => matrix(n, [blocks, blocks]).to_vec(),
            (Storage::Whole, Scheme::Dirac { groups }) => {
                let [out, inputs] = matrix(n.div_ceil(12), [groups, 1]);
                vec![out, inputs, 3, 4]
            }
            (Storage::Whole, Scheme::Sinusoidal { .. }) => {
                let [rows, cols] = matrix(n, [1, 2]);
                // Two frequencies at least.
                vec![rows, cols.max(6)]
            }
            (Storage::Whole, Scheme::LogRange | Scheme::Linspace { .. }) => {
                let [rows, cols] = matrix(n.div_ceil(3), [1, 1]);
                vec![3, rows, cols]
            }
            (Storage::Whole, Scheme::Identity { .. } | Scheme::NearIdentity { .. } | Scheme::Sparse { .. }) => {
                matrix(n, [1, 1]).to_vec()
            }
            (Storage::Whole, Scheme::Orthogonal { .. }) => {
                let [rows, cols] = if n < MATRIX[0] * MATRIX[1] { matrix(n, [1, 1]) } else { MATRIX };
                vec![n.div_ceil(rows * cols), rows, cols]
            }
            (Storage::Whole, Scheme::DeltaOrthogonal { .. }) => {
                let [rows, cols] = matrix(n.div_ceil(9), [1, 1]);
                vec![rows, cols, 3, 3]
            }
            (Storage::Whole, _) => vec![n],
            (Storage::Transposed | Storage::Slab, _) => matrix(n, [1, 1]).to_vec(),
            (Storage::AlignedSlab, _) => matrix(n, [1, 64]).to_vec(),
            (Storage::Interleaved, _) => {
                let cols = WIDTHS.iter().sum::<u64>();
                vec![n.div_ceil(cols) | 1, cols]
            }
        }
    }
}

/// Two sides of at least `n` elements, nearly equal: odd multiples of `of`.
fn matrix(n: u64, of: [u64; 2]) -> [u64; 2] {
    let odd = |least: u64, of: u64| (least.div_ceil(of) | 1) * of;
    let rows = odd(n.isqrt().max(1), of[0]);
    [rows, odd(n.div_ceil(rows), of[1])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_has_at_least_as_many_elements_as_are_asked_for_and_few_more() {
        let mut filled = 0;
        for case in cases() {
            for dtype in case.dtypes() {
                for n in [1u64, 2, 1000, 99_991, 250_000] {
                    let Ok(fill) = case.fill(n, dtype, 0) else {
                        // Thin windows have no value of 16 bits.
                        assert!(case.name.starts_with("truncated [0.1, ") && dtype != DType::F32, "{case:?} {dtype}");
                        continue;
                    };
                    // A side more, and for the least shape of a law a constant.
                    let most = n + 400 * n.isqrt() + 100;
                    assert!((n..=most).contains(&fill.elements()), "{case:?}: {} of {n}", fill.elements());
                    filled += 1;
                }
            }
        }
        assert!(filled > 500, "{filled}");
        assert_eq!([matrix(1000, [1, 1]), matrix(1000, [3, 3]), matrix(1, [1, 2])], [[31, 33], [33, 33], [1, 2]]);
    }

    #[test]
    fn every_storage_takes_kernels_of_its_own() {
        use crate::gpu::kernel_id::{EntryPoint, kernels_of};
        let kernels = |case: &Case, dtype| {
            let mut found = std::collections::BTreeSet::new();
            kernels_of(&case.fill(10_000, dtype, 0).unwrap(), &mut found);
            found.into_iter().map(|id| id.entry).collect::<Vec<_>>()
        };
        for (storage, dtype, expected) in [
            (Storage::Interleaved, DType::BF16, EntryPoint::General),
            (Storage::Transposed, DType::F32, EntryPoint::Boxed),
            (Storage::Slab, DType::F16, EntryPoint::General),
            (Storage::AlignedSlab, DType::F16, EntryPoint::Rows),
            (Storage::AlignedSlab, DType::F32, EntryPoint::Rows),
        ] {
            let case = cases().into_iter().find(|c| c.storage == storage && c.name == "normal").unwrap();
            assert!(kernels(&case, dtype).contains(&expected), "{storage} {dtype}: {:?}", kernels(&case, dtype));
        }
    }

    #[test]
    fn tensors_of_another_number_have_other_values() {
        let case = cases().into_iter().find(|c| c.name == "orthogonal").unwrap();
        let [a, b] = [0, 1].map(|number| {
            let mut bytes = vec![0; 4 * 15];
            crate::cpu::fill_range(
                &case.fill(15, DType::F32, number).unwrap(),
                crate::cpu::Level::best(),
                0,
                &mut bytes,
            )
            .unwrap();
            bytes
        });
        assert_ne!(a, b);
    }
}
