//! The twin gives the same words with the code of every processor level.

use crate::laws::{SEED, every_law, planned, tensor};
use crate::reference::Cases;
use crate::structured::every_structured;
use seedbed::cpu::{Level, fill_at, fill_range};
use seedbed::plan::{Plan, Slab, TensorSpec};
use seedbed::{DType, Fill, Rounding, Scheme, StreamVersion};

fn at(level: Level, fill: &Fill) -> Vec<u8> {
    let mut out = vec![0xa5; fill.device_bytes() as usize];
    fill_at(fill, level, &mut out).unwrap();
    out
}

/// The levels beside the baseline. Each that the processor names must be among them, and there must be one: else a
/// comparison would compare the baseline with itself, and pass.
pub fn others() -> Vec<Level> {
    let levels = Level::available();
    assert_eq!(levels[0], Level::Baseline);
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
        let avx512 = avx2
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        assert_eq!([Level::Avx2, Level::Avx512].map(|level| levels.contains(&level)), [avx2, avx512], "{levels:?}");
    }
    assert!(levels.len() > 1, "this processor has no level but the baseline: nothing can be compared on it");
    levels[1..].to_vec()
}

#[track_caller]
fn agree(what: &str, fill: &Fill) {
    let baseline = at(Level::Baseline, fill);
    for level in others() {
        let words = at(level, fill);
        let differing = baseline.chunks(4).zip(words.chunks(4)).filter(|(a, b)| a != b).count();
        assert_eq!(differing, 0, "{what}: words of {level} that differ from the baseline's");
    }
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "this architecture has one level, there is nothing to compare")]
fn every_level_gives_the_same_words_of_every_law_and_dtype() {
    println!("compared with the baseline: {:?}", others());
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
#[cfg_attr(not(target_arch = "x86_64"), ignore = "this architecture has one level, there is nothing to compare")]
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

/// Every path through the twin at a few hundred elements, orthogonal matrices and runs of one value among them:
/// `tests/run.sh --valgrind` looks for accesses outside of buffers, and for values that were never written.
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "this architecture has one level, there is nothing to compare")]
fn small_fills_of_every_law_hold_the_same_words() {
    let plain = every_law().into_iter().map(|(_, scheme)| (scheme, vec![13, 41]));
    let matrices = [[70u64, 9], [9, 70], [33, 33]].map(|dims| (Scheme::orthogonal(1.0, 0), dims.to_vec()));
    let constants = [(Scheme::constant(0.3), vec![3001]), (Scheme::zeros(), vec![3001])];
    let mut compared = 0;
    for (scheme, dims) in plain.chain(every_structured()).chain(matrices).chain(constants) {
        if dims.iter().product::<u64>() > 4096 {
            continue;
        }
        for dtype in DType::ALL {
            let whole = TensorSpec::new("small", dims.clone(), scheme).unwrap();
            let turned = match dims[..] {
                [rows, cols] => TensorSpec::transposed("small", [cols, rows], scheme).ok(),
                _ => None,
            };
            for spec in [Some(whole), turned].into_iter().flatten() {
                for rounding in [Rounding::NearestEven, Rounding::Stochastic] {
                    if rounding.check(dtype).is_ok() {
                        let fill = planned(&spec.clone().dtype(dtype).rounding(rounding)).fill();
                        agree(&format!("{scheme} {dims:?} {dtype} {rounding:?}"), &fill);
                        compared += 1;
                    }
                }
            }
        }
    }
    assert!(compared > 300, "{compared}");
}

/// Structured laws at real shapes and odd ones, in ranges that begin and end anywhere: in the middle of a row, of a
/// block, of a word.
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "this architecture has one level, there is nothing to compare")]
fn every_level_gives_the_same_bytes_of_ranges_of_structured_laws() {
    let mut cases = Cases(31);
    let wide =
        every_structured().into_iter().filter(|(_, dims)| dims.len() == 2 && dims[0] > 1).flat_map(|(s, dims)| {
            // More rows than a lane takes at once, more columns than a tile.
            [[dims[0] * 11, dims[1] * 7], [dims[0] * 3, dims[1] * 30]].map(|dims| (s, dims.to_vec()))
        });
    for (scheme, dims) in wide.chain(every_structured()) {
        for dtype in DType::ALL {
            for rounding in [Rounding::NearestEven, Rounding::Stochastic] {
                if rounding == Rounding::Stochastic && dtype == DType::F32 {
                    continue;
                }
                let Ok(spec) = TensorSpec::new("levels", dims.clone(), scheme) else { continue };
                let mut plan = Plan::new(StreamVersion::V1, SEED);
                // A multiple of a side may be none of the number of blocks.
                let Ok(tensor) = plan.push(&spec.dtype(dtype).rounding(rounding)) else { continue };
                let fill = tensor.fill();
                let whole = at(Level::Baseline, &fill);
                for level in Level::available() {
                    for _ in 0..3 {
                        let first = cases.below(fill.elements());
                        let count = 1 + cases.below(fill.elements() - first);
                        let [from, to] = [first, first + count].map(|n| (n * dtype.size()) as usize);
                        let mut part = vec![0xa5; to - from];
                        fill_range(&fill, level, from as u64, &mut part).unwrap();
                        assert!(
                            part == whole[from..to],
                            "{scheme} {dims:?} {dtype} {rounding:?} {level}: {from}..{to}"
                        );
                    }
                }
            }
        }
    }
}

/// Elements that lie apart in the destination take another path through the twin.
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "this architecture has one level, there is nothing to compare")]
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
    let [a, b] = ["levels", "Levels"].map(|name| tensor(name, &[4], Scheme::normal(0.0, 1.0), DType::F32).fill());
    assert_ne!(at(Level::Baseline, &a), at(Level::Baseline, &b));
}
