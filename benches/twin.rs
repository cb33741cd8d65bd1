//! The CPU twin on all cores: 64 MiB of every law and dtype. `cargo bench --bench twin`

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use seedbed::plan::{Plan, TensorSpec};
use seedbed::scheme::{Bounds, StdOf};
use seedbed::{DType, Scheme, StreamVersion, cpu};
use std::hint::black_box;

const BYTES: u64 = 64 << 20;

/// One of each kind beyond laws of independent elements, in its text form, over [rows, 1024].
const OF_PLACES: [&str; 9] = [
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

fn places(c: &mut Criterion) {
    let mut group = c.benchmark_group("twin, places");
    let (rows, bytes) = (1024, 4 << 20);
    group.sample_size(10).throughput(Throughput::Bytes(bytes));
    let mut out = vec![0; bytes as usize];
    for text in OF_PLACES {
        let mut plan = Plan::new(StreamVersion::V1, 1);
        let spec = TensorSpec::new(text, [rows, 1024], text.parse().expect("a scheme")).expect("a valid shape");
        let fill = plan.push(&spec).expect("a valid law").fill();
        group.bench_function(text, |b| {
            b.iter(|| cpu::fill(&fill, black_box(&mut out)).expect("a buffer of the right size"))
        });
    }
    group.finish();
}

fn twin(c: &mut Criterion) {
    let mut group = c.benchmark_group("twin");
    group.sample_size(10).throughput(Throughput::Bytes(BYTES));
    let schemes = [
        ("uniform", Scheme::uniform(-0.1, 0.1)),
        ("normal", Scheme::normal(0.0, 0.02)),
        ("truncated", Scheme::truncated_normal(0.0, 0.02, Bounds::TWO_SIGMA, StdOf::Parent)),
    ];
    let mut out = vec![0; BYTES as usize];
    for (name, scheme) in schemes {
        for dtype in DType::ALL {
            let mut plan = Plan::new(StreamVersion::V1, 1);
            let spec = TensorSpec::new(name, [BYTES / dtype.size()], scheme).expect("a valid shape").dtype(dtype);
            let fill = plan.push(&spec).expect("a valid law").fill();
            group.bench_with_input(BenchmarkId::new(name, dtype), &fill, |b, fill| {
                b.iter(|| cpu::fill(fill, black_box(&mut out)).expect("a buffer of the right size"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, twin, places);
criterion_main!(benches);
