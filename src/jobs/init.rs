//! A model's directory: the weights, and the config that says their dtype.

use super::{Origin, Progress, check_target, write_safetensors};
use crate::engine::Engine;
use crate::model::{Model, config_with_dtype};
use crate::plan::Plan;
use crate::{DType, Error, Result, StreamVersion};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// No config comes near this many bytes.
const MAX_CONFIG: u64 = 16 << 20;

/// Reads a config, or the `config.json` of a directory: the file's path and its text.
///
/// # Errors
/// [`Error::Io`]; [`Error::Checkpoint`] where it is not UTF-8 or larger than 16 MiB.
pub fn read_config(path: &Path) -> Result<(PathBuf, String)> {
    let path = if path.is_dir() { path.join("config.json") } else { path.to_path_buf() };
    let mut bytes = Vec::new();
    let file = fs::File::open(&path).map_err(|e| Error::io(&path, e))?;
    file.take(MAX_CONFIG + 1).read_to_end(&mut bytes).map_err(|e| Error::io(&path, e))?;
    let refuse = |reason| Error::Checkpoint { path: path.display().to_string(), reason };
    if bytes.len() as u64 > MAX_CONFIG {
        return Err(refuse(format!("more than {MAX_CONFIG} bytes: not a config.json")));
    }
    let text = String::from_utf8(bytes).map_err(|e| refuse(format!("is not UTF-8: {}", e.utf8_error())))?;
    Ok((path, text))
}

/// The tensors of a model, planned: of the dtype given, else the config's, else f32.
///
/// # Errors
/// [`Error::Checkpoint`] naming `path`, the config's file, with those of [`Model::from_json`], [`Model::tensors`] and
/// [`Plan::push`].
pub fn plan_model(path: &Path, text: &str, seed: u64, dtype: Option<DType>) -> Result<(Model, Plan)> {
    let planned = || -> Result<(Model, Plan)> {
        let model = Model::from_json(text)?;
        let mut plan = Plan::new(StreamVersion::V1, seed);
        for spec in model.tensors(dtype)? {
            plan.push(&spec)?;
        }
        Ok((model, plan))
    };
    planned().map_err(|e| in_file(path, &e))
}

/// The error with the file's name in front.
pub(super) fn in_file(path: &Path, error: &Error) -> Error {
    Error::Checkpoint { path: path.display().to_string(), reason: error.to_string() }
}

/// The files of a model's directory, once they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelFiles {
    /// `model.safetensors`.
    pub weights: PathBuf,
    /// `config.json`.
    pub config: PathBuf,
    /// Bytes of `model.safetensors`.
    pub bytes: u64,
}

/// The places of a model's two files, found to be free and writable before anything is filled.
///
/// The config is written first, to a temporary file, so that only a rename is left when the weights stand. Dropped
/// before [`Outputs::write`] has ended, nothing is left: no temporary file, no directory that was made.
#[derive(Debug)]
pub struct Outputs {
    // Dropped in this order: the file in the directory, then the directory.
    config: NamedTempFile,
    made: MadeDirs,
    dir: PathBuf,
    had_weights: bool,
}

impl Outputs {
    /// Makes `dir` where it is missing, and checks both places. `source` is the path and text of the config that was
    /// read: a `config.json` in `dir` that is that very file may be replaced, only its dtype changes.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where a file stands there and `force` is not set; [`Error::Io`] where the directory cannot be
    /// made or written to; those of [`config_with_dtype`].
    pub fn prepare(dir: &Path, source: (&Path, &str), dtype: DType, force: bool) -> Result<Self> {
        let (weights, config) = (dir.join("model.safetensors"), dir.join("config.json"));
        check_target(&weights, force)?;
        let same = fs::canonicalize(&config).ok().zip(fs::canonicalize(source.0).ok()).is_some_and(|(a, b)| a == b);
        check_target(&config, force || same)?;
        let text = config_with_dtype(source.1, dtype)?;
        let made = MadeDirs::create(dir)?;
        let mut temp = crate::checkpoint::new_temp(dir).map_err(|e| Error::io(&config, e))?;
        temp.write_all(text.as_bytes()).map_err(|e| Error::io(&config, e))?;
        temp.as_file().sync_all().map_err(|e| Error::io(&config, e))?;
        Ok(Self { config: temp, made, dir: dir.to_path_buf(), had_weights: weights.exists() })
    }

    /// Fills and writes the weights, then gives the config its name.
    ///
    /// # Errors
    /// Those of [`write_safetensors`]. Where the weights stand but the config cannot be renamed, new weights are removed
    /// again; where they replaced older ones, the error says that they stay.
    pub fn write(mut self, plan: &Plan, engine: &Engine, progress: Progress<'_>) -> Result<ModelFiles> {
        let (weights, config) = (self.dir.join("model.safetensors"), self.dir.join("config.json"));
        let tensors = plan.tensors().iter().map(|t| (t.fill(), t.shape().dims().to_vec())).collect();
        let bytes = write_safetensors(&weights, tensors, &Origin::of_plan(plan).metadata(), engine, progress)?;
        if let Err(e) = self.config.persist(&config) {
            let left = if self.had_weights || fs::remove_file(&weights).is_err() {
                format!("; {} is written and complete", weights.display())
            } else {
                String::new()
            };
            let source = std::io::Error::new(e.error.kind(), format!("{}{left}", e.error));
            return Err(Error::io(&config, source));
        }
        self.made.keep();
        Ok(ModelFiles { weights, config, bytes })
    }
}

/// Directories that were made, outermost first; removed again where they are empty, unless kept.
#[derive(Debug)]
struct MadeDirs(Vec<PathBuf>);

impl MadeDirs {
    fn create(dir: &Path) -> Result<Self> {
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

    fn keep(&mut self) {
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
