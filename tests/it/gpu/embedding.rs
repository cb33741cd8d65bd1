//! An engine with its own device, encoder and buffers; and what the examples in the documentation call, by
//! examples/embed.rs.

use super::{POISON, arena, poisoned, read, shared, twin};
use seedbed::gpu::{FillerOptions, KernelSet, blocking, wgpu};
use seedbed::plan::{Plan, TensorSpec};
use seedbed::{DType, Scheme, StreamVersion};

#[path = "../../../examples/embed.rs"]
mod embed;
#[path = "../../../examples/pages_time.rs"]
mod pages_time;
#[path = "../../../examples/render_loop.rs"]
mod render_loop;
#[path = "../../../examples/two_devices.rs"]
mod two_devices;
#[path = "../../../examples/window.rs"]
mod window;

#[test]
fn the_example_embeds_as_an_engine_would() {
    let gpu = shared();
    for run in [embed::one_by_one, embed::whole_plan, embed::normalized] {
        assert!(run(gpu.device(), gpu.queue(), gpu.filler()).unwrap());
    }
}

#[test]
fn the_example_records_in_the_frames_of_an_engine() {
    let gpu = shared();
    assert!(render_loop::frames(gpu.device(), gpu.queue(), gpu.filler()).unwrap());
}

/// With numbers so small that nothing can be said of the speed.
#[test]
fn the_example_that_measures_small_dispatches_runs() {
    let gpu = shared();
    let all = (gpu.device(), gpu.queue(), gpu.filler());
    let ratio = pages_time::ratio(all, (Scheme::normal(0.0, 1.0), DType::BF16), 5, 1).unwrap();
    let seconds = pages_time::parts_seconds(all, 4, 100, 1).unwrap();
    assert!(ratio > 0.0 && seconds > 0.0, "{ratio} {seconds}");
}

fn adapter() -> wgpu::Adapter {
    blocking::adapters().into_iter().find(|a| a.get_info() == *shared().info()).unwrap()
}

#[test]
fn the_example_fills_one_plan_on_two_devices() {
    let adapter = adapter();
    assert!(two_devices::halves([&adapter, &adapter]).unwrap());
}

#[test]
fn the_example_fills_a_buffer_larger_than_a_binding() {
    assert!(window::fill_windows(&adapter()).unwrap());
}

#[test]
fn the_example_fills_without_a_device_of_its_own() {
    assert!(embed::opened(shared()).unwrap());
}

/// Each recording owns its parameters: the second must not change what the first one will do.
#[test]
fn two_fills_recorded_before_one_submit_into_the_engine_s_buffer() {
    let gpu = shared();
    let mut plan = Plan::new(StreamVersion::V1, 3);
    plan.push(&TensorSpec::new("a", [1001], Scheme::normal(0.0, 1.0)).unwrap()).unwrap();
    plan.push(&TensorSpec::new("b", [501], Scheme::uniform(0.0, 1.0)).unwrap().dtype(DType::F16)).unwrap();
    let (a, b) = (plan.tensors()[0].fill(), plan.tensors()[1].fill());
    blocking::prepare(gpu.filler(), &plan).unwrap();
    let buffer = poisoned(gpu.device(), 4000);
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    // Off the 256-byte binding alignment, and over each other: the later recording wins.
    gpu.filler().record(&mut encoder, &a, &buffer, 4 * 61).unwrap();
    gpu.filler().record(&mut encoder, &b, &buffer, 4 * 1000).unwrap();
    let mut expected = vec![POISON; 4000];
    expected[61..61 + 1001].copy_from_slice(&twin(&a));
    expected[1000..1000 + 251].copy_from_slice(&twin(&b));
    assert_eq!(read(gpu, encoder, &buffer), expected);
}

/// Ten thousand tensors of four laws and every dtype in one recording: the buffer holds what each tensor would hold
/// alone.
#[test]
fn a_plan_of_ten_thousand_tensors_is_recorded_at_once() {
    let gpu = shared();
    let mut plan = Plan::new(StreamVersion::V1, 3);
    let schemes = seedbed::gpu::schemes();
    for k in 0..10_000u64 {
        let scheme = schemes[k as usize % 4].1;
        let dtype = DType::ALL[k as usize % 3];
        let spec = if k % 50 == 0 {
            TensorSpec::transposed(format!("{k}"), [7, 3 + k % 11], scheme)
        } else {
            TensorSpec::new(format!("{k}"), [1 + k % 301], scheme)
        };
        plan.push(&spec.unwrap().dtype(dtype)).unwrap();
    }
    let lead = 5;
    blocking::prepare(gpu.filler(), &plan).unwrap();
    let expected = arena(&plan, POISON, (lead, 3));
    let buffer = poisoned(gpu.device(), expected.len());
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    gpu.filler().record_plan(&mut encoder, &plan, &buffer, 4 * lead as u64).unwrap();
    assert_eq!(read(gpu, encoder, &buffer), expected);
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    assert!(gpu.filler().record_plan(&mut encoder, &plan, &buffer, 4 * (lead as u64 + 40)).is_err());
}

/// A buffer that wgpu does not clear holds the plan, and zeros between its tensors.
#[test]
fn an_allocation_holds_the_plan_and_nothing_else() {
    let gpu = shared();
    let mut plan = Plan::new(StreamVersion::V1, 3);
    for n in [1u64, 5, 1 << 20, 77] {
        plan.push(&TensorSpec::new(format!("{n}"), [n], Scheme::normal(0.0, 1.0)).unwrap().dtype(DType::F16)).unwrap();
    }
    let expected = arena(&plan, 0, (0, 0));
    // Twice, so that the second may get the memory of the first.
    for _ in 0..2 {
        let buffer = blocking::alloc(gpu, &plan).unwrap();
        let encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        assert_eq!(read(gpu, encoder, &buffer), expected);
    }
}

/// A plan of 2^50 bytes is an error with its size, not a panic.
#[test]
fn an_allocation_that_is_refused_is_an_error() {
    let gpu = shared();
    let mut plan = Plan::new(StreamVersion::V1, 3);
    plan.push(&TensorSpec::new("w", [1 << 48], Scheme::normal(0.0, 1.0)).unwrap()).unwrap();
    let text = blocking::alloc(gpu, &plan).unwrap_err().to_string();
    assert!(text.contains("1125899906842624 bytes") && !text.contains('\n'), "{text}");
}

/// Kernels are kept in an engine's own pipeline cache, and a cache that is made of its data serves again.
#[test]
fn kernels_go_through_the_engine_s_pipeline_cache() {
    let gpu = shared();
    let adapter = blocking::adapters().into_iter().find(|a| a.get_info() == *gpu.info()).unwrap();
    let feature = wgpu::Features::PIPELINE_CACHE;
    if !adapter.features().contains(feature) {
        eprintln!("NOTHING TESTED: {} has no pipeline cache", gpu.info().name);
        return;
    }
    let desc = wgpu::DeviceDescriptor {
        required_features: feature,
        required_limits: adapter.limits(),
        ..wgpu::DeviceDescriptor::default()
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&desc)).unwrap();
    let mut sizes = Vec::new();
    let mut data: Option<Vec<u8>> = None;
    for _ in 0..2 {
        let desc = wgpu::PipelineCacheDescriptor { label: None, data: data.as_deref(), fallback: false };
        // SAFETY: the data is none, or what `get_data` returned for this very adapter.
        let cache = unsafe { device.create_pipeline_cache(&desc) };
        let mut options = FillerOptions::default();
        options.kernels = KernelSet::of_schemes(&[Scheme::normal(0.0, 1.0)], &[DType::F32]).unwrap();
        options.tier = Some(gpu.filler().tier());
        options.pipeline_cache = Some(cache.clone());
        let filler = blocking::filler(&device, &queue, &options).unwrap();
        assert_eq!(filler.tier(), gpu.filler().tier());
        data = cache.get_data();
        sizes.push(data.as_ref().map_or(0, Vec::len));
    }
    assert!(sizes[0] > 0 && sizes[1] >= sizes[0], "{sizes:?}");
}
