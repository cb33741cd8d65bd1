//! An `init.json` beside weights.

use super::text_file::{in_file, read_text};
use crate::model_plan::{INIT_JSON, InitTable};
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

/// Whether a file is a table: it has a table's name, or is a JSON object with `stream_version` and `tensors`.
///
/// # Errors
/// [`Error::Io`]; [`Error::Checkpoint`] where it is not UTF-8 or larger than any table.
pub fn is_table(path: &Path) -> Result<bool> {
    if path.file_name().is_some_and(|name| name == INIT_JSON) {
        return Ok(true);
    }
    let text = read_text(path, MAX_TABLE, "a table of seedbed's or a config.json")?;
    Ok(serde_json::from_str::<Marks>(&text).is_ok_and(|m| m.stream_version.is_some() && m.tensors.is_some()))
}

/// Reads a table: it, and the plan that it describes.
///
/// # Errors
/// [`Error::Io`]; [`Error::Checkpoint`] naming the file, where it is no table or a row does not hold together.
pub fn read_table(path: &Path) -> Result<(InitTable, Plan)> {
    let text = read_text(path, MAX_TABLE, "a table of seedbed's")?;
    let table = InitTable::parse(path.display().to_string(), &text)?;
    drop(text);
    let plan = table.plan().map_err(|e| in_file(path, &e))?;
    Ok((table, plan))
}

/// Refuses weights of another seed than the table's.
///
/// # Errors
/// [`Error::Checkpoint`] naming the table.
pub fn check_seed(path: &Path, plan: &Plan, weights: &str) -> Result<()> {
    if weights == plan.seed().to_string() {
        return Ok(());
    }
    let reason = format!("its seed is {}, that of the weights {weights}", plan.seed());
    Err(Error::Checkpoint { path: path.display().to_string(), reason })
}

/// The number of elements in a tensor's first rows.
pub fn elements_of_rows(tensor: &PlannedTensor, rows: u64) -> u64 {
    tensor.shape().count() / tensor.shape().dims().first().unwrap_or(&1) * rows
}
