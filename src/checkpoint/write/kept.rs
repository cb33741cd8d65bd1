//! Rows that are copied from another checkpoint.

use crate::checkpoint::Weights;
use crate::model_plan::KeptRows;
use crate::{Error, Result};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

/// Copies the rows that the checkpoint `from` has into a file that is complete but for its name: the tensor's bytes
/// begin at `at`.
///
/// # Errors
/// [`Error::Checkpoint`] where the checkpoint has no such tensor, or not so many rows of it; [`Error::Io`].
pub fn copy_rows(kept: &KeptRows, from: &Path, target: &Path, at: u64, sync: bool) -> Result<()> {
    let mut weights = Weights::open(from)?;
    let found = weights.list().into_iter().find(|(_, t)| t.name == kept.name);
    let Some((file, _)) = found.filter(|(_, t)| t.dims.first() == Some(&kept.rows)) else {
        let reason = format!("no longer has tensor {:?} of {} rows, which the plan keeps", kept.name, kept.rows);
        return Err(Error::Checkpoint { path: from.display().to_string(), reason });
    };
    let failed = |e| Error::io(target, e);
    let mut out = std::fs::OpenOptions::new().write(true).open(target).map_err(failed)?;
    out.seek(SeekFrom::Start(at)).map_err(failed)?;
    weights.reader(file).read_bytes(&kept.name, |_, bytes| out.write_all(bytes).map_err(failed))?;
    if sync { out.sync_data().map_err(failed) } else { Ok(()) }
}
