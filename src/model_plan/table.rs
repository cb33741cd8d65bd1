//! The text of `init.json`: a plan as a table, and a plan made of the table again.

use super::existing::NewRows;
use super::planned::ModelPlan;
use super::rows::PlanRow;
use super::unplanned::UnplannedTensor;
use crate::plan::{Part, Plan, Slab, TensorSpec};
use crate::{Error, Result, StreamVersion};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// The name of the table's file, beside a model's weights.
pub const INIT_JSON: &str = "init.json";

/// The table of a plan, as far as it is read: enough to make the weights again, and to set up an optimizer.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::model_plan::{InitTable, ModelRequest};
///
/// let config = r#"{"model_type": "gpt2", "n_embd": 32, "n_head": 4, "n_layer": 1, "vocab_size": 100}"#;
/// let planned = ModelRequest::new().config("config.json", config).plan(42)?;
/// let table = InitTable::parse("init.json", &planned.init_json())?;
/// let again = table.plan()?;
/// assert_eq!((again.seed(), again.tensors().len()), (42, planned.plan.tensors().len()));
/// assert_eq!(again.tensors()[0].parts()[0].key(), planned.plan.tensors()[0].parts()[0].key());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct InitTable {
    /// The version of the stream.
    pub stream_version: u32,
    /// The seed, decimal: JSON numbers do not hold 64 bits everywhere.
    pub seed: String,
    /// One row per logical tensor; those of one stored tensor stand together.
    pub tensors: Vec<PlanRow>,
    /// Tensors beside them that have no law.
    #[serde(default)]
    pub buffers: Vec<UnplannedTensor>,
    /// Tensors that were copied from another checkpoint as they are.
    #[serde(default)]
    pub kept: Vec<UnplannedTensor>,
}

impl ModelPlan {
    /// The text of the plan's `init.json`.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "memory takes every byte, and all keys are texts")]
    pub fn init_json(&self) -> String {
        let mut bytes = Vec::new();
        self.write_init_json(&mut bytes).expect("memory takes every byte, and the table has text keys alone");
        String::from_utf8(bytes).expect("serde_json writes UTF-8")
    }

    /// Writes the text of the plan's `init.json`, a row at a time: for a trillion parameters that is some 60 MB.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_init_json(&self, out: &mut impl std::io::Write) -> std::io::Result<()> {
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
        map.serialize_entry("set", &self.settings.set)?;
        let ties: BTreeMap<_, _> = self.model.iter().flat_map(|m| m.ties()).map(|(a, b)| (a, b)).collect();
        map.serialize_entry("ties", &ties)?;
        map.serialize_entry("warnings", &self.warnings)?;
        map.serialize_entry("notices", &self.notices)?;
        let kept: BTreeMap<_, _> = self.kept.iter().map(|k| (&k.name, &k.from)).collect();
        map.serialize_entry("kept_from", &kept)?;
        if !self.kept_whole.is_empty() {
            map.serialize_entry("kept", &self.kept_whole)?;
        }
        if !self.buffers.is_empty() {
            map.serialize_entry("buffers", &self.buffers)?;
        }
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

impl InitTable {
    /// Reads the text of an `init.json`; `name` is what errors call it.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] with the name and the line, where it is none: it is not JSON, a field is missing, or a
    /// scheme, a shape, a dtype or the like cannot be read.
    pub fn parse(name: impl Into<String>, text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map_err(|e| Error::Checkpoint { path: name.into(), reason: format!("not a table of seedbed's: {e}") })
    }

    /// The plan that the table describes.
    ///
    /// # Errors
    /// [`Error::Unknown`] for another version of the stream; [`Error::Config`] and those of [`Plan::push`], with the
    /// tensor's name, where a row does not hold together.
    pub fn plan(&self) -> Result<Plan> {
        if self.stream_version != StreamVersion::V1.number() {
            return Err(Error::Unknown {
                what: "stream version",
                given: self.stream_version.to_string(),
                expected: "1".to_owned(),
                nearest: None,
            });
        }
        let seed = self.seed.parse().map_err(|e| Error::Config(format!("seed {:?}: {e}", self.seed)))?;
        let mut plan = Plan::new(StreamVersion::V1, seed);
        for rows in self.tensors.chunk_by(|a, b| a.stored_in == b.stored_in) {
            plan.push(&spec(rows).map_err(|e| e.in_tensor(&rows[0].stored_in))?)?;
        }
        Ok(plan)
    }

    /// How many first rows of a stored tensor are another checkpoint's, by the stored tensor's name; only those that
    /// have some. Where the new rows follow from the kept ones, no law says what they are: that is all rows.
    #[must_use]
    pub fn kept_rows(&self) -> HashMap<&str, u64> {
        let rows = |row: &PlanRow| match row.new_rows {
            NewRows::Drawn => row.kept_rows,
            NewRows::Mean => row.part.as_ref().map_or(&row.shape, |p| &p.stored_shape).dims().first().copied(),
        };
        self.tensors.iter().filter_map(|row| Some((row.stored_in.as_str(), rows(row)?))).collect()
    }
}

/// The stored tensor of the rows that stand together.
fn spec(rows: &[PlanRow]) -> Result<TensorSpec> {
    let first = &rows[0];
    let mut spec = match &first.part {
        None if rows.len() > 1 => {
            return Err(Error::Config(format!("{} rows say that they are the whole tensor", rows.len())));
        }
        None => {
            TensorSpec::new(first.stored_in.clone(), first.shape.dims(), first.scheme)?.layout(first.layout.clone())
        }
        Some(of_first) => {
            let part = |row: &PlanRow| {
                let missing = || Error::Config(format!("row {:?} does not say which part it is", row.name));
                let place = row.part.as_ref().ok_or_else(missing)?;
                let slab = Slab::new(place.start.clone(), place.extent.clone());
                let part = Part::new(row.name.clone(), row.shape.dims(), row.scheme, slab)?;
                Ok(part.order(place.order.clone()).layout(row.layout.clone()))
            };
            let parts = rows.iter().map(part).collect::<Result<Vec<_>>>()?;
            let (name, view) = (first.stored_in.clone(), of_first.view.clone());
            TensorSpec::with_parts(name, of_first.stored_shape.dims(), view, parts)?
        }
    };
    let length = spec.shape.dims().first().copied().unwrap_or(1);
    if let Some(kept) = rows.iter().filter_map(|row| row.kept_rows).find(|&kept| kept >= length) {
        return Err(Error::Config(format!("kept_rows is {kept}, the tensor has {length}: nothing is drawn")));
    }
    spec.dtype = first.dtype;
    spec.rounding = first.rounding;
    spec.zero_rows.clone_from(&first.zero_rows);
    Ok(spec)
}
