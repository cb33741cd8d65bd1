//! Directories that are made for a result.

use crate::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Directories that were made, outermost first. Dropped before [`MadeDirs::keep`], it removes them again, except those
/// that are not empty.
#[derive(Debug)]
pub struct MadeDirs(Vec<PathBuf>);

impl MadeDirs {
    /// Makes the directories of a path that are missing.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Checkpoint`] where something else than a directory stands there.
    pub fn create(dir: &Path) -> Result<Self> {
        let mut missing: Vec<&Path> =
            dir.ancestors().take_while(|d| !d.as_os_str().is_empty() && fs::symlink_metadata(d).is_err()).collect();
        missing.reverse();
        let mut made = Self(Vec::new());
        for dir in missing {
            match fs::create_dir(dir) {
                Ok(()) => made.0.push(dir.to_path_buf()),
                // Another process was faster: the directory is not ours to remove.
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(Error::io(dir, e)),
            }
        }
        if !dir.is_dir() {
            let reason = "is not a directory".to_owned();
            return Err(Error::Checkpoint { path: dir.display().to_string(), reason });
        }
        Ok(made)
    }

    /// Leaves the directories where they are.
    pub fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for MadeDirs {
    fn drop(&mut self) {
        for dir in self.0.iter().rev() {
            // Fails where the directory holds something, which stays.
            let _ = fs::remove_dir(dir);
        }
    }
}
