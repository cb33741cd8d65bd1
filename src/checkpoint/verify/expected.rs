//! What a checkpoint should hold, by its metadata and by the table or the config beside it.

use crate::checkpoint::names::CONFIG;
use crate::checkpoint::table::{check_seed, elements_of_rows, is_table, read_table};
use crate::checkpoint::text_file::in_file;
use crate::checkpoint::{Provenance, StoredTensor, Weights, read_config};
use crate::model::Model;
use crate::model_plan::INIT_JSON;
use crate::plan::{Plan, PlannedTensor, TensorSpec};
use crate::recipe::Recipe;
use crate::{DType, Error, Fill, Result, Rounding};
use std::path::{Path, PathBuf};

/// A tensor that a checkpoint should hold, and what makes it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExpectedTensor {
    /// The work that makes its bytes.
    pub fill: Fill,
    /// Its dimensions in the file.
    pub dims: Vec<u64>,
    /// How many of its first bytes are another checkpoint's and are not compared.
    pub kept: u64,
}

impl ExpectedTensor {
    fn new(tensor: &PlannedTensor) -> Self {
        Self { fill: tensor.fill(), dims: tensor.shape().dims().to_vec(), kept: 0 }
    }
}

/// The file in a model's directory that says what made its weights: `init.json` where there is one, else `config.json`.
#[must_use]
pub fn plan_source(dir: &Path) -> PathBuf {
    let table = dir.join(INIT_JSON);
    if table.exists() { table } else { dir.join(CONFIG) }
}

/// What a checkpoint should hold. `source` is a table of seedbed's, of any file name; or a model's `config.json`, whose
/// laws are then the own ones of `transformers`; or a directory that holds one of them, as [`plan_source`] finds it. It
/// is not read where the file's metadata describes a single tensor. With a config the dtypes are the file's; a config
/// beside the weights must name the same one.
///
/// # Errors
/// [`Error::Io`]; [`Error::Checkpoint`] where the metadata is not seedbed's, or the table is no table or of another
/// seed; those of [`read_config`], [`Model::from_json`] and [`Plan::push`].
pub fn expected_tensors(weights: &Weights, source: &Path) -> Result<Vec<ExpectedTensor>> {
    let refuse = |reason: String| Error::Checkpoint { path: weights.path().display().to_string(), reason };
    let provenance = Provenance::from_metadata(&weights.metadata()).map_err(|e| refuse(e.to_string()))?;
    if let Some(single) = &provenance.tensor {
        let mut tensors = weights.tensors();
        let (Some(tensor), None) = (tensors.next(), tensors.next()) else {
            let count = weights.tensors().count();
            return Err(refuse(format!("the metadata describes one tensor, the file has {count}")));
        };
        let dtype = tensor.dtype().unwrap_or(DType::F32);
        let mut plan = Plan::new(provenance.stream, provenance.seed);
        let (fill, dims) = single.fill(&mut plan, &tensor.name, dtype, provenance.rounding)?;
        return Ok(vec![ExpectedTensor { fill, dims, kept: 0 }]);
    }
    let source = if source.is_dir() { plan_source(source) } else { source.to_path_buf() };
    if is_table(&source)? {
        check_config_dtype(weights)?;
        return of_table(&source, &provenance);
    }
    of_config(weights, &source, &provenance)
}

/// Checks the config beside the weights, whose dtype a loader takes: one of the tensors at least must have it.
fn check_config_dtype(weights: &Weights) -> Result<()> {
    let config = weights.path().with_file_name(CONFIG);
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

fn of_table(path: &Path, provenance: &Provenance) -> Result<Vec<ExpectedTensor>> {
    let (table, plan) = read_table(path)?;
    check_seed(path, &plan, &provenance.seed.to_string())?;
    let kept = table.kept_rows();
    let expected = plan.tensors().iter().map(|tensor| {
        let kept = kept.get(tensor.name()).map_or(0, |&rows| elements_of_rows(tensor, rows) * tensor.dtype().size());
        ExpectedTensor { kept, ..ExpectedTensor::new(tensor) }
    });
    Ok(expected.collect())
}

fn of_config(weights: &Weights, config: &Path, provenance: &Provenance) -> Result<Vec<ExpectedTensor>> {
    let refuse = |reason: String| Error::Checkpoint { path: weights.path().display().to_string(), reason };
    let (path, text) = read_config(config)?;
    let in_config = |e| in_file(&path, &e);
    let model = Model::from_json(&text).map_err(in_config)?;
    let claimed = if beside(&path, weights.path()) { model.dtype().map_err(in_config)? } else { None };
    let mut recipe = Recipe::default();
    recipe.finish(Some(&model)).map_err(in_config)?;
    let assignment = recipe.assign(model.tensors()).map_err(in_config)?;
    let mut plan = Plan::new(provenance.stream, provenance.seed);
    for spec in assignment.tensors.into_iter().map(|a| a.spec) {
        let stored = weights.tensor(&spec.name).and_then(StoredTensor::dtype);
        if let (Some(claimed), Some(stored)) = (claimed, stored)
            && claimed != stored
        {
            return Err(refuse(format!("tensor {:?} is {stored}, {} says {claimed}", spec.name, path.display())));
        }
        let dtype = stored.unwrap_or(DType::F32);
        // A tensor that is missing, or of a dtype that is not written, gets its verdict without being rounded.
        let rounding = if dtype == DType::F32 { Rounding::NearestEven } else { provenance.rounding };
        plan.push(&TensorSpec { dtype, rounding, ..spec }).map_err(in_config)?;
    }
    Ok(plan.tensors().iter().map(ExpectedTensor::new).collect())
}

/// Whether a config lies in the directory of the weights: `weights` is that directory, a file or an index in it.
fn beside(config: &Path, weights: &Path) -> bool {
    let home = if weights.is_dir() { Some(weights) } else { weights.parent() };
    let real =
        |p: Option<&Path>| p.map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p }.canonicalize().ok());
    real(config.parent()) == real(home)
}
