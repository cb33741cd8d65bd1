//! The kernel of 16-byte steps, for every law that it serves, with checked bits in the soft tier too: on drivers whose
//! native `fma` rounds twice it would otherwise run with constants alone.

use super::{check, poisoned, shared};
use seedbed::gpu::{Filler, FillerOptions, KernelSet, blocking, wgpu};
use seedbed::plan::{Plan, Slab, TensorSpec};
use seedbed::scheme::{Bounds, StdOf};
use seedbed::{DType, Scheme, StreamVersion};

/// One law of each kind that the kernel serves.
fn laws() -> Vec<Scheme> {
    vec![
        Scheme::constant(0.7),
        Scheme::uniform(-0.1, 0.3),
        Scheme::normal(0.01, 0.02),
        Scheme::truncated_normal(0.0, 1.0, Bounds::TWO_SIGMA, StdOf::Parent),
        Scheme::log_of_uniform(0.01, 16.0),
        Scheme::dt_bias(0.001, 0.1, 1e-4),
    ]
}

fn filler(steps: bool) -> Filler {
    let gpu = shared();
    let mut options = FillerOptions::default();
    options.tier = Some(gpu.filler().tier());
    options.steps_in_soft_tier = steps;
    blocking::filler(gpu.device(), gpu.queue(), &options).unwrap()
}

/// Prepared, each kernel has passed its own comparison with the twin; then runs before, after and across the carry of
/// the block counter, at multiples of 16 bytes and one word after them.
#[test]
fn every_law_is_stored_by_steps_with_the_twin_s_bits() {
    let gpu = shared();
    let filler = filler(true);
    for dtype in DType::ALL {
        let mut plan = Plan::new(StreamVersion::V1, 7);
        let mut fills = Vec::new();
        for (k, law) in laws().into_iter().enumerate() {
            let tensor = plan.push(&TensorSpec::new(format!("{k}"), [1 << 35], law).unwrap().dtype(dtype)).unwrap();
            let slabs = [(1u64 << 34) - 1100, (1 << 34) - 1024, (1 << 34) - 512, 1 << 34, (1 << 33) - 512, 0]
                .map(|at| tensor.fill_slab(&Slab::new([at], [1029])).unwrap());
            // Before anything is prepared: what recording asks for is the kernel of steps.
            let buffer = poisoned(gpu.device(), 1100);
            let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let text = filler.record(&mut encoder, &slabs[5], &buffer, 0).unwrap_err().to_string();
            assert!(text.contains("the kernel fill_aligned of ") && text.contains("is not prepared"), "{text}");
            fills.extend(slabs);
        }
        blocking::prepare(&filler, KernelSet::of_schemes(&laws(), &[dtype]).unwrap()).unwrap();
        for gap in [3, 4] {
            check(gpu, &filler, &fills, gap);
        }
    }
}
