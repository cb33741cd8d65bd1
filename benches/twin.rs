//! The CPU twin on all cores: 64 MiB of every plain law in every dtype, and 4 MiB of the structured ones. `cargo bench
//! --bench twin`

mod common;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use seedbed::cpu;
use std::hint::black_box;

const BYTES: u64 = 64 << 20;

fn structured(c: &mut Criterion) {
    let mut group = c.benchmark_group("twin, structured");
    let (rows, bytes) = (1024, 4 << 20);
    group.sample_size(10).throughput(Throughput::Bytes(bytes));
    let mut out = vec![0; bytes as usize];
    for (text, fill) in common::structured(rows) {
        group.bench_function(text, |b| {
            b.iter(|| cpu::fill(&fill, black_box(&mut out)).expect("a buffer of the right size"));
        });
    }
    group.finish();
}

fn twin(c: &mut Criterion) {
    let mut group = c.benchmark_group("twin");
    group.sample_size(10).throughput(Throughput::Bytes(BYTES));
    let mut out = vec![0; BYTES as usize];
    for (name, scheme) in common::independent() {
        for (dtype, fill) in common::of_each_dtype(name, scheme, BYTES) {
            group.bench_with_input(BenchmarkId::new(name, dtype), &fill, |b, fill| {
                b.iter(|| cpu::fill(fill, black_box(&mut out)).expect("a buffer of the right size"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, twin, structured);
criterion_main!(benches);
