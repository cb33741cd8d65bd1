//! What stands in a model's files: which tensors, in which order, in which file.

use super::carried::Carried;
use super::kept::Grown;
use super::queue::FilePlan;
use crate::checkpoint::{FileDType, HeaderEntry, names};
use crate::model_plan::ModelPlan;
use crate::plan::PlannedTensor;
use crate::{DType, Error, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// A tensor that is written: one of the plan, or one without a law.
pub enum Stored<'a> {
    Planned(&'a PlannedTensor),
    Carried(Carried, HeaderEntry),
}

impl Stored<'_> {
    pub fn name(&self) -> &str {
        match self {
            Self::Planned(tensor) => tensor.name(),
            Self::Carried(carried, _) => &carried.name,
        }
    }

    pub fn bytes(&self) -> u64 {
        match self {
            Self::Planned(tensor) => tensor.bytes(),
            Self::Carried(carried, _) => carried.bytes,
        }
    }

    pub fn count(&self) -> u64 {
        match self {
            Self::Planned(tensor) => tensor.shape().count(),
            Self::Carried(_, entry) => entry.dims.iter().product(),
        }
    }

    pub fn dtype(&self) -> Option<DType> {
        match self {
            Self::Planned(tensor) => Some(tensor.dtype()),
            Self::Carried(_, entry) => entry.dtype.dtype(),
        }
    }
}

/// The tensors of a model's files, in the order of the model's.
pub fn stored(model: &ModelPlan) -> Result<Vec<Stored<'_>>> {
    let mut others = Vec::new();
    for (tensor, before, is_buffer) in model.unplanned() {
        let dtype: FileDType = tensor.dtype.parse().map_err(|e: Error| e.in_tensor(&tensor.name))?;
        let entry = HeaderEntry { name: tensor.name.clone(), dtype, dims: tensor.shape.clone() };
        let count = tensor.shape.iter().try_fold(1u64, |n, &d| n.checked_mul(d));
        let bytes = count.and_then(|n| n.checked_mul(dtype.bits())).map(|bits| bits.div_ceil(8));
        let bytes = bytes.ok_or_else(|| {
            let reason = format!("{dtype} is more than a file can hold");
            Error::Shape { shape: tensor.shape.clone(), reason }.in_tensor(&tensor.name)
        })?;
        others.push((before, Stored::Carried(Carried::new(tensor, bytes, is_buffer), entry)));
    }
    others.sort_by_key(|(before, _)| *before);
    let mut others = others.into_iter().peekable();
    let mut stored = Vec::new();
    for (i, tensor) in model.plan.tensors().iter().enumerate() {
        while let Some((_, other)) = others.next_if(|(before, _)| *before <= i) {
            stored.push(other);
        }
        stored.push(Stored::Planned(tensor));
    }
    stored.extend(others.map(|(_, other)| other));
    Ok(stored)
}

/// The files of these shards, and the name of each tensor's file.
pub fn lay_out<'a>(
    dir: &Path,
    stored: &'a [Stored<'_>],
    shards: &[Vec<usize>],
    metadata: &BTreeMap<String, String>,
) -> Result<(Vec<FilePlan>, BTreeMap<&'a str, String>)> {
    let mut files = Vec::with_capacity(shards.len());
    let mut weight_map = BTreeMap::new();
    for (i, shard) in shards.iter().enumerate() {
        let name = names::shard(i, shards.len());
        let (mut tensors, mut others) = (Vec::new(), Vec::new());
        for tensor in shard.iter().map(|&t| &stored[t]) {
            weight_map.insert(tensor.name(), name.clone());
            match tensor {
                Stored::Planned(tensor) => tensors.push((tensor.fill(), tensor.shape().dims().to_vec())),
                Stored::Carried(carried, entry) => others.push((carried.clone(), entry.clone())),
            }
        }
        files.push(FilePlan::new(dir.join(name), tensors, others, metadata)?);
    }
    Ok((files, weight_map))
}

/// Gives the one file of an adapter the name that PEFT loads.
pub fn name_adapter(dir: &Path, files: &mut [FilePlan]) -> Result<()> {
    let [file] = files else {
        let reason = format!("an adapter in {} files: PEFT loads one alone", files.len());
        return Err(Error::Checkpoint { path: dir.display().to_string(), reason });
    };
    file.target = dir.join(names::ADAPTER);
    Ok(())
}

/// The dtype that most bytes have: what the config of a model with several dtypes says.
pub fn prevailing_dtype(stored: &[Stored<'_>]) -> DType {
    let bytes = |dtype| stored.iter().filter(|t| t.dtype() == Some(dtype)).map(|t| u128::from(t.bytes())).sum::<u128>();
    DType::ALL.into_iter().max_by_key(|&dtype| bytes(dtype)).unwrap_or(DType::F32)
}

/// Where kept rows go: the number of the file, and the offset of the tensor's first byte in it.
pub fn kept_places<'a>(kept: &'a [Grown], files: &[FilePlan]) -> Vec<(&'a Grown, usize, u64)> {
    let place = |k: &'a Grown| {
        files.iter().enumerate().find_map(|(i, file)| {
            let at = file.header.entries().iter().position(|e| e.name == k.kept.name)?;
            Some((k, i, file.header.bytes().len() as u64 + file.header.range(at)?.start))
        })
    };
    kept.iter().filter_map(place).collect()
}
