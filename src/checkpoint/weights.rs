//! A checkpoint to be read: one file, or the shards of an index.

use super::adapter::weights_in;
use super::names::{INDEX, SINGLE};
use crate::checkpoint::{MAX_HEADER, Reader, StoredTensor};
use crate::{Error, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Component, Path, PathBuf};

/// The open files of a checkpoint, whose headers were found sound and in agreement with the index, if there is one.
#[derive(Debug)]
pub struct Weights<R = File> {
    path: PathBuf,
    /// In the order of their names.
    readers: Vec<Reader<R>>,
    index: HashMap<String, usize>,
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
    /// is contradicted by the shards.
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
        Ok(Self { path, readers: vec![reader], index })
    }

    fn open_index(path: PathBuf) -> Result<Self> {
        let refuse = |reason: String| Error::Checkpoint { path: path.display().to_string(), reason };
        let mut text = Vec::new();
        let file = File::open(&path).map_err(|e| Error::io(&path, e))?;
        file.take(MAX_HEADER + 1).read_to_end(&mut text).map_err(|e| Error::io(&path, e))?;
        if text.len() as u64 > MAX_HEADER {
            return Err(refuse(format!("more than {MAX_HEADER} bytes: not an index")));
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
        for (i, ((file, tensors), reader)) in files.iter().zip(&readers).enumerate() {
            if let Some(missing) = tensors.iter().find(|t| reader.tensor(t).is_none()) {
                return Err(refuse(format!("{file} has no tensor {missing:?}")));
            }
            for tensor in reader.tensors() {
                match weight_map.get(&tensor.name) {
                    Some(named) if named == file => index.insert(tensor.name.clone(), i),
                    Some(named) => {
                        return Err(refuse(format!("tensor {:?} is in {file}, not in {named} alone", tensor.name)));
                    }
                    None => return Err(refuse(format!("has no tensor {:?}, which is in {file}", tensor.name))),
                };
            }
        }
        Ok(Self { path, readers, index })
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
    /// # let entry = HeaderEntry { name: "w".to_owned(), dtype, dims };
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
    /// for expected in expected_by_text(&weights, &source)? {
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
        Ok(Self { path, readers, index })
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
        self.readers.iter().flat_map(|r| r.tensors())
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
        let each = |(i, r): (usize, &Reader<R>)| r.tensors().iter().map(move |t| (i, t.clone())).collect::<Vec<_>>();
        self.readers.iter().enumerate().flat_map(each).collect()
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
