//! What an engine does: its own device, its own encoder, its own buffers; seedbed records, the engine submits.
//!
//! `cargo run --release --example embed`
//!
//! The device's tests run every function of this file (tests/it/gpu/embedding.rs). The examples in the documentation of
//! `seedbed::gpu` need a device and are only compiled there: what they call is called here.

use seedbed::gpu::{self, Choice, Filler, FillerOptions, Gpu, KernelSet, Normalizer, Region, wgpu};
use seedbed::plan::{Plan, TensorSpec};
use seedbed::scheme::{Mode, Nonlinearity};
use seedbed::{DType, Scheme, StreamVersion, cpu};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Two layers in one buffer: what an engine would allocate for its weights.
fn plan() -> seedbed::Result<Plan> {
    let mut plan = Plan::new(StreamVersion::V1, 42);
    plan.push(&TensorSpec::new(
        "layers.0.weight",
        [512, 256],
        Scheme::kaiming_uniform(Mode::FanIn, Nonlinearity::Relu),
    )?)?;
    plan.push(&TensorSpec::new("layers.1.weight", [10, 512], Scheme::normal(0.0, 0.02))?.dtype(DType::BF16))?;
    Ok(plan)
}

fn buffer(device: &wgpu::Device, size: u64) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("weights"),
        size,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: false,
    })
}

/// Submits what was recorded, and reads `buffer` back.
fn read(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    mut encoder: wgpu::CommandEncoder,
    buffer: &wgpu::Buffer,
) -> Outcome<Vec<u8>> {
    let staging = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("staging"),
        size: buffer.size(),
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, buffer.size());
    queue.submit([encoder.finish()]);
    staging.map_async(wgpu::MapMode::Read, .., |_| {});
    device.poll(wgpu::PollType::wait_indefinitely())?;
    Ok(staging.get_mapped_range(..)?.to_vec())
}

/// Records both tensors before one submit, into a buffer that holds other things at its front. Returns whether the
/// bytes are the CPU's.
///
/// # Errors
/// Those of the library and of the device.
pub fn one_by_one(device: &wgpu::Device, queue: &wgpu::Queue, filler: &Filler) -> Outcome<bool> {
    let plan = plan()?;
    gpu::blocking::prepare(filler, &plan)?;
    let front = 1024;
    let weights = buffer(device, front + plan.device_bytes());
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    for tensor in plan.tensors() {
        filler.record(&mut encoder, &tensor.fill(), &weights, front + tensor.device_offset())?;
    }
    let bytes = read(device, queue, encoder, &weights)?;
    let mut same = true;
    for tensor in plan.tensors() {
        let mut expected = vec![0; tensor.bytes() as usize];
        cpu::fill(&tensor.fill(), &mut expected)?;
        let at = (front + tensor.device_offset()) as usize;
        same &= bytes[at..at + expected.len()] == expected;
        println!("{}: {} bytes, first {:02x?}", tensor.name(), expected.len(), &bytes[at..at + 8]);
    }
    Ok(same)
}

/// Records the whole plan into one buffer, and into two that hold it between them. Returns whether the bytes are the
/// same.
///
/// # Errors
/// Those of the library and of the device.
pub fn whole_plan(device: &wgpu::Device, queue: &wgpu::Queue, filler: &Filler) -> Outcome<bool> {
    let plan = plan()?;
    gpu::blocking::prepare(filler, &plan)?;
    let size = plan.device_bytes();
    let weights = buffer(device, size);
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    filler.record_plan(&mut encoder, &plan, &weights, 0)?;
    let whole = read(device, queue, encoder, &weights)?;

    let cut = size / 8 * 4;
    let mut halves = Vec::new();
    for (from, len) in [(0, cut), (cut, size - cut)] {
        let half = buffer(device, len);
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        filler.record_plan_range(&mut encoder, &plan, from, len, &half, 0)?;
        halves.extend(read(device, queue, encoder, &half)?);
    }
    Ok(whole == halves)
}

/// Scales the first tensor to Frobenius norm 1 where it lies. Returns whether its bytes are the CPU's.
///
/// # Errors
/// Those of the library and of the device.
pub fn normalized(device: &wgpu::Device, queue: &wgpu::Queue, filler: &Filler) -> Outcome<bool> {
    let plan = plan()?;
    gpu::blocking::prepare(filler, &plan)?;
    let tensor = &plan.tensors()[0];
    let weights = buffer(device, plan.device_bytes());
    let normalizer: Normalizer = gpu::blocking::normalizer(filler, queue)?;
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    filler.record_plan(&mut encoder, &plan, &weights, 0)?;
    let region = Region { buffer: &weights, offset: tensor.device_offset(), elements: tensor.bytes() / 4 };
    normalizer.record(&mut encoder, region, 1.0)?;
    let bytes = read(device, queue, encoder, &weights)?;

    let mut expected = vec![0f32; (tensor.bytes() / 4) as usize];
    cpu::fill(&tensor.fill(), bytemuck::cast_slice_mut(&mut expected))?;
    cpu::normalize(&mut expected, 1.0)?;
    Ok(bytes.starts_with(bytemuck::cast_slice(&expected)))
}

/// What a program without a device of its own does: an allocation that holds the plan, and the plan's bytes on the
/// host. Returns whether both are the CPU's, by a comparison of a law too.
///
/// # Errors
/// Those of the library and of the device.
pub fn opened(gpu: &Gpu) -> Outcome<bool> {
    let plan = plan()?;
    let weights = gpu::blocking::alloc(gpu, &plan)?;
    let encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let allocated = read(gpu.device(), gpu.queue(), encoder, &weights)?;

    let fills: Vec<_> = plan.tensors().iter().map(|tensor| tensor.fill()).collect();
    let mut streamed = Vec::new();
    gpu::blocking::stream(gpu, fills.iter().map(|fill| (fill, 0, fill.bytes())), &mut |bytes| {
        streamed.extend_from_slice(bytes);
        Ok(())
    })?;
    let mut same = true;
    let mut at = 0;
    for tensor in plan.tensors() {
        let mut expected = vec![0; tensor.bytes() as usize];
        cpu::fill(&tensor.fill(), &mut expected)?;
        same &= allocated[tensor.device_offset() as usize..].starts_with(&expected);
        same &= streamed[at..].starts_with(&expected);
        at += expected.len();
    }
    let scheme = Scheme::normal(0.0, 0.02);
    let differing = gpu::blocking::compare(gpu, scheme, DType::BF16, 100_000, 1 << 16, &mut |_| Ok(()))?;
    Ok(same && differing == 0)
}

/// The device that an engine would have: here, that of the first adapter.
#[allow(dead_code, reason = "only `main` needs it")]
fn engine_device() -> Outcome<(wgpu::Device, wgpu::Queue)> {
    let adapters = gpu::blocking::adapters();
    let adapter = adapters.first().ok_or("no adapter found")?;
    println!("{}", adapter.get_info().name);
    Ok(pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        required_features: adapter.features() & wgpu::Features::SHADER_INT64,
        ..Default::default()
    }))?)
}

#[allow(dead_code, reason = "the tests include this file and call its functions with a device of their own")]
fn main() -> Outcome<()> {
    let (device, queue) = engine_device()?;
    let filler = gpu::blocking::filler(&device, &queue, &FillerOptions::default())?;
    println!("{}, {}", filler.tier(), filler.mul_wide());
    // Once, while loading: compiles and checks what the plan needs.
    let plan = plan()?;
    gpu::blocking::prepare(&filler, &plan)?;
    let mut same = one_by_one(&device, &queue, &filler)?;
    same &= whole_plan(&device, &queue, &filler)?;
    same &= normalized(&device, &queue, &filler)?;
    // Without a device of its own:
    let mut options = FillerOptions::default();
    options.kernels = KernelSet::of_schemes(&[Scheme::normal(0.0, 0.02)], &[DType::F32, DType::BF16])?;
    match gpu::blocking::open(Choice::Auto, &options, &mut |notice| eprintln!("{notice}"))? {
        Some(gpu) => same &= opened(&gpu)?,
        None => println!("no hardware GPU: the CPU would do the work"),
    }
    if !same {
        return Err("the device's bytes are not the CPU's".into());
    }
    Ok(())
}
