//! The twin gives the same words with the code of every processor level.

use crate::laws::{every_law, planned, tensor};
use seedbed::cpu::{Level, fill_at};
use seedbed::plan::Slab;
use seedbed::plan::TensorSpec;
use seedbed::{DType, Fill, Rounding};

fn at(level: Level, fill: &Fill) -> Vec<u8> {
    let mut out = vec![0xa5; fill.device_bytes() as usize];
    fill_at(fill, level, &mut out).unwrap();
    out
}

#[track_caller]
fn agree(what: &str, fill: &Fill) {
    let baseline = at(Level::Baseline, fill);
    for level in Level::available() {
        let words = at(level, fill);
        let differing = baseline.chunks(4).zip(words.chunks(4)).filter(|(a, b)| a != b).count();
        assert_eq!(differing, 0, "{what}: words of {level:?} that differ from the baseline's");
    }
}

#[test]
fn every_level_gives_the_same_words_of_every_law_and_dtype() {
    println!("levels here: {:?}", Level::available());
    const N: u64 = 1_000_000;
    for (name, scheme) in every_law() {
        for dtype in DType::ALL {
            let tensor = tensor("levels", &[N + 100], scheme, dtype);
            // Odd starts: the first block and the first word are entered in their middle.
            for (start, count) in [(0, N), (1, 7_001), (6, 4_099), (99, 1_313)] {
                let fill = tensor.fill_slab(&Slab::new([start], [count])).unwrap();
                agree(&format!("{name} {dtype} from {start}"), &fill);
            }
        }
    }
}

#[test]
fn every_level_rounds_by_the_same_words() {
    for (name, scheme) in every_law() {
        for dtype in [DType::F16, DType::BF16] {
            let spec = |spec: TensorSpec| spec.dtype(dtype).rounding(Rounding::Stochastic);
            let tensor = planned(&spec(TensorSpec::new("levels", [40_000], scheme).unwrap()));
            for (start, count) in [(0, 40_000), (1, 7_001), (6, 4_099)] {
                let fill = tensor.fill_slab(&Slab::new([start], [count])).unwrap();
                agree(&format!("{name} {dtype} stochastic from {start}"), &fill);
            }
            let transposed = spec(TensorSpec::transposed("levels", [131, 57], scheme).unwrap());
            agree(&format!("{name} {dtype} stochastic, transposed"), &planned(&transposed).fill());
        }
    }
}

/// Elements that lie apart take another path through the twin.
#[test]
fn every_level_gives_the_same_words_of_transposed_tensors() {
    for (name, scheme) in every_law() {
        for dtype in DType::ALL {
            let spec = TensorSpec::transposed("levels", [131, 257], scheme).unwrap().dtype(dtype);
            agree(&format!("{name} {dtype} transposed"), &planned(&spec).fill());
        }
    }
}

/// The control: one word of another stream is seen.
#[test]
fn the_comparison_sees_another_stream() {
    let [a, b] =
        ["levels", "Levels"].map(|name| tensor(name, &[4], seedbed::Scheme::normal(0.0, 1.0), DType::F32).fill());
    assert_ne!(at(Level::Baseline, &a), at(Level::Baseline, &b));
}
