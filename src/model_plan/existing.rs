//! What a checkpoint's header lists, and what a model has beyond it: tensors, and rows that tensors have grown by.

use super::text::blame;
use crate::model::{ModelTensor, Role};
use crate::recipe::Assigned;
use crate::{DType, Error, Result, Rounding};
use std::collections::HashMap;

/// A tensor as the header of a safetensors file lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderTensor {
    /// The name.
    pub name: String,
    /// The dimensions, row-major, outermost first.
    pub dims: Vec<u64>,
    /// The element type as the format spells it: `F32`, `BF16`, `F64`, `I64`, ..
    pub dtype: String,
}

/// The tensors of a checkpoint, and the name by which errors call it.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub name: String,
    pub tensors: Vec<HeaderTensor>,
}

/// A tensor that is written whole, whose first rows are those of another checkpoint: a vocabulary that has grown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptRows {
    /// The tensor's name.
    pub name: String,
    /// How many rows are kept.
    pub rows: u64,
    /// The name of the checkpoint that has them, as the request gave it.
    pub from: String,
}

impl HeaderTensor {
    /// The element type; `None` for one that seedbed does not write.
    fn written_dtype(&self) -> Option<DType> {
        self.dtype.parse().ok()
    }

    /// The same tensor for a model. Its dtype must be one that seedbed writes; where one dtype is `asked` for all
    /// tensors, `F64` serves too.
    ///
    /// # Errors
    /// Those of [`ModelTensor::new`]; [`Error::Unknown`] for another dtype.
    pub(super) fn to_model(&self, asked: Option<DType>) -> Result<ModelTensor> {
        let dtype = self.written_dtype();
        let is_float = dtype.is_some() || self.dtype == "F64";
        if dtype.is_none() && !(is_float && asked.is_some()) {
            let what = if is_float { "one dtype asked for all tensors" } else { "the tensor left out" };
            let error = Error::unknown("dtype", self.dtype.clone(), ["F32", "F16", "BF16"]).or_expected(what);
            return Err(error.in_tensor(&self.name));
        }
        let mut tensor = ModelTensor::new(self.name.clone(), self.dims.clone(), Role::Other)?;
        tensor.dtype = dtype;
        Ok(tensor)
    }
}

impl Header {
    /// Takes out the tensors that this checkpoint has. One that has more rows in the model stays, and its first rows
    /// are kept: where a dtype is `asked` for, it must be the checkpoint's.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where a shape differs in another way, a dtype is not the one asked for or none that
    /// seedbed writes, or nothing is missing.
    pub fn keep_missing(&self, tensors: &mut Vec<Assigned>, asked: Option<DType>) -> Result<Vec<KeptRows>> {
        let existing: HashMap<&str, &HeaderTensor> = self.tensors.iter().map(|t| (t.name.as_str(), t)).collect();
        let mut kept = Vec::new();
        let mut missing = Vec::new();
        for mut assigned in std::mem::take(tensors) {
            match existing.get(assigned.spec.name.as_str()) {
                None => missing.push(assigned),
                Some(existing) if existing.dims == assigned.spec.shape.dims() => {}
                Some(existing) => {
                    let rows = self.grown(&mut assigned, existing, asked)?;
                    kept.extend(Some(rows).filter(|kept| kept.rows > 0));
                    missing.push(assigned);
                }
            }
        }
        if missing.is_empty() {
            return Err(self.refuse("has every tensor of the model: nothing is missing".to_owned()));
        }
        *tensors = missing;
        Ok(kept)
    }

    fn grown(&self, assigned: &mut Assigned, existing: &HeaderTensor, asked: Option<DType>) -> Result<KeptRows> {
        let dims = assigned.spec.shape.dims();
        let refuse = |reason: String| self.refuse(format!("tensor {:?}: {reason}", existing.name));
        let rows = match (existing.dims.split_first(), dims.split_first()) {
            (Some((old, old_rest)), Some((new, new_rest))) if old_rest == new_rest && old < new => *old,
            _ => {
                let shape = &existing.dims;
                return Err(refuse(format!("its shape is {shape:?}, the model's {dims:?}: only rows can be added")));
            }
        };
        let Some(dtype) = existing.written_dtype() else {
            return Err(refuse(format!("is {}, which seedbed does not write", existing.dtype)));
        };
        // Rows of two dtypes make no tensor: the checkpoint's dtype holds.
        if let Some(asked) = asked.filter(|&asked| asked != dtype) {
            let reason =
                format!("is {dtype} there and its first rows are kept, but {asked} is asked for: ask for {dtype}");
            return Err(refuse(reason));
        }
        assigned.spec.dtype = dtype;
        if dtype == DType::F32 {
            assigned.spec.rounding = Rounding::NearestEven;
        }
        Ok(KeptRows { name: existing.name.clone(), rows, from: self.name.clone() })
    }

    fn refuse(&self, reason: String) -> Error {
        Error::Checkpoint { path: self.name.clone(), reason }
    }

    /// An error about this checkpoint, with its name in front.
    pub fn blame(&self, error: &Error) -> Error {
        blame(&self.name, error)
    }
}
