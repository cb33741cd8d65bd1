//! Whether a checkpoint's bytes are what its metadata, table and config say, byte for byte.

mod expected;

pub use expected::{ExpectedTensor, expected_tensors, plan_source};

use super::memory::check_matrices;
use super::{Progress, Reader, Weights};
use crate::Result;
use crate::backend::Backend;
use serde::Serialize;
use std::collections::HashMap;

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
/// Those of [`Reader::read_bytes`] and [`Backend::fill_range`]; [`Error::Buffer`](crate::Error::Buffer) where a
/// tensor's orthogonal matrices take more than 8 GiB; whatever `progress` returns. A difference is no error.
pub fn verify(
    weights: &mut Weights,
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
            Some(e) if e.dims != tensor.dims => Verdict::Shape { expected: e.dims.clone() },
            Some(e) if tensor.dtype() != Some(e.fill.dtype()) => Verdict::DType,
            Some(e) => compare(weights.reader(file), e, backend, &mut |bytes| progress(done + bytes))?,
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

fn compare(
    reader: &mut Reader,
    expected: &ExpectedTensor,
    backend: &Backend,
    progress: Progress<'_>,
) -> Result<Verdict> {
    let fill = &expected.fill;
    check_matrices([fill], MATRICES)?;
    let size = fill.dtype().size();
    let mut wanted = Vec::new();
    let ranges = backend.range_filler();
    let (mut elements, mut first) = (0, 0);
    reader.read_bytes(fill.name(), |at, bytes| {
        wanted.resize(bytes.len(), 0);
        backend.fill_next(fill, at, &mut wanted, &ranges)?;
        if wanted != bytes {
            let pairs = wanted.chunks_exact(size as usize).zip(bytes.chunks_exact(size as usize));
            let compared = |i: usize| at + i as u64 * size >= expected.kept;
            for (i, _) in pairs.enumerate().filter(|(i, (wanted, got))| wanted != got && compared(*i)) {
                if elements == 0 {
                    first = at / size + i as u64;
                }
                elements += 1;
            }
        }
        progress(at + bytes.len() as u64)
    })?;
    Ok(if elements == 0 { Verdict::Equal } else { Verdict::Differs { elements, first } })
}
