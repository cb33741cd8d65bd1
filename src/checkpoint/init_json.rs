//! `init.json`: the table of a plan beside the weights it made, and a plan made of it again.

use super::plan_rows::{PlanRow, describe};
use super::request::ModelPlan;
use super::sources::in_file;
use crate::plan::Slab;
use crate::plan::{Part, Plan, PlannedTensor, TensorSpec};
use crate::{Error, Result, StreamVersion};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Read;
use std::path::Path;

/// The name of the table in a model's directory.
pub const TABLE: &str = "init.json";

/// The table of a trillion parameters has some 60 MB.
const MAX_TABLE: u64 = 512 << 20;

/// What made the weights beside it: enough to make them again, and to set up an optimizer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct InitTable {
    /// The version of the stream.
    pub stream_version: u32,
    /// The seed, decimal.
    pub seed: String,
    /// A row a logical tensor.
    pub tensors: Vec<PlanRow>,
}

impl ModelPlan {
    /// The table as it is written.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_table(&self, out: &mut impl std::io::Write) -> std::io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        out.write_all(b"\n")
    }
}

impl Serialize for ModelPlan {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("seedbed_version", env!("CARGO_PKG_VERSION"))?;
        map.serialize_entry("stream_version", &self.plan.version().number())?;
        map.serialize_entry("seed", &self.plan.seed().to_string())?;
        map.serialize_entry("architecture", &self.model.as_ref().map(|m| m.architecture()))?;
        map.serialize_entry("recipe", &self.recipe)?;
        map.serialize_entry("set", &self.set)?;
        let ties: BTreeMap<_, _> = self.model.iter().flat_map(|m| m.ties()).map(|(a, b)| (a, b)).collect();
        map.serialize_entry("ties", &ties)?;
        map.serialize_entry("warnings", &self.warnings)?;
        let kept: BTreeMap<_, _> = self.kept.iter().map(|k| (&k.name, k.from.display().to_string())).collect();
        map.serialize_entry("kept_from", &kept)?;
        // A row at a time: a trillion parameters are 70,000 rows.
        struct Rows<'a>(&'a ModelPlan);
        impl Serialize for Rows<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.rows())
            }
        }
        map.serialize_entry("tensors", &Rows(self))?;
        map.end()
    }
}

impl ModelPlan {
    /// The rows of the table, in the plan's order.
    pub fn rows(&self) -> impl Iterator<Item = PlanRow> + Clone + '_ {
        describe(&self.plan, &self.assignment, &self.kept)
    }
}

impl InitTable {
    /// Reads a table.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Checkpoint`] where it is none.
    pub fn read(path: &Path) -> Result<Self> {
        let file = fs::File::open(path).map_err(|e| Error::io(path, e))?;
        let mut bytes = Vec::new();
        file.take(MAX_TABLE + 1).read_to_end(&mut bytes).map_err(|e| Error::io(path, e))?;
        let refuse = |reason: String| Error::Checkpoint { path: path.display().to_string(), reason };
        if bytes.len() as u64 > MAX_TABLE {
            return Err(refuse(format!("more than {MAX_TABLE} bytes: not a table of seedbed's")));
        }
        serde_json::from_slice(&bytes).map_err(|e| refuse(format!("not a table of seedbed's: {e}")))
    }

    /// How many rows of stored tensors are another checkpoint's, where some are.
    pub(super) fn kept_rows(&self) -> HashMap<&str, u64> {
        self.tensors.iter().filter_map(|row| Some((row.stored_in.as_str(), row.kept_rows?))).collect()
    }

    /// The plan that the table describes.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] naming `path`, where a row does not hold together.
    pub fn plan(&self, path: &Path) -> Result<Plan> {
        let planned = || -> Result<Plan> {
            if self.stream_version != StreamVersion::V1.number() {
                return Err(Error::unknown("stream version", self.stream_version.to_string(), ["1"]));
            }
            let seed = self.seed.parse().map_err(|e| Error::Config(format!("seed {:?}: {e}", self.seed)))?;
            let mut plan = Plan::new(StreamVersion::V1, seed);
            for rows in self.tensors.chunk_by(|a, b| a.stored_in == b.stored_in) {
                plan.push(&spec(rows).map_err(|e| e.in_tensor(&rows[0].stored_in))?)?;
            }
            Ok(plan)
        };
        planned().map_err(|e| in_file(path, &e))
    }
}

/// Elements of a tensor's first rows.
pub(super) fn kept_elements(tensor: &PlannedTensor, rows: u64) -> u64 {
    tensor.shape().count() / tensor.shape().dims().first().unwrap_or(&1) * rows
}

/// Refuses weights of another seed than the table's.
pub(super) fn check_seed(path: &Path, plan: &Plan, weights: &str) -> Result<()> {
    if weights == plan.seed().to_string() {
        return Ok(());
    }
    let reason = format!("its seed is {}, that of the weights {weights}", plan.seed());
    Err(Error::Checkpoint { path: path.display().to_string(), reason })
}

/// The stored tensor of neighboring rows.
fn spec(rows: &[PlanRow]) -> Result<TensorSpec> {
    let first = &rows[0];
    let mut spec = match &first.part {
        None if rows.len() > 1 => return Err(Error::Config(format!("{} rows hold it whole", rows.len()))),
        None => TensorSpec::new(first.stored_in.clone(), first.shape.clone(), first.scheme.parse()?)?
            .layout(first.layout.parse()?),
        Some(place) => {
            let part = |row: &PlanRow| {
                let place = row
                    .part
                    .as_ref()
                    .ok_or_else(|| Error::Config(format!("row {:?} has no place in the stored tensor", row.name)))?;
                let slab = Slab::new(place.start.clone(), place.extent.clone());
                let part = Part::new(row.name.clone(), row.shape.clone(), row.scheme.parse()?, slab)?;
                Ok(part.order(place.order.clone()).layout(row.layout.parse()?))
            };
            let parts = rows.iter().map(part).collect::<Result<Vec<_>>>()?;
            TensorSpec::with_parts(first.stored_in.clone(), place.stored_shape.clone(), place.view.clone(), parts)?
        }
    };
    let length = spec.shape.dims().first().copied().unwrap_or(1);
    if let Some(kept) = rows.iter().filter_map(|row| row.kept_rows).find(|&kept| kept >= length) {
        return Err(Error::Config(format!("kept_rows is {kept}, the tensor has {length}: nothing is drawn")));
    }
    spec.dtype = first.dtype.parse()?;
    spec.rounding = first.rounding.parse()?;
    spec.zero_rows.clone_from(&first.zero_rows);
    Ok(spec)
}
