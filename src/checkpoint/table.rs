//! An `init.json` beside weights.

use super::text_file::{in_file, read_text};
use crate::model_plan::InitTable;
use crate::plan::{Plan, PlannedTensor};
use crate::{Error, Result};
use std::path::Path;

/// The table of a trillion parameters has some 60 MB.
const MAX_TABLE: u64 = 512 << 20;

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
