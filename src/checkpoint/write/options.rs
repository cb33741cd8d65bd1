//! How files are written, and where they may be.

use crate::checkpoint::DEFAULT_MEMORY;
use crate::{Error, Result};
use std::path::Path;

/// How files are written. The default: 512 MiB of memory, synced, one file, nothing replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteOptions {
    /// Bytes of memory that the data may take on its way; the process itself takes some more.
    pub memory: u64,
    /// Whether to wait until the files are on the disk.
    pub sync: bool,
    /// The most bytes of tensors in one file of a model; a larger tensor has a file of its own. None: one file.
    pub max_shard_size: Option<u64>,
    /// Whether files that stand in the way are replaced.
    pub force: bool,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { memory: DEFAULT_MEMORY, sync: true, max_shard_size: None, force: false }
    }
}

/// Refuses a path that is taken: by a file unless `force` is set, by anything else in any case.
///
/// # Errors
/// [`Error::Exists`] where `force` would help; else [`Error::Checkpoint`].
pub fn check_target(target: &Path, force: bool) -> Result<()> {
    let path = || target.display().to_string();
    match std::fs::symlink_metadata(target) {
        Err(_) => Ok(()),
        Ok(_) if std::fs::metadata(target).is_ok_and(|m| !m.is_file()) => {
            Err(Error::Checkpoint { path: path(), reason: "exists and is not a regular file".to_owned() })
        }
        Ok(_) if force => Ok(()),
        Ok(_) => Err(Error::Exists { path: path(), reason: "exists".to_owned() }),
    }
}
