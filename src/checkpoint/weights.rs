//! A checkpoint to be read: one file, or the shards of an index.

use super::adapter::weights_in;
use super::lfs::{LFS_POINTER, is_lfs_pointer};
use super::names::{INDEX, SINGLE};
use crate::checkpoint::{MAX_HEADER, Reader, StoredTensor};
use crate::{Error, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Component, Path, PathBuf};

/// The open files of a checkpoint, whose headers were found sound. Where there is an index, it is the authority: the
/// tensors are those that it names, each in the file that it names.
#[derive(Debug)]
pub struct Weights<R = File> {
    path: PathBuf,
    /// In the order of their names.
    readers: Vec<Reader<R>>,
    /// The file of each tensor.
    index: HashMap<String, usize>,
    /// Tensors of the files that the index leaves out.
    ignored: Ignored,
}

/// Tensors of files that an index does not name there, in the order of the files.
#[derive(Debug, Default)]
struct Ignored {
    /// Each that the index has in another file, with its own file.
    elsewhere: Vec<(String, String)>,
    /// Each that the index does not have at all, with its file.
    unnamed: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Weights {
    /// Opens a safetensors file; an index (`.json`) and its shards; or what a loader takes from a directory:
    /// `model.safetensors`, else `model.safetensors.index.json`; from a directory of PEFT's, which has an
    /// `adapter_config.json`, `adapter_model.safetensors`.
    ///
    /// # Errors
    /// Those of [`Reader::open`]; [`Error::Checkpoint`] where the index is none, names a file outside its directory, or
    /// names a tensor that its file does not have.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let mut path = path.as_ref().to_path_buf();
        if path.is_dir() {
            let (single, index) = (path.join(SINGLE), path.join(INDEX));
            let model = || if index.exists() && !single.exists() { index } else { single };
            path = weights_in(&path).unwrap_or_else(model);
        }
        if path.extension().is_some_and(|e| e == "json") {
            return Self::open_index(path);
        }
        let reader = Reader::open(&path)?;
        let index = reader.tensors().iter().map(|t| (t.name.clone(), 0)).collect();
        Ok(Self { path, readers: vec![reader], index, ignored: Ignored::default() })
    }

    fn open_index(path: PathBuf) -> Result<Self> {
        let refuse = |reason: String| Error::Checkpoint { path: path.display().to_string(), reason };
        let mut text = Vec::new();
        let file = File::open(&path).map_err(|e| Error::io(&path, e))?;
        file.take(MAX_HEADER + 1).read_to_end(&mut text).map_err(|e| Error::io(&path, e))?;
        if text.len() as u64 > MAX_HEADER {
            return Err(refuse(format!("more than {MAX_HEADER} bytes: not an index")));
        }
        if is_lfs_pointer(&text) {
            return Err(refuse(LFS_POINTER.to_owned()));
        }
        let Index { weight_map } = serde_json::from_slice(&text).map_err(|e| refuse(format!("index: {e}")))?;
        let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (tensor, file) in &weight_map {
            files.entry(file).or_default().push(tensor);
        }
        let mut readers: Vec<Reader> = Vec::with_capacity(files.len());
        for file in files.keys() {
            // An index that was downloaded must not name files elsewhere.
            let mut parts = Path::new(file).components();
            if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) {
                return Err(refuse(format!("{file:?} is not the name of a file beside the index")));
            }
            readers.push(Reader::open(path.with_file_name(file))?);
        }
        let mut index = HashMap::with_capacity(weight_map.len());
        let mut ignored = Ignored::default();
        for (i, ((file, tensors), reader)) in files.iter().zip(&readers).enumerate() {
            if let Some(missing) = tensors.iter().find(|t| reader.tensor(t).is_none()) {
                return Err(refuse(format!("{file} has no tensor {missing:?}")));
            }
            for tensor in reader.tensors() {
                let here = || (tensor.name.clone(), (*file).to_owned());
                match weight_map.get(&tensor.name) {
                    Some(named) if named == file => {
                        index.insert(tensor.name.clone(), i);
                    }
                    // Overlays leave the old tensors in their files: loaders take what the index names.
                    Some(_) => ignored.elsewhere.push(here()),
                    None => ignored.unnamed.push(here()),
                }
            }
        }
        Ok(Self { path, readers, index, ignored })
    }
}

impl<R: Read + Seek> Weights<R> {
    /// A checkpoint whose files are somewhere else than on the disk: each has its reader. `name` stands for a path in
    /// errors.
    ///
    /// ```
    /// # fn main() -> seedbed::Result<()> {
    /// # use seedbed::checkpoint::{Header, HeaderEntry, Provenance, SingleTensor};
    /// # use seedbed::plan::{Plan, Rows};
    /// # use seedbed::{DType, Rounding, StreamVersion, cpu};
    /// # let (dtype, rounding) = (DType::BF16, Rounding::NearestEven);
    /// # let (shape, scheme, layout) = ("30,20".parse()?, "normal(0, 0.02)".parse()?, "out_in".parse()?);
    /// # let tensor = SingleTensor { shape, scheme, layout, slab: None, zero_rows: Rows::default() };
    /// # let (fill, dims) = tensor.fill(&mut Plan::new(StreamVersion::V1, 42), "w", dtype, rounding)?;
    /// # let entry = HeaderEntry { name: "w".to_owned(), dtype: dtype.into(), dims };
    /// # let header = Header::new(vec![entry], &Provenance::of_tensor(42, tensor, rounding).metadata())?;
    /// # let mut file = header.bytes().to_vec();
    /// # file.resize(header.file_len() as usize, 0);
    /// # cpu::fill(&fill, &mut file[header.bytes().len()..])?;
    /// use seedbed::checkpoint::{Comparison, Reader, Verdict, Weights, expected_by_text, inspect};
    /// use seedbed::model_plan::NamedText;
    /// use std::io::Cursor;
    ///
    /// // `file`: the bytes of a safetensors file, which seedbed wrote.
    /// let reader = Reader::new("model.safetensors", Cursor::new(&file))?;
    /// let mut weights = Weights::from_readers("model.safetensors", vec![reader])?;
    /// println!("{:?}", weights.metadata());
    ///
    /// // What makes it: its metadata for a single tensor, else the text of its `init.json` or `config.json`.
    /// let source = NamedText { name: "init.json".to_owned(), text: String::new() };
    /// for expected in expected_by_text(&weights, &source)?.tensors {
    ///     let stored = weights.tensor(expected.fill.name()).unwrap();
    ///     assert_eq!(expected.verdict_by_header(stored), None);
    ///     let mut comparison = Comparison::new(&expected)?;
    ///     comparison.add(0, &file[stored.range.start as usize..stored.range.end as usize])?;
    ///     assert_eq!(comparison.verdict(), Verdict::Equal);
    /// }
    /// for row in inspect(&mut weights, None, &mut |_bytes_done| Ok(()))? {
    ///     println!("{} {}: mean {:?}, std {:?}", row.name, row.dtype, row.mean, row.std);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where two files have a tensor of one name.
    pub fn from_readers(name: impl Into<PathBuf>, readers: Vec<Reader<R>>) -> Result<Self> {
        let path = name.into();
        let mut index = HashMap::new();
        for (i, reader) in readers.iter().enumerate() {
            for tensor in reader.tensors() {
                if let Some(other) = index.insert(tensor.name.clone(), i) {
                    let (first, second) = (readers[other].path().display(), reader.path().display());
                    let reason = format!("tensor {:?} is in {first} and in {second}", tensor.name);
                    return Err(Error::Checkpoint { path: path.display().to_string(), reason });
                }
            }
        }
        Ok(Self { path, readers, index, ignored: Ignored::default() })
    }
}

impl<R: Read + Seek> Weights<R> {
    /// Hands a tensor's bytes to `sink`: see [`Reader::read_bytes`].
    ///
    /// # Errors
    /// Those of [`Reader::read_bytes`]; [`Error::Checkpoint`] where there is no such tensor.
    pub fn read_bytes(&mut self, name: &str, sink: impl FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
        let Some(&file) = self.index.get(name) else {
            let reason = format!("no tensor {name:?} among {}", self.index.len());
            return Err(Error::Checkpoint { path: self.path.display().to_string(), reason });
        };
        self.readers[file].read_bytes(name, sink)
    }

    /// Hands a tensor's values to `sink`: see [`Reader::read_f32`].
    ///
    /// # Errors
    /// Those of [`Reader::read_f32`]; [`Error::Checkpoint`] where there is no such tensor.
    pub fn read_f32(&mut self, name: &str, sink: impl FnMut(u64, &[f32]) -> Result<()>) -> Result<()> {
        match self.index.get(name) {
            Some(&file) => self.readers[file].read_f32(name, sink),
            None => self.read_bytes(name, |_, _| Ok(())),
        }
    }
}

impl<R> Weights<R> {
    /// The safetensors file, or the index of several.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of safetensors files.
    #[must_use]
    pub fn files(&self) -> usize {
        self.readers.len()
    }

    /// The tensors, in the order of the files' names, and in each file's own order.
    pub fn tensors(&self) -> impl Iterator<Item = &StoredTensor> {
        self.of_files().map(|(_, tensor)| tensor)
    }

    /// The tensors, each with the number of its file.
    fn of_files(&self) -> impl Iterator<Item = (usize, &StoredTensor)> {
        let is_taken = |(i, t): &(usize, &StoredTensor)| self.index.get(&t.name) == Some(i);
        let all = self.readers.iter().enumerate().flat_map(|(i, r)| r.tensors().iter().map(move |t| (i, t)));
        all.filter(is_taken)
    }

    /// What of the files is left out because the index leaves it out: a line each, for people.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        let index = self.path.display();
        let said = |ignored: &[(String, String)], why: &str| {
            let (name, file) = ignored.first()?;
            let (tensors, are) = match ignored.len() {
                1 => ("1 tensor".to_owned(), "is"),
                n => (format!("{n} tensors"), "are"),
            };
            Some(format!("{index}: {tensors} of its files {are} left out: {why}, as {name:?} in {file}"))
        };
        let elsewhere = said(&self.ignored.elsewhere, "the index takes the same name from another file");
        let unnamed = said(&self.ignored.unnamed, "the index does not name it");
        elsewhere.into_iter().chain(unnamed).collect()
    }

    /// The tensor of this name.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&StoredTensor> {
        self.readers[*self.index.get(name)?].tensor(name)
    }

    /// Bytes of all tensors.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tensors().map(|t| t.range.end - t.range.start).sum()
    }

    /// The metadata that all files have in common, string to string.
    #[must_use]
    pub fn metadata(&self) -> BTreeMap<String, String> {
        let mut readers = self.readers.iter();
        let mut map = readers.next().map(|r| r.metadata().clone()).unwrap_or_default();
        for reader in readers {
            map.retain(|key, value| reader.metadata().get(key) == Some(value));
        }
        map
    }

    /// Each tensor with the number of its file.
    pub(super) fn list(&self) -> Vec<(usize, StoredTensor)> {
        self.of_files().map(|(file, tensor)| (file, tensor.clone())).collect()
    }

    /// The safetensors files.
    pub(super) fn readers(&self) -> &[Reader<R>] {
        &self.readers
    }

    /// A file by its number, as [`Weights::list`] has it.
    pub(super) fn reader(&mut self, file: usize) -> &mut Reader<R> {
        &mut self.readers[file]
    }
}
