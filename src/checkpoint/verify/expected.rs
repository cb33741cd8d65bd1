//! What a checkpoint should hold, by its metadata and by the table or the config beside it.

use crate::checkpoint::names::CONFIG;
use crate::checkpoint::table::{ReadTable, elements_of_rows, is_table, is_table_text, parse_table, read_table};
use crate::checkpoint::{Provenance, SingleTensor, StoredTensor, Weights, read_config};
use crate::model::Model;
use crate::model_plan::{HeaderTensor, INIT_JSON, ModelRequest, NamedText, TensorList, UnplannedTensor};
use crate::plan::{Plan, PlannedTensor, TensorSpec};
use crate::{DType, Error, Fill, Result, Rounding};
use std::path::{Path, PathBuf};

/// What a checkpoint should hold.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Expected {
    /// The tensors that a law makes.
    pub tensors: Vec<ExpectedTensor>,
    /// Those without a law: buffers, and what was copied from another checkpoint.
    pub unplanned: Vec<UnplannedTensor>,
    /// What is to be said of where this comes from: one line each.
    pub notices: Vec<String>,
}

/// A tensor that a checkpoint should hold, and what makes it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExpectedTensor {
    /// The work that makes its bytes.
    pub fill: Fill,
    /// Its dimensions in the file.
    pub dims: Vec<u64>,
    /// How many of its first bytes are another checkpoint's, or follow from those, and are not compared.
    pub kept: u64,
}

impl ExpectedTensor {
    fn new(tensor: &PlannedTensor) -> Self {
        Self { fill: tensor.fill(), dims: tensor.shape().dims().to_vec(), kept: 0 }
    }
}

impl Expected {
    /// Tensors that a law makes.
    fn of(tensors: impl IntoIterator<Item = ExpectedTensor>) -> Self {
        Self { tensors: tensors.into_iter().collect(), ..Self::default() }
    }
}

/// The file in a model's directory that says what made its weights: `init.json` where there is one, else `config.json`.
#[must_use]
pub fn plan_source(dir: &Path) -> PathBuf {
    let table = dir.join(INIT_JSON);
    if table.exists() { table } else { dir.join(CONFIG) }
}

/// What a checkpoint should hold. `source` is a table of seedbed's, of any file name; or a model's `config.json`, whose
/// laws are then those of the recipes in the metadata, or without any the own ones of `transformers`; or a directory
/// that holds one of them, as [`plan_source`] finds it. It is not read where the file's metadata describes a single
/// tensor. With a config the dtypes are the file's; a config beside the weights must name the same one. A table is the
/// authority for weights whose metadata names no seed, as where `save_pretrained` has written them anew.
///
/// # Errors
/// [`Error::Io`]; [`Error::Checkpoint`] where the metadata is not seedbed's and there is no table, or the table is no
/// table or of another seed; those of [`read_config`], [`Model::from_json`] and [`Plan::push`].
pub fn expected_tensors<R>(weights: &Weights<R>, source: &Path) -> Result<Expected> {
    let provenance = provenance(weights);
    if let Ok(provenance @ Provenance { tensor: Some(single), .. }) = &provenance {
        return of_single(weights, provenance, single);
    }
    let source = if source.is_dir() { plan_source(source) } else { source.to_path_buf() };
    if provenance.is_err() && !source.exists() {
        return provenance.map(|_| Expected::default());
    }
    if is_table(&source)? {
        check_config_dtype(weights)?;
        return of_table(weights, read_table(&source)?, provenance);
    }
    let provenance = provenance?;
    let (path, text) = read_config(&source)?;
    let config = NamedText { name: path.display().to_string(), text };
    of_config(weights, &config, beside(&path, weights.path()), &provenance)
}

/// [`expected_tensors`] by the text of a table of seedbed's or of a `config.json`, whose name stands for its path in
/// errors. Nothing is looked up beside the weights.
///
/// # Errors
/// As [`expected_tensors`].
pub fn expected_by_text<R>(weights: &Weights<R>, source: &NamedText) -> Result<Expected> {
    let provenance = provenance(weights);
    if let Ok(provenance @ Provenance { tensor: Some(single), .. }) = &provenance {
        return of_single(weights, provenance, single);
    }
    if is_table_text(&source.text) {
        return of_table(weights, parse_table(source)?, provenance);
    }
    of_config(weights, source, false, &provenance?)
}

fn refuse<R>(weights: &Weights<R>, reason: String) -> Error {
    Error::Checkpoint { path: weights.path().display().to_string(), reason }
}

fn provenance<R>(weights: &Weights<R>) -> Result<Provenance> {
    Provenance::from_metadata(&weights.metadata()).map_err(|e| refuse(weights, e.to_string()))
}

fn of_single<R>(weights: &Weights<R>, provenance: &Provenance, single: &SingleTensor) -> Result<Expected> {
    let mut tensors = weights.tensors();
    let (Some(tensor), None) = (tensors.next(), tensors.next()) else {
        let count = weights.tensors().count();
        return Err(refuse(weights, format!("the metadata describes one tensor, the file has {count}")));
    };
    let dtype = tensor.dtype().unwrap_or(DType::F32);
    let mut plan = Plan::new(provenance.stream, provenance.seed);
    let (fill, dims) = single.fill(&mut plan, &tensor.name, dtype, provenance.rounding)?;
    Ok(Expected::of([ExpectedTensor { fill, dims, kept: 0 }]))
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

/// The table is the authority where the weights name no seed; where they name another one, it is not theirs.
fn of_table<R>(weights: &Weights<R>, read: ReadTable, provenance: Result<Provenance>) -> Result<Expected> {
    let mut notices = Vec::new();
    match provenance {
        Ok(provenance) => read.check_seed(&provenance.seed.to_string())?,
        Err(error) if weights.metadata().keys().any(|key| key.starts_with("seedbed.")) => return Err(error),
        Err(_) => notices.push(format!(
            "{}: the weights carry no seed, since another program has written them: compared with what {} describes, \
             of seed {}",
            weights.path().display(),
            read.name,
            read.plan.seed()
        )),
    }
    let kept = read.table.kept_rows();
    let expected = read.plan.tensors().iter().map(|tensor| {
        let kept = kept.get(tensor.name()).map_or(0, |&rows| elements_of_rows(tensor, rows) * tensor.dtype().size());
        ExpectedTensor { kept, ..ExpectedTensor::new(tensor) }
    });
    let expected = Expected::of(expected);
    let unplanned = read.table.buffers.into_iter().chain(read.table.kept).collect();
    Ok(Expected { unplanned, notices, ..expected })
}

/// `is_theirs`: the config is that of the weights, and a loader takes its dtype.
fn of_config<R>(
    weights: &Weights<R>,
    config: &NamedText,
    is_theirs: bool,
    provenance: &Provenance,
) -> Result<Expected> {
    let in_config = |e: Error| Error::Checkpoint { path: config.name.clone(), reason: e.to_string() };
    let settings = &provenance.settings;
    let only_by_table = match (settings.keeps, settings.tensors) {
        (true, _) => Some("some of its tensors, or rows, are another checkpoint's, and its init.json alone says which"),
        (false, TensorList::Other) => Some("which tensors it has of the model, or of a list, its init.json alone says"),
        (false, TensorList::Model | TensorList::Header) => None,
    };
    if let Some(reason) = only_by_table {
        return Err(refuse(weights, reason.to_owned()));
    }
    let is_listed = settings.tensors == TensorList::Header;
    // Beside a list of tensors the config only lends its numbers: it may be of an unknown type.
    let model = match Model::from_json(&config.text) {
        Err(error) if !is_listed && settings.recipes.is_empty() => return Err(in_config(error)),
        model => model.ok(),
    };
    let claimed = model.as_ref().filter(|_| is_theirs).map(Model::dtype).transpose().map_err(in_config)?.flatten();
    let mut request = ModelRequest::new().config(config.name.clone(), config.text.clone()).settings(settings.clone());
    if is_listed {
        let entry =
            |t: &StoredTensor| HeaderTensor { name: t.name.clone(), dims: t.dims.clone(), dtype: t.dtype_name() };
        request = request.like(weights.path().display().to_string(), weights.tensors().map(entry).collect::<Vec<_>>());
    }
    let planned = request.plan(provenance.seed).map_err(|e| match e {
        // The config is to blame for its own numbers: those errors name it already.
        error @ Error::Checkpoint { .. } => error,
        error if settings.recipes.is_empty() => in_config(error),
        error => refuse(weights, format!("metadata: {error}")),
    })?;
    let mut plan = Plan::new(provenance.stream, provenance.seed);
    for spec in planned.assignment.tensors.into_iter().map(|a| a.spec) {
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
    let expected = Expected::of(plan.tensors().iter().map(ExpectedTensor::new));
    Ok(Expected { unplanned: planned.buffers, ..expected })
}

/// Whether a config lies in the directory of the weights: `weights` is that directory, a file or an index in it.
fn beside(config: &Path, weights: &Path) -> bool {
    let home = if weights.is_dir() { Some(weights) } else { weights.parent() };
    let real =
        |p: Option<&Path>| p.map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p }.canonicalize().ok());
    real(config.parent()) == real(home)
}
