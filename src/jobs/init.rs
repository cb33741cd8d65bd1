//! A model's directory: the weights, and the config that says their dtype.

use super::commit::Commit;
use super::dirs::MadeDirs;
use super::space::check_space;
use super::write::{OutFile, write_files};
use super::{Origin, Progress, WriteOptions, check_target, shards};
use crate::checkpoint::{Complete, directory, new_temp};
use crate::engine::Engine;
use crate::model::{Model, config_with_dtype};
use crate::plan::Plan;
use crate::{DType, Error, Result, Rounding, StreamVersion};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use tempfile::TempPath;

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
    // Some editors begin a file with a byte order mark; JSON has none.
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    Ok((path, text))
}

/// The tensors of a model, planned: of the dtype given, else the config's, else f32.
///
/// # Errors
/// [`Error::Checkpoint`] naming `path`, the config's file, with those of [`Model::from_json`], [`Model::tensors`] and
/// [`Plan::push`].
pub fn plan_model(
    path: &Path,
    text: &str,
    seed: u64,
    dtype: Option<DType>,
    rounding: Rounding,
) -> Result<(Model, Plan)> {
    let planned = || -> Result<(Model, Plan)> {
        let model = Model::from_json(text)?;
        let mut plan = Plan::new(StreamVersion::V1, seed);
        for spec in model.tensors(dtype)? {
            plan.push(&spec.rounding(rounding))?;
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
    /// `model.safetensors`, or where there are shards `model.safetensors.index.json`.
    pub weights: PathBuf,
    /// The safetensors files, at least one.
    pub files: Vec<PathBuf>,
    /// `config.json`.
    pub config: PathBuf,
    /// Bytes of the safetensors files.
    pub bytes: u64,
}

/// The places of a model's files, found to be free, writable and large enough before anything is filled.
///
/// Config and index are written first, to temporary files, so that only renames are left when the weights stand. Dropped
/// before [`Outputs::write`] has ended, nothing is left: no temporary file, no directory that was made.
#[derive(Debug)]
pub struct Outputs {
    // Dropped in this order: the files in the directory, then the directory.
    config: TempPath,
    index: Option<TempPath>,
    made: MadeDirs,
    dir: PathBuf,
    files: Vec<OutFile>,
    /// Weights of another layout, which a loader would take instead of the new ones or beside them.
    stale: Vec<PathBuf>,
    options: WriteOptions,
}

impl Outputs {
    /// Lays out the files, makes `dir` where it is missing, and checks every place. `source` is the path and text of the
    /// config that was read: a `config.json` in `dir` that is that very file may be replaced, only its dtype changes.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where a file stands there, or weights of another layout, and `force` is not set;
    /// [`Error::Io`] where the directory cannot be made or written to, or its disk has no room; those of
    /// [`config_with_dtype`] and [`crate::checkpoint::Header::new`].
    pub fn prepare(dir: &Path, source: (&Path, &str), plan: &Plan, options: &WriteOptions) -> Result<Self> {
        let sizes: Vec<u64> = plan.tensors().iter().map(|t| t.bytes()).collect();
        let shards = shards::split(&sizes, options.max_shard_size.unwrap_or(u64::MAX));
        let metadata = Origin::of_plan(plan)?.metadata();
        let mut files = Vec::with_capacity(shards.len());
        let mut weight_map = BTreeMap::new();
        for (i, shard) in shards.iter().enumerate() {
            let name = shards::name(i, shards.len());
            let tensors = shard.iter().map(|&t| &plan.tensors()[t]);
            weight_map.extend(tensors.clone().map(|t| (t.name(), name.clone())));
            let tensors = tensors.map(|t| (t.fill(), t.shape().dims().to_vec())).collect();
            files.push(OutFile::new(dir.join(name), tensors, &metadata)?);
        }
        let (config, index) = (dir.join("config.json"), dir.join(shards::INDEX));
        let index = (files.len() > 1).then_some(index);
        for target in files.iter().map(|f| &f.target).chain(&index) {
            check_target(target, options.force)?;
        }
        let stale = stale(dir, files.iter().map(|f| &f.target).chain(&index), options.force)?;
        let same = fs::canonicalize(&config).ok().zip(fs::canonicalize(source.0).ok()).is_some_and(|(a, b)| a == b);
        check_target(&config, options.force || same)?;
        let dtype = plan.tensors().first().map_or(DType::F32, |t| t.dtype());
        let config_text = config_with_dtype(source.1, dtype)?;
        let parameters = plan.tensors().iter().map(|t| t.shape().count()).sum();
        let index_text = shards::index_json(&weight_map, (parameters, sizes.iter().sum()), &metadata);
        let index_text = index_text.map_err(|e| Error::Config(e.to_string()))?;

        let made = MadeDirs::create(dir)?;
        let extra = config_text.len() + if index.is_some() { index_text.len() } else { 0 };
        let needed = files.iter().map(|f| f.header.file_len()).sum::<u64>() + extra as u64;
        check_space(dir, &files[0].target, needed)?;
        let config = small_file(&config, &config_text, options.sync)?;
        let index = index.map(|path| small_file(&path, &index_text, options.sync)).transpose()?;
        Ok(Self { config, index, made, dir: dir.to_path_buf(), files, stale, options: *options })
    }

    /// Fills and writes the weights, then gives all files their names, the index last: from the moment that an old file is
    /// touched until then, a loader finds no model rather than a mixed one.
    ///
    /// # Errors
    /// [`Error::Buffer`] where the memory is too small; those of [`crate::checkpoint::Writer`] and
    /// [`Engine::fill_range`]; whatever `progress` returns. The directory is as before then.
    pub fn write(mut self, engine: &Engine, progress: Progress<'_>) -> Result<ModelFiles> {
        let complete = write_files(self.files, engine, &self.options, progress)?;
        let bytes = complete.iter().map(Complete::bytes).sum();
        let mut commit = Commit::default();
        for path in &self.stale {
            commit.remove(path)?;
        }
        let mut files = Vec::with_capacity(complete.len());
        let index = self.dir.join(shards::INDEX);
        if self.index.is_some() && index.exists() {
            commit.remove(&index)?;
        }
        for (temp, target) in complete.into_iter().map(Complete::into_parts) {
            commit.place(temp, &target)?;
            files.push(target);
        }
        let config = self.dir.join("config.json");
        commit.place(self.config, &config)?;
        let weights = match self.index {
            Some(temp) => {
                commit.place(temp, &index)?;
                index
            }
            None => files[0].clone(),
        };
        if self.options.sync {
            commit.sync()?;
        }
        commit.done();
        self.made.keep();
        Ok(ModelFiles { weights, files, config, bytes })
    }
}

/// A file that is written at once, under a temporary name.
fn small_file(target: &Path, text: &str, sync: bool) -> Result<TempPath> {
    let write = || {
        let mut temp = new_temp(directory(target))?;
        temp.write_all(text.as_bytes())?;
        if sync {
            temp.as_file().sync_all()?;
        }
        Ok(temp.into_temp_path())
    };
    write().map_err(|e| Error::io(target, e))
}

/// Files in `dir` that a loader takes for the model's weights and that are none of `targets`.
fn stale<'a>(dir: &Path, targets: impl Iterator<Item = &'a PathBuf>, force: bool) -> Result<Vec<PathBuf>> {
    let targets: HashSet<_> = targets.filter_map(|t| t.file_name()).collect();
    let Ok(entries) = fs::read_dir(dir) else { return Ok(Vec::new()) };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|e| {
            !targets.contains(e.file_name().as_os_str()) && e.file_name().to_str().is_some_and(shards::is_weights)
        })
        .map(|e| dir.join(e.file_name()))
        .collect();
    found.sort();
    let refuse =
        |path: &Path, reason: &str| Error::Checkpoint { path: path.display().to_string(), reason: reason.into() };
    if let Some(path) = found.iter().find(|p| fs::metadata(p).is_ok_and(|m| !m.is_file())) {
        return Err(refuse(path, "exists and is not a regular file"));
    }
    match found.first() {
        Some(path) if !force => {
            Err(refuse(path, "exists, weights of another layout than the new ones; --force removes it"))
        }
        _ => Ok(found),
    }
}
