//! Fills on the device that `SEEDBED_GPU` names (`gpu`, the default, or `gpu:N`): 64 MiB of every law and dtype on
//! hardware, 4 MiB on a software adapter. Times are wall times around submit and wait; `seedbed bench` has GPU
//! timestamps.
//!
//! `cargo bench --bench device`

mod common;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use seedbed::Scheme;
use seedbed::gpu::{Choice, FillerOptions, Gpu, blocking, is_software, wgpu};

fn open() -> Option<Gpu> {
    let choice = std::env::var("SEEDBED_GPU").unwrap_or_else(|_| "gpu".to_owned());
    let Ok(choice @ (Choice::Gpu | Choice::Index(_))) = choice.parse() else {
        eprintln!("NOTHING MEASURED: SEEDBED_GPU={choice}, name gpu or gpu:N");
        return None;
    };
    match blocking::open(choice, &FillerOptions::default(), &mut |notice| eprintln!("{notice}")) {
        Ok(gpu) => gpu,
        Err(e) => {
            eprintln!("NOTHING MEASURED: {e}");
            None
        }
    }
}

fn submit(gpu: &Gpu, record: impl FnOnce(&mut wgpu::CommandEncoder)) {
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    record(&mut encoder);
    gpu.queue().submit([encoder.finish()]);
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
}

fn structured(c: &mut Criterion) {
    let Some(gpu) = open() else { return };
    // A software adapter is slower: it takes the soft tier, and the host makes its orthogonal matrices.
    let rows: u64 = if is_software(gpu.info()) { 256 } else { 16_384 };
    let bytes = 4 * 1024 * rows;
    let out = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: bytes,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut group = c.benchmark_group("device, structured");
    group.sample_size(10).throughput(Throughput::Bytes(bytes));
    for (text, fill) in common::structured(rows) {
        blocking::prepare(gpu.filler(), &fill).expect("kernels that give the CPU's bits");
        group.bench_function(text, |b| {
            b.iter(|| submit(&gpu, |e| gpu.filler().record(e, &fill, &out, 0).expect("a buffer of the right size")));
        });
    }
    group.finish();
}

fn device(c: &mut Criterion) {
    let Some(gpu) = open() else { return };
    println!("{}, {}, {}", gpu.info().name, gpu.info().driver_info, gpu.filler().tier());
    let bytes: u64 = if is_software(gpu.info()) { 4 << 20 } else { 64 << 20 };
    let out = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: bytes,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut group = c.benchmark_group("device");
    group.sample_size(10).throughput(Throughput::Bytes(bytes));
    group.bench_function("clear", |b| b.iter(|| submit(&gpu, |encoder| encoder.clear_buffer(&out, 0, None))));
    for (name, scheme) in [("constant", Scheme::constant(0.02))].into_iter().chain(common::independent()) {
        for (dtype, fill) in common::of_each_dtype(name, scheme, bytes) {
            blocking::prepare(gpu.filler(), &fill).expect("kernels that give the CPU's bits");
            group.bench_with_input(BenchmarkId::new(name, dtype), &fill, |b, fill| {
                b.iter(|| submit(&gpu, |e| gpu.filler().record(e, fill, &out, 0).expect("a buffer of the right size")));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, device, structured);
criterion_main!(benches);
