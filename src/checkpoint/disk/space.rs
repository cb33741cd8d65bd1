//! Free space on the disk, asked for before it is used.

use crate::{Error, Result};
use std::io;
use std::path::Path;

/// Refuses where the file system of `dir` has less than `needed` bytes free. Where it does not say how many, nothing is
/// refused: a disk that fills up is found by the write.
///
/// # Errors
/// [`Error::Io`] naming `target`, of the kind `StorageFull`.
pub fn check_space(dir: &Path, target: &Path, needed: u64) -> Result<()> {
    let Ok(about) = fs4::statvfs(dir) else { return Ok(()) };
    let free = about.available_space();
    // Virtual file systems say that they have no space at all, used or free.
    if needed <= free || about.total_space() == 0 {
        return Ok(());
    }
    let text = format!("No space left on device: {needed} bytes needed, {free} free");
    Err(Error::io(target, io::Error::new(io::ErrorKind::StorageFull, text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_there_is_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        check_space(dir.path(), Path::new("x"), 1).unwrap();
        let text = check_space(dir.path(), Path::new("x"), u64::MAX).unwrap_err().to_string();
        assert!(text.starts_with("x: No space left on device: 18446744073709551615 bytes needed, "), "{text}");
        check_space(&dir.path().join("missing"), Path::new("x"), u64::MAX).unwrap();
    }
}
