//! The device against the twin. Rule 7 (no silent GPU): without a device these tests fail.
//!
//! SEEDBED_GPU is `gpu` (the default: hardware, else a software driver) or `gpu:N`. To go without a device, filter the
//! tests out: `cargo test --release -- --skip gpu::`, which is what tests/run.sh does where SEEDBED_GPU is `skip`.
#![cfg(feature = "gpu")]

mod boxes;
mod embedding;
mod errors;
mod fills;
mod laws;
mod limits;
mod matrices;
mod normalize;
mod orthogonal;
mod pages;
mod prepare;
mod primitives;
mod ranges;
mod readback_stream;
mod steps;
mod stochastic;
mod structured;

use seedbed::gpu::{Choice, Filler, FillerOptions, Gpu, KernelSet, blocking, wgpu};
use seedbed::plan::Plan;
use seedbed::{Fill, cpu};
use std::sync::OnceLock;

/// What every destination holds before a fill, and what must still stand around the fill afterwards.
const POISON: u32 = 0xdead_beef;

/// The device that all tests share.
///
/// # Panics
/// Where there is none, or SEEDBED_GPU names none.
fn shared() -> &'static Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(|| {
        let name = std::env::var("SEEDBED_GPU").unwrap_or_else(|_| "gpu".to_owned());
        let Ok(choice @ (Choice::Gpu | Choice::Index(_))) = name.parse() else {
            panic!("SEEDBED_GPU={name}: name gpu or gpu:N; to go without a device, run with --skip gpu::")
        };
        let gpu = blocking::open(choice, &FillerOptions::default(), &mut |notice| eprintln!("{notice}"))
            .unwrap_or_else(|e| panic!("{e}; to go without a device, run with --skip gpu::"))
            .expect("a device");
        eprintln!(
            "{} ({:?}), {}, {:?}",
            gpu.info().name,
            gpu.info().backend,
            gpu.filler().tier(),
            gpu.filler().mul_wide()
        );
        gpu
    })
}

/// A buffer full of poison.
fn poisoned(device: &wgpu::Device, words: usize) -> wgpu::Buffer {
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 4 * words as u64,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: true,
    });
    buffer.get_mapped_range_mut(..).unwrap().copy_from_slice(bytemuck::cast_slice(&vec![POISON; words]));
    buffer.unmap();
    buffer
}

/// Submits what was recorded, and reads the whole of `buffer` back.
fn read(gpu: &Gpu, mut encoder: wgpu::CommandEncoder, buffer: &wgpu::Buffer) -> Vec<u32> {
    let staging = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: buffer.size(),
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, buffer.size());
    gpu.queue().submit([encoder.finish()]);
    staging.map_async(wgpu::MapMode::Read, .., |result| result.unwrap());
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
    let view = staging.get_mapped_range(..).unwrap();
    bytemuck::pod_collect_to_vec(&view[..])
}

/// The twin's words, the padding half-word included.
fn twin(fill: &Fill) -> Vec<u32> {
    let mut bytes = vec![0xee; fill.device_bytes() as usize];
    cpu::fill(fill, &mut bytes).unwrap();
    bytemuck::pod_collect_to_vec(&bytes)
}

/// The words of a whole plan by the twin, with `before` words in front and `after` words behind; these words, and those
/// between tensors, are `around`.
fn arena(plan: &Plan, around: u32, (before, after): (usize, usize)) -> Vec<u32> {
    let mut words = vec![around; before + plan.device_bytes() as usize / 4 + after];
    for tensor in plan.tensors() {
        let of_tensor = twin(&tensor.fill());
        let at = before + tensor.device_offset() as usize / 4;
        words[at..at + of_tensor.len()].copy_from_slice(&of_tensor);
    }
    words
}

/// Records the fills one after another, `gap` words of poison around each, and compares every word with the twin's.
fn check(gpu: &Gpu, filler: &Filler, fills: &[Fill], gap: usize) {
    blocking::prepare(filler, KernelSet::of_fills(fills)).unwrap();
    let mut expected = vec![POISON; gap];
    let mut offsets = Vec::new();
    for fill in fills {
        offsets.push(4 * expected.len() as u64);
        expected.extend(twin(fill));
        expected.extend(vec![POISON; gap]);
    }
    let buffer = poisoned(gpu.device(), expected.len());
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    for (fill, &offset) in fills.iter().zip(&offsets) {
        filler.record(&mut encoder, fill, &buffer, offset).unwrap();
    }
    let got = read(gpu, encoder, &buffer);
    if let Some(at) = (0..expected.len()).find(|&k| got[k] != expected[k]) {
        let owner = fills.iter().zip(&offsets).rfind(|(_, o)| **o <= 4 * at as u64);
        let differing = (0..expected.len()).filter(|&k| got[k] != expected[k]).count();
        panic!(
            "{differing} of {} words differ, the first at {at}, {:08x} not {:08x}, after the start of {:?}",
            expected.len(),
            got[at],
            expected[at],
            owner.map(|(f, o)| (f.name(), f.dtype(), o / 4))
        );
    }
}
