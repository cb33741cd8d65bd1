//! Weights that are made in the frames of an engine: recorded in the frame's own encoder, in front of the pass that
//! reads them, with no wait between frames.
//!
//! `cargo run --release --example render_loop`
//!
//! Kernels are compiled and tested while loading, where a wait does no harm. A frame then records and submits, as it
//! would without them: nothing in it compiles, polls or reads back. tests/it/gpu/embedding.rs runs this file.

use seedbed::gpu::{Filler, FillerOptions, PlacedFill, blocking, wgpu};
use seedbed::plan::{Plan, TensorSpec};
use seedbed::{DType, Scheme, StreamVersion, cpu};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const FRAMES: u64 = 6;
const ELEMENTS: u64 = 1 << 16;
/// Where each frame's weights lie in its page: behind what the engine keeps there, at a multiple of 16.
const OFFSET: u64 = 4096;

/// The engine's own pass: one number for each 256 weights.
const ENGINE: &str = "
@group(0) @binding(0) var<storage, read> page: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;
@compute @workgroup_size(64)
fn sum(@builtin(global_invocation_id) id: vec3<u32>) {
    var sum = 0.0;
    for (var k = 0u; k < 256u; k++) { sum += page[1024u + 256u * id.x + k]; }
    sums[id.x] = sum;
}";

/// One layer for each frame.
fn plan() -> seedbed::Result<Plan> {
    let mut plan = Plan::new(StreamVersion::V1, 42);
    for layer in 0..FRAMES {
        plan.push(&TensorSpec::new(format!("layers.{layer}.weight"), [256, 256], Scheme::normal(0.0, 0.02))?)?;
        plan.push(&TensorSpec::new(format!("layers.{layer}.bias"), [256], Scheme::zeros())?.dtype(DType::BF16))?;
    }
    Ok(plan)
}

fn buffer(device: &wgpu::Device, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor { label: Some("engine"), size, usage, mapped_at_creation: false })
}

/// Runs the frames. Returns whether the last page holds the CPU's bytes, and every frame's pass saw its weights.
///
/// # Errors
/// Those of the library and of the device.
pub fn frames(device: &wgpu::Device, queue: &wgpu::Queue, filler: &Filler) -> Outcome<bool> {
    // While loading: what to fill, the engine's pipeline, its pages.
    let plan = plan()?;
    let fills: Vec<_> = plan.tensors().iter().map(|tensor| tensor.fill()).collect();
    blocking::prepare(filler, &plan)?;
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("engine"),
        source: wgpu::ShaderSource::Wgsl(ENGINE.into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some("engine"),
        layout: None,
        module: &module,
        entry_point: Some("sum"),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    });
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
    let pages = [(); 2].map(|()| buffer(device, OFFSET + 4 * ELEMENTS + 4096, usage));
    let each = 4 * ELEMENTS / 256;
    let sums: Vec<_> = (0..FRAMES).map(|_| buffer(device, each, usage)).collect();
    let groups: Vec<_> = (0..FRAMES as usize)
        .map(|frame| {
            let entry = |binding, buffer: &wgpu::Buffer| (binding, buffer.clone());
            let bound = [entry(0, &pages[frame % 2]), entry(1, &sums[frame])];
            let entries = bound.each_ref().map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding: *binding,
                resource: buffer.as_entire_binding(),
            });
            let layout = pipeline.get_bind_group_layout(0);
            device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &layout, entries: &entries })
        })
        .collect();

    // The frames: two pages in turns, each written anew while the frame before may still be running. The queue runs
    // what it is given in order, and wgpu puts a barrier between the fill and the pass that reads it.
    for frame in 0..FRAMES as usize {
        let page = &pages[frame % 2];
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let [weight, bias] = &fills[2 * frame..2 * frame + 2] else { return Err("a layer is incomplete".into()) };
        let placed = [
            PlacedFill { fill: weight, buffer: page, offset: OFFSET },
            PlacedFill { fill: bias, buffer: page, offset: OFFSET + weight.device_bytes() },
        ];
        filler.record_all(&mut encoder, &placed)?;
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &groups[frame], &[]);
        pass.dispatch_workgroups((ELEMENTS / 256 / 64) as u32, 1, 1);
        drop(pass);
        queue.submit([encoder.finish()]);
    }

    // The end of the program: here it waits.
    let mut same = true;
    for (frame, sums) in sums.iter().enumerate() {
        let mut weights = vec![0f32; ELEMENTS as usize];
        cpu::fill(&fills[2 * frame], bytemuck::cast_slice_mut(&mut weights))?;
        let expected = weights.chunks(256).map(|row| row.iter().map(|&w| f64::from(w)).sum::<f64>());
        let got: Vec<f32> = bytemuck::pod_collect_to_vec(&read(device, queue, sums)?);
        // The engine's own sum is rounded at every step: 256 of them, of partial sums below 2.
        same &= got.iter().zip(expected).all(|(&got, expected)| (f64::from(got) - expected).abs() < 256.0 * 1.2e-7);
    }
    let last = fills.len() - 2;
    let page = read(device, queue, &pages[(FRAMES as usize - 1) % 2])?;
    let mut expected = vec![0; fills[last].bytes() as usize];
    cpu::fill(&fills[last], &mut expected)?;
    Ok(same && page[OFFSET as usize..].starts_with(&expected) && page[..OFFSET as usize].iter().all(|&b| b == 0))
}

fn read(device: &wgpu::Device, queue: &wgpu::Queue, from: &wgpu::Buffer) -> Outcome<Vec<u8>> {
    let staging = buffer(device, from.size(), wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_buffer_to_buffer(from, 0, &staging, 0, from.size());
    queue.submit([encoder.finish()]);
    staging.map_async(wgpu::MapMode::Read, .., |_| {});
    device.poll(wgpu::PollType::wait_indefinitely())?;
    Ok(staging.get_mapped_range(..)?.to_vec())
}

#[allow(dead_code, reason = "the tests include this file and call its functions with a device of their own")]
fn main() -> Outcome<()> {
    let adapter = blocking::adapters().into_iter().next().ok_or("no adapter found")?;
    println!("{}", adapter.get_info().name);
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        required_features: adapter.features() & wgpu::Features::SHADER_INT64,
        ..Default::default()
    }))?;
    let filler = blocking::filler(&device, &queue, &FillerOptions::default())?;
    if !frames(&device, &queue, &filler)? {
        return Err("a frame saw other weights than the CPU's".into());
    }
    println!("{FRAMES} frames, each with weights of its own");
    Ok(())
}
