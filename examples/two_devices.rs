//! One model on two devices: each holds a part of one plan, and together they hold what one of them would.
//!
//! `cargo run --release --example two_devices`
//!
//! A weight depends on the seed, the tensor's name and the element's index alone, so that the devices exchange nothing
//! and need not be alike. tests/it/gpu/embedding.rs runs this file with one adapter, opened twice.

use seedbed::gpu::{FillerOptions, blocking, wgpu};
use seedbed::plan::{Plan, Slab, TensorSpec};
use seedbed::{DType, Scheme, StreamVersion, cpu};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn plan() -> seedbed::Result<Plan> {
    let mut plan = Plan::new(StreamVersion::V1, 42);
    plan.push(&TensorSpec::new("wte.weight", [1001, 64], Scheme::normal(0.0, 0.02))?.dtype(DType::BF16))?;
    plan.push(&TensorSpec::new("ln.weight", [64], Scheme::ones())?)?;
    plan.push(&TensorSpec::new("head.weight", [333, 64], Scheme::torch_linear())?.dtype(DType::F16))?;
    Ok(plan)
}

/// What one device holds: bytes of the plan, cut wherever it falls, and a shard of a tensor that is dealt out in turns.
fn of_one(adapter: &wgpu::Adapter, plan: &Plan, (from, to): (u64, u64), shard: &[Slab]) -> Outcome<[Vec<u8>; 2]> {
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        required_features: adapter.features() & wgpu::Features::SHADER_INT64,
        ..Default::default()
    }))?;
    let filler = blocking::filler(&device, &queue, &FillerOptions::default())?;
    println!("{}: bytes {from}..{to}, {}", adapter.get_info().name, filler.tier());
    let shard = plan.tensors()[0].fill_boxes(shard)?;
    blocking::prepare(&filler, plan)?;
    blocking::prepare(&filler, &shard)?;
    let mut read_back = Vec::new();
    for size in [to - from, shard.device_bytes()] {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        let desc = |usage| wgpu::BufferDescriptor { label: Some("weights"), size, usage, mapped_at_creation: false };
        let weights = device.create_buffer(&desc(usage));
        let staging = device.create_buffer(&desc(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST));
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        if read_back.is_empty() {
            filler.record_plan_range(&mut encoder, plan, from, to - from, &weights, 0)?;
        } else {
            filler.record(&mut encoder, &shard, &weights, 0)?;
        }
        encoder.copy_buffer_to_buffer(&weights, 0, &staging, 0, size);
        queue.submit([encoder.finish()]);
        staging.map_async(wgpu::MapMode::Read, .., |_| {});
        device.poll(wgpu::PollType::wait_indefinitely())?;
        read_back.push(staging.get_mapped_range(..)?.to_vec());
    }
    read_back.try_into().map_err(|_| "two buffers were read".into())
}

/// Fills one plan on two adapters, or twice on the same one. Returns whether all bytes are the CPU's.
///
/// # Errors
/// Those of the library and of the devices.
pub fn halves(adapters: [&wgpu::Adapter; 2]) -> Outcome<bool> {
    let plan = plan()?;
    let (size, cut) = (plan.device_bytes(), plan.device_bytes() / 8 * 4);
    // Rows 0-249 and 500-749 here, 250-499 and 750-1000 there.
    let shards = [[(0, 250), (500, 250)], [(250, 250), (750, 251)]]
        .map(|shard| shard.map(|(row, rows)| Slab::new([row, 0], [rows, 64])));
    let [first, second] =
        [of_one(adapters[0], &plan, (0, cut), &shards[0])?, of_one(adapters[1], &plan, (cut, size), &shards[1])?];
    let both = [&first[0][..], &second[0]].concat();
    let mut same = both.len() as u64 == size;
    for tensor in plan.tensors() {
        let mut expected = vec![0; tensor.bytes() as usize];
        cpu::fill(&tensor.fill(), &mut expected)?;
        same &= both[tensor.device_offset() as usize..].starts_with(&expected);
    }
    // The shards, put together again: rows of the first one, of the second one, of the first one, of the second one.
    let (a, b) = (first[1].split_at(250 * 128), second[1].split_at(250 * 128));
    let mut expected = vec![0; plan.tensors()[0].bytes() as usize];
    cpu::fill(&plan.tensors()[0].fill(), &mut expected)?;
    Ok(same && [a.0, b.0, a.1, b.1].concat() == expected)
}

#[allow(dead_code, reason = "the tests include this file and call its functions with adapters of their own")]
fn main() -> Outcome<()> {
    let adapters = blocking::adapters();
    let first = adapters.first().ok_or("no adapter found")?;
    if !halves([first, adapters.get(1).unwrap_or(first)])? {
        return Err("the devices' bytes are not the CPU's".into());
    }
    Ok(())
}
