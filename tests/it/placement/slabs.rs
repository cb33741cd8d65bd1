//! Boxes of tensors of rank 0 to 5, with and without rows of zeros.

use super::{bytes, every_slab, indexed, random_slab};
use crate::laws::{cut, every_law, planned, tensor};
use crate::reference::Cases;
use seedbed::plan::Slab;
use seedbed::plan::{PlannedTensor, TensorSpec};
use seedbed::{DType, Rounding, Scheme};

/// Checks slabs of a tensor against plain indexing of the whole.
#[track_caller]
fn check(tensor: &PlannedTensor, slabs: &[Slab]) {
    let (dims, dtype) = (tensor.shape().dims(), tensor.dtype());
    let whole = bytes(&tensor.fill());
    for slab in slabs {
        let fill = tensor.fill_slab(slab).unwrap();
        assert_eq!(fill.elements(), slab.count());
        assert!(
            bytes(&fill) == indexed(&whole, dims, slab, dtype),
            "{dims:?} {dtype}: {slab:?} differs from the whole"
        );
    }
}

/// A law that takes one word per element, one that makes elements in pairs, one that may draw a second word.
fn laws() -> [Scheme; 3] {
    [Scheme::uniform(-1.0, 1.0), Scheme::normal(0.0, 1.0), cut(0.0, f64::INFINITY)]
}

#[test]
fn every_box_of_small_tensors_holds_the_bytes_of_the_whole() {
    let shapes: [&[u64]; 10] =
        [&[], &[1], &[23], &[1, 1], &[5, 7], &[7, 1], &[3, 5, 4], &[3, 1, 5], &[2, 3, 3, 3], &[3, 2, 3, 2, 3]];
    let mut boxes = 0;
    for dims in shapes {
        let slabs = every_slab(dims);
        for scheme in laws() {
            for dtype in DType::ALL {
                check(&tensor("slabs", dims, scheme, dtype), &slabs);
                boxes += slabs.len();
            }
        }
    }
    println!("{boxes} boxes");
}

#[test]
fn random_boxes_of_larger_tensors_hold_the_bytes_of_the_whole() {
    let shapes: [&[u64]; 6] =
        [&[100_003], &[129, 65], &[17, 9, 33], &[5, 7, 9, 11], &[3, 5, 7, 4, 9], &[2, 3, 1, 5, 4, 7]];
    let mut cases = Cases(1);
    for dims in shapes {
        for scheme in laws() {
            for dtype in DType::ALL {
                let slabs: Vec<Slab> = (0..100).map(|_| random_slab(&mut cases, dims)).collect();
                check(&tensor("slabs", dims, scheme, dtype), &slabs);
            }
        }
    }
}

#[test]
fn rows_of_zeros_are_zero_and_shift_no_other_row() {
    for (dims, rows) in [
        (vec![7u64, 5], vec![0u64]),
        (vec![7, 5], vec![6, 0, 3, 3]),
        (vec![7, 5], vec![2, 3, 4]),
        (vec![3, 1], vec![0, 1, 2]),
        (vec![1, 9], vec![0]),
        (vec![11], vec![4, 10]),
        (vec![4, 3, 5], vec![1]),
    ] {
        for dtype in DType::ALL {
            // A mean far from 0: no element is 0 by itself.
            let scheme = Scheme::normal(100.0, 1.0);
            let spec = rows.iter().fold(TensorSpec::new("zeros", dims.clone(), scheme).unwrap(), |s, &r| s.zero_row(r));
            let zeroed = planned(&spec.dtype(dtype));
            let mut expected = bytes(&tensor("zeros", &dims, scheme, dtype).fill());
            let row = expected.len() / dims[0] as usize;
            assert!(expected.chunks(dtype.size() as usize).all(|x| x.iter().any(|&b| b != 0)));
            for &r in &rows {
                expected[r as usize * row..][..row].fill(0);
            }
            assert_eq!(bytes(&zeroed.fill()), expected, "{dims:?} {rows:?} {dtype}");
            check(&zeroed, &every_slab(&dims));
        }
    }
}

#[test]
fn odd_lengths_are_prefixes_of_one_another() {
    for dtype in DType::ALL {
        for scheme in laws() {
            let longest = bytes(&tensor("lengths", &[(1 << 20) + 1], scheme, dtype).fill());
            for n in [1, 2, 3, 5, 1313, (1 << 20) + 1] {
                let short = bytes(&tensor("lengths", &[n], scheme, dtype).fill());
                assert!(short == longest[..(n * dtype.size()) as usize], "{n} {dtype}");
            }
        }
    }
}

/// A vocabulary padded to a longer one: the old rows keep their bytes, the padded ones are 0, in every law, dtype and
/// rounding, and in every slab.
#[test]
fn a_vocabulary_grows_without_moving_its_rows() {
    let (old, new, width) = (13u64, 20u64, 3u64);
    for (name, scheme) in every_law() {
        for dtype in DType::ALL {
            for rounding in [Rounding::NearestEven, Rounding::Stochastic] {
                if rounding.check(dtype).is_err() {
                    continue;
                }
                let spec = |rows: u64| TensorSpec::new("vocabulary", [rows, width], scheme).unwrap().dtype(dtype);
                let before = planned(&spec(old).rounding(rounding));
                let after = (old..new).fold(spec(new).rounding(rounding), TensorSpec::zero_row);
                let after = planned(&after);
                let mut expected = bytes(&before.fill());
                expected.resize((new * width * dtype.size()) as usize, 0);
                assert_eq!(bytes(&after.fill()), expected, "{name} {dtype} {rounding}");
                check(&after, &[Slab::new([11, 1], [5, 2]), Slab::new([0, 2], [20, 1]), Slab::new([13, 0], [7, 3])]);
            }
        }
    }
}
