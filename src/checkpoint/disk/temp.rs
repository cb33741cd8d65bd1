//! Temporary files beside their targets, and names that have reached the disk.

use crate::{Error, Result};
use std::io;
use std::path::Path;
use tempfile::NamedTempFile;

/// The directory of a file: `.` where the path is a name alone.
pub fn directory(target: &Path) -> &Path {
    match target.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

/// A new temporary file in `dir`, with the permissions that a new file has there.
pub fn new_temp(dir: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".seedbed-").suffix(".tmp");
    // The default is 0600, which a rename would keep; the umask takes its share from 0666.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(dir).map_err(|e| without_temp_path(&e))
}

/// The error without the path that `tempfile` puts behind it: the name of a temporary file helps nobody.
pub fn without_temp_path(e: &io::Error) -> io::Error {
    if let Some(code) = e.raw_os_error() {
        return io::Error::from_raw_os_error(code);
    }
    let text = e.to_string();
    io::Error::new(e.kind(), text.split_once(" at path \"").map_or(text.as_str(), |(reason, _)| reason))
}

/// Waits until a directory's names are on the disk: they are its own data.
///
/// # Errors
/// [`Error::Io`].
pub fn sync_directory(dir: &Path) -> Result<()> {
    #[cfg(unix)]
    std::fs::File::open(dir).and_then(|d| d.sync_all()).map_err(|e| Error::io(dir, e))?;
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}
