//! The fills of both benches.

use seedbed::plan::{Plan, TensorSpec};
use seedbed::scheme::{Bounds, StdOf};
use seedbed::{DType, Fill, Scheme, StreamVersion};

/// One scheme of each kind whose elements are not independent, in its text form.
const STRUCTURED: [&str; 9] = [
    "identity",
    "near_identity(std=0.02)",
    "block_diagonal(4, 0.02)",
    "sparse(0.9)",
    "sinusoidal",
    "log_range",
    "dt_bias",
    "unit_frobenius",
    "orthogonal",
];

/// Their fills, over [rows, 1024].
pub fn structured(rows: u64) -> impl Iterator<Item = (&'static str, Fill)> {
    STRUCTURED.into_iter().map(move |text| {
        let scheme = text.parse().expect("a scheme");
        (text, fill_of(TensorSpec::new(text, [rows, 1024], scheme).expect("a valid shape")))
    })
}

/// The laws of independent elements.
pub fn independent() -> [(&'static str, Scheme); 3] {
    [
        ("uniform", Scheme::uniform(-0.1, 0.1)),
        ("normal", Scheme::normal(0.0, 0.02)),
        ("truncated", Scheme::truncated_normal(0.0, 0.02, Bounds::TWO_SIGMA, StdOf::Parent)),
    ]
}

/// Fills of so many bytes, in every dtype.
pub fn of_each_dtype(name: &'static str, scheme: Scheme, bytes: u64) -> impl Iterator<Item = (DType, Fill)> {
    DType::ALL.into_iter().map(move |dtype| {
        let spec = TensorSpec::new(name, [bytes / dtype.size()], scheme).expect("a valid shape");
        (dtype, fill_of(spec.dtype(dtype)))
    })
}

fn fill_of(spec: TensorSpec) -> Fill {
    Plan::new(StreamVersion::V1, 1).push(&spec).expect("a valid law").fill()
}
