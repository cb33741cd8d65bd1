//! Devices that were opened with low limits: the same bytes, or an error before anything is recorded.

use super::{POISON, arena, poisoned, read, shared};
use seedbed::gpu::{FillerOptions, Gpu, blocking, wgpu};
use seedbed::plan::{Part, Plan, Slab, TensorSpec};
use seedbed::{DType, Scheme, StreamVersion};

/// The shared adapter with other limits.
fn opened(gpu: &Gpu, limits: wgpu::Limits, orthogonal: bool) -> seedbed::Result<Gpu> {
    let adapter = blocking::adapters().into_iter().find(|a| a.get_info() == *gpu.info()).unwrap();
    let desc = wgpu::DeviceDescriptor {
        required_features: adapter.features() & wgpu::Features::SHADER_INT64,
        required_limits: limits,
        ..wgpu::DeviceDescriptor::default()
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&desc)).unwrap();
    let mut options = FillerOptions::default();
    options.tier = Some(gpu.filler().tier());
    options.orthogonal = orthogonal;
    let filler = blocking::filler(&device, &queue, &options)?;
    Ok(Gpu::from_parts(gpu.info().clone(), device, queue, filler))
}

/// Runs, boxes, shared words, structured laws, and orthogonal matrices.
fn plan() -> Plan {
    let mut plan = Plan::new(StreamVersion::V1, 3);
    let normal = Scheme::normal(0.0, 1.0);
    plan.push(&TensorSpec::new("long", [50_001], normal).unwrap()).unwrap();
    plan.push(&TensorSpec::transposed("transposed", [101, 203], normal).unwrap().dtype(DType::BF16)).unwrap();
    let part =
        |at, width| Part::new(format!("part {at}"), [31, width], normal, Slab::new([0, at], [31, width])).unwrap();
    let parts = vec![part(0, 3), part(3, 5), part(8, 41)];
    plan.push(&TensorSpec::with_parts("parts", [31, 49], [31, 49], parts).unwrap().dtype(DType::F16)).unwrap();
    plan.push(&TensorSpec::new("identity", [70, 90], Scheme::identity(1.0)).unwrap()).unwrap();
    plan.push(&TensorSpec::new("orthogonal", [70, 66], Scheme::orthogonal(1.0, 0)).unwrap()).unwrap();
    for k in 0..300 {
        plan.push(&TensorSpec::new(format!("small {k}"), [7], normal).unwrap()).unwrap();
    }
    plan
}

/// The plan on a device: Ok with the twin's bytes, or an error after which the encoder is submitted all the same and
/// the buffer is as it was.
fn outcome(gpu: &Gpu, plan: &Plan) -> seedbed::Result<()> {
    blocking::prepare(gpu.filler(), plan)?;
    let expected = arena(plan, POISON, (1, 1));
    let buffer = poisoned(gpu.device(), expected.len());
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let recorded = gpu.filler().record_plan(&mut encoder, plan, &buffer, 4);
    let got = read(gpu, encoder, &buffer);
    match recorded {
        Ok(()) => assert!(got == expected),
        Err(_) => assert!(got.iter().all(|&word| word == POISON), "something was recorded before the error"),
    }
    recorded
}

#[test]
fn a_limit_that_is_low_changes_no_byte() {
    let gpu = shared();
    let plan = plan();
    let most = gpu.device().limits();
    let low = [
        wgpu::Limits { max_storage_buffer_binding_size: 1 << 16, ..most.clone() },
        wgpu::Limits { max_buffer_size: 1 << 20, max_storage_buffer_binding_size: 1 << 17, ..most.clone() },
        wgpu::Limits { max_compute_workgroups_per_dimension: 16, ..most.clone() },
        wgpu::Limits { max_compute_invocations_per_workgroup: 64, max_compute_workgroup_size_x: 64, ..most.clone() },
        wgpu::Limits { max_compute_workgroup_storage_size: 256, ..most.clone() },
        wgpu::Limits { max_storage_buffers_per_shader_stage: 4, ..most.clone() },
        wgpu::Limits { max_bindings_per_bind_group: 4, max_bind_groups: 1, ..most.clone() },
    ];
    for (k, limits) in low.into_iter().enumerate() {
        let low = opened(gpu, limits, true).unwrap_or_else(|e| panic!("limits {k}: {e}"));
        outcome(&low, &plan).unwrap_or_else(|e| panic!("limits {k}: {e}"));
    }
}

#[test]
fn a_limit_that_is_too_low_is_an_error_with_its_name() {
    let gpu = shared();
    let most = gpu.device().limits();
    for (limits, name) in [
        (
            wgpu::Limits { max_storage_buffers_per_shader_stage: 3, ..most.clone() },
            "max_storage_buffers_per_shader_stage 3: the kernels need 4",
        ),
        (wgpu::Limits { max_bindings_per_bind_group: 3, ..most.clone() }, "max_bindings_per_bind_group 3"),
        (
            wgpu::Limits { max_compute_invocations_per_workgroup: 32, ..most.clone() },
            "max_compute_invocations_per_workgroup 32",
        ),
        (wgpu::Limits { max_compute_workgroup_size_x: 32, ..most.clone() }, "max_compute_workgroup_size_x 32"),
        (wgpu::Limits { max_storage_buffer_binding_size: 4096, ..most.clone() }, "max_storage_buffer_binding_size"),
    ] {
        let text = opened(gpu, limits, false).map(drop).unwrap_err().to_string();
        assert!(text.contains(name) && !text.contains('\n'), "{text}");
    }
}

/// More workgroups than the device dispatches at once: an error that names the tensor, and an encoder that is sound.
#[test]
fn more_workgroups_than_the_device_takes_are_an_error_or_several_dispatches() {
    let gpu = shared();
    let limits = wgpu::Limits { max_compute_workgroups_per_dimension: 4, ..gpu.device().limits() };
    let low = opened(gpu, limits, false).unwrap();
    let mut plan = Plan::new(StreamVersion::V1, 3);
    plan.push(&TensorSpec::new("large", [5_000_000], Scheme::ones()).unwrap()).unwrap();
    if let Err(e) = outcome(&low, &plan) {
        assert!(e.to_string().starts_with("tensor large: "), "{e}");
    }
}

/// Two million descriptors exceed one binding, and no caller of `alloc` could record fewer at once.
#[test]
#[ignore = "600,000 tensors take half a minute on a software device"]
fn an_allocation_of_very_many_tensors() {
    let gpu = shared();
    let mut plan = Plan::new(StreamVersion::V1, 3);
    for k in 0..600_000 {
        plan.push(&TensorSpec::new(format!("{k}"), [3], Scheme::ones()).unwrap()).unwrap();
    }
    let buffer = blocking::alloc(gpu, &plan).unwrap();
    let encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    assert!(read(gpu, encoder, &buffer) == arena(&plan, 0, (0, 0)));
}
