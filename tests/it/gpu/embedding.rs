//! What an engine embeds: its device, its encoder, its buffer.

use super::{POISON, poisoned, read, shared, twin};
use seedbed::gpu::wgpu;
use seedbed::plan::{Plan, TensorSpec};
use seedbed::{DType, Scheme, StreamVersion};

#[path = "../../../examples/embed.rs"]
mod embed;

#[test]
fn the_example_embeds_as_an_engine_would() {
    let Some(gpu) = shared() else { return };
    assert!(embed::run(gpu.device(), gpu.queue(), gpu.filler()).unwrap());
}

/// Each recording owns its parameters: the second must not change what the first will do.
#[test]
fn two_fills_recorded_before_one_submit_into_the_engine_s_buffer() {
    let Some(gpu) = shared() else { return };
    let mut plan = Plan::new(StreamVersion::V1, 3);
    plan.push(&TensorSpec::new("a", [1001], Scheme::normal(0.0, 1.0)).unwrap()).unwrap();
    plan.push(&TensorSpec::new("b", [501], Scheme::uniform(0.0, 1.0)).unwrap().dtype(DType::F16)).unwrap();
    let (a, b) = (plan.tensors()[0].fill(), plan.tensors()[1].fill());
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
