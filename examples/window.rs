//! A buffer of weights that is larger than what the device binds at once.
//!
//! `cargo run --release --example window`
//!
//! A recording cuts its own bindings, so that the engine need not: it gives the buffer and the offset. An engine that
//! binds its weights through windows of its own may fill each window when it comes to it: any range of a tensor, at any
//! element. tests/it/gpu/embedding.rs runs this file on a device that was opened with a small limit.

use seedbed::gpu::{FillerOptions, blocking, wgpu};
use seedbed::plan::{Plan, TensorSpec};
use seedbed::{DType, Scheme, StreamVersion, cpu};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The most that the device of this example binds.
const BINDING: u64 = 1 << 20;

/// Fills a buffer of more than three bindings in one recording, and a second one window by window. Returns whether both
/// hold the CPU's bytes.
///
/// # Errors
/// Those of the library and of the device.
pub fn fill_windows(adapter: &wgpu::Adapter) -> Outcome<bool> {
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        required_features: adapter.features() & wgpu::Features::SHADER_INT64,
        required_limits: wgpu::Limits { max_storage_buffer_binding_size: BINDING, ..adapter.limits() },
        ..Default::default()
    }))?;
    let filler = blocking::filler(&device, &queue, &FillerOptions::default())?;
    let mut plan = Plan::new(StreamVersion::V1, 42);
    let elements = 3 * BINDING / 2 + 12_345;
    let spec = TensorSpec::new("wte.weight", [elements], Scheme::normal(0.0, 0.02))?.dtype(DType::BF16);
    let fill = plan.push(&spec)?.fill();
    blocking::prepare(&filler, &fill)?;
    let mut expected = vec![0; fill.device_bytes() as usize];
    cpu::fill(&fill, &mut expected)?;

    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
    let desc = |usage| wgpu::BufferDescriptor {
        label: Some("weights"),
        size: fill.device_bytes(),
        usage,
        mapped_at_creation: false,
    };
    let (whole, in_windows) = (device.create_buffer(&desc(usage)), device.create_buffer(&desc(usage)));
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    filler.record(&mut encoder, &fill, &whole, 0)?;
    queue.submit([encoder.finish()]);

    // The engine's windows, in the order in which it comes to them: here from the last to the first.
    let step = BINDING / 4;
    for from in (0..fill.device_bytes()).step_by(step as usize).collect::<Vec<_>>().into_iter().rev() {
        let len = step.min(fill.device_bytes() - from);
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        filler.record_range(&mut encoder, &fill, from, len, &in_windows, from)?;
        queue.submit([encoder.finish()]);
    }

    let mut same = true;
    for buffer in [&whole, &in_windows] {
        let staging = device.create_buffer(&desc(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST));
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, buffer.size());
        queue.submit([encoder.finish()]);
        staging.map_async(wgpu::MapMode::Read, .., |_| {});
        device.poll(wgpu::PollType::wait_indefinitely())?;
        same &= staging.get_mapped_range(..)?[..] == expected[..];
    }
    println!("{} bytes through bindings of {BINDING}", fill.device_bytes());
    Ok(same)
}

#[allow(dead_code, reason = "the tests include this file and call its functions with an adapter of their own")]
fn main() -> Outcome<()> {
    let adapter = blocking::adapters().into_iter().next().ok_or("no adapter found")?;
    println!("{}", adapter.get_info().name);
    if !fill_windows(&adapter)? {
        return Err("the device's bytes are not the CPU's".into());
    }
    Ok(())
}
