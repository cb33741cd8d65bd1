//! New rows of a tensor that has grown, from its old ones: their mean, and noise with a trace of their covariance, as
//! `_init_added_embeddings_weights_with_mean` of `transformers` draws them.
//!
//! This pass is outside the promise of the same bits everywhere: products of matrices are summed in whatever order
//! suits the processor. On one machine the rows are a function of the seed, the tensor's name and the old rows. All
//! arithmetic is in f64. Memory: the covariance, 8 bytes per element of a row squared, and some rows at a time.

use crate::checkpoint::convert::encode;
use crate::checkpoint::{READ_BYTES, Weights};
use crate::plan::{Plan, PlannedTensor, Slab, TensorSpec};
use crate::{DType, Error, Result, Scheme, StreamVersion, cpu};
use nalgebra::{Cholesky, DMatrix, DMatrixView, DMatrixViewMut};

/// How much of the old rows' covariance new rows have, as in `transformers`.
const EPSILON: f64 = 1e-9;

/// Rows that are taken at a time.
const ROWS: usize = 256;

/// Columns of the covariance that one thread adds to at a time.
const COLUMNS: usize = 64;

/// How new rows follow from old ones.
pub struct MeanRows {
    mean: Vec<f64>,
    noise: Noise,
}

enum Noise {
    /// The covariance is not positive definite: new rows are the mean.
    None,
    /// Rows of one element, by their standard deviation.
    Scalar(f64),
    /// The lower factor of the covariance.
    Factor(DMatrix<f64>),
}

/// The number of elements in a row.
fn width(tensor: &PlannedTensor) -> u64 {
    tensor.shape().dims().iter().skip(1).product()
}

/// Refuses a tensor whose covariance does not fit in `memory` bytes.
///
/// # Errors
/// [`Error::Buffer`] with the tensor and the numbers.
pub fn check_memory(tensor: &PlannedTensor, memory: u64) -> Result<()> {
    let d = u128::from(width(tensor));
    let needed = if d == 1 { 0 } else { 8 * d * d } + 4 * 8 * ROWS as u128 * d + READ_BYTES as u128;
    if needed <= u128::from(memory) {
        return Ok(());
    }
    let reason = format!(
        "a memory of {memory} bytes is too small: the covariance of rows of {d} elements and some rows take {needed}"
    );
    Err(Error::Buffer(reason).in_tensor(tensor.name()))
}

impl MeanRows {
    /// Reads the old rows, twice where they have a covariance. `go_on` is called now and then; its error ends this.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where an old element is not finite; [`Error::Io`]; those of `go_on`.
    pub fn of(
        old: &mut Weights,
        tensor: &PlannedTensor,
        rows: u64,
        go_on: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Self> {
        let d = width(tensor) as usize;
        let n = rows as f64;
        let mut mean = vec![0.0; d];
        each_tile(old, tensor.name(), d, go_on, |tile| {
            for row in tile.chunks_exact(d) {
                mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
        })?;
        mean.iter_mut().for_each(|sum| *sum /= n);
        if tensor.shape().rank() == 1 {
            // A bias has no covariance: transformers draws its new elements with 1e-9 of the old ones' std.
            let mut squares = 0.0;
            each_tile(old, tensor.name(), 1, go_on, |tile| {
                squares += tile.iter().map(|x| (x - mean[0]).powi(2)).sum::<f64>();
            })?;
            let noise = if rows > 1 { Noise::Scalar(EPSILON * (squares / (n - 1.0)).sqrt()) } else { Noise::None };
            return Ok(Self { mean, noise });
        }
        // So few rows span too few directions, whatever they are.
        if rows <= d as u64 {
            return Ok(Self { mean, noise: Noise::None });
        }
        let mut covariance = vec![0.0; d * d];
        each_tile(old, tensor.name(), d, go_on, |tile| {
            for row in tile.chunks_exact_mut(d) {
                row.iter_mut().zip(&mean).for_each(|(x, mean)| *x -= mean);
            }
            add_products(&mut covariance, tile, d);
        })?;
        let mut covariance = DMatrix::from_vec(d, d, covariance);
        covariance /= n;
        let diagonal: Vec<f64> = covariance.diagonal().iter().copied().collect();
        let factor = Cholesky::new(covariance).map(Cholesky::unpack);
        // A pivot as small as the rounding of what it was made of says nothing.
        let least = 4.0 * d as f64 * f64::EPSILON;
        let is_sound = |l: &DMatrix<f64>| (0..d).all(|i| l[(i, i)] * l[(i, i)] > least * diagonal[i]);
        Ok(Self { mean, noise: factor.filter(is_sound).map_or(Noise::None, Noise::Factor) })
    }

    /// Whether new rows are the mean alone, since the covariance is not positive definite.
    pub fn is_mean_alone(&self) -> bool {
        matches!(self.noise, Noise::None)
    }

    /// Makes the rows from `rows` on and hands their bytes to `sink`, in order. Their normal values are those that the
    /// tensor has under this seed with the law N(0, 1).
    ///
    /// # Errors
    /// Those of [`cpu::fill`]; whatever `sink` returns.
    pub fn write(
        &self,
        tensor: &PlannedTensor,
        (version, seed): (StreamVersion, u64),
        rows: u64,
        mut sink: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let (dims, d) = (tensor.shape().dims(), self.mean.len());
        let spec = TensorSpec::new(tensor.name(), dims, Scheme::normal(0.0, 1.0))?;
        let mut plan = Plan::new(version, seed);
        let normal = plan.push(&spec)?;
        let (mut bytes, mut encoded) = (Vec::new(), Vec::new());
        let mut from = rows;
        while from < dims[0] {
            let some = (dims[0] - from).min(ROWS as u64);
            let mut start = vec![0; dims.len()];
            let mut extent = dims.to_vec();
            (start[0], extent[0]) = (from, some);
            let mut words = vec![0; some as usize * d * 4];
            cpu::fill(&normal.fill_slab(&Slab::new(start, extent))?, &mut words)?;
            let z = words.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
            let z = DMatrix::from_iterator(d, some as usize, z);
            let noise = match &self.noise {
                Noise::None => DMatrix::zeros(d, some as usize),
                Noise::Scalar(std) => z * *std,
                Noise::Factor(l) => l * z * EPSILON.sqrt(),
            };
            bytes.clear();
            for (i, row) in noise.column_iter().enumerate() {
                let is_zero = tensor.zero_rows().contains(&(from + i as u64));
                let values = row.iter().zip(&self.mean).map(|(x, mean)| if is_zero { 0.0 } else { (mean + x) as f32 });
                values.for_each(|x| bytes.extend(x.to_le_bytes()));
            }
            encode(tensor.dtype().into(), DType::F32, &bytes, &mut encoded);
            sink(&encoded)?;
            from += some;
        }
        Ok(())
    }
}

/// Adds the products of a tile's rows, of `d` elements each, to the lower half of a matrix.
fn add_products(matrix: &mut [f64], tile: &[f64], d: usize) {
    let rows = DMatrixView::from_slice(tile, d, tile.len() / d);
    let add = |(block, columns): (usize, &mut [f64])| {
        let first = block * COLUMNS;
        let count = columns.len() / d;
        let mut columns = DMatrixViewMut::from_slice(columns, d, count);
        let right = rows.rows(first, count).transpose();
        columns.rows_mut(first, d - first).gemm(1.0, &rows.rows(first, d - first), &right, 1.0);
    };
    #[cfg(feature = "parallel")]
    {
        use rayon::prelude::*;
        matrix.par_chunks_mut(COLUMNS * d).enumerate().for_each(add);
    }
    #[cfg(not(feature = "parallel"))]
    matrix.chunks_mut(COLUMNS * d).enumerate().for_each(add);
}

/// Hands the old rows to `sink` in f64, some whole rows at a time.
fn each_tile(
    old: &mut Weights,
    name: &str,
    d: usize,
    go_on: &mut dyn FnMut() -> Result<()>,
    mut sink: impl FnMut(&mut [f64]),
) -> Result<()> {
    let path = old.path().display().to_string();
    let mut tile = Vec::with_capacity(ROWS * d);
    old.read_f32(name, |first, values| {
        if let Some(at) = values.iter().position(|x| !x.is_finite()) {
            let row = (first + at as u64) / d as u64;
            let reason = format!("tensor {name:?}: row {row} has {}, so that its rows have no mean", values[at]);
            return Err(Error::Checkpoint { path: path.clone(), reason });
        }
        for &x in values {
            tile.push(f64::from(x));
            if tile.len() == ROWS * d {
                sink(&mut tile);
                tile.clear();
                go_on()?;
            }
        }
        Ok(())
    })?;
    if !tile.is_empty() {
        sink(&mut tile);
    }
    go_on()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::{Header, HeaderEntry, Writer};
    use std::collections::BTreeMap;

    const SEED: (StreamVersion, u64) = (StreamVersion::V1, 9);

    fn planned(dims: &[u64], zero_row: Option<u64>) -> Plan {
        let mut spec = TensorSpec::new("wte", dims, Scheme::zeros()).unwrap();
        spec.zero_rows.extend(zero_row);
        let mut plan = Plan::new(SEED.0, SEED.1);
        plan.push(&spec).unwrap();
        plan
    }

    /// A checkpoint of one tensor.
    fn old(dir: &tempfile::TempDir, dims: &[u64], values: &[f32]) -> Weights {
        let path = dir.path().join("old.safetensors");
        let entry = HeaderEntry { name: "wte".to_owned(), dtype: DType::F32.into(), dims: dims.to_vec() };
        let mut writer = Writer::create(&path, Header::new(vec![entry], &BTreeMap::new()).unwrap()).unwrap();
        writer.write(&values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
        writer.finish().unwrap();
        Weights::open(path).unwrap()
    }

    fn made(rows: &MeanRows, plan: &Plan, from: u64) -> Vec<f64> {
        let mut values = Vec::new();
        let tensor = &plan.tensors()[0];
        rows.write(tensor, SEED, from, |bytes| {
            values.extend(bytes.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))));
            Ok(())
        })
        .unwrap();
        values
    }

    /// Old rows whose covariance has large and small entries, none of them zero.
    fn rows_of(n: usize, d: usize) -> Vec<f32> {
        let value = |r: usize, c: usize| {
            let x = ((r * 7919 + c * 104_729) % 1009) as f32 / 100.0 - 5.0;
            x * (c + 1) as f32 + if c > 0 { ((r * 7919) % 1009) as f32 / 50.0 } else { 0.0 }
        };
        (0..n * d).map(|i| value(i / d, i % d)).collect()
    }

    #[test]
    fn new_rows_are_the_mean_and_a_factor_of_the_covariance_times_normal_words() {
        let dir = tempfile::tempdir().unwrap();
        let (n, d, all) = (700, 3, 20_700);
        let values = rows_of(n, d);
        let mut weights = old(&dir, &[n as u64, d as u64], &values);
        let plan = planned(&[all, d as u64], Some(705));
        let rows = MeanRows::of(&mut weights, &plan.tensors()[0], n as u64, &mut || Ok(())).unwrap();
        assert!(!rows.is_mean_alone());
        let new = made(&rows, &plan, n as u64);
        assert_eq!(new.len(), 20_000 * d);

        // The same by hand: sums over all rows, the factor entry by entry.
        let row = |r: usize| &values[r * d..][..d];
        let mean: Vec<f64> = (0..d).map(|c| (0..n).map(|r| f64::from(row(r)[c])).sum::<f64>() / n as f64).collect();
        let off = |r: usize, c: usize| f64::from(row(r)[c]) - mean[c];
        let covariance = |a: usize, b: usize| (0..n).map(|r| off(r, a) * off(r, b)).sum::<f64>() / n as f64;
        let mut l = [[0.0; 3]; 3];
        for i in 0..d {
            for j in 0..=i {
                let rest: f64 = (0..j).map(|k| l[i][k] * l[j][k]).sum();
                l[i][j] = if i == j { (covariance(i, i) - rest).sqrt() } else { (covariance(i, j) - rest) / l[j][j] };
            }
        }
        let mut plan_of_z = Plan::new(SEED.0, SEED.1);
        let spec = TensorSpec::new("wte", [all, d as u64], Scheme::normal(0.0, 1.0)).unwrap();
        let fill = plan_of_z.push(&spec).unwrap().fill();
        let mut z = vec![0; fill.bytes() as usize];
        cpu::fill(&fill, &mut z).unwrap();
        let z: Vec<f64> = z.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect();
        for r in 0..20_000 {
            for c in 0..d {
                let noise: f64 = (0..=c).map(|k| l[c][k] * z[(n + r) * d + k]).sum();
                let expected = if r == 5 { 0.0 } else { mean[c] + 1e-9f64.sqrt() * noise };
                let found = new[r * d + c];
                assert!((found - expected).abs() <= 1e-6 * mean[c].abs().max(1.0), "{r} {c}: {found} {expected}");
            }
        }
        // Without noise, or with all of the covariance, they would differ: the check above can fail.
        let spread = (0..20_000).map(|r| (new[r * d + 2] - mean[2]).powi(2)).sum::<f64>() / 20_000.0;
        let ratio = spread / (1e-9 * covariance(2, 2));
        assert!((0.9..1.1).contains(&ratio) || new[5 * d + 2] == 0.0, "{ratio}");
    }

    #[test]
    fn where_the_covariance_is_singular_they_are_the_mean() {
        let dir = tempfile::tempdir().unwrap();
        // Fewer rows than columns; a column that is twice another, exactly; a column that is constant.
        let few = rows_of(3, 4);
        let mut dependent = rows_of(50, 3);
        dependent.chunks_exact_mut(3).for_each(|row| row[2] = 2.0 * row[0]);
        let mut constant = rows_of(50, 3);
        constant.chunks_exact_mut(3).for_each(|row| row[1] = 0.25);
        for (values, d) in [(few, 4), (dependent, 3), (constant, 3)] {
            let n = (values.len() / d) as u64;
            let mut weights = old(&dir, &[n, d as u64], &values);
            let plan = planned(&[n + 2, d as u64], None);
            let rows = MeanRows::of(&mut weights, &plan.tensors()[0], n, &mut || Ok(())).unwrap();
            assert!(rows.is_mean_alone());
            let mean: Vec<f64> = (0..d)
                .map(|c| values.chunks_exact(d).map(|row| f64::from(row[c])).sum::<f64>() / n as f64)
                .map(|x| f64::from(x as f32))
                .collect();
            assert_eq!(made(&rows, &plan, n), [mean.clone(), mean].concat());
        }
    }

    #[test]
    fn a_bias_has_the_mean_and_a_trace_of_the_std() {
        let dir = tempfile::tempdir().unwrap();
        let mut weights = old(&dir, &[4], &[1e6, -1e6, 2e6, -2e6]);
        let plan = planned(&[4_004], None);
        let rows = MeanRows::of(&mut weights, &plan.tensors()[0], 4, &mut || Ok(())).unwrap();
        let new = made(&rows, &plan, 4);
        let std = (new.iter().map(|x| x * x).sum::<f64>() / new.len() as f64).sqrt();
        let expected = 1e-9 * (10e12f64 / 3.0).sqrt();
        // Within 5 standard errors of 4,000 values.
        assert!((std / expected - 1.0).abs() < 5.0 / (2.0 * 4000f64).sqrt(), "{std} {expected}");
        let mut one = old(&dir, &[1], &[3.0]);
        let rows = MeanRows::of(&mut one, &planned(&[3], None).tensors()[0], 1, &mut || Ok(())).unwrap();
        assert!(rows.is_mean_alone());
    }

    #[test]
    fn an_old_row_that_is_not_finite_an_interrupt_and_too_little_memory_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        let plan = planned(&[6, 2], None);
        let tensor = &plan.tensors()[0];
        for bad in [f32::NAN, f32::INFINITY] {
            let mut weights = old(&dir, &[4, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, bad, 6.0, 7.0]);
            let error = MeanRows::of(&mut weights, tensor, 4, &mut || Ok(())).err().unwrap().to_string();
            assert!(error.contains("tensor \"wte\": row 2 has ") && error.contains("old.safetensors: "), "{error}");
        }
        let mut weights = old(&dir, &[4, 2], &[0.0; 8]);
        let stop = &mut || Err(Error::Config("stopped".to_owned()));
        assert_eq!(MeanRows::of(&mut weights, tensor, 4, stop).err().unwrap().to_string(), "config: stopped");
        let plan = planned(&[40_000, 20_000], None);
        let error = check_memory(&plan.tensors()[0], 512 << 20).unwrap_err().to_string();
        assert!(error.starts_with("tensor wte: buffer: a memory of 536870912 bytes is too small: the cov"), "{error}");
        assert!(error.contains("rows of 20000 elements"), "{error}");
        check_memory(tensor, 512 << 20).unwrap();
    }
}
