//! The device against the CPU's twin: every case of the library's list, as many elements of each as are asked for.

use seedbed::checkpoint::Progress;
use seedbed::gpu::{self, Case, Gpu, Storage};
use seedbed::{DType, Error, Fill, Result};
use serde::Serialize;
use std::time::Instant;

/// Bytes that are compared at once, so that even a slow driver soon comes back to see whether a signal has come.
const CHUNK: u64 = 4 << 20;

/// What is compared.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Elements of each case in each dtype.
    pub elements: u64,
    /// Names of laws; all of them where the list is empty.
    pub laws: Vec<&'static str>,
    /// The dtypes; all of them where the list is empty.
    pub dtypes: Vec<DType>,
    /// Whether the device makes whole orthogonal matrices in f32; otherwise the host makes them, and only the copy is
    /// compared.
    pub device_matrices: bool,
}

/// One case in one dtype.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The law's name in the catalog.
    pub law: &'static str,
    /// The law, and what tells the case from the others of its law.
    pub case: &'static str,
    /// The scheme in full.
    pub scheme: String,
    /// The dtype.
    pub dtype: String,
    /// How values are rounded.
    pub rounding: String,
    /// How the elements lie in the destination.
    pub storage: String,
    /// `device`, or `host` where the device is handed the elements as a copy.
    pub made_by: &'static str,
    /// How many elements were compared: none where the dtype has no value in the range of the law.
    pub elements: u64,
    /// How many 32-bit words differ.
    pub differing_words: u64,
    /// Seconds that it took, on the device and on the CPU.
    pub seconds: f64,
    /// Why nothing was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The names of the laws that are compared, each once.
pub fn laws() -> Vec<&'static str> {
    let mut laws = Vec::new();
    for law in gpu::cases().iter().map(Case::law) {
        if !laws.contains(&law) {
            laws.push(law);
        }
    }
    laws
}

impl Options {
    /// The cases, each with a dtype.
    fn work(&self) -> impl Iterator<Item = (Case, DType)> {
        let cases = gpu::cases().into_iter().filter(|c| self.laws.is_empty() || self.laws.contains(&c.law()));
        let work = cases.flat_map(|case| case.dtypes().map(move |dtype| (case, dtype)));
        work.filter(|(_, dtype)| self.dtypes.is_empty() || self.dtypes.contains(dtype))
    }

    /// Bytes that are compared, but for what the shapes of the laws add.
    pub fn bytes(&self) -> u64 {
        self.work().map(|(_, dtype)| self.elements.saturating_mul(dtype.size())).fold(0, u64::saturating_add)
    }

    /// Compares. `progress` is told the bytes done, of [`Options::bytes`]; `started` which case comes next.
    ///
    /// # Errors
    /// [`Error::Shape`] where there are too many elements; those of [`gpu::compare_fill`]. Words that differ are no
    /// error.
    pub fn compare(&self, gpu: &Gpu, progress: Progress<'_>, started: &mut dyn FnMut(&Row)) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        let mut before = 0;
        for (case, dtype) in self.work() {
            let mut row = self.row(&case, dtype);
            started(&row);
            let begun = Instant::now();
            let bytes = self.elements.saturating_mul(dtype.size());
            let mut number = 0;
            while row.elements < self.elements && row.reason.is_none() {
                match case.fill((self.elements - row.elements).min(case.most_elements()), dtype, number) {
                    Ok(fill) => {
                        let done = before + row.elements * dtype.size();
                        let progress = &mut |now: u64| progress((done + now).min(before + bytes));
                        row.differing_words += gpu::blocking::compare_fill(gpu, &fill, chunk(&case, &fill), progress)?;
                        row.elements += fill.elements();
                        number += 1;
                    }
                    Err(error) => row.reason = Some(reason(error)?),
                }
            }
            row.seconds = begun.elapsed().as_secs_f64();
            before += bytes;
            rows.push(row);
        }
        Ok(rows)
    }

    fn row(&self, case: &Case, dtype: DType) -> Row {
        let law = case.law();
        // What Filler::record makes on the device: whole tensors of whole matrices in f32.
        let matrices = ["orthogonal", "delta_orthogonal"].contains(&law);
        let on_device = self.device_matrices && law == "orthogonal" && dtype == DType::F32;
        Row {
            law,
            case: case.name,
            scheme: case.scheme.to_string(),
            dtype: dtype.to_string(),
            rounding: case.rounding.to_string(),
            storage: case.storage.to_string(),
            made_by: if matrices && !on_device { "host" } else { "device" },
            elements: 0,
            differing_words: 0,
            seconds: 0.0,
            reason: None,
        }
    }
}

/// Bytes that are compared at once: a tensor of orthogonal matrices, which the library keeps small, as a whole.
fn chunk(case: &Case, fill: &Fill) -> u64 {
    if case.most_elements() < u64::MAX && case.storage == Storage::Whole { fill.device_bytes() } else { CHUNK }
}

/// Why a dtype has no value of a law; other errors stay errors.
fn reason(error: Error) -> Result<String> {
    match error {
        Error::Tensor { source, .. } if matches!(*source, Error::Law(_)) => Ok(source.to_string()),
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seedbed::law::Law;
    use seedbed::scheme::catalog;
    use seedbed::shape::{Layout, Shape};
    use std::collections::BTreeSet;

    /// `TruncatedNormal(..)` as `TruncatedNormal`.
    fn variant(law: &Law) -> String {
        format!("{law:?}").split('(').next().unwrap_or_default().to_owned()
    }

    /// The laws that a scheme gives, on shapes that it may take.
    fn variants(scheme: seedbed::Scheme) -> BTreeSet<String> {
        let shapes: [&[u64]; 5] = [&[8, 8], &[4, 4, 3], &[12, 12], &[2, 4, 4], &[9, 5, 3, 4]];
        let shapes = shapes.into_iter().map(|dims| Shape::new(dims).unwrap());
        shapes.filter_map(|shape| scheme.law(&shape, &Layout::OutIn).ok()).map(|law| variant(&law)).collect()
    }

    #[test]
    fn every_law_of_the_catalog_has_a_row_in_every_dtype() {
        let options = Options { elements: 1, ..Options::default() };
        let compared = |dtype| -> BTreeSet<String> {
            let work = options.work().filter(|work| work.1 == dtype);
            work.flat_map(|(case, _)| variants(case.scheme)).collect()
        };
        let of_catalog: BTreeSet<String> =
            catalog().iter().flat_map(|info| variants(info.example.parse().unwrap())).collect();
        // The library's tests hold the catalog to the variants of `Law`.
        assert!(of_catalog.len() >= 15, "{of_catalog:?}");
        for dtype in DType::ALL {
            assert!(of_catalog.is_subset(&compared(dtype)), "{dtype}: {of_catalog:?}");
        }
        // The control: without one law the sets differ.
        let laws = laws().into_iter().filter(|law| *law != "sparse").collect();
        let fewer = Options { laws, ..options };
        assert!(!fewer.work().any(|(case, _)| variants(case.scheme).contains("Sparse")));
    }

    #[test]
    fn filters_leave_what_they_name() {
        let options =
            Options { elements: 10, laws: vec!["normal", "dirac"], dtypes: vec![DType::BF16], ..Options::default() };
        let work: Vec<_> = options.work().collect();
        assert!(work.iter().all(|(case, dtype)| ["normal", "dirac"].contains(&case.law()) && *dtype == DType::BF16));
        assert_eq!(options.bytes(), 20 * work.len() as u64);
        for storage in [Storage::Transposed, Storage::Interleaved, Storage::Slab, Storage::AlignedSlab] {
            assert!(work.iter().any(|(case, _)| case.storage == storage), "{storage}");
        }
    }
}
