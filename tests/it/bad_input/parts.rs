//! Parts that do not make up their tensor, and rows of zeros outside the tensor.

use super::{NAME, push, refused};
use crate::laws::SEED;
use seedbed::plan::Slab;
use seedbed::plan::{Part, Plan, TensorSpec};
use seedbed::{DType, Scheme, StreamVersion};

fn part(name: &str, dims: &[u64], start: &[u64], extent: &[u64]) -> Part {
    Part::new(name, dims, Scheme::normal(0.0, 0.02), Slab::new(start, extent)).unwrap()
}

fn stored(dims: &[u64], view: &[u64], parts: &[Part]) -> TensorSpec {
    TensorSpec::with_parts(NAME, dims, view, parts.to_vec()).unwrap()
}

#[test]
fn parts_that_overlap() {
    // As many elements as the tensor has, yet one row twice.
    let parts = [part("q", &[3, 7], &[0, 0], &[3, 7]), part("k", &[3, 7], &[2, 0], &[3, 7])];
    refused(push(&stored(&[6, 7], &[6, 7], &parts)), &[NAME, "\"q\"", "\"k\"", "overlap"]);
    let corners = [
        part("a", &[2, 2], &[0, 0], &[2, 2]),
        part("b", &[2, 2], &[1, 1], &[2, 2]),
        part("c", &[1, 1], &[0, 2], &[1, 1]),
    ];
    refused(push(&stored(&[3, 3], &[3, 3], &corners)), &[NAME, "\"a\"", "\"b\"", "overlap"]);
    let twice = [part("a", &[], &[], &[]), part("b", &[], &[], &[])];
    refused(push(&stored(&[], &[], &twice)), &[NAME, "2 parts"]);
}

#[test]
fn parts_that_leave_holes_or_stick_out() {
    let holes = [part("q", &[3, 7], &[0, 0], &[3, 7]), part("k", &[2, 7], &[4, 0], &[2, 7])];
    refused(push(&stored(&[6, 7], &[6, 7], &holes)), &[NAME, "2 parts", "35", "42"]);
    refused(
        push(&stored(&[6, 7], &[6, 7], &[part("q", &[7, 7], &[0, 0], &[7, 7])])),
        &["q", "slab 0:7,0:7:", "[6, 7]"],
    );
    refused(push(&stored(&[6, 7], &[6, 7], &[part("q", &[6, 7], &[1, 0], &[6, 7])])), &["q", "slab 1:6,0:7:"]);
    refused(push(&stored(&[6], &[6], &[part("q", &[6], &[u64::MAX], &[6])])), &["q", "18446744073709551615"]);
}

#[test]
fn shapes_and_orders_that_do_not_suit_the_box() {
    refused(push(&stored(&[6, 7], &[6, 7], &[part("q", &[6, 6], &[0, 0], &[6, 7])])), &["q", "[6, 6]", "[6, 7]"]);
    for order in [vec![], vec![0], vec![0, 0], vec![0, 2], vec![1, 0, 2], vec![usize::MAX, 0]] {
        let spec = stored(&[6, 7], &[6, 7], &[part("q", &[6, 7], &[0, 0], &[6, 7]).order(order.clone())]);
        refused(push(&spec), &["q", &format!("{order:?}")]);
    }
    refused(
        push(&stored(&[6, 7], &[6, 7], &[part("q", &[42], &[0], &[42])])),
        &["q", "slab 0:42: one axis given", "[6, 7]"],
    );
}

#[test]
fn views_that_do_not_split_the_shape() {
    let whole = |view: &[u64]| part("q", &[6, 7], &vec![0; view.len()], view);
    for view in [vec![7, 6], vec![42], vec![3, 14], vec![2, 3, 7, 2], vec![4, 2, 7]] {
        refused(push(&stored(&[6, 7], &view, &[whole(&view)])), &[&format!("{view:?}")]);
    }
    // More elements than 64 bits count, or none.
    for view in [vec![1 << 40, 1 << 40], vec![u64::MAX; 3], vec![1 << 32, 1 << 32, 42], vec![0, 42], vec![6, 7, 0]] {
        refused(push(&stored(&[6, 7], &view, &[whole(&view)])), &[&format!("{view:?}")]);
    }
}

#[test]
fn parts_of_laws_that_do_not_fit() {
    let mut bad = part("k", &[3, 7], &[3, 0], &[3, 7]);
    bad.scheme = Scheme::normal(0.0, 1e5);
    let spec = stored(&[6, 7], &[6, 7], &[part("q", &[3, 7], &[0, 0], &[3, 7]), bad]);
    refused(push(&spec.clone().dtype(DType::F16)), &["tensor k", "f16"]);
    push(&spec).unwrap();
}

#[test]
fn logical_names_that_are_taken() {
    let same = [part("q", &[3, 7], &[0, 0], &[3, 7]), part("q", &[3, 7], &[3, 0], &[3, 7])];
    refused(push(&stored(&[6, 7], &[6, 7], &same)), &["\"q\""]);
    let mut plan = Plan::new(StreamVersion::V1, SEED);
    plan.push(&TensorSpec::new("q", [3, 7], Scheme::zeros()).unwrap()).unwrap();
    refused(plan.push(&stored(&[3, 7], &[3, 7], &[part("q", &[3, 7], &[0, 0], &[3, 7])])), &[NAME, "\"q\""]);
}

#[test]
fn rows_of_zeros_outside_the_tensor() {
    let table = TensorSpec::new(NAME, [10, 4], Scheme::torch_embedding()).unwrap();
    for row in [10, 11, u64::MAX] {
        refused(push(&table.clone().zero_row(row)), &[NAME, &row.to_string(), "10 rows"]);
    }
    refused(push(&TensorSpec::new(NAME, [], Scheme::ones()).unwrap().zero_row(0)), &[NAME, "row 0", "0 rows"]);
    refused(push(&TensorSpec::transposed(NAME, [3, 4], Scheme::ones()).unwrap().zero_row(0)), &[NAME, "parts"]);
}

/// A view is for parts: without parts it has no effect, not even on rows of zeros.
#[test]
fn a_view_without_parts_changes_nothing() {
    let plain = TensorSpec::new(NAME, [4, 6], Scheme::ones()).unwrap().zero_row(3);
    let mut viewed = plain.clone();
    viewed.view = vec![2, 2, 6];
    let bytes = |spec: &TensorSpec| {
        let fill = crate::laws::planned(spec).fill();
        let mut out = vec![0; fill.bytes() as usize];
        seedbed::cpu::fill(&fill, &mut out).unwrap();
        out
    };
    assert_eq!(bytes(&viewed), bytes(&plain));
}
