//! Whether a checkpoint's bytes are what its metadata, table and config say, byte for byte.

mod expected;

pub use expected::{Expected, ExpectedTensor, expected_by_text, expected_tensors, plan_source};

use super::convert::{can_hold, encode};
use super::memory::check_matrices;
use super::{FileDType, StoredTensor};
#[cfg(not(target_arch = "wasm32"))]
use super::{Progress, Reader, Weights};
#[cfg(not(target_arch = "wasm32"))]
use crate::backend::Backend;
use crate::cpu::{Level, RangeFiller};
#[cfg(not(target_arch = "wasm32"))]
use crate::model_plan::{Content, UnplannedTensor};
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
    /// The file has another dtype of floats, and every value is the planned one, widened or rounded to the nearest: a
    /// copy.
    Converted {
        /// The planned dtype: `f32`.
        from: String,
        /// The file's: `f16`.
        to: String,
    },
    /// Nothing says what the bytes should be: they were copied from another checkpoint, or follow from such bytes.
    NotChecked,
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
    /// The file has another dtype, which holds no copy of the planned values.
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
            Self::Converted { from, to } => write!(f, "equal, converted from {from} to {to}"),
            Self::NotChecked => f.pad("not checked"),
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
    /// The verdict on a stored tensor that no byte of it is needed for: that of another shape, or of a dtype that holds
    /// no copy of the planned values.
    #[must_use]
    pub fn verdict_by_header(&self, stored: &StoredTensor) -> Option<Verdict> {
        if self.dims != stored.dims {
            return Some(Verdict::Shape { expected: self.dims.clone() });
        }
        (!can_hold(stored.file_dtype())).then_some(Verdict::DType)
    }
}

/// A tensor's bytes against what they should be, piece by piece, made by the CPU twin: for bytes that no file here
/// holds, as in a browser. [`Weights::from_readers`](super::Weights::from_readers) has an example; `verify` does it for
/// files.
#[derive(Debug)]
pub struct Comparison<'a> {
    expected: &'a ExpectedTensor,
    ranges: RangeFiller,
    /// The dtype of the bytes that are compared.
    stored: FileDType,
    wanted: Vec<u8>,
    converted: Vec<u8>,
    elements: u64,
    first: u64,
}

impl<'a> Comparison<'a> {
    /// Begins with nothing compared, for bytes of the planned dtype.
    ///
    /// # Errors
    /// [`Error::Buffer`] where the tensor's orthogonal matrices take more than 8 GiB.
    pub fn new(expected: &'a ExpectedTensor) -> Result<Self> {
        Self::of_copy(expected, expected.fill.dtype().into())
    }

    /// Begins with nothing compared, for bytes of this dtype, to which the planned values were converted: widened, or
    /// rounded to the nearest.
    ///
    /// # Errors
    /// [`Error::Buffer`] as [`Comparison::new`]; [`Error::Unknown`] for a dtype other than F32, F16, BF16 and F64.
    pub fn of_copy(expected: &'a ExpectedTensor, stored: FileDType) -> Result<Self> {
        Self::with(expected, stored, RangeFiller::new(Level::best()))
    }

    fn with(expected: &'a ExpectedTensor, stored: FileDType, ranges: RangeFiller) -> Result<Self> {
        if !can_hold(stored) {
            let error = Error::unknown("dtype", stored.to_string(), ["F32", "F16", "BF16", "F64"]);
            return Err(error.in_tensor(expected.fill.name()));
        }
        check_matrices([&expected.fill], MATRICES)?;
        Ok(Self { expected, ranges, stored, wanted: Vec::new(), converted: Vec::new(), elements: 0, first: 0 })
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
        let Self { expected: ExpectedTensor { fill, kept, .. }, ranges, stored, wanted, converted, elements, first } =
            self;
        let (size, planned) = (stored.bits() / 8, fill.dtype().size());
        let all = fill.bytes() / planned * size;
        if from.checked_add(bytes.len() as u64).is_none_or(|end| end > all) {
            // A fill takes padding too, of which a file has none.
            let reason = format!("bytes {from} + {}: the tensor has {all}", bytes.len());
            return Err(Error::Buffer(reason).in_tensor(fill.name()));
        }
        let kept = *kept / planned;
        let wanted = if stored.dtype() == Some(fill.dtype()) {
            wanted.resize(bytes.len(), 0);
            fill_range(fill, from, wanted, ranges)?;
            wanted
        } else {
            if !from.is_multiple_of(size) || !(bytes.len() as u64).is_multiple_of(size) {
                let reason = format!("bytes {from} + {}: they are no whole elements of {stored}", bytes.len());
                return Err(Error::Buffer(reason).in_tensor(fill.name()));
            }
            wanted.resize((bytes.len() as u64 / size * planned) as usize, 0);
            fill_range(fill, from / size * planned, wanted, ranges)?;
            encode(*stored, fill.dtype(), wanted, converted);
            converted
        };
        if wanted != bytes {
            let pairs = wanted.chunks_exact(size as usize).zip(bytes.chunks_exact(size as usize));
            let compared = |i: usize| from / size + i as u64 >= kept;
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
        let planned = self.expected.fill.dtype();
        match (self.elements, self.first) {
            (0, _) if self.stored.dtype() != Some(planned) => {
                Verdict::Converted { from: planned.to_string(), to: self.stored.to_string().to_lowercase() }
            }
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
/// tensors, in the files' order, then one for each tensor of `expected` that the files lack. Of tensors without a law,
/// those are compared that should be zeros or empty.
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
    expected: &Expected,
    backend: &Backend,
    progress: Progress<'_>,
) -> Result<Vec<VerifyRow>> {
    let planned: HashMap<&str, &ExpectedTensor> = expected.tensors.iter().map(|e| (e.fill.name(), e)).collect();
    let unplanned: HashMap<&str, &UnplannedTensor> = expected.unplanned.iter().map(|t| (&*t.name, t)).collect();
    let mut rows = Vec::new();
    let mut done = 0;
    for (file, tensor) in weights.list() {
        let verdict = match planned.get(tensor.name.as_str()) {
            None => match unplanned.get(tensor.name.as_str()) {
                Some(other) => compare_unplanned(weights.reader(file), &tensor, other)?,
                None => Verdict::Unexpected,
            },
            Some(e) => match e.verdict_by_header(&tensor) {
                Some(verdict) => verdict,
                None if e.kept >= e.fill.bytes() => Verdict::NotChecked,
                None => {
                    compare(weights.reader(file), e, tensor.file_dtype(), backend, &mut |bytes| progress(done + bytes))?
                }
            },
        };
        done += tensor.range.end - tensor.range.start;
        progress(done)?;
        rows.push(VerifyRow { elements: tensor.count(), name: tensor.name, verdict });
    }
    let names = expected.tensors.iter().map(|e| e.fill.name()).chain(expected.unplanned.iter().map(|t| &*t.name));
    for name in names.filter(|name| weights.tensor(name).is_none()) {
        rows.push(VerifyRow { name: name.to_owned(), elements: 0, verdict: Verdict::Missing });
    }
    Ok(rows)
}

/// Bytes that a tensor's orthogonal matrices may take: a file's metadata may ask for any size.
const MATRICES: u64 = 8 << 30;

#[cfg(not(target_arch = "wasm32"))]
fn compare<R: Read + Seek>(
    reader: &mut Reader<R>,
    expected: &ExpectedTensor,
    stored: FileDType,
    backend: &Backend,
    progress: Progress<'_>,
) -> Result<Verdict> {
    let mut comparison = Comparison::with(expected, stored, backend.range_filler())?;
    reader.read_bytes(expected.fill.name(), |at, bytes| {
        comparison.add_filled(at, bytes, |fill, at, out, ranges| backend.fill_next(fill, at, out, ranges))?;
        progress(at + bytes.len() as u64)
    })?;
    Ok(comparison.verdict())
}

/// The verdict on a tensor without a law.
#[cfg(not(target_arch = "wasm32"))]
fn compare_unplanned<R: Read + Seek>(
    reader: &mut Reader<R>,
    stored: &StoredTensor,
    expected: &UnplannedTensor,
) -> Result<Verdict> {
    if stored.dims != expected.shape {
        return Ok(Verdict::Shape { expected: expected.shape.clone() });
    }
    let planned = expected.dtype.parse::<FileDType>();
    let is_copy = planned.as_ref().is_ok_and(|&planned| can_hold(planned)) && can_hold(stored.file_dtype());
    if planned.is_ok_and(|planned| planned != stored.file_dtype()) && !is_copy {
        return Ok(Verdict::DType);
    }
    if matches!(expected.content, Content::Copied { .. }) {
        return Ok(Verdict::NotChecked);
    }
    let bytes_each = (stored.file_dtype().bits() / 8).max(1) as usize;
    let (mut elements, mut first) = (0, 0);
    reader.read_bytes(&stored.name, |at, bytes| {
        for (i, _) in bytes.chunks(bytes_each).enumerate().filter(|(_, one)| one.iter().any(|&b| b != 0)) {
            first = if elements == 0 { at / bytes_each as u64 + i as u64 } else { first };
            elements += 1;
        }
        Ok(())
    })?;
    Ok(if elements == 0 { Verdict::Equal } else { Verdict::Differs { elements, first } })
}
