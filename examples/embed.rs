//! What an engine does: its own device, its own encoder, its own buffer; seedbed records, the engine submits.
//!
//! `cargo run --release --example embed`

use seedbed::gpu::{self, Filler, FillerOptions, wgpu};
use seedbed::plan::{Plan, TensorSpec};
use seedbed::scheme::{Mode, Nonlinearity};
use seedbed::{DType, Scheme, StreamVersion, cpu};

/// Two layers in one arena: what an engine would allocate for its weights.
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

/// Records both tensors before one submit, into a buffer that holds other things at its front, and reads them back.
pub fn run(device: &wgpu::Device, queue: &wgpu::Queue, filler: &Filler) -> Result<bool, Box<dyn std::error::Error>> {
    let plan = plan()?;
    let front = 1024;
    let size = front + plan.device_bytes();
    let arena = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("weights"),
        size,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: false,
    });
    let staging = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("staging"),
        size,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });

    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    for tensor in plan.tensors() {
        filler.record(&mut encoder, &tensor.fill(), &arena, front + tensor.device_offset())?;
    }
    encoder.copy_buffer_to_buffer(&arena, 0, &staging, 0, size);
    queue.submit([encoder.finish()]);

    staging.map_async(wgpu::MapMode::Read, .., |_| {});
    device.poll(wgpu::PollType::wait_indefinitely())?;
    let view = staging.get_mapped_range(..)?;
    let mut same = true;
    for tensor in plan.tensors() {
        let mut expected = vec![0; tensor.bytes() as usize];
        cpu::fill(&tensor.fill(), &mut expected)?;
        let at = (front + tensor.device_offset()) as usize;
        same &= view[at..at + expected.len()] == expected;
        println!("{}: {} bytes, first {:02x?}", tensor.name(), expected.len(), &view[at..at + 8]);
    }
    Ok(same)
}

#[allow(dead_code, reason = "the tests include this file and call `run` with a device of their own")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let adapters = gpu::blocking::adapters();
    let adapter = adapters.first().ok_or("no adapter found")?;
    println!("{}", adapter.get_info().name);
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        required_features: adapter.features() & wgpu::Features::SHADER_INT64,
        ..Default::default()
    }))?;
    let filler = gpu::blocking::filler(&device, &queue, &FillerOptions::default())?;
    println!("{}, {:?}", filler.tier(), filler.mul_wide());
    if !run(&device, &queue, &filler)? {
        return Err("the device's bytes are not the CPU's".into());
    }
    Ok(())
}
