//! Orthogonal matrices of the CPU twin: how orthogonal, of which deviates, and the same words at every level and thread
//! count.

mod answers;
mod fills;
mod reference;

use seedbed::cpu::Level;
use seedbed::cpu::orthogonal::{Batch, Workspace, fill};

/// A batch of one key.
pub fn batch(first: u32, count: u32, rows: u32, cols: u32) -> Batch {
    Batch { key: [0x48be_33c0, 0xaf4b_1128], first, count, rows, cols, gain: 1.0 }
}

/// The matrices, with the code of one level.
pub fn at_level(level: Level, batch: &Batch) -> Vec<f32> {
    let mut out = vec![f32::NAN; batch.elements().unwrap() as usize];
    fill(level, batch, &mut out, &mut Workspace::default()).unwrap();
    out
}

pub fn matrices(batch: &Batch) -> Vec<f32> {
    at_level(Level::best(), batch)
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// `max |Q^T Q - I|` of a tall matrix, or `max |Q Q^T - I|` of a wide one, in f64.
fn departure(q: &[f32], rows: usize, cols: usize) -> f64 {
    let (p, n) = (rows.max(cols), rows.min(cols));
    let tall: Vec<f64> =
        (0..p * n).map(|at| f64::from(if rows >= cols { q[at] } else { q[(at % n) * p + at / n] })).collect();
    let mut worst = 0.0f64;
    for first in (0..n).step_by(64) {
        let width = 64.min(n - first);
        let mut sums = vec![0.0; width * n];
        for row in tall.chunks_exact(n) {
            for i in 0..width {
                let a = row[first + i];
                for (s, b) in sums[i * n + first..(i + 1) * n].iter_mut().zip(&row[first..]) {
                    *s += a * b;
                }
            }
        }
        for i in 0..width {
            for j in first..n {
                let wanted = if first + i == j { 1.0 } else { 0.0 };
                worst = worst.max((sums[i * n + j] - wanted).abs());
            }
        }
    }
    worst
}

#[test]
fn columns_or_rows_are_orthonormal_to_2e_6() {
    for (rows, cols) in [
        (1, 1),
        (1, 9),
        (9, 1),
        (3, 35),
        (64, 64),
        (65, 33),
        (130, 130),
        (1000, 1000),
        (2048, 2048),
        (4096, 512),
        (300, 700),
    ] {
        let q = matrices(&batch(0, 1, rows, cols));
        let worst = departure(&q, rows as usize, cols as usize);
        println!("{rows} x {cols}: {worst:.2e}");
        assert!(worst <= 2e-6, "{rows} x {cols}: {worst:e}");
    }
}

/// The control: one element of 256^2 that is off by 1e-4.
#[test]
fn the_departure_sees_one_element() {
    let mut q = matrices(&batch(0, 1, 256, 256));
    q[256 * 100 + 7] += 1e-4;
    assert!(departure(&q, 256, 256) > 2e-6);
}

const SHAPES: [(u32, u32, u32); 14] = [
    (1, 1, 1),
    (1, 1, 7),
    (1, 7, 1),
    (1, 3, 35),
    (1, 5, 3),
    (1, 64, 64),
    (1, 65, 33),
    (1, 33, 65),
    (1, 130, 130),
    (1, 700, 97),
    (1, 97, 700),
    (1, 129, 128),
    (3, 70, 20),
    (2, 300, 300),
];

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "this architecture has one level, there is nothing to compare")]
fn every_level_gives_the_same_words() {
    for (count, rows, cols) in SHAPES {
        let batch = batch(5, count, rows, cols);
        let baseline = bits(&at_level(Level::Baseline, &batch));
        for level in crate::levels::others() {
            assert_eq!(bits(&at_level(level, &batch)), baseline, "{count} of {rows} x {cols}, {level}");
        }
    }
}

#[cfg(feature = "parallel")]
#[test]
fn every_number_of_threads_gives_the_same_words() {
    for (count, rows, cols) in SHAPES {
        let batch = batch(5, count, rows, cols);
        let [one, many] = [1, 5].map(|n| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
            pool.install(|| bits(&matrices(&batch)))
        });
        assert_eq!(one, many, "{count} of {rows} x {cols}");
    }
}

/// Values are a function of (key, index of the matrix, shape, element): not of the batch, nor of a workspace used
/// before.
#[test]
fn a_batch_is_its_matrices() {
    let all = matrices(&batch(0, 5, 33, 70));
    let mut workspace = Workspace::default();
    for first in [3, 0, 4] {
        let mut one = vec![0.0; 33 * 70];
        fill(Level::best(), &batch(first, 1, 33, 70), &mut one, &mut workspace).unwrap();
        assert_eq!(bits(&one), bits(&all[33 * 70 * first as usize..][..33 * 70]));
    }
    assert_ne!(all[..33 * 70], all[33 * 70..2 * 33 * 70]);
}

#[test]
fn a_wide_matrix_is_the_transpose_of_a_tall_one() {
    let (tall, wide) = (matrices(&batch(0, 1, 100, 70)), matrices(&batch(0, 1, 70, 100)));
    for i in 0..100 {
        for j in 0..70 {
            assert_eq!(tall[i * 70 + j].to_bits(), wide[j * 100 + i].to_bits(), "{i} {j}");
        }
    }
}

#[test]
fn the_gain_multiplies_once_and_no_value_is_minus_0() {
    let plain = batch(0, 1, 90, 90);
    let one = matrices(&plain);
    for gain in [-1.5f32, 0.02, 0.0, 1e-22] {
        for (x, y) in one.iter().zip(matrices(&Batch { gain, ..plain })) {
            assert_eq!(x * gain, y);
            assert!(y.to_bits() != 0x8000_0000 && !y.is_subnormal());
        }
    }
}

#[test]
fn bad_batches_are_errors() {
    let mut workspace = Workspace::default();
    let good = batch(0, 2, 3, 2);
    let mut run = |batch: Batch, len| fill(Level::best(), &batch, &mut vec![0.0; len], &mut workspace);
    assert!(run(good, 12).is_ok());
    assert!(run(good, 11).is_err());
    assert!(run(Batch { gain: f32::NAN, ..good }, 12).is_err());
    assert!(run(Batch { gain: 1e-30, ..good }, 12).is_err());
    assert!(run(Batch { first: u32::MAX, ..good }, 12).is_err());
    assert!(run(Batch { rows: 0, ..good }, 0).is_ok());
}
