//! Fills that are larger than one binding are dispatched range by range, and give the same words.

use super::{POISON, arena, check, poisoned, read, shared};
use seedbed::gpu::{Filler, FillerOptions, blocking, wgpu};
use seedbed::plan::{Plan, Slab, TensorSpec};
use seedbed::{DType, Scheme, StreamVersion};

#[test]
fn a_tensor_beyond_the_device_s_own_binding_limit() {
    let gpu = shared();
    let limit = gpu.device().limits().max_storage_buffer_binding_size;
    if limit > 1 << 28 {
        eprintln!("the device binds {limit} bytes: the small limit below stands for it");
        return;
    }
    let mut plan = Plan::new(StreamVersion::V1, 7);
    let spec = TensorSpec::new("large", [limit / 4 + 70_001], Scheme::uniform(-0.5, 0.5)).unwrap();
    let fill = plan.push(&spec).unwrap().fill();
    check(gpu, gpu.filler(), &[fill], 5);
}

/// The same device opened with a binding limit of 64 KiB, so that each of these fills takes many bindings.
#[test]
fn many_ranges_of_a_small_binding_limit() {
    let gpu = shared();
    let adapter = blocking::adapters().into_iter().find(|a| a.get_info().name == gpu.info().name).unwrap();
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        required_features: adapter.features() & wgpu::Features::SHADER_INT64,
        required_limits: wgpu::Limits { max_storage_buffer_binding_size: 65536, ..adapter.limits() },
        ..Default::default()
    }))
    .unwrap();
    let mut options = FillerOptions::default();
    options.tier = Some(gpu.filler().tier());
    let filler: Filler = blocking::filler(&device, &queue, &options).unwrap();
    let small = seedbed::gpu::Gpu::from_parts(gpu.info().clone(), device, queue, filler);
    let mut plan = Plan::new(StreamVersion::V1, 7);
    for (k, n) in [32767u64, 32768, 32769, 100_001].into_iter().enumerate() {
        plan.push(&TensorSpec::new(format!("{k}"), [n], Scheme::normal(0.0, 1.0)).unwrap().dtype(DType::BF16)).unwrap();
    }
    plan.push(&TensorSpec::transposed("t", [301, 403], Scheme::normal(0.0, 1.0)).unwrap().dtype(DType::BF16)).unwrap();
    let rows =
        plan.push(&TensorSpec::new("rows", [2003, 64], Scheme::normal(0.0, 1.0)).unwrap().dtype(DType::BF16)).unwrap();
    let columns = rows.fill_slab(&Slab::new([1, 16], [2001, 40])).unwrap();
    let mut fills: Vec<_> = plan.tensors().iter().map(|t| t.fill()).collect();
    fills.push(columns);
    check(&small, small.filler(), &fills, 3);
}

/// A model over three buffers, cut inside tensors: between them they hold what one would.
#[test]
fn a_plan_over_several_buffers() {
    let gpu = shared();
    let mut plan = Plan::new(StreamVersion::V1, 7);
    for (k, dtype) in DType::ALL.into_iter().cycle().take(12).enumerate() {
        let spec = TensorSpec::new(format!("{k}"), [997 + 3 * k as u64], Scheme::normal(0.0, 1.0)).unwrap();
        plan.push(&spec.dtype(dtype)).unwrap();
    }
    blocking::prepare(gpu.filler(), &plan).unwrap();
    let expected = arena(&plan, POISON, (0, 0));
    let mut got = Vec::new();
    for (from, to) in [(0, 1001), (1001, 1003), (1003, expected.len())] {
        let lead = 7;
        let buffer = poisoned(gpu.device(), lead + to - from);
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let (at, len) = (4 * from as u64, 4 * (to - from) as u64);
        gpu.filler().record_plan_range(&mut encoder, &plan, at, len, &buffer, 4 * lead as u64).unwrap();
        let read = read(gpu, encoder, &buffer);
        assert_eq!(read[..lead], [POISON; 7]);
        got.extend_from_slice(&read[lead..]);
    }
    assert_eq!(got, expected);
    let buffer = poisoned(gpu.device(), 10);
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    for (from, len) in [(2, 4), (0, 2), (plan.device_bytes(), 4), (0, 44), (u64::MAX - 3, 4)] {
        assert!(gpu.filler().record_plan_range(&mut encoder, &plan, from, len, &buffer, 0).is_err());
    }
}
