//! What is to be compiled, as a set of kernels.

use super::kernel_id::{EntryPoint, KernelId, KernelLaw, kernels_of, kernels_of_elements};
use crate::plan::{Plan, TensorSpec};
use crate::value::key::StreamVersion;
use crate::value::params::{kind, mask};
use crate::value::scheme::Scheme;
use crate::{DType, Error, Fill, Result};
use std::collections::BTreeSet;

/// The kernels that plans, fills or laws need: small, however large the plan is.
///
/// A kernel serves one kind of law in one dtype, for one way in which elements lie in memory. The set of a plan holds
/// what recording it takes: whole, or any range of it at multiples of 4 bytes. A slab, several, or a range of elements
/// is a fill of its own, with a set of its own; ranges of a fill from any 16-bit element on take
/// [`KernelSet::of_elements`]. The empty set is the default.
///
/// ```
/// use seedbed::gpu::KernelSet;
/// use seedbed::plan::{Plan, Slab, TensorSpec};
/// use seedbed::{DType, Scheme, StreamVersion};
///
/// let mut plan = Plan::new(StreamVersion::V1, 42);
/// let tensor = plan.push(&TensorSpec::new("w", [512, 256], Scheme::normal(0.0, 0.02))?)?;
/// let slab = tensor.fill_slab(&Slab::new([0, 64], [512, 64]))?;
/// let mut kernels = KernelSet::from(&plan);
/// // The plan is laid out as one tensor of this law is.
/// assert_eq!(kernels, KernelSet::of_schemes(&[Scheme::normal(0.0, 1.0)], &[DType::F32])?);
/// kernels.extend(KernelSet::from(&slab));
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelSet {
    pub(super) ids: BTreeSet<KernelId>,
    /// Whether a fill is whole orthogonal matrices, which some devices make themselves.
    pub(super) matrices: bool,
}

impl KernelSet {
    /// Every kernel that any fill may need: more than a hundred. Compiling them takes seconds on a hardware GPU and a
    /// minute or more on a software one; a plan needs a few.
    #[must_use]
    pub fn all() -> Self {
        Self { ids: all_kernels().collect(), matrices: true }
    }

    /// What all these fills need.
    pub fn of_fills<'a>(fills: impl IntoIterator<Item = &'a Fill>) -> Self {
        let mut set = Self::default();
        fills.into_iter().for_each(|fill| set.add(fill));
        set
    }

    /// What a fill needs where ranges of it begin or end at any element of 16 bits: more kernels than for ranges at
    /// multiples of 4 bytes, since other elements share words.
    #[must_use]
    pub fn of_elements(fill: &Fill) -> Self {
        let mut set = Self::from(fill);
        kernels_of_elements(fill, &mut set.ids);
        set
    }

    /// What tensors of these laws in each of these dtypes need: contiguous ones, rounded to nearest, recorded whole or
    /// by any range at multiples of 4 bytes. For slabs, boxes, transposed tensors, parts and stochastic rounding make
    /// the set from the fill or the plan.
    ///
    /// # Errors
    /// [`Error::Law`] where a law fits no shape that was tried, or its values do not fit a dtype.
    pub fn of_schemes(schemes: &[Scheme], dtypes: &[DType]) -> Result<Self> {
        let mut set = Self::default();
        for &scheme in schemes {
            for &dtype in dtypes {
                let shapes: [&[u64]; 4] = [&[64, 64], &[64], &[64, 64, 4], &[64, 64, 4, 4]];
                let mut refused = None;
                let fill = shapes.into_iter().find_map(|dims| {
                    let spec = TensorSpec::new(format!("{scheme}"), dims, scheme).map(|spec| spec.dtype(dtype));
                    let mut plan = Plan::new(StreamVersion::V1, 0);
                    match spec.and_then(|spec| Ok(plan.push(&spec)?.fill())) {
                        Ok(fill) => Some(fill),
                        Err(e) => {
                            refused.get_or_insert(e);
                            None
                        }
                    }
                });
                match (fill, refused) {
                    (Some(fill), _) => set.add(&fill),
                    (None, Some(e)) => return Err(e),
                    (None, None) => return Err(Error::Law(format!("{scheme} fits no shape"))),
                }
            }
        }
        Ok(set)
    }

    /// Adds all kernels of another set.
    pub fn extend(&mut self, other: Self) {
        self.ids.extend(other.ids);
        self.matrices |= other.matrices;
    }

    /// Whether it holds no kernel.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && !self.matrices
    }

    pub(super) fn add(&mut self, fill: &Fill) {
        kernels_of(fill, &mut self.ids);
        self.matrices |= fill.batch().is_some();
    }
}

impl From<&Plan> for KernelSet {
    fn from(plan: &Plan) -> Self {
        let mut set = Self::default();
        let mut seen = BTreeSet::new();
        for tensor in plan.tensors() {
            // Most tensors of a model are one run of one law, and there are few such laws: one fill for each will do.
            if tensor.run_law().is_none_or(|(law, rounding)| {
                seen.insert((tensor.dtype(), KernelLaw::of(law), rounding as u8, tensor.shape().count() % 2))
            }) {
                set.add(&tensor.fill());
            }
        }
        set
    }
}

impl From<&Fill> for KernelSet {
    fn from(fill: &Fill) -> Self {
        Self::of_fills([fill])
    }
}

impl From<&Self> for KernelSet {
    fn from(set: &Self) -> Self {
        set.clone()
    }
}

/// The kinds whose values are made from one word, or pair of words, alone.
const DRAWN: [u32; 6] =
    [kind::CONSTANT, kind::UNIFORM, kind::NORMAL, kind::TRUNCATED, kind::DT_BIAS, kind::LOG_OF_UNIFORM];

/// The laws whose values depend on the index.
const INDEXED: [(u32, u32); 6] = [
    (kind::CONSTANT, mask::PATTERN),
    (kind::NORMAL, mask::PATTERN),
    (kind::NORMAL, mask::SPARSE),
    (kind::SINUSOIDAL, mask::NONE),
    (kind::LOG_RANGE, mask::NONE),
    (kind::LINSPACE, mask::NONE),
];

/// Every kernel that some fill needs.
fn all_kernels() -> impl Iterator<Item = KernelId> {
    use EntryPoint::{Aligned, Boxed, Contiguous, General, Rows};
    let drawn = DRAWN.into_iter().map(|kind| KernelLaw::One { kind, mask: mask::NONE });
    let indexed = INDEXED.into_iter().map(|(kind, mask)| KernelLaw::One { kind, mask });
    let of_blocks = drawn.clone().flat_map(|law| [Aligned, Rows, Contiguous].map(|entry| (entry, law)));
    let boxed = drawn.clone().map(|law| (Boxed, law));
    let located = indexed.chain([KernelLaw::Any]).map(|law| (General, law));
    // Words that f32 elements share do not exist.
    let shared = drawn.chain([KernelLaw::Plain]).map(|law| (General, law));
    DType::ALL.into_iter().flat_map(move |dtype| {
        let is_f32 = dtype == DType::F32;
        let kernel = move |stochastic| move |(entry, law)| KernelId { dtype, entry, law, stochastic };
        let by_words = boxed.clone().chain(located.clone()).chain(shared.clone().filter(move |_| !is_f32));
        let stochastic = by_words.clone().filter(move |_| !is_f32).map(kernel(true));
        of_blocks.clone().chain(by_words).map(kernel(false)).chain(stochastic)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rounding;
    use crate::gpu::lower::Lowered;
    use crate::gpu::selftest::KernelTest;
    use crate::plan::{Part, Slab};

    /// In the native tier, and in the soft one.
    const BY_STEPS: [bool; 2] = [true, false];

    /// Tensors of every placement that a plan can ask for, and boxes of them.
    fn fills(dtype: DType, rounding: Rounding) -> Vec<Fill> {
        let mut plan = Plan::new(StreamVersion::V1, 1);
        let mut fills = Vec::new();
        let normal = Scheme::normal(0.0, 1.0);
        for dims in [[8, 24], [7, 9], [1, 64], [5, 1], [8, 2]] {
            let name = format!("{dims:?}");
            let spec = TensorSpec::new(name.clone(), dims, normal).unwrap().zero_row(0);
            let transposed = TensorSpec::transposed(name.clone() + " transposed", dims, normal).unwrap();
            let structured = TensorSpec::new(name + " identity", dims, Scheme::identity(1.0)).unwrap();
            for spec in [spec, transposed, structured] {
                let tensor = plan.push(&spec.dtype(dtype).rounding(rounding)).unwrap();
                fills.push(tensor.fill());
                let stored = tensor.shape().dims().to_vec();
                for start in 0..2.min(stored[1]) {
                    let extent = [stored[0], stored[1] - start];
                    fills.push(tensor.fill_slab(&Slab::new([0, start], extent)).unwrap());
                }
            }
        }
        for widths in [[8, 16], [3, 4], [2, 1]] {
            for (n, scheme) in [Scheme::uniform(0.0, 1.0), normal, Scheme::sparse(0.5, 1.0)].into_iter().enumerate() {
                let part = |k: usize, scheme, at| {
                    let dims = [8, widths[k]];
                    Part::new(format!("part {k} of {n}, {widths:?}"), dims, scheme, Slab::new([0, at], dims)).unwrap()
                };
                let parts = vec![part(0, normal, 0), part(1, scheme, widths[0])];
                let dims = [8, widths[0] + widths[1]];
                let spec = TensorSpec::with_parts(format!("parts {n}, {widths:?}"), dims, dims, parts).unwrap();
                fills.push(plan.push(&spec.dtype(dtype).rounding(rounding)).unwrap().fill());
            }
        }
        fills
    }

    /// Whatever range of a fill is recorded, wherever in a binding and in whatever tier, it needs no kernel but those
    /// of the fill's set; and every kernel of such a set is in the set of all.
    #[test]
    fn the_set_of_a_fill_serves_every_range_of_it() {
        let all = KernelSet::all();
        let mut seen = BTreeSet::new();
        for dtype in DType::ALL {
            for rounding in [Rounding::NearestEven, Rounding::Stochastic] {
                if dtype == DType::F32 && rounding == Rounding::Stochastic {
                    continue;
                }
                for fill in fills(dtype, rounding) {
                    let set = KernelSet::from(&fill);
                    assert!(set.ids.is_subset(&all.ids), "{:?}", set.ids.difference(&all.ids));
                    let words = fill.device_bytes() / 4;
                    for (by_steps, at) in BY_STEPS.into_iter().flat_map(|by| [(by, 0), (by, 1), (by, 4)]) {
                        for from in 0..words {
                            for to in (from + 1..=words).filter(|to| (from + to) % 3 == 0 || *to == words) {
                                let mut lowered = Lowered::new(by_steps);
                                lowered.add_range(&fill, from, to, at);
                                for id in lowered.dispatches.iter().map(|d| d.kernel) {
                                    assert!(set.ids.contains(&id), "{}: {from}..{to} needs {id}", fill.name());
                                    seen.insert(id);
                                }
                            }
                        }
                    }
                }
            }
        }
        assert!(seen.len() > 40, "{}", seen.len());
    }

    /// No pipeline is used that the self-test has not seen.
    #[test]
    fn every_kernel_has_a_self_test() {
        for by_steps in BY_STEPS {
            for id in KernelSet::all().ids.into_iter().filter(|id| id.is_used(by_steps)) {
                let tests = KernelTest::all(id, by_steps).unwrap();
                let words: usize = tests.iter().map(KernelTest::overwritten).sum();
                assert!(words > 20, "{id}, by steps {by_steps}: {words} words");
            }
        }
    }

    #[test]
    fn a_plan_s_set_is_that_of_its_fills() {
        let mut plan = Plan::new(StreamVersion::V1, 1);
        for (k, n) in [3u64, 4, 64, 65].into_iter().enumerate() {
            for (dtype, scheme) in [
                (DType::F32, Scheme::normal(0.0, 1.0)),
                (DType::BF16, Scheme::ones()),
                (DType::F16, Scheme::identity(1.0)),
            ] {
                let spec = TensorSpec::new(format!("{k} {scheme}"), [n, n], scheme).unwrap().dtype(dtype);
                let rounding = if dtype == DType::BF16 { Rounding::Stochastic } else { Rounding::NearestEven };
                plan.push(&spec.rounding(rounding)).unwrap();
            }
        }
        plan.push(&TensorSpec::new("q", [64, 64], Scheme::orthogonal(1.0, 0)).unwrap()).unwrap();
        let fills: Vec<Fill> = plan.tensors().iter().map(|t| t.fill()).collect();
        let set = KernelSet::from(&plan);
        assert_eq!(set, KernelSet::of_fills(&fills));
        assert!(set.matrices && set.ids.len() > 4, "{set:?}");
    }
}
