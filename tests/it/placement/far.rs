//! Elements past 2^32 and 2^34 of tensors that no memory holds, and the counter's carry at block 2^32.

use super::{bytes, indexed, range};
use crate::laws::{SEED, planned, tensor};
use crate::reference::Words;
use half::{bf16, f16};
use seedbed::plan::Slab;
use seedbed::plan::TensorSpec;
use seedbed::{DType, Scheme};

const NAME: &str = "far";
const ROWS: u64 = 1 << 20;
/// Odd: rows are no multiple of a word, a block or a tile.
const WIDTH: u64 = (1 << 15) + 1;

/// The stored bytes of elements of U(-1, 1), computed from their words.
fn expected(dtype: DType, elements: impl Iterator<Item = u64>) -> Vec<u8> {
    let words = Words::of(SEED, NAME);
    elements
        .flat_map(|i| {
            let x = words.unit(i);
            match dtype {
                DType::F32 => x.to_le_bytes().to_vec(),
                DType::F16 => f16::from_f32(x).to_le_bytes().to_vec(),
                _ => bf16::from_f32(x).to_le_bytes().to_vec(),
            }
        })
        .collect()
}

/// Rows whose first elements lie just before and after element 2^32, 2^34, and the tensor's end.
fn rows() -> [u64; 7] {
    [1 << 32, 1 << 34]
        .map(|n: u64| n / WIDTH)
        .map(|row| [row - 1, row, row + 1])
        .concat()
        .iter()
        .copied()
        .chain([ROWS - 3])
        .collect::<Vec<_>>()
        .try_into()
        .unwrap()
}

#[test]
fn boxes_past_2_to_the_32_and_34_hold_the_words_of_their_elements() {
    for dtype in DType::ALL {
        let far = tensor(NAME, &[ROWS, WIDTH], Scheme::uniform(-1.0, 1.0), dtype);
        let whole = far.fill();
        for row in rows() {
            for (column, width) in [(0, WIDTH), (1, 5), (WIDTH - 7, 7), (16_000, 1313)] {
                let slab = Slab::new([row, column], [3, width]);
                let got = bytes(&far.fill_slab(&slab).unwrap());
                let elements = (row..row + 3).flat_map(|r| (column..column + width).map(move |c| r * WIDTH + c));
                assert!(got == expected(dtype, elements), "{dtype}: {slab:?}");
            }
            // The same rows as a range of the whole: it starts at a multiple of 4 bytes, a row may start half a word
            // on.
            let first = row * WIDTH * dtype.size();
            let from = first / 4 * 4;
            let len = 3 * WIDTH * dtype.size() + (first - from);
            let got = range(&whole, from, len as usize);
            let elements = row * WIDTH..(row + 3) * WIDTH;
            assert!(got[(first - from) as usize..] == expected(dtype, elements), "{dtype}: range of row {row}");
        }
    }
}

#[test]
fn the_counter_carries_at_block_2_to_the_32() {
    const CARRY: u64 = 1 << 34;
    for dtype in DType::ALL {
        let whole = tensor(NAME, &[ROWS, WIDTH], Scheme::uniform(-1.0, 1.0), dtype).fill();
        for before in [2, 4, 256, 258, 5_000] {
            let from = CARRY - before;
            let got = range(&whole, from * dtype.size(), (10_000 * dtype.size()) as usize);
            assert!(got == expected(dtype, from..from + 10_000), "{dtype}: {before} before the carry");
        }
    }
    // The carry is there: without it, the block after 2^32 - 1 would be block 0 again.
    let words = Words::of(SEED, NAME);
    assert_ne!(words.block(CARRY), words.block(0));
}

#[test]
fn normals_across_the_carry_are_those_of_their_words() {
    let whole = tensor(NAME, &[ROWS, WIDTH], Scheme::normal(0.0, 1.0), DType::F32).fill();
    let from = (1 << 34) - 500;
    for (i, z) in range(&whole, from * 4, 4_000).chunks(4).enumerate() {
        let (z, exact) = (f32::from_le_bytes(z.try_into().unwrap()), Words::of(SEED, NAME).normal(from + i as u64));
        assert!((f64::from(z) - exact).abs() <= 5e-7 * exact.abs().max(1.0), "element {}: {z}", from + i as u64);
    }
}

/// Elements that lie a row apart: each takes a block of its own, on either side of the carry.
#[test]
fn boxes_of_far_transposed_tensors_hold_the_words_of_their_elements() {
    for dtype in DType::ALL {
        let spec = TensorSpec::transposed(NAME, [WIDTH, ROWS], Scheme::uniform(-1.0, 1.0)).unwrap().dtype(dtype);
        let far = planned(&spec);
        for row in rows() {
            let slab = Slab::new([WIDTH - 300, row - 61], [300, 64]);
            let elements = (WIDTH - 300..WIDTH).flat_map(|c| (row - 61..row + 3).map(move |r| r * WIDTH + c));
            let got = bytes(&far.fill_slab(&slab).unwrap());
            assert!(got == expected(dtype, elements), "{dtype}: {slab:?}");
            let inner = far.fill_slab(&Slab::new([WIDTH - 7, row - 3], [5, 3])).unwrap();
            assert!(bytes(&inner) == indexed(&got, &[300, 64], &Slab::new([293, 58], [5, 3]), dtype), "{dtype}: {row}");
        }
    }
}

#[test]
fn the_last_elements_of_the_largest_tensors_can_be_filled() {
    for dtype in DType::ALL {
        let scheme = Scheme::uniform(-1.0, 1.0);
        let line = tensor(NAME, &[1 << 60], scheme, dtype);
        let got = bytes(&line.fill_slab(&Slab::new([(1 << 60) - 1313], [1313])).unwrap());
        assert!(got == expected(dtype, (1 << 60) - 1313..1 << 60), "{dtype}");
        let from = line.bytes() - 400;
        assert!(range(&line.fill(), from, 400) == got[got.len() - 400..], "{dtype}");

        let square = tensor(NAME, &[1 << 30, 1 << 30], scheme, dtype);
        let slab = Slab::new([(1 << 30) - 2, (1 << 30) - 3], [2, 3]);
        let elements = (0..2).flat_map(|r| (0..3).map(move |c| (((1 << 30) - 2 + r) << 30) + (1 << 30) - 3 + c));
        assert!(bytes(&square.fill_slab(&slab).unwrap()) == expected(dtype, elements), "{dtype}");
    }
}
