//! Stochastic rounding: the device rounds by the same words as the twin, wherever the elements lie.

use super::{check, shared, twin};
use seedbed::plan::{Part, Plan, Slab, TensorSpec};
use seedbed::{DType, Fill, Rounding, Scheme, StreamVersion};

const HALVES: [DType; 2] = [DType::F16, DType::BF16];

fn stochastic(spec: TensorSpec, dtype: DType) -> TensorSpec {
    spec.dtype(dtype).rounding(Rounding::Stochastic)
}

#[test]
fn every_law_at_odd_lengths_and_offsets() {
    let gpu = shared();
    for dtype in HALVES {
        for (s, (name, scheme)) in seedbed::gpu::schemes().into_iter().enumerate() {
            let mut plan = Plan::new(StreamVersion::V1, 7);
            for n in [1u64, 2, 3, 64, 1313, 4096] {
                plan.push(&stochastic(TensorSpec::new(format!("{s} {n}"), [n], scheme).unwrap(), dtype)).unwrap();
            }
            let fills: Vec<Fill> = plan.tensors().iter().map(|t| t.fill()).collect();
            check(gpu, gpu.filler(), &fills, 3);
            // The control: the twin's words are not those of nearest rounding.
            if name == "normal" {
                let nearest = TensorSpec::new("0 4096", [4096], scheme).unwrap().dtype(dtype);
                let nearest = Plan::new(StreamVersion::V1, 7).push(&nearest).unwrap().fill();
                assert_ne!(twin(&nearest), twin(&fills[5]));
            }
        }
    }
}

#[test]
fn boxes_parts_rows_of_zeros_and_far_indices() {
    let gpu = shared();
    for dtype in HALVES {
        let normal = Scheme::normal(0.0, 0.02);
        let part = |k: u64, width: u64| {
            Part::new(format!("p{k}"), [9, width], normal, Slab::new([0, width * k], [9, width])).unwrap()
        };
        let mut plan = Plan::new(StreamVersion::V1, 7);
        for spec in [
            TensorSpec::with_parts("odd columns", [9, 15], [9, 15], (0..3).map(|k| part(k, 5)).collect()).unwrap(),
            TensorSpec::transposed("t", [34, 18], normal).unwrap(),
            TensorSpec::new("rows", [37, 48], normal).unwrap().zero_row(0).zero_row(5).zero_row(6),
            TensorSpec::new("far", [1 << 35], normal).unwrap(),
        ] {
            plan.push(&stochastic(spec, dtype)).unwrap();
        }
        let [columns, t, rows, far] = plan.tensors() else { panic!() };
        let mut fills = vec![columns.fill(), t.fill(), rows.fill()];
        for (tensor, slab) in [
            (columns, Slab::new([1, 3], [5, 9])),
            (t, Slab::new([5, 1], [20, 5])),
            (rows, Slab::new([3, 8], [11, 32])),
            (far, Slab::new([(1 << 34) - 1000], [2001])),
            (far, Slab::new([(1 << 34) - 999], [2000])),
        ] {
            fills.push(tensor.fill_slab(&slab).unwrap());
        }
        for gap in [1, 4] {
            check(gpu, gpu.filler(), &fills, gap);
        }
    }
}

#[test]
fn a_long_tensor_in_whole_words() {
    let gpu = shared();
    for dtype in HALVES {
        let mut plan = Plan::new(StreamVersion::V1, 7);
        for n in [1 << 18, (1 << 18) + 1] {
            let spec = TensorSpec::new(format!("{n}"), [n], Scheme::normal(0.0, 0.02)).unwrap();
            plan.push(&stochastic(spec, dtype)).unwrap();
        }
        let fills: Vec<Fill> = plan.tensors().iter().map(|t| t.fill()).collect();
        check(gpu, gpu.filler(), &fills, 1);
    }
}
