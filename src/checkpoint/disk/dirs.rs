//! Directories made for a result.

use crate::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Directories that were made, outermost first; removed again where they are empty, unless kept.
#[derive(Debug)]
pub struct MadeDirs(Vec<PathBuf>);

impl MadeDirs {
    pub fn create(dir: &Path) -> Result<Self> {
        let mut missing: Vec<&Path> =
            dir.ancestors().take_while(|d| !d.as_os_str().is_empty() && fs::symlink_metadata(d).is_err()).collect();
        missing.reverse();
        let mut made = Self(Vec::new());
        for dir in missing {
            match fs::create_dir(dir) {
                Ok(()) => made.0.push(dir.to_path_buf()),
                // Another process was faster: the directory is not ours.
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

    pub fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for MadeDirs {
    fn drop(&mut self) {
        for dir in self.0.iter().rev() {
            // One that holds something is not ours to remove.
            let _ = fs::remove_dir(dir);
        }
    }
}
