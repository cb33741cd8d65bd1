//! Tensors without a law: zeros, and what is copied from other checkpoints.

use crate::checkpoint::{ModelPaths, READ_BYTES, Weights};
use crate::model_plan::{Content, ModelPlan, UnplannedTensor};
use crate::{Error, Result};
use std::path::Path;

/// The checkpoints that bytes are copied from, open: what happens to their names meanwhile does not matter.
#[derive(Debug, Default)]
pub struct Sources {
    /// The one whose buffers are copied.
    like: Option<Weights>,
    /// The one whose tensors and rows are kept.
    old: Option<Weights>,
}

/// A tensor of a file that no fill makes.
#[derive(Clone, Debug)]
pub struct Carried {
    pub name: String,
    pub bytes: u64,
    content: Bytes,
}

#[derive(Clone, Copy, Debug)]
enum Bytes {
    Zeros,
    OfLike,
    OfOld,
}

impl Carried {
    pub fn new(tensor: &UnplannedTensor, bytes: u64, is_buffer: bool) -> Self {
        let content = match &tensor.content {
            Content::Zeros | Content::Empty => Bytes::Zeros,
            Content::Copied { .. } if is_buffer => Bytes::OfLike,
            Content::Copied { .. } => Bytes::OfOld,
        };
        Self { name: tensor.name.clone(), bytes, content }
    }
}

impl Sources {
    /// Opens the checkpoints that a plan copies from, and finds every tensor there as the plan has it.
    ///
    /// # Errors
    /// Those of [`Weights::open`]; [`Error::Checkpoint`] where `paths` do not name a checkpoint that is copied from, or
    /// it has no such tensor any more.
    pub fn open(model: &ModelPlan, paths: &ModelPaths) -> Result<Self> {
        let mut sources = Self::default();
        for (tensor, _, is_buffer) in model.unplanned() {
            if let Content::Copied { from } = &tensor.content {
                let place = if is_buffer { &mut sources.like } else { &mut sources.old };
                let path = if is_buffer { &paths.like } else { &paths.missing_from };
                check(open(place, path.as_deref(), from, &tensor.name)?, tensor)?;
            }
        }
        for kept in &model.kept {
            let old = open(&mut sources.old, paths.missing_from.as_deref(), &kept.from, &kept.name)?;
            if old.tensor(&kept.name).is_none_or(|t| t.dims.first() != Some(&kept.rows)) {
                let reason =
                    format!("no longer has tensor {:?} of {} rows, which the plan keeps", kept.name, kept.rows);
                return Err(Error::Checkpoint { path: kept.from.clone(), reason });
            }
        }
        Ok(sources)
    }

    /// The checkpoint whose tensors and rows are kept.
    pub fn old(&mut self) -> Option<&mut Weights> {
        self.old.as_mut()
    }

    /// Hands a tensor's bytes to `sink`, in order, at most [`READ_BYTES`] per call, with the offset of the first.
    ///
    /// # Errors
    /// [`Error::Io`]; whatever `sink` returns.
    pub fn read(&mut self, carried: &Carried, mut sink: impl FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
        let source = match carried.content {
            Bytes::Zeros => {
                let zeros = vec![0; carried.bytes.min(READ_BYTES as u64) as usize];
                let mut at = 0;
                while at < carried.bytes {
                    let some = (carried.bytes - at).min(zeros.len() as u64);
                    sink(at, &zeros[..some as usize])?;
                    at += some;
                }
                return Ok(());
            }
            Bytes::OfLike => &mut self.like,
            Bytes::OfOld => &mut self.old,
        };
        // `open` has opened what every tensor comes from.
        let Some(weights) = source else { return Ok(()) };
        weights.read_bytes(&carried.name, sink)
    }
}

fn open<'a>(place: &'a mut Option<Weights>, path: Option<&Path>, from: &str, name: &str) -> Result<&'a Weights> {
    let missing = || {
        let reason = format!("the plan keeps tensor {name:?} of it, or rows, but no path says where it is");
        Error::Checkpoint { path: from.to_owned(), reason }
    };
    let weights = match place.take() {
        Some(weights) => weights,
        None => Weights::open(path.ok_or_else(missing)?)?,
    };
    Ok(place.insert(weights))
}

/// Refuses a checkpoint that does not have the tensor as it was planned.
fn check(weights: &Weights, tensor: &UnplannedTensor) -> Result<()> {
    let found = weights.tensor(&tensor.name);
    if found.is_some_and(|t| t.dims == tensor.shape && t.dtype_name() == tensor.dtype) {
        return Ok(());
    }
    let (name, dtype, shape) = (&tensor.name, &tensor.dtype, &tensor.shape);
    let reason = format!("no longer has tensor {name:?} of {dtype} {shape:?}, which the plan copies");
    Err(Error::Checkpoint { path: weights.path().display().to_string(), reason })
}
