//! What is in a checkpoint, whoever wrote it.

mod agreement;

pub use agreement::Agreement;

use agreement::agreement;

use super::table::{ReadTable, elements_of_rows, parse_table, read_table};
use super::{Progress, Weights};
use crate::model_plan::{INIT_JSON, NamedText};
use crate::plan::{Plan, PlannedTensor};
use crate::stats::Moments;
use crate::{DType, Result};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek};
use std::path::Path;

/// A stored tensor and the statistics of its finite values, which are absent where there is no such value, or the dtype
/// is not read.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InspectRow {
    /// The name.
    pub name: String,
    /// The element type, as the format spells it.
    pub dtype: String,
    /// The dimensions.
    pub shape: Vec<u64>,
    /// The number of elements.
    pub count: u64,
    /// Bytes in the file.
    pub bytes: u64,
    /// Whether the values were read: F32, F16, BF16 and F64 are, the last rounded to f32.
    pub read: bool,
    /// The mean.
    pub mean: Option<f64>,
    /// The standard deviation, of a sample: divided by n - 1.
    pub std: Option<f64>,
    /// The smallest value.
    pub min: Option<f32>,
    /// The largest value.
    pub max: Option<f32>,
    /// The number of infinities and NaNs.
    pub nonfinite: Option<u64>,
    /// The dtype that the plan has, where the file has another one: a copy, compared as such.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_dtype: Option<String>,
    /// How many of its first rows are another checkpoint's, or follow from those, and are not compared; the statistics
    /// are of all rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_rows: Option<u64>,
    /// How the values compare with the law; absent where the plan has no such tensor, or no row of it is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Agreement>,
}

/// The laws that an `init.json` gives to the tensors beside it.
#[derive(Debug)]
pub struct PlannedLaws {
    plan: Plan,
    /// How many first rows of a stored tensor are another checkpoint's.
    kept: HashMap<String, u64>,
    /// The names of tensors without a law.
    unplanned: Vec<String>,
}

impl PlannedLaws {
    /// Reads an `init.json`, or the one in a directory, for these weights.
    ///
    /// # Errors
    /// [`crate::Error::Io`]; [`crate::Error::Checkpoint`] where it is no table, or a file's metadata names another
    /// seed.
    pub fn read<R>(table: &Path, weights: &Weights<R>) -> Result<Self> {
        let path = if table.is_dir() { table.join(INIT_JSON) } else { table.to_path_buf() };
        Self::new(read_table(&path)?, weights)
    }

    /// Takes the text of an `init.json`, for these weights. Its name stands for its path in errors.
    ///
    /// # Errors
    /// As [`PlannedLaws::read`].
    pub fn parse<R>(table: &NamedText, weights: &Weights<R>) -> Result<Self> {
        Self::new(parse_table(table)?, weights)
    }

    fn new<R>(table: ReadTable, weights: &Weights<R>) -> Result<Self> {
        // The metadata of weights that were saved by others since may name no seed.
        for seed in weights.readers().iter().filter_map(|r| r.metadata().get("seedbed.seed")) {
            table.check_seed(seed)?;
        }
        let ReadTable { table, plan, .. } = table;
        let kept = table.kept_rows().into_iter().map(|(name, rows)| (name.to_owned(), rows)).collect();
        let unplanned = table.buffers.iter().chain(&table.kept).map(|t| t.name.clone()).collect();
        Ok(Self { plan, kept, unplanned })
    }

    /// Names of tensors that the plan has and the weights lack.
    pub fn missing<'a, R>(&'a self, weights: &'a Weights<R>) -> impl Iterator<Item = &'a str> {
        let planned = self.plan.tensors().iter().map(PlannedTensor::name);
        planned.chain(self.unplanned.iter().map(String::as_str)).filter(|name| weights.tensor(name).is_none())
    }

    /// Names of tensors that the weights have and the plan lacks.
    pub fn unexpected<'a, R>(&self, weights: &'a Weights<R>) -> Vec<&'a str> {
        let planned = self.plan.tensors().iter().map(PlannedTensor::name);
        let planned: HashSet<&str> = planned.chain(self.unplanned.iter().map(String::as_str)).collect();
        weights.tensors().map(|t| t.name.as_str()).filter(|name| !planned.contains(name)).collect()
    }
}

/// Reads every tensor once, in the files' order, and compares each with its law where `laws` has one.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::backend::Backend;
/// use seedbed::checkpoint::{self, ModelPaths, PlannedLaws, Weights, WriteOptions};
/// use seedbed::model_plan::ModelRequest;
///
/// let config = r#"{"model_type": "gpt2", "n_embd": 32, "n_head": 4, "n_layer": 1, "vocab_size": 100}"#;
/// let planned = ModelRequest::new().config("config.json", config).plan(42)?;
/// let dir = tempfile::tempdir().unwrap();
/// let (paths, options) = (ModelPaths::default(), WriteOptions::default());
/// checkpoint::write_model(dir.path(), &planned, &paths, &Backend::cpu(), &options, &mut |_| Ok(()))?;
///
/// let mut weights = Weights::open(dir.path())?;
/// let laws = PlannedLaws::read(dir.path(), &weights)?;
/// for row in checkpoint::inspect(&mut weights, Some(&laws), &mut |_| Ok(()))? {
///     println!("{}: mean {:?}, std {:?}", row.name, row.mean, row.std);
///     assert!(row.plan.unwrap().agrees);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of [`crate::checkpoint::Reader::read_f32`]; whatever `progress` returns.
pub fn inspect<R: Read + Seek>(
    weights: &mut Weights<R>,
    laws: Option<&PlannedLaws>,
    progress: Progress<'_>,
) -> Result<Vec<InspectRow>> {
    let planned: HashMap<&str, (&PlannedTensor, Option<u64>)> = (laws.iter())
        .flat_map(|laws| laws.plan.tensors().iter().map(|t| (t.name(), (t, laws.kept.get(t.name()).copied()))))
        .collect();
    let planned_count = planned.len();
    let mut done = 0;
    let mut rows = Vec::new();
    for (file, tensor) in weights.list() {
        let bytes = tensor.range.end - tensor.range.start;
        let (mut moments, mut drawn) = (Moments::new(), Moments::new());
        let of_plan = planned.get(tensor.name.as_str());
        let kept_rows = of_plan.and_then(|(_, kept)| *kept);
        let kept = of_plan.map_or(0, |(planned, rows)| elements_of_rows(planned, rows.unwrap_or(0)));
        if tensor.is_readable() {
            let size = bytes / tensor.count().max(1);
            weights.reader(file).read_f32(&tensor.name, |first, values| {
                moments.add(values);
                if kept > 0 {
                    // No piece has more values than addresses count.
                    let skipped = usize::try_from(kept.saturating_sub(first)).unwrap_or(usize::MAX);
                    drawn.add(values.get(skipped..).unwrap_or_default());
                }
                progress(done + (first + values.len() as u64) * size)
            })?;
        }
        done += bytes;
        progress(done)?;
        let finite = |x: f64| x.is_finite().then_some(x);
        rows.push(InspectRow {
            dtype: tensor.dtype_name(),
            count: tensor.count(),
            bytes,
            read: tensor.is_readable(),
            mean: finite(moments.mean()),
            std: finite(moments.std()),
            min: moments.min(),
            max: moments.max(),
            nonfinite: tensor.is_readable().then(|| moments.nonfinite()),
            kept_rows,
            planned_dtype: (of_plan.map(|(planned, _)| planned.dtype()))
                .filter(|planned| Some(*planned) != tensor.dtype())
                .map(|planned| planned.to_string()),
            plan: of_plan.filter(|(planned, _)| kept < planned.shape().count()).map(|&(planned, _)| {
                // A tensor of another shape is not the plan's, nor one of a dtype that holds no copy. Values in f64
                // are read as f32.
                let stored = tensor.is_readable().then(|| tensor.dtype().unwrap_or(DType::F32));
                let Some(stored) = stored.filter(|_| planned.shape().dims() == tensor.dims) else {
                    return Agreement { mean_z: None, std_z: None, agrees: false };
                };
                let sample = if kept > 0 { &drawn } else { &moments };
                agreement(planned, stored, kept_rows.unwrap_or(0), sample, planned_count)
            }),
            name: tensor.name,
            shape: tensor.dims,
        });
    }
    Ok(rows)
}
