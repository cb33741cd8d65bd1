//! An `init.json` beside weights.

use super::text_file::read_text;
use crate::model_plan::{INIT_JSON, InitTable, NamedText};
use crate::plan::{Plan, PlannedTensor};
use crate::{Error, Result};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::path::Path;

/// The table of a trillion parameters has some 60 MB.
const MAX_TABLE: u64 = 512 << 20;

/// What a table has and no config does.
#[derive(Deserialize)]
struct Marks {
    stream_version: Option<IgnoredAny>,
    tensors: Option<IgnoredAny>,
}

/// A table that was read.
pub struct ReadTable {
    /// What stands for its path in errors.
    pub name: String,
    pub table: InitTable,
    /// The plan that it describes.
    pub plan: Plan,
}

impl ReadTable {
    /// Refuses weights of another seed than the table's.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] naming the table.
    pub fn check_seed(&self, weights: &str) -> Result<()> {
        if weights == self.plan.seed().to_string() {
            return Ok(());
        }
        let reason = format!("its seed is {}, that of the weights {weights}", self.plan.seed());
        Err(Error::Checkpoint { path: self.name.clone(), reason })
    }
}

/// Whether a file is a table: it has a table's name, or is a JSON object with `stream_version` and `tensors`.
///
/// # Errors
/// [`Error::Io`]; [`Error::Checkpoint`] where it is not UTF-8 or larger than any table.
pub fn is_table(path: &Path) -> Result<bool> {
    if path.file_name().is_some_and(|name| name == INIT_JSON) {
        return Ok(true);
    }
    Ok(is_table_text(&read_text(path, MAX_TABLE, "a table of seedbed's or a config.json")?))
}

/// Whether a text is a JSON object with `stream_version` and `tensors`.
pub fn is_table_text(text: &str) -> bool {
    serde_json::from_str::<Marks>(text).is_ok_and(|m| m.stream_version.is_some() && m.tensors.is_some())
}

/// Reads a table.
///
/// # Errors
/// [`Error::Io`]; [`Error::Checkpoint`] naming the file, where it is no table or a row does not hold together.
pub fn read_table(path: &Path) -> Result<ReadTable> {
    let name = path.display().to_string();
    let text = read_text(path, MAX_TABLE, "a table of seedbed's")?;
    let table = InitTable::parse(name.clone(), &text)?;
    // Before the plan is made, which takes as much again.
    drop(text);
    planned(name, table)
}

/// Takes the text of a table.
///
/// # Errors
/// [`Error::Checkpoint`] as [`read_table`].
pub fn parse_table(text: &NamedText) -> Result<ReadTable> {
    planned(text.name.clone(), InitTable::parse(text.name.clone(), &text.text)?)
}

fn planned(name: String, table: InitTable) -> Result<ReadTable> {
    match table.plan() {
        Ok(plan) => Ok(ReadTable { name, table, plan }),
        Err(e) => Err(Error::Checkpoint { path: name, reason: e.to_string() }),
    }
}

/// The number of elements in a tensor's first rows.
pub fn elements_of_rows(tensor: &PlannedTensor, rows: u64) -> u64 {
    tensor.shape().count() / tensor.shape().dims().first().unwrap_or(&1) * rows
}
