//! Ranges of elements and lists of boxes: what a rank of a sharded tensor holds, whatever the tensor's parts, rows of
//! zeros, layout and matrices.

use super::{bytes, indexed, random_slab, range};
use crate::laws::{every_law, planned};
use crate::reference::Cases;
use seedbed::plan::{Part, PlannedTensor, Slab, TensorSpec};
use seedbed::{DType, Rounding, Scheme};

/// Tensors of every kind of placement: in one piece, in parts by rows and by columns, transposed, with rows of zeros,
/// of orthogonal matrices, rounded stochastically.
pub fn tensors(cases: &mut Cases, dtype: DType) -> Vec<TensorSpec> {
    let laws = every_law();
    let mut scheme = || cases.pick(&laws).1;
    let mut columns = Vec::new();
    let mut width = 0;
    for k in 0..7u64 {
        let dims = [13, 1 + k % 4];
        columns.push(Part::new(format!("column {k}"), dims, scheme(), Slab::new([0, width], dims)).unwrap());
        width += dims[1];
    }
    let heads = (0..3u64)
        .map(|k| Part::new(format!("head {k}"), [20, 7], scheme(), Slab::new([0, k, 0, 0], [4, 1, 5, 7])).unwrap());
    let heads = heads.collect();
    let rows = [("upper", 0u64, 5u64), ("lower", 5, 8)]
        .map(|(name, at, count)| Part::new(name, [count, 9], scheme(), Slab::new([at, 0], [count, 9])).unwrap());
    let mut specs = vec![
        TensorSpec::new("line", [1 + 3001], scheme()),
        TensorSpec::new("scalar", [], scheme()),
        TensorSpec::new("cube", [7, 9, 11], scheme()),
        TensorSpec::transposed("turned", [23, 19], scheme()),
        TensorSpec::with_parts("columns", [13, width], [13, width], columns),
        TensorSpec::with_parts("heads", [60, 7], [4, 3, 5, 7], heads),
        TensorSpec::with_parts("rows", [13, 9], [13, 9], rows.to_vec()),
        TensorSpec::new("zeroed", [17, 5], scheme()).map(|s| s.zero_row(0).zero_row(7).zero_row(8).zero_row(16)),
        TensorSpec::new("orthogonal", [3, 11, 7], Scheme::orthogonal(1.0, 1)),
        TensorSpec::new("eye", [13, 11], Scheme::near_identity(1.0, 0.1)),
        TensorSpec::new("positions", [9, 14], Scheme::sinusoidal(10_000.0, seedbed::scheme::SinusoidalLayout::Halves)),
    ];
    if dtype != DType::F32 {
        specs.push(TensorSpec::new("rounded", [31, 13], scheme()).map(|s| s.rounding(Rounding::Stochastic)));
    }
    specs.into_iter().map(|spec| spec.unwrap().dtype(dtype)).collect()
}

/// Boxes of a tensor, up to `most` of them, in any order.
pub fn random_boxes(cases: &mut Cases, dims: &[u64], most: u64) -> Vec<Slab> {
    (0..1 + cases.below(most)).map(|_| random_slab(cases, dims)).collect()
}

/// A range of a tensor's elements that is not empty.
pub fn random_range(cases: &mut Cases, count: u64) -> std::ops::Range<u64> {
    let from = cases.below(count);
    from..from + 1 + cases.below(count - from)
}

fn elements_of(whole: &[u8], elements: std::ops::Range<u64>, dtype: DType) -> &[u8] {
    &whole[(elements.start * dtype.size()) as usize..(elements.end * dtype.size()) as usize]
}

#[test]
fn ranges_of_elements_hold_the_bytes_of_the_whole() {
    let mut cases = Cases(11);
    for dtype in DType::ALL {
        for _ in 0..8 {
            for spec in tensors(&mut cases, dtype) {
                let tensor = planned(&spec);
                let whole = bytes(&tensor.fill());
                for _ in 0..40 {
                    let elements = random_range(&mut cases, tensor.shape().count());
                    let fill = tensor.fill_elements(elements.clone()).unwrap();
                    assert_eq!(fill.elements(), elements.end - elements.start);
                    let wanted = elements_of(&whole, elements.clone(), dtype);
                    assert!(bytes(&fill) == wanted, "{} {dtype}: {elements:?}", tensor.name());
                    // A range of a range, and the same as a range of bytes of the whole.
                    let inner = random_range(&mut cases, fill.elements());
                    let part = bytes(&fill.range(inner.clone()).unwrap());
                    assert!(part == elements_of(wanted, inner.clone(), dtype), "{}: {inner:?}", tensor.name());
                    let some = range(&tensor.fill(), elements.start * dtype.size(), wanted.len());
                    assert!(some == wanted, "{} {dtype}: bytes of {elements:?}", tensor.name());
                }
            }
        }
    }
}

#[test]
fn boxes_one_after_another_hold_the_bytes_of_the_whole() {
    let mut cases = Cases(12);
    for dtype in DType::ALL {
        for _ in 0..8 {
            for spec in tensors(&mut cases, dtype) {
                let tensor = planned(&spec);
                let (whole, dims) = (bytes(&tensor.fill()), tensor.shape().dims());
                for _ in 0..25 {
                    let slabs = random_boxes(&mut cases, dims, 5);
                    let fill = tensor.fill_boxes(&slabs).unwrap();
                    let wanted: Vec<u8> = slabs.iter().flat_map(|slab| indexed(&whole, dims, slab, dtype)).collect();
                    assert!(bytes(&fill) == wanted, "{} {dtype}: {slabs:?}", tensor.name());
                    let elements = random_range(&mut cases, fill.elements());
                    let part = bytes(&fill.range(elements.clone()).unwrap());
                    assert!(part == elements_of(&wanted, elements, dtype), "{} {dtype}: {slabs:?}", tensor.name());
                }
            }
        }
    }
}

/// The control: a shard that begins one element later, or whose boxes change places, holds other bytes.
#[test]
fn shards_of_other_elements_hold_other_bytes() {
    for dtype in DType::ALL {
        let tensor = planned(&TensorSpec::new("w", [16, 6], Scheme::normal(0.0, 1.0)).unwrap().dtype(dtype));
        let elements = |from: u64| bytes(&tensor.fill_elements(from..from + 31).unwrap());
        assert_ne!(elements(7), elements(8));
        let rows = [0, 8].map(|row| Slab::new([row, 0], [4, 6]));
        let turned = [rows[1].clone(), rows[0].clone()];
        assert_ne!(bytes(&tensor.fill_boxes(&rows).unwrap()), bytes(&tensor.fill_boxes(&turned).unwrap()));
    }
}

/// What FSDP1 and ZeRO hold: the tensor flattened and cut into equal lengths, the last one shorter; and FSDP2 beneath
/// tensor parallelism: each rank has a row range of every block of rows.
#[test]
fn the_shards_of_all_ranks_join_to_the_whole() {
    for dtype in DType::ALL {
        let tensor = planned(&TensorSpec::new("w", [16, 7], Scheme::normal(0.0, 1.0)).unwrap().dtype(dtype));
        let whole = bytes(&tensor.fill());
        for ranks in 1..9u64 {
            let each = 112u64.div_ceil(ranks);
            let shards = (0..ranks).map(|r| (r * each).min(111)..((r + 1) * each).min(112));
            let flat: Vec<u8> = shards.flat_map(|shard| bytes(&tensor.fill_elements(shard).unwrap())).collect();
            assert_eq!(flat, whole);
        }
        let strided = |rank: u64| [0, 8].map(|block| Slab::new([block + 4 * rank, 0], [4, 7]));
        let [first, second] = [0, 1].map(|rank| bytes(&tensor.fill_boxes(&strided(rank)).unwrap()));
        let half = first.len() / 2;
        assert_eq!([&first[..half], &second[..half], &first[half..], &second[half..]].concat(), whole);
    }
}

/// Far ends of the largest tensors, and the memory that a shard takes: that of its few boxes.
#[test]
fn shards_of_the_largest_tensors_are_small() {
    let far: fn(DType) -> PlannedTensor = |dtype| {
        let spec = TensorSpec::transposed("w", [1 << 30, 1 << 30], Scheme::uniform(-1.0, 1.0)).unwrap();
        planned(&spec.dtype(dtype))
    };
    for dtype in DType::ALL {
        let tensor = far(dtype);
        let end = 1 << 60;
        let got = bytes(&tensor.fill_elements(end - 4097..end).unwrap());
        let row = bytes(&tensor.fill_slab(&Slab::new([(1 << 30) - 1, (1 << 30) - 4097], [1, 4097])).unwrap());
        assert!(got == row, "{dtype}");
        // Across the end of a row.
        let from = (1 << 30) * ((1 << 30) - 5) - 3;
        let two = [Slab::new([(1 << 30) - 6, (1 << 30) - 3], [1, 3]), Slab::new([(1 << 30) - 5, 0], [1, 4])];
        let got = bytes(&tensor.fill_elements(from..from + 7).unwrap());
        assert!(got == bytes(&tensor.fill_boxes(&two).unwrap()), "{dtype}");
    }
}
