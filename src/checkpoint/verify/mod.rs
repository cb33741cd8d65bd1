//! Whether a checkpoint's bytes are what its metadata, table and config say, byte for byte.

mod expected;

pub use expected::{ExpectedTensor, expected_by_text, expected_tensors, plan_source};

use super::StoredTensor;
use super::memory::check_matrices;
#[cfg(not(target_arch = "wasm32"))]
use super::{Progress, Reader, Weights};
#[cfg(not(target_arch = "wasm32"))]
use crate::backend::Backend;
use crate::cpu::{Level, RangeFiller};
use crate::{Error, Fill, Result};
use serde::Serialize;
#[cfg(not(target_arch = "wasm32"))]
use std::collections::HashMap;
#[cfg(not(target_arch = "wasm32"))]
use std::io::{Read, Seek};

/// The result for one tensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Every byte is as it should be.
    Equal,
    /// Elements with other bytes: how many, and the index of the first.
    Differs {
        /// How many elements.
        elements: u64,
        /// The index of the first.
        first: u64,
    },
    /// The file has another shape.
    Shape {
        /// The shape that it should have.
        expected: Vec<u64>,
    },
    /// The file has another dtype.
    DType,
    /// The file has no such tensor.
    Missing,
    /// The plan has no such tensor.
    Unexpected,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Equal => f.pad("equal"),
            Self::Differs { elements: 1, first } => write!(f, "1 element differs, at index {first}"),
            Self::Differs { elements, first } => write!(f, "{elements} elements differ, the first at index {first}"),
            Self::Shape { expected } => write!(f, "the shape should be {expected:?}"),
            Self::DType => f.pad("a dtype that is not the plan's"),
            Self::Missing => f.pad("missing"),
            Self::Unexpected => f.pad("not in the plan"),
        }
    }
}

impl ExpectedTensor {
    /// The verdict on a stored tensor that no byte of it is needed for: that of another shape or dtype.
    #[must_use]
    pub fn verdict_by_header(&self, stored: &StoredTensor) -> Option<Verdict> {
        if self.dims != stored.dims {
            return Some(Verdict::Shape { expected: self.dims.clone() });
        }
        (stored.dtype() != Some(self.fill.dtype())).then_some(Verdict::DType)
    }
}

/// A tensor's bytes against what they should be, piece by piece, made by the CPU twin: for bytes that no file here
/// holds, as in a browser. [`Weights::from_readers`](super::Weights::from_readers) has an example; `verify` does it for
/// files.
#[derive(Debug)]
pub struct Comparison<'a> {
    expected: &'a ExpectedTensor,
    ranges: RangeFiller,
    wanted: Vec<u8>,
    elements: u64,
    first: u64,
}

impl<'a> Comparison<'a> {
    /// Begins with nothing compared.
    ///
    /// # Errors
    /// [`Error::Buffer`] where the tensor's orthogonal matrices take more than 8 GiB.
    pub fn new(expected: &'a ExpectedTensor) -> Result<Self> {
        Self::with(expected, RangeFiller::new(Level::best()))
    }

    fn with(expected: &'a ExpectedTensor, ranges: RangeFiller) -> Result<Self> {
        check_matrices([&expected.fill], MATRICES)?;
        Ok(Self { expected, ranges, wanted: Vec::new(), elements: 0, first: 0 })
    }

    /// Compares the bytes from byte `from` of the tensor on: whole elements.
    ///
    /// # Errors
    /// [`Error::Buffer`] where they are not, or leave the tensor.
    pub fn add(&mut self, from: u64, bytes: &[u8]) -> Result<()> {
        self.add_filled(from, bytes, |fill, from, out, ranges| ranges.fill(fill, from, out))
    }

    /// [`Comparison::add`] with another way to make the bytes.
    fn add_filled(
        &mut self,
        from: u64,
        bytes: &[u8],
        fill_range: impl FnOnce(&Fill, u64, &mut [u8], &RangeFiller) -> Result<()>,
    ) -> Result<()> {
        let Self { expected: ExpectedTensor { fill, kept, .. }, ranges, wanted, elements, first } = self;
        let size = fill.dtype().size();
        if from.checked_add(bytes.len() as u64).is_none_or(|end| end > fill.bytes()) {
            // A fill takes padding too, of which a file has none.
            let reason = format!("bytes {from} + {}: the tensor has {}", bytes.len(), fill.bytes());
            return Err(Error::Buffer(reason).in_tensor(fill.name()));
        }
        wanted.resize(bytes.len(), 0);
        fill_range(fill, from, wanted, ranges)?;
        if wanted != bytes {
            let pairs = wanted.chunks_exact(size as usize).zip(bytes.chunks_exact(size as usize));
            let compared = |i: usize| from + i as u64 * size >= *kept;
            for (i, _) in pairs.enumerate().filter(|(i, (wanted, got))| wanted != got && compared(*i)) {
                let index = from / size + i as u64;
                *first = if *elements == 0 { index } else { index.min(*first) };
                *elements += 1;
            }
        }
        Ok(())
    }

    /// The verdict on all that was compared.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match (self.elements, self.first) {
            (0, _) => Verdict::Equal,
            (elements, first) => Verdict::Differs { elements, first },
        }
    }
}

/// A tensor that a checkpoint has or should have, and the result for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VerifyRow {
    /// The name.
    pub name: String,
    /// The number of elements in the file; 0 where it is missing.
    pub elements: u64,
    /// The result.
    pub verdict: Verdict,
}

/// Recomputes each tensor of a checkpoint and compares it with the files' bytes. The rows are those of the files'
/// tensors, in the files' order, then one for each tensor of `expected` that the files lack.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::backend::Backend;
/// use seedbed::checkpoint::{self, ModelPaths, Verdict, Weights, WriteOptions};
/// use seedbed::model_plan::ModelRequest;
///
/// let config = r#"{"model_type": "gpt2", "n_embd": 32, "n_head": 4, "n_layer": 1, "vocab_size": 100}"#;
/// let planned = ModelRequest::new().config("config.json", config).recipe("mitchell").plan(42)?;
/// let dir = tempfile::tempdir().unwrap();
/// let backend = Backend::cpu();
/// let (paths, options) = (ModelPaths::default(), WriteOptions::default());
/// checkpoint::write_model(dir.path(), &planned, &paths, &backend, &options, &mut |_| Ok(()))?;
///
/// let mut weights = Weights::open(dir.path())?;
/// let expected = checkpoint::expected_tensors(&weights, dir.path())?;
/// let rows = checkpoint::verify(&mut weights, &expected, &backend, &mut |_| Ok(()))?;
/// assert!(rows.iter().all(|row| row.verdict == Verdict::Equal));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of [`Reader::read_bytes`] and [`Backend::fill_range`]; [`Error::Buffer`] where a
/// tensor's orthogonal matrices take more than 8 GiB; whatever `progress` returns. A difference is no error.
#[cfg(not(target_arch = "wasm32"))]
pub fn verify<R: Read + Seek>(
    weights: &mut Weights<R>,
    expected: &[ExpectedTensor],
    backend: &Backend,
    progress: Progress<'_>,
) -> Result<Vec<VerifyRow>> {
    let planned: HashMap<&str, &ExpectedTensor> = expected.iter().map(|e| (e.fill.name(), e)).collect();
    let mut rows = Vec::new();
    let mut done = 0;
    for (file, tensor) in weights.list() {
        let verdict = match planned.get(tensor.name.as_str()) {
            None => Verdict::Unexpected,
            Some(e) => match e.verdict_by_header(&tensor) {
                Some(verdict) => verdict,
                None => compare(weights.reader(file), e, backend, &mut |bytes| progress(done + bytes))?,
            },
        };
        done += tensor.range.end - tensor.range.start;
        progress(done)?;
        rows.push(VerifyRow { elements: tensor.count(), name: tensor.name, verdict });
    }
    for ExpectedTensor { fill, .. } in expected {
        if weights.tensor(fill.name()).is_none() {
            rows.push(VerifyRow { name: fill.name().to_owned(), elements: 0, verdict: Verdict::Missing });
        }
    }
    Ok(rows)
}

/// Bytes that a tensor's orthogonal matrices may take: a file's metadata may ask for any size.
const MATRICES: u64 = 8 << 30;

#[cfg(not(target_arch = "wasm32"))]
fn compare<R: Read + Seek>(
    reader: &mut Reader<R>,
    expected: &ExpectedTensor,
    backend: &Backend,
    progress: Progress<'_>,
) -> Result<Verdict> {
    let mut comparison = Comparison::with(expected, backend.range_filler())?;
    reader.read_bytes(expected.fill.name(), |at, bytes| {
        comparison.add_filled(at, bytes, |fill, at, out, ranges| backend.fill_next(fill, at, out, ranges))?;
        progress(at + bytes.len() as u64)
    })?;
    Ok(comparison.verdict())
}
