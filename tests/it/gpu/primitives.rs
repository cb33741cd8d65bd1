//! Single functions of the kernels on the device: both multiplications, both multiply-adds, the known answers of
//! Philox.

use super::{read, shared};
use seedbed::gpu::{Gpu, MulWide, Tier, wgpu};

const TEST: &str = include_str!("primitives.wgsl");
const U64: &str = include_str!("../../../shaders/mulwide_u64.wgsl");
const U32: &str = include_str!("../../../shaders/mulwide_u32.wgsl");
const NATIVE: &str = include_str!("../../../shaders/fma_native.wgsl");
const SOFT: &str = include_str!("../../../shaders/fma_soft.wgsl");
const PHILOX: &str = include_str!("../../../shaders/philox.wgsl");

fn storage(gpu: &Gpu, words: &[u32]) -> wgpu::Buffer {
    let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 4 * words.len() as u64,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: true,
    });
    buffer.get_mapped_range_mut(..).unwrap().copy_from_slice(bytemuck::cast_slice(words));
    buffer.unmap();
    buffer
}

/// Runs an entry point of primitives.wgsl over `items` threads, with these implementations of `mul_wide` and `fused`.
fn run(gpu: &Gpu, implementations: [&str; 2], entry: &str, inputs: &[u32], items: usize, outputs: usize) -> Vec<u32> {
    let device = gpu.device();
    let source = [implementations[0], implementations[1], PHILOX, TEST].join("\n");
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: None,
        source: wgpu::ShaderSource::Wgsl(source.into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: None,
        module: &module,
        entry_point: Some(entry),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    });
    let (input, output) = (storage(gpu, inputs), storage(gpu, &vec![0; outputs]));
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[
            wgpu::BindGroupEntry { binding: 0, resource: input.as_entire_binding() },
            wgpu::BindGroupEntry { binding: 1, resource: output.as_entire_binding() },
        ],
    });
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(items.div_ceil(64) as u32, 1, 1);
    }
    read(gpu, encoder, &output)
}

/// The multiplications that the device has.
fn multiplications(gpu: &Gpu) -> Vec<&'static str> {
    match gpu.filler().mul_wide() {
        MulWide::U64 => vec![U64, U32],
        _ => vec![U32],
    }
}

fn words(n: usize) -> impl Iterator<Item = u32> {
    let mut state = 0x853c_49e6_748f_ea9bu64;
    (0..n).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 18 ^ state) >> 27) as u32
    })
}

#[test]
fn philox_gives_random123_s_known_answers() {
    let gpu = shared();
    let lines: Vec<Vec<u32>> = include_str!("../../data/kat_vectors")
        .lines()
        .filter(|l| l.starts_with("philox4x32 10 "))
        .map(|l| l.split_whitespace().skip(2).map(|w| u32::from_str_radix(w, 16).unwrap()).collect())
        .collect();
    assert_eq!(lines.len(), 3);
    let inputs: Vec<u32> = lines.iter().flat_map(|l| l[..6].to_vec()).collect();
    let expected: Vec<u32> = lines.iter().flat_map(|l| l[6..].to_vec()).collect();
    for mul_wide in multiplications(gpu) {
        assert_eq!(run(gpu, [mul_wide, NATIVE], "run_philox", &inputs, 3, 12), expected);
    }
}

#[test]
fn each_multiplication_gives_all_64_bits() {
    let gpu = shared();
    let edges = [0u32, 1, 0xffff, 0x1_0000, 0x8000_0000, u32::MAX, 0xd251_1f53];
    let mut inputs: Vec<u32> = edges.iter().flat_map(|&a| edges.iter().flat_map(move |&b| [a, b])).collect();
    inputs.extend(words(200_000));
    let expected: Vec<u32> = inputs
        .chunks_exact(2)
        .flat_map(|w| {
            let p = u64::from(w[0]) * u64::from(w[1]);
            [(p >> 32) as u32, p as u32]
        })
        .collect();
    for mul_wide in multiplications(gpu) {
        let got = run(gpu, [mul_wide, NATIVE], "run_mul_wide", &inputs, inputs.len() / 2, inputs.len());
        assert_eq!(got, expected);
    }
}

/// Arguments of all kinds that kernels meet: random exponents, near ties, near cancellation, 0.
fn triples() -> Vec<u32> {
    let mut w = words(2_000_000);
    let mut float = |spread: u32, mask: u32| {
        let (bits, e) = (w.next().unwrap(), 127 - spread + w.next().unwrap() % (2 * spread + 1));
        f32::from_bits((bits & 0x8000_0000) | (e << 23) | (bits & 0x007f_ffff & mask))
    };
    let mut out = Vec::new();
    for i in 0..200_000usize {
        let (spread, mask) = ([1, 4, 12, 30][i % 4], [!0, 0x007f_f000, 0x0070_0000, !0xff][i / 4 % 4]);
        let (a, b) = (float(spread, mask), float(spread, mask));
        let c = match i / 16 % 5 {
            0 => -(a * b),
            1 => f32::from_bits((-(a * b)).to_bits() ^ 1),
            2 => float(30, mask),
            3 => a * b * float(26, 0),
            _ => 0.0,
        };
        // The kernels' domain: results are 0 or normal.
        if a.mul_add(b, c) == 0.0 || a.mul_add(b, c).is_normal() {
            out.extend([a, b, c].map(f32::to_bits));
        }
    }
    // Tail probabilities of a window far from the mean: p - p^2 where p^2 is far below the smallest f32.
    for p in [1e-20f32, 1e-30, 2.5e-35, 1.2e-37] {
        out.extend([-p, p, p].map(f32::to_bits));
    }
    out
}

#[test]
fn a_fused_multiply_add_rounds_once() {
    let gpu = shared();
    let inputs = triples();
    let items = inputs.len() / 3;
    assert!(items > 150_000);
    let expected: Vec<u32> = inputs
        .chunks_exact(3)
        .map(|t| f32::from_bits(t[0]).mul_add(f32::from_bits(t[1]), f32::from_bits(t[2])).to_bits())
        .collect();
    let differing = |implementations| {
        let got = run(gpu, implementations, "run_fused", &inputs, items, items);
        got.iter().zip(&expected).filter(|(a, b)| a != b).count()
    };
    for mul_wide in multiplications(gpu) {
        assert_eq!(differing([mul_wide, SOFT]), 0, "soft");
    }
    // The negative control, and the reason for the tier: a device that took soft rounds twice.
    let native = differing([U32, NATIVE]);
    match gpu.filler().tier() {
        Tier::NativeFma => assert_eq!(native, 0),
        _ => assert!(native > 10_000, "{native}"),
    }
}
