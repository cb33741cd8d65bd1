//! A checkpoint against what its metadata and config say it holds, byte for byte.

use super::init::in_file;
use super::pipeline::check_matrices;
use super::{Origin, Progress, Weights, read_config};
use crate::checkpoint::{Reader, StoredTensor};
use crate::engine::Engine;
use crate::model::Model;
use crate::plan::{Plan, TensorSpec};
use crate::{DType, Error, Fill, Result, Rounding, cpu};
use serde::Serialize;
use std::path::Path;

/// What came of one tensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Every byte is as it should be.
    Equal,
    /// Elements with other bytes: how many, and the index of the first.
    Differs {
        /// How many elements.
        elements: u64,
        /// The index of the first.
        first: u64,
    },
    /// The file's shape is another than this one.
    Shape {
        /// The shape that it should have.
        expected: Vec<u64>,
    },
    /// The file's dtype is none that seedbed writes.
    DType,
    /// The file has no such tensor.
    Missing,
    /// The plan has no such tensor.
    Unexpected,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Equal => f.pad("equal"),
            Self::Differs { elements, first } => write!(f, "{elements} elements differ, the first at index {first}"),
            Self::Shape { expected } => write!(f, "the shape should be {expected:?}"),
            Self::DType => f.pad("a dtype that is not written"),
            Self::Missing => f.pad("missing"),
            Self::Unexpected => f.pad("not in the plan"),
        }
    }
}

/// One tensor of a file, or one that it should have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VerifyRow {
    /// The name.
    pub name: String,
    /// The number of elements in the file.
    pub elements: u64,
    /// What came of it.
    pub verdict: Verdict,
}

/// What a checkpoint should hold: each fill with its dimensions. `config` is the model's file or directory; it is not read where
/// the file's metadata describes a single tensor. The dtypes are the file's; a config beside it must name the same.
///
/// # Errors
/// [`Error::Checkpoint`] where the metadata is not seedbed's; those of [`read_config`], [`Model::from_json`] and
/// [`Plan::push`].
pub fn expected(weights: &Weights, config: &Path) -> Result<Vec<(Fill, Vec<u64>)>> {
    let refuse = |reason: String| Error::Checkpoint { path: weights.path().display().to_string(), reason };
    let origin = Origin::from_metadata(&weights.metadata()).map_err(|e| refuse(e.to_string()))?;
    let stored = |name: &str| weights.tensor(name).and_then(StoredTensor::dtype);
    let mut plan = Plan::new(origin.stream, origin.seed);
    let Some(single) = origin.tensor else {
        let (path, text) = read_config(config)?;
        let model = Model::from_json(&text).map_err(|e| in_file(&path, &e))?;
        // A loader takes the dtype of the config beside the weights: it has to be theirs.
        let claimed = if beside(&path, weights.path()) { model.dtype().map_err(|e| in_file(&path, &e))? } else { None };
        for spec in model.tensors(Some(DType::F32)).map_err(|e| in_file(&path, &e))? {
            if let (Some(claimed), Some(stored)) = (claimed, stored(&spec.name))
                && claimed != stored
            {
                return Err(refuse(format!("tensor {:?} is {stored}, {} says {claimed}", spec.name, path.display())));
            }
            let dtype = stored(&spec.name).unwrap_or(DType::F32);
            // A tensor that is missing, or of a dtype that is not written, gets its verdict without being rounded.
            let rounding = if dtype == DType::F32 { Rounding::NearestEven } else { origin.rounding };
            plan.push(&TensorSpec { dtype, rounding, ..spec }).map_err(|e| in_file(&path, &e))?;
        }
        return Ok(plan.tensors().iter().map(|t| (t.fill(), t.shape().dims().to_vec())).collect());
    };
    let mut tensors = weights.tensors();
    let (Some(tensor), None) = (tensors.next(), tensors.next()) else {
        let count = weights.tensors().count();
        return Err(refuse(format!("the metadata describes one tensor, the file has {count}")));
    };
    let dtype = stored(&tensor.name).unwrap_or(DType::F32);
    Ok(vec![single.fill(&mut plan, &tensor.name, dtype, origin.rounding)?])
}

/// Whether a config lies in the directory of the weights, which are a directory, one of its files, or an index in it.
fn beside(config: &Path, weights: &Path) -> bool {
    let home = if weights.is_dir() { Some(weights) } else { weights.parent() };
    let real =
        |p: Option<&Path>| p.map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p }.canonicalize().ok());
    real(config.parent()) == real(home)
}

/// Recomputes each tensor and compares it with the files' bytes: a row a tensor of the files or of `expected`.
///
/// # Errors
/// Those of [`Reader::read_bytes`] and [`Engine::fill_range`]; whatever `progress` returns. A difference is no error.
pub fn verify(
    weights: &mut Weights,
    expected: &[(Fill, Vec<u64>)],
    engine: &Engine,
    progress: Progress<'_>,
) -> Result<Vec<VerifyRow>> {
    let planned: std::collections::HashMap<&str, &(Fill, Vec<u64>)> =
        expected.iter().map(|e| (e.0.name(), e)).collect();
    let mut rows = Vec::new();
    let mut done = 0;
    for (file, tensor) in weights.list() {
        let verdict = match planned.get(tensor.name.as_str()) {
            None => Verdict::Unexpected,
            Some((_, dims)) if *dims != tensor.dims => Verdict::Shape { expected: dims.clone() },
            Some(_) if tensor.dtype().is_none() => Verdict::DType,
            Some((fill, _)) => compare(weights.reader(file), fill, engine, &mut |bytes| progress(done + bytes))?,
        };
        done += tensor.range.end - tensor.range.start;
        progress(done)?;
        rows.push(VerifyRow { elements: tensor.count(), name: tensor.name, verdict });
    }
    for (fill, _) in expected {
        if weights.tensor(fill.name()).is_none() {
            rows.push(VerifyRow { name: fill.name().to_owned(), elements: 0, verdict: Verdict::Missing });
        }
    }
    Ok(rows)
}

/// What orthogonal matrices may take: a file's metadata may ask for any.
const MATRICES: u64 = 8 << 30;

fn compare(reader: &mut Reader, fill: &Fill, engine: &Engine, progress: Progress<'_>) -> Result<Verdict> {
    check_matrices([fill], MATRICES)?;
    let size = fill.dtype().size();
    let mut wanted = Vec::new();
    let memo = cpu::Memo::default();
    let (mut elements, mut first) = (0, 0);
    reader.read_bytes(fill.name(), |at, bytes| {
        wanted.resize(bytes.len(), 0);
        engine.fill_window(fill, at, &mut wanted, &memo)?;
        if wanted != bytes {
            let pairs = wanted.chunks_exact(size as usize).zip(bytes.chunks_exact(size as usize));
            for (i, _) in pairs.enumerate().filter(|(_, (wanted, got))| wanted != got) {
                if elements == 0 {
                    first = at / size + i as u64;
                }
                elements += 1;
            }
        }
        progress(at + bytes.len() as u64)
    })?;
    Ok(if elements == 0 { Verdict::Equal } else { Verdict::Differs { elements, first } })
}
