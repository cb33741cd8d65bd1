//! What is in a checkpoint, whoever wrote it.

use super::{Progress, Weights};
use crate::Result;
use crate::stats::Moments;
use serde::Serialize;

/// One stored tensor. The statistics are of its finite values; absent where there is none, or the dtype is not read.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InspectRow {
    /// The name.
    pub name: String,
    /// The element type, as the format spells it.
    pub dtype: String,
    /// The dimensions.
    pub shape: Vec<u64>,
    /// The number of elements.
    pub count: u64,
    /// Bytes in the file.
    pub bytes: u64,
    /// Whether the values were read: F32, F16, BF16 and F64 are, the last rounded to f32.
    pub read: bool,
    /// The mean.
    pub mean: Option<f64>,
    /// The std, with n - 1.
    pub std: Option<f64>,
    /// The smallest value.
    pub min: Option<f32>,
    /// The largest value.
    pub max: Option<f32>,
    /// Infinities and NaNs.
    pub nonfinite: Option<u64>,
}

/// Reads every tensor once, in the files' order.
///
/// # Errors
/// Those of [`crate::checkpoint::Reader::read_f32`]; whatever `progress` returns.
pub fn inspect(weights: &mut Weights, progress: Progress<'_>) -> Result<Vec<InspectRow>> {
    let mut done = 0;
    let mut rows = Vec::new();
    for (file, tensor) in weights.list() {
        let bytes = tensor.range.end - tensor.range.start;
        let mut moments = Moments::new();
        if tensor.is_readable() {
            let size = bytes / tensor.count().max(1);
            weights.reader(file).read_f32(&tensor.name, |first, values| {
                moments.add(values);
                progress(done + (first + values.len() as u64) * size)
            })?;
        }
        done += bytes;
        progress(done)?;
        let finite = |x: f64| x.is_finite().then_some(x);
        rows.push(InspectRow {
            dtype: tensor.dtype_name(),
            count: tensor.count(),
            bytes,
            read: tensor.is_readable(),
            mean: finite(moments.mean()),
            std: finite(moments.std()),
            min: moments.min(),
            max: moments.max(),
            nonfinite: tensor.is_readable().then(|| moments.nonfinite()),
            name: tensor.name,
            shape: tensor.dims,
        });
    }
    Ok(rows)
}
