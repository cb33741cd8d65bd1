//! Names, schemes, shapes and a seed become keys, laws and placements. Pure: no device.

pub(crate) mod matrices;
pub(crate) mod placement;
pub(crate) mod fill;
mod rows;
mod slab;
mod spec;
mod part;
mod tensor;

pub use fill::Fill;
pub use part::PlannedPart;
pub use rows::Rows;
pub use slab::Slab;
pub use spec::{Part, TensorSpec};
pub use tensor::PlannedTensor;

use crate::value::key::StreamVersion;
use crate::{Error, Result};
use std::collections::HashSet;

/// Tensors with their names, laws and placements, for one seed.
///
/// What a plan accepts can be filled: sampling cannot fail.
///
/// ```
/// # use seedbed::plan::{Plan, TensorSpec};
/// # use seedbed::{Scheme, StreamVersion};
/// let mut plan = Plan::new(StreamVersion::V1, 42);
/// plan.push(&TensorSpec::new("linear.weight", [64, 16], Scheme::torch_linear())?)?;
/// plan.push(&TensorSpec::new("linear.bias", [64], Scheme::torch_bias(16))?)?;
/// assert_eq!((plan.tensors().len(), plan.elements(), plan.device_bytes()), (2, 1088, 4 * 1088));
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plan {
    version: StreamVersion,
    seed: u64,
    tensors: Vec<PlannedTensor>,
    stored: HashSet<String>,
    logical: HashSet<String>,
    bytes: u64,
}

/// Bytes to which a plan aligns tensors in device memory.
pub const DEVICE_ALIGNMENT: u64 = 16;

impl Plan {
    /// An empty plan.
    #[must_use]
    pub fn new(version: StreamVersion, seed: u64) -> Self {
        Self { version, seed, tensors: Vec::new(), stored: HashSet::new(), logical: HashSet::new(), bytes: 0 }
    }

    /// Adds a tensor, and returns it as planned.
    ///
    /// # Errors
    /// Any [`Error`] of its shape, schemes, laws and parts, with the tensor's name; a name, stored or logical, that the
    /// plan already has. A tensor that is refused leaves no trace in the plan.
    ///
    /// ```
    /// # use seedbed::plan::{Plan, TensorSpec};
    /// # use seedbed::{Scheme, StreamVersion};
    /// let mut plan = Plan::new(StreamVersion::V1, 42);
    /// let spec = TensorSpec::new("w", [64, 16], Scheme::lecun_normal())?;
    /// assert_eq!(plan.push(&spec)?.parts()[0].law().std(), 0.25);
    /// let error = plan.push(&spec).unwrap_err().to_string();
    /// assert!(error.starts_with("tensor w: the name \"w\" is already in the plan"));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    pub fn push(&mut self, spec: &TensorSpec) -> Result<&PlannedTensor> {
        let mut tensor = PlannedTensor::new(self.version, self.seed, spec).map_err(|e| e.in_tensor(&spec.name))?;
        let taken = |name: &str| {
            let reason = "is already in the plan: equal names would hold equal values; give each tensor its own";
            Error::Placement(format!("the name {name:?} {reason}")).in_tensor(&spec.name)
        };
        if self.stored.contains(&spec.name) {
            return Err(taken(&spec.name));
        }
        let mut logical = HashSet::new();
        for part in tensor.parts() {
            if self.logical.contains(part.name()) || !logical.insert(part.name().to_owned()) {
                return Err(taken(part.name()));
            }
        }
        let end = tensor.place_at(self.bytes);
        self.bytes = end.filter(|&e| e <= 1 << 62).ok_or_else(|| {
            let reason = format!("the plan would exceed 2^62 bytes, {} are taken; split it into several", self.bytes);
            Error::Placement(reason).in_tensor(&spec.name)
        })?;
        self.stored.insert(spec.name.clone());
        self.logical.extend(logical);
        self.tensors.push(tensor);
        Ok(&self.tensors[self.tensors.len() - 1])
    }

    /// The tensors, in the order in which they were added.
    #[must_use]
    pub fn tensors(&self) -> &[PlannedTensor] {
        &self.tensors
    }

    /// The seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The version of the stream.
    #[must_use]
    pub fn version(&self) -> StreamVersion {
        self.version
    }

    /// Bytes of device memory that hold every tensor at its [`PlannedTensor::device_offset`].
    #[must_use]
    pub fn device_bytes(&self) -> u64 {
        self.bytes
    }

    /// The number of elements of all tensors.
    #[must_use]
    pub fn elements(&self) -> u128 {
        self.tensors.iter().map(|t| u128::from(t.shape().count())).sum()
    }
}
