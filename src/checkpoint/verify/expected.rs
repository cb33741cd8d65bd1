//! What a checkpoint should hold, by its metadata and by the table or the config beside it.

use crate::checkpoint::names::CONFIG;
use crate::checkpoint::table::{ReadTable, elements_of_rows, is_table, is_table_text, parse_table, read_table};
use crate::checkpoint::{Provenance, SingleTensor, StoredTensor, Weights, read_config};
use crate::model::Model;
use crate::model_plan::{INIT_JSON, NamedText};
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
pub fn expected_tensors<R>(weights: &Weights<R>, source: &Path) -> Result<Vec<ExpectedTensor>> {
    let provenance = provenance(weights)?;
    if let Some(single) = &provenance.tensor {
        return of_single(weights, &provenance, single);
    }
    let source = if source.is_dir() { plan_source(source) } else { source.to_path_buf() };
    if is_table(&source)? {
        check_config_dtype(weights)?;
        return of_table(&read_table(&source)?, &provenance);
    }
    let (path, text) = read_config(&source)?;
    let config = NamedText { name: path.display().to_string(), text };
    of_config(weights, &config, beside(&path, weights.path()), &provenance)
}

/// [`expected_tensors`] by the text of a table of seedbed's or of a `config.json`, whose name stands for its path in
/// errors. Nothing is looked up beside the weights.
///
/// # Errors
/// As [`expected_tensors`].
pub fn expected_by_text<R>(weights: &Weights<R>, source: &NamedText) -> Result<Vec<ExpectedTensor>> {
    let provenance = provenance(weights)?;
    if let Some(single) = &provenance.tensor {
        return of_single(weights, &provenance, single);
    }
    if is_table_text(&source.text) {
        return of_table(&parse_table(source)?, &provenance);
    }
    of_config(weights, source, false, &provenance)
}

fn refuse<R>(weights: &Weights<R>, reason: String) -> Error {
    Error::Checkpoint { path: weights.path().display().to_string(), reason }
}

fn provenance<R>(weights: &Weights<R>) -> Result<Provenance> {
    Provenance::from_metadata(&weights.metadata()).map_err(|e| refuse(weights, e.to_string()))
}

fn of_single<R>(weights: &Weights<R>, provenance: &Provenance, single: &SingleTensor) -> Result<Vec<ExpectedTensor>> {
    let mut tensors = weights.tensors();
    let (Some(tensor), None) = (tensors.next(), tensors.next()) else {
        let count = weights.tensors().count();
        return Err(refuse(weights, format!("the metadata describes one tensor, the file has {count}")));
    };
    let dtype = tensor.dtype().unwrap_or(DType::F32);
    let mut plan = Plan::new(provenance.stream, provenance.seed);
    let (fill, dims) = single.fill(&mut plan, &tensor.name, dtype, provenance.rounding)?;
    Ok(vec![ExpectedTensor { fill, dims, kept: 0 }])
}

/// Checks the config beside the weights, whose dtype a loader takes: one of the tensors at least must have it.
fn check_config_dtype<R>(weights: &Weights<R>) -> Result<()> {
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

fn of_table(read: &ReadTable, provenance: &Provenance) -> Result<Vec<ExpectedTensor>> {
    read.check_seed(&provenance.seed.to_string())?;
    let kept = read.table.kept_rows();
    let expected = read.plan.tensors().iter().map(|tensor| {
        let kept = kept.get(tensor.name()).map_or(0, |&rows| elements_of_rows(tensor, rows) * tensor.dtype().size());
        ExpectedTensor { kept, ..ExpectedTensor::new(tensor) }
    });
    Ok(expected.collect())
}

/// `is_theirs`: the config is that of the weights, and a loader takes its dtype.
fn of_config<R>(
    weights: &Weights<R>,
    config: &NamedText,
    is_theirs: bool,
    provenance: &Provenance,
) -> Result<Vec<ExpectedTensor>> {
    let in_config = |e: Error| Error::Checkpoint { path: config.name.clone(), reason: e.to_string() };
    let model = Model::from_json(&config.text).map_err(in_config)?;
    let claimed = if is_theirs { model.dtype().map_err(in_config)? } else { None };
    let recipe = Recipe::default().finish(Some(&model)).map_err(in_config)?;
    let assignment = recipe.assign(model.tensors()).map_err(in_config)?;
    let mut plan = Plan::new(provenance.stream, provenance.seed);
    for spec in assignment.tensors.into_iter().map(|a| a.spec) {
        let stored = weights.tensor(&spec.name).and_then(StoredTensor::dtype);
        if let (Some(claimed), Some(stored)) = (claimed, stored)
            && claimed != stored
        {
            let reason = format!("tensor {:?} is {stored}, {} says {claimed}", spec.name, config.name);
            return Err(refuse(weights, reason));
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
