//! A fill in pieces: any split between elements gives the bytes of the whole.

use super::{bytes, range};
use crate::laws::{every_law, planned, tensor};
use crate::reference::Cases;
use seedbed::plan::TensorSpec;
use seedbed::{DType, Fill, Scheme};

/// Splits a fill at random, also into ranges of nothing, of one element, and larger than the twin's tasks.
#[track_caller]
fn check(what: &str, fill: &Fill, cases: &mut Cases, splits: usize) {
    let whole = bytes(fill);
    for _ in 0..splits {
        let mut at = 0;
        let mut longest = 4 << cases.below(20);
        while at < fill.device_bytes() {
            let left = fill.device_bytes() - at;
            let size = fill.dtype().size();
            let len = (cases.below(longest) / size * size).min(left);
            let got = range(fill, at, len as usize);
            let end = ((at + len).min(fill.bytes())) as usize;
            assert!(got[..end - at as usize] == whole[at as usize..end], "{what}: bytes {at} + {len}");
            assert!(got[end - at as usize..].iter().all(|&b| b == 0), "{what}: padding");
            at += len;
            // Short ranges at first, so that they begin at many offsets; longer ones to get through.
            longest += longest / 8 + 8;
        }
    }
}

#[test]
fn ranges_of_every_law_and_dtype_join_to_the_whole() {
    let mut cases = Cases(3);
    for (name, scheme) in every_law() {
        for dtype in DType::ALL {
            let fill = tensor("ranges", &[300_001], scheme, dtype).fill();
            check(&format!("{name} {dtype}"), &fill, &mut cases, 4);
        }
    }
}

#[test]
fn ranges_of_transposed_and_zeroed_tensors_join_to_the_whole() {
    let mut cases = Cases(4);
    for dtype in DType::ALL {
        let scheme = Scheme::normal(0.0, 1.0);
        let turned = TensorSpec::transposed("ranges", [331, 501], scheme).unwrap().dtype(dtype);
        check(&format!("transposed {dtype}"), &planned(&turned).fill(), &mut cases, 8);
        let zeroed = TensorSpec::new("ranges", [331, 501], scheme).unwrap().dtype(dtype).zero_row(0).zero_row(200);
        check(&format!("zeroed {dtype}"), &planned(&zeroed).fill(), &mut cases, 8);
    }
}

/// An odd 16-bit tensor is filled without its padding half-word (a file) or with it (a device).
#[test]
fn both_lengths_of_an_odd_tensor_are_taken() {
    for dtype in [DType::F16, DType::BF16] {
        let fill = tensor("ranges", &[1313], Scheme::normal(0.0, 1.0), dtype).fill();
        assert_eq!((fill.bytes(), fill.device_bytes()), (2626, 2628));
        let mut exact = vec![0xa5; 2626];
        seedbed::cpu::fill(&fill, &mut exact).unwrap();
        assert_eq!(exact, bytes(&fill));
        assert_eq!(range(&fill, 2624, 4), [&exact[2624..], &[0, 0]].concat());
        assert_eq!(range(&fill, 2624, 2), exact[2624..]);
        assert!(range(&fill, 2628, 0).is_empty());
    }
}
