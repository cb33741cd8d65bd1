//! Structured laws: the device's words are the twin's.

use super::{check, shared};
use crate::laws::planned;
use crate::structured::every_structured;
use seedbed::plan::{Part, Plan, Slab, TensorSpec};
use seedbed::scheme::SinusoidalLayout;
use seedbed::{DType, Fill, Scheme, StreamVersion};

#[test]
fn every_kind_shape_and_dtype() {
    let gpu = shared();
    let mut fills = Vec::new();
    for (k, (scheme, dims)) in every_structured().into_iter().enumerate() {
        for dtype in DType::ALL {
            let spec = TensorSpec::new(format!("{k}"), dims.clone(), scheme).unwrap().dtype(dtype);
            let tensor = planned(&spec);
            fills.push(tensor.fill());
            let inner: Vec<u64> = dims.iter().map(|&d| if d > 2 { d - 2 } else { d }).collect();
            let start: Vec<u64> = dims.iter().map(|&d| u64::from(d > 2)).collect();
            fills.push(tensor.fill_slab(&Slab::new(start, inner)).unwrap());
            if let [rows, cols] = dims[..] {
                fills.push(planned(&TensorSpec::transposed("t", [cols, rows], scheme).unwrap().dtype(dtype)).fill());
            }
        }
    }
    check(gpu, gpu.filler(), &fills, 3);
}

/// Slabs of tensors of up to 2^60 elements.
#[test]
fn far_beyond_2_to_the_32() {
    let gpu = shared();
    let huge = (1u64 << 32) - 1;
    let mut fills: Vec<Fill> = Vec::new();
    let mut slab = |scheme: Scheme, dims: &[u64], start: &[u64], extent: &[u64]| {
        for dtype in DType::ALL {
            let tensor = planned(&TensorSpec::new("far", dims, scheme).unwrap().dtype(dtype));
            fills.push(tensor.fill_slab(&Slab::new(start, extent)).unwrap());
        }
    };
    for scheme in [Scheme::identity(3.0), Scheme::near_identity(1.0, 0.5), Scheme::block_diagonal(1, 0.5)] {
        slab(scheme, &[1 << 28, huge], &[(1 << 28) - 5, (1 << 28) - 7], &[5, 11]);
        slab(scheme, &[huge, 1 << 28], &[(1 << 28) - 9, (1 << 28) - 7], &[8, 7]);
    }
    slab(Scheme::block_diagonal(70_000, 1.0), &[700_000, 210_000], &[699_985, 209_990], &[15, 9]);
    slab(Scheme::sparse(0.5, 1.0), &[1 << 28, huge], &[(1 << 28) - 5, huge - 9], &[5, 9]);
    slab(Scheme::sparse(0.5, 1.0), &[1 << 31, 1 << 29], &[(1 << 31) - 5, 77], &[5, 9]);
    slab(Scheme::dirac(2), &[1 << 20, 1 << 19, 5, 7], &[(1 << 20) - 2, (1 << 19) - 2, 2, 1], &[2, 2, 2, 5]);
    slab(Scheme::log_range(), &[1 << 30, 1 << 24], &[(1 << 30) - 2, (1 << 24) - 7], &[2, 7]);
    slab(Scheme::dt_bias(0.001, 0.1, 1e-4), &[1 << 60], &[(1 << 60) - 77], &[77]);
    for layout in [SinusoidalLayout::Interleaved, SinusoidalLayout::Halves, SinusoidalLayout::HalvesToEnd] {
        slab(Scheme::sinusoidal(10_000.0, layout), &[1 << 44, 1 << 16], &[(1 << 44) - 3, 40_001], &[3, 71]);
        slab(Scheme::sinusoidal(10_000.0, layout), &[1 << 50, 1022], &[(1 << 50) - 3, 0], &[3, 1022]);
    }
    check(gpu, gpu.filler(), &fills, 3);
}

/// A plan of many tensors, structured and not, with several tables, in one arena; recorded at once and in ranges.
#[test]
fn a_plan_of_many_tensors_and_tables() {
    let gpu = shared();
    let mut plan = Plan::new(StreamVersion::V1, 3);
    for (k, (scheme, dims)) in every_structured().into_iter().enumerate() {
        let dtype = DType::ALL[k % 3];
        plan.push(&TensorSpec::new(format!("{k}"), dims, scheme).unwrap().dtype(dtype)).unwrap();
        plan.push(&TensorSpec::new(format!("plain {k}"), [77], Scheme::normal(0.0, 1.0)).unwrap().dtype(dtype))
            .unwrap();
    }
    let scheme = Scheme::sinusoidal(10_000.0, SinusoidalLayout::Interleaved);
    let zeroed = TensorSpec::new("zeroed", [31, 22], scheme).unwrap().dtype(DType::F16).zero_row(7);
    plan.push(&zeroed).unwrap();
    // A table beside an identity, by columns of odd width: their 16-bit words are shared.
    let part = |name: &str, scheme, start: u64, width: u64| {
        Part::new(name, [31, width], scheme, Slab::new([0, start], [31, width])).unwrap()
    };
    let parts = vec![
        part("a", Scheme::identity(1.0), 0, 5),
        part("b", scheme, 5, 12),
        part("c", Scheme::normal(0.0, 1.0), 17, 7),
        part("d", Scheme::sinusoidal(100.0, SinusoidalLayout::Halves), 24, 6),
        part("e", Scheme::sparse(0.5, 1.0), 30, 3),
    ];
    plan.push(&TensorSpec::with_parts("parts", [31, 33], [31, 33], parts).unwrap().dtype(DType::BF16)).unwrap();
    seedbed::gpu::blocking::prepare(gpu.filler(), &plan).unwrap();
    let expected = super::arena(&plan, super::POISON, (0, 0));
    for range_bytes in [plan.device_bytes(), 4096, 1028] {
        let buffer = super::poisoned(gpu.device(), expected.len());
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut from = 0;
        while from < plan.device_bytes() {
            let len = range_bytes.min(plan.device_bytes() - from);
            gpu.filler().record_plan_range(&mut encoder, &plan, from, len, &buffer, from).unwrap();
            from += len;
        }
        assert!(super::read(gpu, encoder, &buffer) == expected, "in ranges of {range_bytes} bytes");
    }
}
