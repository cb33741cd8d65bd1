//! Text files that are read: configs, recipes, tables.

use super::lfs::{LFS_POINTER, is_lfs_pointer};
use super::names::CONFIG;
use crate::model_plan::NamedText;
use crate::{Error, Result};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// No config and no recipe comes near this many bytes.
const MAX_TEXT: u64 = 16 << 20;

/// Reads a model's config, or the `config.json` of a directory: the file's path and its text.
///
/// # Errors
/// [`Error::Io`]; [`Error::Checkpoint`] where it is not UTF-8 or larger than 16 MiB.
pub fn read_config(path: &Path) -> Result<(PathBuf, String)> {
    let path = if path.is_dir() { path.join(CONFIG) } else { path.to_path_buf() };
    let text = read_text(&path, MAX_TEXT, "a config.json")?;
    Ok((path, text))
}

/// Reads a recipe.
///
/// # Errors
/// As [`read_config`].
pub(super) fn read_recipe(path: &Path) -> Result<NamedText> {
    Ok(NamedText { name: path.display().to_string(), text: read_text(path, MAX_TEXT, "a recipe")? })
}

/// Reads a text of at most `max` bytes; `what` names in the error what a larger file is not.
///
/// # Errors
/// [`Error::Io`]; [`Error::Checkpoint`] where it is not UTF-8, larger, or a pointer of Git LFS.
pub(super) fn read_text(path: &Path, max: u64, what: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|e| Error::io(path, e))?;
    file.take(max + 1).read_to_end(&mut bytes).map_err(|e| Error::io(path, e))?;
    let refuse = |reason| Error::Checkpoint { path: path.display().to_string(), reason };
    if bytes.len() as u64 > max {
        return Err(refuse(format!("more than {max} bytes: not {what}")));
    }
    if is_lfs_pointer(&bytes) {
        return Err(refuse(LFS_POINTER.to_owned()));
    }
    let text = String::from_utf8(bytes).map_err(|e| refuse(format!("is not UTF-8: {}", e.utf8_error())))?;
    // Some editors begin a file with a byte order mark; JSON and TOML have none.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
