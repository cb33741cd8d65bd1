//! The device against the twin, over every law and dtype.

use seedbed::checkpoint::Progress;
use seedbed::gpu::{self, Gpu};
use seedbed::law::Law;
use seedbed::shape::{Layout, Shape};
use seedbed::{DType, Result};
use serde::Serialize;

/// Bytes that are compared at once.
const CHUNK: u64 = 32 << 20;

/// One law in one dtype.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SelftestRow {
    /// The law's name among [`gpu::schemes`].
    pub law: &'static str,
    /// The dtype.
    pub dtype: String,
    /// How many elements were compared: none where no value of the dtype lies in the law's window.
    pub elements: u64,
    /// How many 32-bit words differ.
    pub differing_words: u64,
}

/// Bytes that [`selftest`] compares.
#[must_use]
pub fn selftest_bytes(elements: u64) -> u64 {
    let each: u64 = DType::ALL.iter().map(|d| d.size()).sum();
    elements.saturating_mul(each * gpu::schemes().len() as u64)
}

/// Compares `elements` of each law of [`gpu::schemes`] in each dtype. `progress` is told the bytes done, of
/// [`selftest_bytes`].
///
/// # Errors
/// [`seedbed::Error::Shape`] where `elements` is 0; those of [`gpu::compare`]. Words that differ are no error.
pub fn selftest(gpu: &Gpu, elements: u64, progress: Progress<'_>) -> Result<Vec<SelftestRow>> {
    let shape = Shape::new([elements])?;
    let mut rows = Vec::new();
    let mut done = 0;
    for dtype in DType::ALL {
        for (law, scheme) in gpu::schemes() {
            let held = Law::check_fits(&scheme.law(&shape, &Layout::default())?, dtype).is_ok();
            let differing_words = if held {
                let progress = &mut |bytes| progress(done + bytes);
                gpu::blocking::compare(gpu, scheme, dtype, elements, CHUNK, progress)?
            } else {
                0
            };
            done += elements.saturating_mul(dtype.size());
            let elements = if held { elements } else { 0 };
            rows.push(SelftestRow { law, dtype: dtype.to_string(), elements, differing_words });
        }
    }
    Ok(rows)
}
