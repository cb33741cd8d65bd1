//! Elements do not depend on one another: within a tensor, in pairs, and between tensors of similar names.

use super::{ALPHA, Cdf, Family, values};
use crate::laws::tensor;
use crate::support::{Check, chi_square, correlation_check};
use seedbed::plan::{Plan, TensorSpec};
use seedbed::{DType, Scheme, StreamVersion};

/// Neighbors, blocks of 4, tiles of 256, common widths, powers of two.
const LAGS: [usize; 18] = [1, 2, 3, 4, 5, 6, 7, 8, 64, 255, 256, 768, 1024, 3072, 4096, 65_536, 1 << 18, 1 << 20];

fn lag_check(x: &[f32], lag: usize) -> Check {
    correlation_check(x, &x[lag..], ALPHA)
}

#[test]
fn lags_within_a_tensor_are_uncorrelated() {
    const N: u64 = 10_000_000;
    let mut family = Family::new(format!("lags within {N} values"));
    for (name, scheme) in [("normal", Scheme::normal(0.0, 1.0)), ("uniform", Scheme::uniform(-1.0, 1.0))] {
        let x = values(&tensor("statistics.lags", &[N], scheme, DType::F32).fill());
        // Box-Muller's pairs share a radius: only squares would tell.
        let squares: Vec<f32> = x.iter().map(|x| x * x).collect();
        for lag in LAGS {
            family.claim(format!("{name}, lag {lag}"), lag_check(&x, lag));
            family.claim(format!("{name} squared, lag {lag}"), lag_check(&squares, lag));
        }
        // The control: a hundredth of the value that lies `lag` before.
        for lag in [1, 4, 768, 1 << 20] {
            let mixed: Vec<f32> = (0..x.len()).map(|i| x[i] + if i < lag { 0.0 } else { 0.01 * x[i - lag] }).collect();
            family.control(format!("{name} mixed with lag {lag}"), lag_check(&mixed, lag));
        }
    }
    family.judge();
}

#[test]
fn tensors_of_similar_names_and_seeds_are_uncorrelated() {
    const N: u64 = 1_000_000;
    let names = [
        (0, "h.0.attn.weight"),
        (0, "h.1.attn.weight"),
        (0, "h.0.attn.weighs"),
        (0, "H.0.attn.weight"),
        (0, "h.0.attn.weight "),
        (0, "h.00.attn.weight"),
        (1, "h.0.attn.weight"),
        (1 << 32, "h.0.attn.weight"),
        (1 << 63, "h.0.attn.weight"),
        (u64::MAX, "h.0.attn.weight"),
        (0, ""),
        (0, "a"),
        (0, "b"),
        (1, "a"),
    ];
    let tensors: Vec<Vec<f32>> = (names.iter())
        .map(|&(seed, name)| {
            let spec = TensorSpec::new(name, [N], Scheme::normal(0.0, 1.0)).unwrap();
            values(&Plan::new(StreamVersion::V1, seed).push(&spec).unwrap().fill())
        })
        .collect();
    let mut family = Family::new(format!("{} tensors of similar names, {N} values each", names.len()));
    for (i, a) in tensors.iter().enumerate() {
        for (j, b) in tensors.iter().enumerate().skip(i + 1) {
            for shift in [0, 1, 4] {
                let check = correlation_check(a, &b[shift..], ALPHA);
                family.claim(format!("{:?} and {:?}, {shift} on", names[i], names[j]), check);
            }
        }
    }
    let mixed: Vec<f32> = tensors[0].iter().zip(&tensors[1]).map(|(a, b)| a + 0.01 * b).collect();
    family.control("a hundredth of the other", correlation_check(&mixed, &tensors[1], ALPHA));
    family.judge();
}

const GRID: usize = 64;

/// Chi-square of the pairs (x[i], x[i + lag]) on a grid of equal probabilities. The pairs are disjoint: i runs over
/// `offset + k max(4, 2 lag)`.
fn pairs(x: &[f32], cdf: &Cdf, offset: usize, lag: usize, spoil: usize) -> Check {
    let cell = |x: f32| ((cdf.at(f64::from(x)) * GRID as f64) as usize).min(GRID - 1);
    let mut counts = vec![0u64; GRID * GRID];
    let mut n = 0;
    for i in (offset..x.len() - lag).step_by(4.max(2 * lag)) {
        let first = cell(x[i]);
        let second = if n % spoil == spoil - 1 { first } else { cell(x[i + lag]) };
        counts[GRID * first + second] += 1;
        n += 1;
    }
    chi_square(&counts, &vec![n as f64 / counts.len() as f64; counts.len()], 0, ALPHA)
}

#[test]
fn pairs_fill_the_plane_evenly() {
    const N: u64 = 40_000_000;
    let mut family = Family::new(format!("pairs of {N} values on a grid of {GRID} x {GRID}"));
    let laws = [
        ("normal", Scheme::normal(0.0, 1.0), Cdf::normal(f64::NEG_INFINITY, f64::INFINITY)),
        ("uniform", Scheme::uniform(-1.0, 1.0), Cdf::new(-1.0, 1.0, 2, |x| (x + 1.0) / 2.0, |_| 0.5)),
    ];
    for (name, scheme, cdf) in laws {
        let x = values(&tensor("statistics.pairs", &[N], scheme, DType::F32).fill());
        // Within a pair of words, between the two pairs of a block, from one block to the next, and blocks apart.
        for (offset, lag) in [(0, 1), (1, 1), (2, 1), (3, 1), (0, 2), (1, 2), (0, 4), (1, 4), (0, 256)] {
            family.claim(format!("{name}, {offset} with {}", offset + lag), pairs(&x, &cdf, offset, lag, usize::MAX));
        }
        // The control: every hundredth pair repeats its first value.
        family.control(format!("{name}, repeating"), pairs(&x, &cdf, 0, 1, 100));
    }
    family.judge();
}
