//! Orthogonal matrices in a device's buffers: made by the host and copied, or made by the device.

use super::{POISON, arena, poisoned, read, shared};
use seedbed::gpu::{FillerOptions, blocking, wgpu};
use seedbed::plan::{Plan, Slab, TensorSpec};
use seedbed::{DType, Scheme, StreamVersion, cpu};

fn plan() -> Plan {
    let mut plan = Plan::new(StreamVersion::V1, 3);
    for (name, dims, scheme, dtype) in [
        ("a", &[33u64][..], Scheme::normal(0.0, 1.0), DType::F32),
        ("b", &[150, 131], Scheme::orthogonal(1.0, 0), DType::F32),
        ("c", &[3, 5, 7], Scheme::orthogonal(0.5, 1), DType::BF16),
        ("d", &[77], Scheme::uniform(0.0, 1.0), DType::F16),
        ("e", &[6, 4, 3], Scheme::delta_orthogonal(1.0), DType::F16),
    ] {
        plan.push(&TensorSpec::new(name, dims, scheme).unwrap().dtype(dtype)).unwrap();
    }
    plan
}

#[test]
fn a_plan_with_matrices_holds_the_twin_s_bytes() {
    let gpu = shared();
    let plan = plan();
    blocking::prepare(gpu.filler(), &plan).unwrap();
    let lead = 3;
    let expected = arena(&plan, POISON, (lead, 2));
    let buffer = poisoned(gpu.device(), expected.len());
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    gpu.filler().record_plan(&mut encoder, &plan, &buffer, 4 * lead as u64).unwrap();
    assert_eq!(read(gpu, encoder, &buffer), expected);
}

#[test]
fn streams_and_slabs_of_matrices_are_the_twin_s() {
    let gpu = shared();
    let plan = plan();
    let slab = plan.tensors()[1].fill_slab(&Slab::new([7, 5], [90, 101])).unwrap();
    for fill in plan.tensors().iter().map(|t| t.fill()).chain([slab]) {
        let (mut got, mut wanted) = (vec![0; fill.bytes() as usize], vec![0; fill.bytes() as usize]);
        blocking::fill_range(gpu, &fill, 0, &mut got).unwrap();
        cpu::fill(&fill, &mut wanted).unwrap();
        assert!(got == wanted, "{}", fill.name());
    }
}

#[test]
fn a_buffer_that_takes_no_copies_is_refused() {
    let gpu = shared();
    blocking::prepare(gpu.filler(), &plan()).unwrap();
    let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 1 << 20,
        usage: wgpu::BufferUsages::STORAGE,
        mapped_at_creation: false,
    });
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let text = gpu.filler().record_plan(&mut encoder, &plan(), &buffer, 0).unwrap_err().to_string();
    assert!(text.contains("tensor b") && text.contains("COPY_DST"), "{text}");
}

/// The same plan by a filler whose device makes what is whole and f32, into a buffer that takes no copies.
#[test]
fn matrices_that_the_device_makes_are_the_twin_s() {
    let gpu = shared();
    let mut options = FillerOptions::default();
    options.tier = Some(gpu.filler().tier());
    options.orthogonal = true;
    let filler = blocking::filler(gpu.device(), gpu.queue(), &options).unwrap();
    let mut plan = Plan::new(StreamVersion::V1, 4);
    for (name, dims, batch) in [("a", &[150u64, 131][..], 0), ("b", &[4, 70, 66], 1), ("c", &[5, 3, 3, 3], 0)] {
        plan.push(&TensorSpec::new(name, dims, Scheme::orthogonal(1.0, batch)).unwrap()).unwrap();
        plan.push(&TensorSpec::new(format!("{name}.bias"), [7], Scheme::normal(0.0, 1.0)).unwrap()).unwrap();
    }
    assert!(!filler.is_prepared(&plan));
    blocking::prepare(&filler, &plan).unwrap();
    let lead = 5;
    let expected = arena(&plan, POISON, (lead, 2));
    let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 4 * expected.len() as u64,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: true,
    });
    let poison = vec![POISON; expected.len()];
    buffer.get_mapped_range_mut(..).unwrap().copy_from_slice(bytemuck::cast_slice(&poison));
    buffer.unmap();
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    filler.record_plan(&mut encoder, &plan, &buffer, 4 * lead as u64).unwrap();
    assert_eq!(read(gpu, encoder, &buffer), expected);
}
