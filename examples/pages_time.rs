//! What small dispatches cost: thousands of tensors in shared pages beside one tensor of the same total, and parts that
//! share words beside each other.
//!
//! `cargo run --release --features vulkan --example pages_time [TENSORS]`, 10,000 unless told otherwise. In each round
//! both sides are recorded, submitted and waited for; recording is counted apart. The native tier is taken unchecked:
//! on a software driver its bits may not be the stream's, but its speed is nearer to a GPU's.

use seedbed::gpu::{Filler, FillerOptions, PlacedFill, Tier, blocking, wgpu};
use seedbed::plan::{Part, Plan, Slab, TensorSpec};
use seedbed::{DType, Fill, Scheme, StreamVersion};
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Elements of each small tensor.
const EACH: u64 = 4096;
/// Bytes of a page.
const PAGE: u64 = 8 << 20;

fn buffer(device: &wgpu::Device, size: u64) -> wgpu::Buffer {
    let usage = wgpu::BufferUsages::STORAGE;
    device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
}

/// Seconds of recording, and of submitting and waiting.
fn timed(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    record: impl FnOnce(&mut wgpu::CommandEncoder) -> seedbed::Result<()>,
) -> Outcome<[f64; 2]> {
    let start = Instant::now();
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    record(&mut encoder)?;
    let commands = encoder.finish();
    let recorded = start.elapsed().as_secs_f64();
    queue.submit([commands]);
    device.poll(wgpu::PollType::wait_indefinitely())?;
    Ok([recorded, start.elapsed().as_secs_f64() - recorded])
}

/// `tensors` tensors in pages beside one as large: the speed of the one over that of the others, the median of
/// `rounds`.
///
/// # Errors
/// Those of the library and of the device.
pub fn ratio(
    (device, queue, filler): (&wgpu::Device, &wgpu::Queue, &Filler),
    (scheme, dtype): (Scheme, DType),
    tensors: u64,
    rounds: usize,
) -> Outcome<f64> {
    let mut plan = Plan::new(StreamVersion::V1, 1);
    for k in 0..tensors {
        plan.push(&TensorSpec::new(format!("{k}"), [EACH], scheme)?.dtype(dtype))?;
    }
    let fills: Vec<Fill> = plan.tensors().iter().map(|tensor| tensor.fill()).collect();
    let mut alone = Plan::new(StreamVersion::V1, 1);
    let one = alone.push(&TensorSpec::new("one", [EACH * tensors], scheme)?.dtype(dtype))?.fill();
    blocking::prepare(filler, &plan)?;
    blocking::prepare(filler, &alone)?;
    let bytes = EACH * dtype.size();
    let pages: Vec<_> = (0..(tensors * bytes).div_ceil(PAGE)).map(|_| buffer(device, PAGE)).collect();
    let whole = buffer(device, tensors * bytes);
    let placed: Vec<_> = (0..)
        .zip(&fills)
        .map(|(k, fill)| PlacedFill { fill, buffer: &pages[(k * bytes / PAGE) as usize], offset: k * bytes % PAGE })
        .collect();
    let mut ratios = Vec::new();
    for _ in 0..rounds {
        let [_, of_one] = timed(device, queue, |encoder| filler.record(encoder, &one, &whole, 0))?;
        let [recording, of_all] = timed(device, queue, |encoder| filler.record_all(encoder, &placed))?;
        println!("  one {of_one:.3} s; in {} pages {of_all:.3} s, recorded in {recording:.3} s", pages.len());
        ratios.push(of_one / of_all);
    }
    ratios.sort_by(f64::total_cmp);
    Ok(ratios[rounds / 2])
}

/// Seconds of filling `elements` bf16 normals in so many parts of width 7 side by side, the best of `rounds`.
///
/// # Errors
/// Those of the library and of the device.
pub fn parts_seconds(
    (device, queue, filler): (&wgpu::Device, &wgpu::Queue, &Filler),
    parts: u64,
    elements: u64,
    rounds: usize,
) -> Outcome<f64> {
    let (rows, scheme) = (elements / (7 * parts), Scheme::normal(0.0, 1.0));
    let list = (0..parts)
        .map(|k| Part::new(format!("{k}"), [rows, 7], scheme, Slab::new([0, 7 * k], [rows, 7])))
        .collect::<Result<Vec<_>, _>>()?;
    let dims = [rows, 7 * parts];
    let spec = TensorSpec::with_parts("parts", dims, dims, list)?.dtype(DType::BF16);
    let fill = Plan::new(StreamVersion::V1, 1).push(&spec)?.fill();
    blocking::prepare(filler, &fill)?;
    let destination = buffer(device, fill.device_bytes());
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
        let [_, seconds] = timed(device, queue, |encoder| filler.record(encoder, &fill, &destination, 0))?;
        best = best.min(seconds);
    }
    Ok(best)
}

#[allow(dead_code, reason = "the tests include this file and call its functions with a device of their own")]
fn main() -> Outcome<()> {
    let tensors: u64 = std::env::args().nth(1).map_or(Ok(10_000), |n| n.parse())?;
    let adapter = blocking::adapters().into_iter().next().ok_or("no adapter found")?;
    println!("{}", adapter.get_info().name);
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        required_features: adapter.features() & wgpu::Features::SHADER_INT64,
        required_limits: adapter.limits(),
        ..Default::default()
    }))?;
    for tier in [Tier::NativeFma, Tier::SoftFma] {
        let mut options = FillerOptions::default();
        options.tier = Some(tier);
        let filler = blocking::filler_unchecked(&device, &queue, &options)?;
        let all = (&device, &queue, &filler);
        // The soft tier takes ten times as long.
        let tensors = if tier == Tier::NativeFma { tensors } else { tensors.div_ceil(10) };
        for (name, scheme) in [("uniform", Scheme::uniform(-1.0, 1.0)), ("normal", Scheme::normal(0.0, 1.0))] {
            for dtype in [DType::F32, DType::BF16] {
                println!("{tier}, {name} {dtype}, {tensors} tensors: {:.3}", ratio(all, (scheme, dtype), tensors, 5)?);
            }
        }
        for parts in [4, 64, 1024] {
            println!("{tier}, {parts} parts: {:.3} s", parts_seconds(all, parts, 1 << 21, 3)?);
        }
    }
    Ok(())
}
