//! A checkpoint against what its metadata and config say it holds, byte for byte.

use super::init_json::{InitTable, TABLE, check_seed, kept_elements};
use super::pipeline::check_matrices;
use super::sources::in_file;
use super::{Origin, Progress, Weights, read_config};
use crate::backend::Backend;
use crate::checkpoint::{Reader, StoredTensor};
use crate::model::Model;
use crate::plan::{Plan, PlannedTensor, TensorSpec};
use crate::recipe::Recipe;
use crate::{DType, Error, Fill, Result, Rounding};
use serde::Serialize;
use std::path::{Path, PathBuf};

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
    /// The file's dtype is another than the plan's, or none that seedbed writes.
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
            Self::DType => f.pad("a dtype that is not the plan's"),
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

/// A tensor that a checkpoint should hold.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Expected {
    /// What makes it.
    pub fill: Fill,
    /// Its dimensions in the file.
    pub dims: Vec<u64>,
    /// Bytes at its beginning that are another checkpoint's and are not compared.
    pub kept: u64,
}

impl Expected {
    fn new(tensor: &PlannedTensor) -> Self {
        Self { fill: tensor.fill(), dims: tensor.shape().dims().to_vec(), kept: 0 }
    }
}

/// The file that says what made a directory's weights: the table beside them, else the config.
#[must_use]
pub fn beside_weights(dir: &Path) -> PathBuf {
    let table = dir.join(TABLE);
    if table.exists() { table } else { dir.join("config.json") }
}

/// What a checkpoint should hold. `source` is the table of `init`, or a model's config, whose laws are then `transformers`' own;
/// or a directory that holds one of them. It is not read where the file's metadata describes a single tensor. With a config
/// the dtypes are the file's; a config beside the weights must name the same.
///
/// # Errors
/// [`Error::Checkpoint`] where the metadata is not seedbed's, or the table is of another seed; those of [`read_config`],
/// [`InitTable::read`], [`Model::from_json`] and [`Plan::push`].
pub fn expected(weights: &Weights, source: &Path) -> Result<Vec<Expected>> {
    let refuse = |reason: String| Error::Checkpoint { path: weights.path().display().to_string(), reason };
    let origin = Origin::from_metadata(&weights.metadata()).map_err(|e| refuse(e.to_string()))?;
    if let Some(single) = &origin.tensor {
        let mut tensors = weights.tensors();
        let (Some(tensor), None) = (tensors.next(), tensors.next()) else {
            let count = weights.tensors().count();
            return Err(refuse(format!("the metadata describes one tensor, the file has {count}")));
        };
        let dtype = tensor.dtype().unwrap_or(DType::F32);
        let mut plan = Plan::new(origin.stream, origin.seed);
        let (fill, dims) = single.fill(&mut plan, &tensor.name, dtype, origin.rounding)?;
        return Ok(vec![Expected { fill, dims, kept: 0 }]);
    }
    let source = if source.is_dir() { beside_weights(source) } else { source.to_path_buf() };
    if source.file_name().is_some_and(|name| name == TABLE) {
        check_config_dtype(weights)?;
        return of_table(&source, &origin);
    }
    of_config(weights, &source, &origin)
}

/// A loader takes the dtype of the config beside the weights: it has to be that of one of them at least.
fn check_config_dtype(weights: &Weights) -> Result<()> {
    let config = weights.path().with_file_name("config.json");
    let Ok((path, text)) = read_config(&config) else { return Ok(()) };
    let Ok(Some(claimed)) = Model::from_json(&text).and_then(|m| m.dtype()) else { return Ok(()) };
    match weights.tensors().next() {
        Some(first) if weights.tensors().all(|t| t.dtype() != Some(claimed)) => Err(Error::Checkpoint {
            path: weights.path().display().to_string(),
            reason: format!(
                "tensor {:?} is {}, {} says {claimed}",
                first.name,
                first.dtype_name().to_lowercase(),
                path.display()
            ),
        }),
        _ => Ok(()),
    }
}

fn of_table(path: &Path, origin: &Origin) -> Result<Vec<Expected>> {
    let table = InitTable::read(path)?;
    let plan = table.plan(path)?;
    check_seed(path, &plan, &origin.seed.to_string())?;
    let kept = table.kept_rows();
    let expected = plan.tensors().iter().map(|tensor| {
        let kept = kept.get(tensor.name()).map_or(0, |&rows| kept_elements(tensor, rows) * tensor.dtype().size());
        Expected { kept, ..Expected::new(tensor) }
    });
    Ok(expected.collect())
}

fn of_config(weights: &Weights, config: &Path, origin: &Origin) -> Result<Vec<Expected>> {
    let refuse = |reason: String| Error::Checkpoint { path: weights.path().display().to_string(), reason };
    let (path, text) = read_config(config)?;
    let in_config = |e| in_file(&path, &e);
    let model = Model::from_json(&text).map_err(in_config)?;
    let claimed = if beside(&path, weights.path()) { model.dtype().map_err(in_config)? } else { None };
    let mut recipe = Recipe::default();
    recipe.finish(Some(&model)).map_err(in_config)?;
    let assignment = recipe.assign(model.tensors()).map_err(in_config)?;
    let mut plan = Plan::new(origin.stream, origin.seed);
    for spec in assignment.tensors.into_iter().map(|a| a.spec) {
        let stored = weights.tensor(&spec.name).and_then(StoredTensor::dtype);
        if let (Some(claimed), Some(stored)) = (claimed, stored)
            && claimed != stored
        {
            return Err(refuse(format!("tensor {:?} is {stored}, {} says {claimed}", spec.name, path.display())));
        }
        let dtype = stored.unwrap_or(DType::F32);
        // A tensor that is missing, or of a dtype that is not written, gets its verdict without being rounded.
        let rounding = if dtype == DType::F32 { Rounding::NearestEven } else { origin.rounding };
        plan.push(&TensorSpec { dtype, rounding, ..spec }).map_err(in_config)?;
    }
    Ok(plan.tensors().iter().map(Expected::new).collect())
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
/// Those of [`Reader::read_bytes`] and [`Backend::fill_range`]; whatever `progress` returns. A difference is no error.
pub fn verify(
    weights: &mut Weights,
    expected: &[Expected],
    engine: &Backend,
    progress: Progress<'_>,
) -> Result<Vec<VerifyRow>> {
    let planned: std::collections::HashMap<&str, &Expected> = expected.iter().map(|e| (e.fill.name(), e)).collect();
    let mut rows = Vec::new();
    let mut done = 0;
    for (file, tensor) in weights.list() {
        let verdict = match planned.get(tensor.name.as_str()) {
            None => Verdict::Unexpected,
            Some(e) if e.dims != tensor.dims => Verdict::Shape { expected: e.dims.clone() },
            Some(e) if tensor.dtype() != Some(e.fill.dtype()) => Verdict::DType,
            Some(e) => compare(weights.reader(file), e, engine, &mut |bytes| progress(done + bytes))?,
        };
        done += tensor.range.end - tensor.range.start;
        progress(done)?;
        rows.push(VerifyRow { elements: tensor.count(), name: tensor.name, verdict });
    }
    for Expected { fill, .. } in expected {
        if weights.tensor(fill.name()).is_none() {
            rows.push(VerifyRow { name: fill.name().to_owned(), elements: 0, verdict: Verdict::Missing });
        }
    }
    Ok(rows)
}

/// What orthogonal matrices may take: a file's metadata may ask for any.
const MATRICES: u64 = 8 << 30;

fn compare(reader: &mut Reader, expected: &Expected, engine: &Backend, progress: Progress<'_>) -> Result<Verdict> {
    let fill = &expected.fill;
    check_matrices([fill], MATRICES)?;
    let size = fill.dtype().size();
    let mut wanted = Vec::new();
    let ranges = engine.range_filler();
    let (mut elements, mut first) = (0, 0);
    reader.read_bytes(fill.name(), |at, bytes| {
        wanted.resize(bytes.len(), 0);
        engine.fill_next(fill, at, &mut wanted, &ranges)?;
        if wanted != bytes {
            let pairs = wanted.chunks_exact(size as usize).zip(bytes.chunks_exact(size as usize));
            let compared = |i: usize| at + i as u64 * size >= expected.kept;
            for (i, _) in pairs.enumerate().filter(|(i, (wanted, got))| wanted != got && compared(*i)) {
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
