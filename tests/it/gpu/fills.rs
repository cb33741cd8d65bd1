//! Lengths, offsets, boxes, parts: the device writes the twin's words, all of them and no other.

use super::{check, shared};
use seedbed::gpu::{FillerOptions, Tier, blocking};
use seedbed::plan::{Part, Plan, Slab, TensorSpec};
use seedbed::{DType, Fill, Scheme, StreamVersion};

fn normal() -> Scheme {
    Scheme::normal(0.5, 0.02)
}

fn plan(specs: impl IntoIterator<Item = TensorSpec>) -> Plan {
    let mut plan = Plan::new(StreamVersion::V1, 7);
    for spec in specs {
        plan.push(&spec).unwrap();
    }
    plan
}

fn whole(plan: &Plan) -> Vec<Fill> {
    plan.tensors().iter().map(|t| t.fill()).collect()
}

#[test]
fn odd_lengths_at_odd_offsets_leave_their_neighbors_alone() {
    let gpu = shared();
    for dtype in DType::ALL {
        for (s, (_, scheme)) in seedbed::gpu::schemes().into_iter().enumerate() {
            let specs = [1u64, 2, 3, 5, 1313]
                .into_iter()
                .map(|n| TensorSpec::new(format!("{s} {n}"), [n], scheme).unwrap().dtype(dtype));
            check(gpu, gpu.filler(), &whole(&plan(specs)), 3);
        }
    }
}

#[test]
fn a_tensor_longer_than_a_megabyte_by_one() {
    let gpu = shared();
    for dtype in DType::ALL {
        let plan = plan([TensorSpec::new("long", [(1 << 20) + 1], normal()).unwrap().dtype(dtype)]);
        check(gpu, gpu.filler(), &whole(&plan), 1);
    }
}

#[test]
fn boxes_of_a_tensor_past_2_to_the_34() {
    let gpu = shared();
    for dtype in DType::ALL {
        let dims = [1u64 << 21, (1 << 14) + 3];
        let plan = plan([TensorSpec::new("huge", dims, normal()).unwrap().dtype(dtype)]);
        let tensor = &plan.tensors()[0];
        // Rows whose first elements lie around 2^32, at the carry of the block counter (2^34), and at the end.
        let boxes = [
            Slab::new([(1 << 18) - 60, 0], [3, dims[1]]),
            Slab::new([(1 << 18) - 49, 5], [7, 1001]),
            Slab::new([(1 << 20) - 193, 1], [4, dims[1] - 2]),
            Slab::new([dims[0] - 3, dims[1] - 5], [3, 5]),
            Slab::new([0, 17], [1500, 1]),
        ];
        let fills: Vec<_> = boxes.iter().map(|b| tensor.fill_slab(b).unwrap()).collect();
        check(gpu, gpu.filler(), &fills, 1);
    }
}

#[test]
fn the_block_counter_carries_at_2_to_the_34_elements() {
    let gpu = shared();
    for dtype in DType::ALL {
        let plan = plan([TensorSpec::new("vector", [1 << 35], normal()).unwrap().dtype(dtype)]);
        let tensor = &plan.tensors()[0];
        let fills: Vec<_> = [(1u64 << 34) - 1000, (1 << 34) - 999, (1 << 34) + 1, (1 << 32) - 5]
            .iter()
            .map(|&at| tensor.fill_slab(&Slab::new([at], [2001])).unwrap())
            .collect();
        check(gpu, gpu.filler(), &fills, 1);
    }
}

/// By the kernel of 16-byte steps, which takes runs on either side of the carry but none across it. It serves the
/// native tier: on any driver a uniform on (-1, 1) has its bits there, as none of its products is rounded.
#[test]
fn steps_before_after_and_across_the_carry_of_the_block_counter() {
    let gpu = shared();
    let mut options = FillerOptions::default();
    options.tier = Some(Tier::NativeFma);
    let filler = blocking::filler_unchecked(gpu.device(), gpu.queue(), &options).unwrap();
    for dtype in DType::ALL {
        let uniform = Scheme::uniform(-1.0, 1.0);
        let plan = plan([TensorSpec::new("vector", [1 << 35], uniform).unwrap().dtype(dtype)]);
        let tensor = &plan.tensors()[0];
        let fills: Vec<_> = [(1u64 << 34) - 4096, (1 << 34) - 8192, (1 << 34) - 8, 1 << 34, (1 << 33) - 4096]
            .iter()
            .map(|&at| tensor.fill_slab(&Slab::new([at], [8192])).unwrap())
            .collect();
        check(gpu, &filler, &fills, 4);
    }
}

#[test]
fn boxes_of_every_rank() {
    let gpu = shared();
    for dtype in DType::ALL {
        let plan = plan([
            TensorSpec::new("five", [5, 4, 3, 7, 3], normal()).unwrap().dtype(dtype),
            TensorSpec::new("one", [], normal()).unwrap().dtype(dtype),
        ]);
        let five = &plan.tensors()[0];
        let mut fills = vec![plan.tensors()[1].fill()];
        for k in 0..60u64 {
            let start: Vec<u64> =
                five.shape().dims().iter().enumerate().map(|(a, d)| (k * 7 + a as u64 * 3) % d).collect();
            let extent: Vec<u64> = five
                .shape()
                .dims()
                .iter()
                .zip(&start)
                .enumerate()
                .map(|(a, (d, s))| 1 + (k * 5 + a as u64) % (d - s))
                .collect();
            fills.push(five.fill_slab(&Slab::new(start, extent)).unwrap());
        }
        check(gpu, gpu.filler(), &fills, 1);
    }
}

#[test]
fn parts_by_columns_rows_heads_and_transposed() {
    let gpu = shared();
    for dtype in DType::ALL {
        let part = |name: &str, dims: &[u64], start: &[u64], extent: &[u64]| {
            Part::new(name, dims, normal(), Slab::new(start, extent)).unwrap()
        };
        // Odd widths: 16-bit words are shared between parts.
        let columns = ["q", "k", "v"].map(|n| (n, part(&format!("c.{n}"), &[9, 5], &[0, 0], &[9, 5])));
        let columns = columns.into_iter().enumerate().map(|(i, (_, mut p))| {
            p.slab = Slab::new([0, 5 * i as u64], [9, 5]);
            p
        });
        let heads = (0..3u64).map(|i| part(&format!("h.{i}"), &[12, 7], &[0, i, 0, 0], &[4, 1, 3, 7]));
        let plan = plan([
            TensorSpec::with_parts("c_attn", [9, 15], [9, 15], columns.collect()).unwrap().dtype(dtype),
            TensorSpec::with_parts("neox", [36, 7], [4, 3, 3, 7], heads.collect()).unwrap().dtype(dtype),
            TensorSpec::transposed("t", [33, 17], normal()).unwrap().dtype(dtype),
            TensorSpec::new("rows", [7, 5], normal()).unwrap().zero_row(0).zero_row(3).dtype(dtype),
        ]);
        let mut fills = whole(&plan);
        for (tensor, slab) in plan.tensors().iter().zip([
            Slab::new([1, 3], [5, 9]),
            Slab::new([5, 1], [20, 5]),
            Slab::new([3, 1], [11, 15]),
            Slab::new([2, 1], [3, 3]),
        ]) {
            fills.push(tensor.fill_slab(&slab).unwrap());
        }
        check(gpu, gpu.filler(), &fills, 1);
    }
}

/// Boxes whose rows are whole 16-byte steps, at destinations that are multiples of 16 bytes and at others.
#[test]
fn boxes_in_whole_steps() {
    let gpu = shared();
    for dtype in DType::ALL {
        let plan = plan([TensorSpec::new("rows", [37, 6, 48], normal()).unwrap().dtype(dtype)]);
        let tensor = &plan.tensors()[0];
        let mut fills = Vec::new();
        for (start, extent) in
            [([1, 0, 8], [30, 6, 32]), ([3, 1, 0], [5, 2, 40]), ([0, 2, 40], [37, 3, 8]), ([2, 5, 4], [9, 1, 44])]
        {
            fills.push(tensor.fill_slab(&Slab::new(start, extent)).unwrap());
        }
        for gap in [1, 2, 3, 4, 8] {
            check(gpu, gpu.filler(), &fills, gap);
        }
    }
}

/// Many parts side by side: where no word is shared, each part is dispatched as a box of its own, so that the time
/// grows with the elements alone.
#[test]
fn hundreds_of_parts_by_columns() {
    let gpu = shared();
    for dtype in DType::ALL {
        for width in [8u64, 6, 3] {
            // Words are shared only where 16-bit parts are odd.
            let count = if width == 3 { 20 } else { 400 };
            let parts = (0..count).map(|k| {
                Part::new(format!("{k}"), [9, width], normal(), Slab::new([0, k * width], [9, width])).unwrap()
            });
            let dims = [9, count * width];
            let plan = plan([TensorSpec::with_parts("fused", dims, dims, parts.collect()).unwrap().dtype(dtype)]);
            let fused = &plan.tensors()[0];
            let slab = fused.fill_slab(&Slab::new([1, 5], [7, count * width - 9])).unwrap();
            for gap in [3, 4] {
                check(gpu, gpu.filler(), &[fused.fill(), slab.clone()], gap);
            }
        }
    }
}
