//! A model's directory: the weights, the config that says their dtype, and the table of what made them.

use super::carried::Sources;
use super::kept::Grown;
use super::queue::{FilePlan, write_files};
use super::stored::{Stored, kept_places, lay_out, name_adapter, prevailing_dtype, stored};
use super::{WriteOptions, check_target, shards};
use crate::backend::Backend;
use crate::checkpoint::adapter::Adapter;
use crate::checkpoint::disk::{Commit, MadeDirs, check_space, directory, new_temp};
use crate::checkpoint::{CompleteFile, ModelPaths, Progress, Provenance, Weights, names};
use crate::model::config_with_dtype;
use crate::model_plan::{INIT_JSON, ModelPlan};
use crate::{Error, Result};
use std::collections::HashSet;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::TempPath;

/// The files of a model's directory, once they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelFiles {
    /// `model.safetensors`, or where there are shards `model.safetensors.index.json`; of an adapter
    /// `adapter_model.safetensors`.
    pub weights: PathBuf,
    /// The safetensors files, at least one.
    pub files: Vec<PathBuf>,
    /// `config.json`, where the plan has a config.
    pub config: Option<PathBuf>,
    /// `init.json`: what made the weights.
    pub table: PathBuf,
    /// Bytes of the safetensors files.
    pub bytes: u64,
    /// What is to be said of how they were written: one line each.
    pub notices: Vec<String>,
}

/// Writes a model's directory: its weights, its config and the table of what made it.
///
/// `paths` are the files that the plan was made of: see [`ModelWriter::prepare`].
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::backend::Backend;
/// use seedbed::checkpoint::{ModelPaths, Weights, WriteOptions, write_model};
/// use seedbed::model_plan::ModelRequest;
///
/// let config = r#"{"model_type": "gpt2", "n_embd": 32, "n_head": 4, "n_layer": 1, "vocab_size": 100}"#;
/// let planned = ModelRequest::new().config("config.json", config).plan(42)?;
/// let dir = tempfile::tempdir().unwrap();
/// let out = dir.path().join("gpt2");
/// let (paths, backend, options) = (ModelPaths::default(), Backend::cpu(), WriteOptions::default());
/// let files = write_model(&out, &planned, &paths, &backend, &options, &mut |_bytes_done| Ok(()))?;
/// assert_eq!(files.weights, out.join("model.safetensors"));
/// assert_eq!(files.config, Some(out.join("config.json")));
/// assert_eq!(Weights::open(&out)?.tensors().count(), planned.plan.tensors().len());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of [`ModelWriter::prepare`] and [`ModelWriter::write`]. The directory is as before then.
pub fn write_model(
    dir: &Path,
    model: &ModelPlan,
    paths: &ModelPaths,
    backend: &Backend,
    options: &WriteOptions,
    progress: Progress<'_>,
) -> Result<ModelFiles> {
    ModelWriter::prepare(dir, model, paths, options)?.write(backend, progress)
}

/// Writes a model's directory in two steps, for callers that have something to do in between, as to open a device; see
/// [`write_model`].
///
/// [`ModelWriter::prepare`] finds every place to be free, writable and large enough before anything is filled, and
/// [`ModelWriter::write`] fills. Config, table and index are written first, to temporary files, so that only renames
/// are left when the weights stand. Dropped before `write` has ended, it leaves nothing: no temporary file, and no
/// directory that it made.
#[derive(Debug)]
pub struct ModelWriter {
    // Dropped in this order: the files in the directory, then the directory.
    config: Option<TempPath>,
    /// The config of an adapter, as it was.
    adapter_config: Option<TempPath>,
    table: TempPath,
    index: Option<TempPath>,
    kept: Vec<Grown>,
    /// The checkpoints that tensors and rows are copied from.
    sources: Sources,
    made: MadeDirs,
    dir: PathBuf,
    files: Vec<FilePlan>,
    /// Weights of another layout, which a loader would take instead of the new ones or beside them.
    stale: Vec<PathBuf>,
    options: WriteOptions,
}

impl ModelWriter {
    /// Lays out the files, makes `dir` where it is missing, and checks every place.
    ///
    /// `paths` are the files that the plan was made of, none where it was made from memory: a `config.json` in `dir`
    /// that is the very file of `paths` may be replaced, since only its dtype changes, and the rows that the plan keeps
    /// and the tensors that it keeps are copied from [`ModelPaths::missing_from`], its buffers from
    /// [`ModelPaths::like`]. Both are opened here and read when the files are written. Where [`ModelPaths::like`] is an
    /// adapter of PEFT's, the files have PEFT's names, and its `adapter_config.json` is copied.
    ///
    /// # Errors
    /// [`Error::Exists`] where a file stands there, or weights of another layout, and `force` is not set;
    /// [`Error::Checkpoint`] where something else stands there, the checkpoint whose rows are kept is one that would be
    /// replaced, or `paths` does not name one that is copied from, or it lacks what is copied; [`Error::Io`] where the
    /// directory cannot be made or written to, or its disk has no room; those of [`config_with_dtype`] and
    /// [`crate::checkpoint::Header::new`].
    pub fn prepare(dir: &Path, model: &ModelPlan, paths: &ModelPaths, options: &WriteOptions) -> Result<Self> {
        let stored = stored(model)?;
        let sizes: Vec<u64> = stored.iter().map(Stored::bytes).collect();
        let shards = shards::split(&sizes, options.max_shard_size.unwrap_or(u64::MAX));
        let metadata = Provenance::of_model(model)?.metadata();
        let (mut files, weight_map) = lay_out(dir, &stored, &shards, &metadata)?;
        let adapter = paths.like.as_deref().map(Adapter::of).transpose()?.flatten();
        if adapter.is_some() {
            name_adapter(dir, &mut files)?;
        }
        let (config, index) = (dir.join(names::CONFIG), dir.join(names::INDEX));
        let index = (files.len() > 1).then_some(index);
        for target in files.iter().map(|f| &f.target).chain(&index) {
            check_target(target, options.force)?;
        }
        let stale = match &adapter {
            // PEFT takes its own file, whatever stands beside it.
            Some(_) => Vec::new(),
            None => stale(dir, files.iter().map(|f| &f.target).chain(&index), options.force)?,
        };
        let table = dir.join(INIT_JSON);
        check_target(&table, options.force)?;
        let dtype = prevailing_dtype(&stored);
        let mut config_text = None;
        if let Some(given) = &model.config {
            let read = paths.config_file().and_then(|path| fs::canonicalize(path).ok());
            let is_same = read.is_some() && fs::canonicalize(&config).ok() == read;
            check_target(&config, options.force || is_same)?;
            config_text = Some(config_with_dtype(&given.text, dtype)?);
        }
        if let Some(from) = &paths.missing_from {
            check_elsewhere(dir, from)?;
        }
        let adapter_config = adapter.and_then(|adapter| adapter.config);
        if let Some((read, _)) = &adapter_config {
            let target = dir.join(names::ADAPTER_CONFIG);
            let is_same = fs::canonicalize(read).ok().is_some_and(|read| fs::canonicalize(&target).ok() == Some(read));
            check_target(&target, options.force || is_same)?;
        }
        let sources = Sources::open(model, paths)?;
        let kept = Grown::of(&model.plan, &model.kept, options.memory)?;
        let parameters = stored.iter().map(Stored::count).sum();
        let index_text = shards::index_json(&weight_map, (parameters, sizes.iter().sum()), &metadata);
        let index_text = index_text.map_err(|e| Error::Config(e.to_string()))?;

        let made = MadeDirs::create(dir)?;
        let configs = config_text.iter().chain(adapter_config.as_ref().map(|(_, text)| text));
        let extra = configs.map(String::len).sum::<usize>() + if index.is_some() { index_text.len() } else { 0 };
        let needed = files.iter().map(|f| f.header.file_len()).sum::<u64>() + extra as u64;
        check_space(dir, &files[0].target, needed)?;
        let text = |text: &str| {
            let text = text.to_owned();
            move |out: &mut BufWriter<&mut fs::File>| out.write_all(text.as_bytes())
        };
        let config = config_text.map(|t| small_file(&config, options.sync, text(&t))).transpose()?;
        let adapter_config =
            adapter_config.map(|(_, t)| small_file(&dir.join(names::ADAPTER_CONFIG), options.sync, text(&t)));
        let adapter_config = adapter_config.transpose()?;
        let table = small_file(&table, options.sync, |out| model.write_init_json(out))?;
        let index = index.map(|path| small_file(&path, options.sync, text(&index_text))).transpose()?;
        let dir = dir.to_path_buf();
        Ok(Self { config, adapter_config, table, index, kept, sources, made, dir, files, stale, options: *options })
    }

    /// Bytes of all tensors that are written, copied ones included: what `progress` comes to.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|f| f.header.data_len()).sum()
    }

    /// Fills and writes the weights, then gives all files their names, the index last: between the first change of an
    /// old file and that, a loader finds no model rather than a mixed one.
    ///
    /// # Errors
    /// [`Error::Buffer`] where the memory is too small; those of [`crate::checkpoint::Writer`] and
    /// [`Backend::fill_range`]; [`Error::Checkpoint`] where kept rows are gone meanwhile; whatever `progress` returns.
    /// The directory is as before then.
    pub fn write(mut self, backend: &Backend, progress: Progress<'_>) -> Result<ModelFiles> {
        let places = kept_places(&self.kept, &self.files);
        let all = self.bytes();
        let complete = write_files(self.files, &mut self.sources, backend, &self.options, progress)?;
        let mut notices = Vec::new();
        if let Some(old) = self.sources.old() {
            for (kept, file, at) in places {
                let mut go_on = || progress(all);
                notices.extend(kept.write(old, complete[file].path(), at, self.options.sync, &mut go_on)?);
            }
        }
        // Some systems rename no file over one that is open.
        drop(self.sources);
        let bytes = complete.iter().map(CompleteFile::bytes).sum();
        let mut commit = Commit::default();
        for path in &self.stale {
            commit.remove(path)?;
        }
        let mut files = Vec::with_capacity(complete.len());
        let index = self.dir.join(names::INDEX);
        if self.index.is_some() && index.exists() {
            commit.remove(&index)?;
        }
        for (temp, target) in complete.into_iter().map(CompleteFile::into_parts) {
            commit.place(temp, &target)?;
            files.push(target);
        }
        let config = self.config.is_some().then(|| self.dir.join(names::CONFIG));
        if let (Some(temp), Some(config)) = (self.config, &config) {
            commit.place(temp, config)?;
        }
        if let Some(temp) = self.adapter_config {
            commit.place(temp, &self.dir.join(names::ADAPTER_CONFIG))?;
        }
        let table = self.dir.join(INIT_JSON);
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
        Ok(ModelFiles { weights, files, config, table, bytes, notices })
    }
}

/// Refuses a directory that has the checkpoint `from`, by the paths of its files or by the files that these lead to.
fn check_elsewhere(dir: &Path, from: &Path) -> Result<()> {
    let weights = Weights::open(from)?;
    let paths = weights.readers().iter().map(|r| r.path()).chain([weights.path()]);
    let mut places = paths.flat_map(|path| {
        let real = fs::canonicalize(path).ok().and_then(|p| Some(p.parent()?.to_path_buf()));
        [real, fs::canonicalize(directory(path)).ok()]
    });
    let out = fs::canonicalize(dir).ok();
    if out.is_some() && places.any(|place| place == out) {
        let reason = "has the checkpoint that the new tensors are missing from, which would be replaced: give another \
                      directory";
        return Err(Error::Checkpoint { path: dir.display().to_string(), reason: reason.to_owned() });
    }
    Ok(())
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

/// Files in `dir` that a loader would take for the model's weights and that are none of `targets`.
///
/// # Errors
/// [`Error::Exists`] where there is one and `force` is not set; [`Error::Checkpoint`] where one is no regular file.
fn stale<'a>(dir: &Path, targets: impl Iterator<Item = &'a PathBuf>, force: bool) -> Result<Vec<PathBuf>> {
    let targets: HashSet<_> = targets.filter_map(|t| t.file_name()).collect();
    let Ok(entries) = fs::read_dir(dir) else { return Ok(Vec::new()) };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|e| {
            !targets.contains(e.file_name().as_os_str()) && e.file_name().to_str().is_some_and(names::is_weights)
        })
        .map(|e| dir.join(e.file_name()))
        .collect();
    found.sort();
    if let Some(path) = found.iter().find(|p| fs::metadata(p).is_ok_and(|m| !m.is_file())) {
        let reason = "exists and is not a regular file".to_owned();
        return Err(Error::Checkpoint { path: path.display().to_string(), reason });
    }
    match found.first() {
        Some(path) if !force => {
            let reason = "exists, weights of another layout, which a loader would take for the new ones".to_owned();
            Err(Error::Exists { path: path.display().to_string(), reason })
        }
        _ => Ok(found),
    }
}
