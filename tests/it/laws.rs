//! The laws that every test runs over, and the shortest way to a planned tensor.

use seedbed::plan::{Plan, PlannedTensor, TensorSpec};
use seedbed::scheme::{Bounds, StdOf};
use seedbed::{DType, Scheme, StreamVersion};
use std::f64::consts::FRAC_1_SQRT_2;

pub const SEED: u64 = 20_260_713;

/// The windows of N(0, 1): name, low end, high end.
pub const WINDOWS: [(&str, f64, f64); 6] = [
    ("central", -2.0, 2.0),
    ("one-sided", 0.0, f64::INFINITY),
    ("tail", 5.0, 6.0),
    ("narrow", 0.1, 0.1001),
    ("wide", -100.0, 100.0),
    ("lopsided", -0.5, 4.0),
];

/// N(0, 1) on [lo, hi].
pub fn cut(lo: f64, hi: f64) -> Scheme {
    Scheme::truncated_normal(0.0, 1.0, Bounds::Absolute(lo, hi), StdOf::Parent)
}

/// Every law, also with numbers that are no powers of two, and windows turned round.
pub fn every_law() -> Vec<(String, Scheme)> {
    let mut laws = vec![
        ("constant".to_owned(), Scheme::constant(1.0 / 3.0)),
        ("uniform".to_owned(), Scheme::uniform(-1.0, 1.0)),
        ("uniform on (-0.01, 0.03)".to_owned(), Scheme::uniform(-0.01, 0.03)),
        ("normal".to_owned(), Scheme::normal(0.0, 1.0)),
        ("normal of GPT-2".to_owned(), Scheme::normal(0.0, 0.02)),
        ("normal off zero".to_owned(), Scheme::normal(-3.0, FRAC_1_SQRT_2)),
        ("turned".to_owned(), cut(f64::NEG_INFINITY, -4.5)),
        ("central of std 0.02".to_owned(), Scheme::truncated_normal(0.0, 0.02, Bounds::TWO_SIGMA, StdOf::Cut)),
    ];
    laws.extend(WINDOWS.map(|(name, lo, hi)| (name.to_owned(), cut(lo, hi))));
    laws
}

/// The tensor as a plan of its own has it.
#[track_caller]
pub fn planned(spec: &TensorSpec) -> PlannedTensor {
    Plan::new(StreamVersion::V1, SEED).push(spec).unwrap().clone()
}

/// A tensor that is one logical tensor.
#[track_caller]
pub fn tensor(name: &str, dims: &[u64], scheme: Scheme, dtype: DType) -> PlannedTensor {
    planned(&TensorSpec::new(name, dims, scheme).unwrap().dtype(dtype))
}
