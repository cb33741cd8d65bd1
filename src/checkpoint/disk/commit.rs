//! Several files that get their names together, or not at all.

use super::temp::{directory, sync_directory};
use crate::{Error, Result};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempPath;

/// Renames that are undone when this is dropped before [`Commit::done`]: every old file then has its name again.
///
/// Until then, old files are kept under temporary names in their own directory.
#[derive(Debug, Default)]
pub struct Commit {
    /// What was changed, and the old file that stood there.
    changes: Vec<(PathBuf, Option<TempPath>)>,
}

impl Commit {
    /// Takes a file out of the way.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn remove(&mut self, place: &Path) -> Result<()> {
        let kept = aside(place, |to| fs::rename(place, to)).map_err(|e| Error::io(place, e))?;
        self.changes.push((place.to_path_buf(), Some(kept)));
        Ok(())
    }

    /// Gives a written file its name. An old file is replaced in one step: at no time does the name lead nowhere.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn place(&mut self, temp: TempPath, target: &Path) -> Result<()> {
        let failed = |e| Error::io(target, e);
        let mut kept = None;
        if fs::symlink_metadata(target).is_ok_and(|m| !m.is_dir()) {
            // On a file system without hard links the name leads nowhere for a moment.
            kept = match aside(target, |to| fs::hard_link(target, to)) {
                Ok(kept) => Some(kept),
                Err(_) => {
                    self.remove(target)?;
                    None
                }
            };
        }
        temp.persist(target).map_err(|e| failed(e.error))?;
        // Without hard links, `remove` has recorded the old file. Undoing goes in reverse order: it deletes the new
        // file, then puts the old one back.
        self.changes.push((target.to_path_buf(), kept));
        Ok(())
    }

    /// Keeps what was done, and removes the old files.
    pub fn done(mut self) {
        self.changes.clear();
    }

    /// Waits until the names are on the disk.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn sync(&self) -> Result<()> {
        self.changes.last().map_or(Ok(()), |(place, _)| sync_directory(directory(place)))
    }
}

impl Drop for Commit {
    fn drop(&mut self) {
        for (place, kept) in self.changes.drain(..).rev() {
            // The error that led here is on its way to the user: another one is not told.
            match kept {
                Some(kept) => drop(kept.persist(&place)),
                None => drop(fs::remove_file(&place)),
            }
        }
    }
}

/// Gives the file at `place` a free temporary name in the same directory; `make` links or renames it.
fn aside(place: &Path, mut make: impl FnMut(&Path) -> io::Result<()>) -> io::Result<TempPath> {
    let free = |to: &Path| match fs::symlink_metadata(to) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => make(to),
    };
    let kept = tempfile::Builder::new().prefix(".seedbed-").suffix(".old").make_in(directory(place), free)?;
    Ok(kept.into_temp_path())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::disk::new_temp;

    fn files(dir: &Path) -> Vec<(String, String)> {
        let read = |e: fs::DirEntry| {
            let text = fs::read_to_string(e.path()).unwrap_or_else(|_| "directory".to_owned());
            (e.file_name().into_string().unwrap(), text)
        };
        let mut found: Vec<_> = fs::read_dir(dir).unwrap().map(|e| read(e.unwrap())).collect();
        found.sort();
        found
    }

    fn temp(dir: &Path, text: &str) -> TempPath {
        let temp = new_temp(dir).unwrap();
        fs::write(temp.path(), text).unwrap();
        temp.into_temp_path()
    }

    #[test]
    fn all_names_or_none() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        for name in ["a", "stale"] {
            fs::write(dir.join(name), "old").unwrap();
        }
        fs::create_dir(dir.join("taken")).unwrap();
        let before = files(dir);
        let change = |names: &[&str]| -> Result<Commit> {
            let mut commit = Commit::default();
            commit.remove(&dir.join("stale"))?;
            for name in names {
                commit.place(temp(dir, "new"), &dir.join(name))?;
            }
            Ok(commit)
        };
        // A directory cannot be replaced: the third name fails.
        assert!(change(&["a", "b", "taken"]).unwrap_err().to_string().contains("taken: "));
        assert_eq!(files(dir), before);
        drop(change(&["a", "b"]).unwrap());
        assert_eq!(files(dir), before);
        let commit = change(&["a", "b"]).unwrap();
        commit.sync().unwrap();
        commit.done();
        let text = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        assert_eq!(files(dir), [text("a", "new"), text("b", "new"), text("taken", "directory")]);
    }
}
