//! What a checkpoint lacks of a model: tensors, and rows that tensors have grown by.

use super::Weights;
use crate::checkpoint::StoredTensor;
use crate::recipe::Assigned;
use crate::{DType, Error, Result};
use std::path::{Path, PathBuf};

/// A tensor that is written whole, whose first rows are those of another checkpoint: a vocabulary that has grown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kept {
    /// The tensor.
    pub name: String,
    /// How many rows are kept.
    pub rows: u64,
    /// The checkpoint that has them.
    pub from: PathBuf,
}

/// Takes out the tensors that the checkpoint has. One that has more rows than there stays, and its first rows are kept: it must
/// be of `dtype` there, where one is asked for.
pub(super) fn keep_missing(tensors: &mut Vec<Assigned>, path: &Path, dtype: Option<DType>) -> Result<Vec<Kept>> {
    let weights = Weights::open(path)?;
    let mut kept = Vec::new();
    let mut missing = Vec::new();
    for mut assigned in std::mem::take(tensors) {
        match weights.tensor(&assigned.spec.name) {
            None => missing.push(assigned),
            Some(stored) if stored.dims == assigned.spec.shape.dims() => {}
            Some(stored) => {
                let rows = grown(&mut assigned, stored, (weights.path(), path), dtype)?;
                kept.extend(Some(rows).filter(|kept| kept.rows > 0));
                missing.push(assigned);
            }
        }
    }
    if missing.is_empty() {
        let reason = "has every tensor of the model: nothing is missing".to_owned();
        return Err(Error::Checkpoint { path: weights.path().display().to_string(), reason });
    }
    *tensors = missing;
    Ok(kept)
}

fn grown(
    assigned: &mut Assigned,
    stored: &StoredTensor,
    (file, path): (&Path, &Path),
    asked: Option<DType>,
) -> Result<Kept> {
    let dims = assigned.spec.shape.dims();
    let refuse = |reason: String| Error::Checkpoint {
        path: file.display().to_string(),
        reason: format!("tensor {:?}: {reason}", stored.name),
    };
    let longer = match (stored.dims.split_first(), dims.split_first()) {
        (Some((old, old_rest)), Some((new, new_rest))) => old_rest == new_rest && old < new,
        _ => false,
    };
    if !longer {
        return Err(refuse(format!("its shape is {:?}, the model's {dims:?}: only rows can be added", stored.dims)));
    }
    let Some(dtype) = stored.dtype() else {
        return Err(refuse(format!("is {}, which is not written", stored.dtype_name())));
    };
    // Rows of two dtypes make no tensor: the checkpoint's holds.
    if let Some(asked) = asked.filter(|&asked| asked != dtype) {
        return Err(refuse(format!("is {dtype} there, --dtype asks for {asked}, and its first rows are kept")));
    }
    assigned.spec.dtype = dtype;
    if dtype == DType::F32 {
        assigned.spec.rounding = crate::Rounding::NearestEven;
    }
    Ok(Kept { name: stored.name.clone(), rows: stored.dims[0], from: path.to_path_buf() })
}

/// Copies the kept rows into a file that is complete but has no name yet: the tensor's bytes begin at `at`.
pub(super) fn copy_rows(kept: &Kept, target: &Path, at: u64, sync: bool) -> Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    let mut weights = Weights::open(&kept.from)?;
    let Some((file, _)) = weights.list().into_iter().find(|(_, t)| t.name == kept.name) else {
        let reason = format!("tensor {:?} is gone", kept.name);
        return Err(Error::Checkpoint { path: kept.from.display().to_string(), reason });
    };
    let failed = |e| Error::io(target, e);
    let mut out = std::fs::OpenOptions::new().write(true).open(target).map_err(failed)?;
    out.seek(SeekFrom::Start(at)).map_err(failed)?;
    weights.reader(file).read_bytes(&kept.name, |_, bytes| out.write_all(bytes).map_err(failed))?;
    if sync { out.sync_data().map_err(failed) } else { Ok(()) }
}
