//! A model's directory: the weights, the config that says their dtype, and the table of what made them.

use super::commit::Commit;
use super::dirs::MadeDirs;
use super::init_json::TABLE;
use super::missing::{Kept, copy_rows};
use super::request::ModelPlan;
use super::space::check_space;
use super::write::{OutFile, write_files};
use super::{Origin, Progress, Weights, WriteOptions, check_target, shards};
use crate::backend::Backend;
use crate::checkpoint::{Complete, directory, new_temp};
use crate::model::config_with_dtype;
use crate::plan::Plan;
use crate::{DType, Error, Result};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::TempPath;

/// The files of a model's directory, once they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelFiles {
    /// `model.safetensors`, or where there are shards `model.safetensors.index.json`.
    pub weights: PathBuf,
    /// The safetensors files, at least one.
    pub files: Vec<PathBuf>,
    /// `config.json`, where there is a config.
    pub config: Option<PathBuf>,
    /// `init.json`: what made the weights.
    pub table: PathBuf,
    /// Bytes of the safetensors files.
    pub bytes: u64,
}

/// The places of a model's files, found to be free, writable and large enough before anything is filled.
///
/// Config, table and index are written first, to temporary files, so that only renames are left when the weights stand. Dropped
/// before [`Outputs::write`] has ended, nothing is left: no temporary file, no directory that was made.
#[derive(Debug)]
pub struct Outputs {
    // Dropped in this order: the files in the directory, then the directory.
    config: Option<TempPath>,
    table: TempPath,
    index: Option<TempPath>,
    kept: Vec<Kept>,
    made: MadeDirs,
    dir: PathBuf,
    files: Vec<OutFile>,
    /// Weights of another layout, which a loader would take instead of the new ones or beside them.
    stale: Vec<PathBuf>,
    options: WriteOptions,
}

impl Outputs {
    /// Lays out the files, makes `dir` where it is missing, and checks every place. A `config.json` in `dir` that is the very
    /// file that was read may be replaced: only its dtype changes.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where a file stands there, or weights of another layout, and `force` is not set, or where the
    /// checkpoint whose rows are kept is one that would be replaced;
    /// [`Error::Io`] where the directory cannot be made or written to, or its disk has no room; those of
    /// [`config_with_dtype`] and [`crate::checkpoint::Header::new`].
    pub fn prepare(dir: &Path, model: &ModelPlan, options: &WriteOptions) -> Result<Self> {
        let plan = &model.plan;
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
        let table = dir.join(TABLE);
        check_target(&table, options.force)?;
        let dtype = prevailing_dtype(plan);
        let mut config_text = None;
        if let Some((path, text)) = &model.config {
            let same = fs::canonicalize(&config).ok().zip(fs::canonicalize(path).ok()).is_some_and(|(a, b)| a == b);
            check_target(&config, options.force || same)?;
            config_text = Some(config_with_dtype(text, dtype)?);
        }
        if let Some(from) = &model.missing_from {
            let weights = Weights::open(from)?;
            // The files by their names, and where those lead to.
            let paths = weights.readers().iter().map(|r| r.path()).chain([weights.path()]);
            let mut places = paths.flat_map(|path| {
                let real = fs::canonicalize(path).ok().and_then(|p| Some(p.parent()?.to_path_buf()));
                [real, fs::canonicalize(directory(path)).ok()]
            });
            let out = fs::canonicalize(dir).ok();
            if out.is_some() && places.any(|place| place == out) {
                let reason = "has the checkpoint of --missing-from, which would be replaced: give another directory";
                return Err(Error::Checkpoint { path: dir.display().to_string(), reason: reason.to_owned() });
            }
        }
        let parameters = plan.tensors().iter().map(|t| t.shape().count()).sum();
        let index_text = shards::index_json(&weight_map, (parameters, sizes.iter().sum()), &metadata);
        let index_text = index_text.map_err(|e| Error::Config(e.to_string()))?;

        let made = MadeDirs::create(dir)?;
        let extra = config_text.as_ref().map_or(0, String::len) + if index.is_some() { index_text.len() } else { 0 };
        let needed = files.iter().map(|f| f.header.file_len()).sum::<u64>() + extra as u64;
        check_space(dir, &files[0].target, needed)?;
        let text = |text: &str| {
            let text = text.to_owned();
            move |out: &mut BufWriter<&mut fs::File>| out.write_all(text.as_bytes())
        };
        let config = config_text.map(|t| small_file(&config, options.sync, text(&t))).transpose()?;
        let table = small_file(&table, options.sync, |out| model.write_table(out))?;
        let index = index.map(|path| small_file(&path, options.sync, text(&index_text))).transpose()?;
        let (kept, dir) = (model.kept.clone(), dir.to_path_buf());
        Ok(Self { config, table, index, kept, made, dir, files, stale, options: *options })
    }

    /// Fills and writes the weights, then gives all files their names, the index last: from the moment that an old file is
    /// touched until then, a loader finds no model rather than a mixed one.
    ///
    /// # Errors
    /// [`Error::Buffer`] where the memory is too small; those of [`crate::checkpoint::Writer`] and
    /// [`Backend::fill_range`]; whatever `progress` returns. The directory is as before then.
    pub fn write(mut self, engine: &Backend, progress: Progress<'_>) -> Result<ModelFiles> {
        let places = kept_places(&self.kept, &self.files);
        let complete = write_files(self.files, engine, &self.options, progress)?;
        for (kept, file, at) in places {
            copy_rows(kept, complete[file].path(), at, self.options.sync)?;
        }
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
        let config = self.config.is_some().then(|| self.dir.join("config.json"));
        if let (Some(temp), Some(config)) = (self.config, &config) {
            commit.place(temp, config)?;
        }
        let table = self.dir.join(TABLE);
        commit.place(self.table, &table)?;
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
        Ok(ModelFiles { weights, files, config, table, bytes })
    }
}

/// The dtype of most bytes: what a config says of a model of several.
fn prevailing_dtype(plan: &Plan) -> DType {
    let bytes =
        |dtype| plan.tensors().iter().filter(|t| t.dtype() == dtype).map(|t| u128::from(t.bytes())).sum::<u128>();
    DType::ALL.into_iter().max_by_key(|&dtype| bytes(dtype)).unwrap_or(DType::F32)
}

/// Where kept rows go: the number of the file, and the place of the tensor's first byte in it.
fn kept_places<'a>(kept: &'a [Kept], files: &[OutFile]) -> Vec<(&'a Kept, usize, u64)> {
    let place = |k: &'a Kept| {
        files.iter().enumerate().find_map(|(i, file)| {
            let at = file.header.entries().iter().position(|e| e.name == k.name)?;
            Some((k, i, file.header.bytes().len() as u64 + file.header.range(at)?.start))
        })
    };
    kept.iter().filter_map(place).collect()
}

/// A file that is written at once, under a temporary name.
fn small_file(
    target: &Path,
    sync: bool,
    write: impl FnOnce(&mut BufWriter<&mut fs::File>) -> std::io::Result<()>,
) -> Result<TempPath> {
    let make = || {
        let mut temp = new_temp(directory(target))?;
        let mut out = BufWriter::new(temp.as_file_mut());
        write(&mut out)?;
        out.flush()?;
        drop(out);
        if sync {
            temp.as_file().sync_all()?;
        }
        Ok(temp.into_temp_path())
    };
    make().map_err(|e| Error::io(target, e))
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
