//! Every law in every dtype, rounding and storage, over many elements: no word differs.

use super::shared;
use seedbed::Rounding;
use seedbed::gpu::{FillerOptions, Gpu, MulWide, Storage, blocking, cases};

/// Bytes that are compared at once.
const CHUNK: u64 = 64 << 20;

/// Compares at least `elements` of each law in each dtype, and `others` where values are rounded stochastically or lie
/// in another way than in a row.
fn compare(gpu: &Gpu, elements: u64, others: u64) {
    let mut compared = 0;
    for case in cases() {
        let usual = case.rounding == Rounding::NearestEven && case.storage == Storage::Whole;
        let elements = if usual { elements } else { others };
        for dtype in case.dtypes() {
            let (mut done, mut number) = (0, 0);
            while done < elements {
                let Ok(fill) = case.fill((elements - done).min(case.most_elements()), dtype, number) else {
                    // Thin windows have no value of 16 bits.
                    assert!(case.name.starts_with("truncated [0.1, "), "{case:?} {dtype}");
                    break;
                };
                let differing = blocking::compare_fill(gpu, &fill, CHUNK, &mut |_| Ok(())).unwrap();
                assert_eq!(differing, 0, "{case:?} {dtype}, tensor {number}");
                done += fill.elements();
                number += 1;
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "{compared}");
}

/// The same device with the kernels that multiply by 16-bit halves.
fn with_u32_multiply(gpu: &Gpu) -> Gpu {
    let mut options = FillerOptions::default();
    options.mul_wide = Some(MulWide::U32);
    let filler = blocking::filler(gpu.device(), gpu.queue(), &options).unwrap();
    assert_eq!(filler.mul_wide(), MulWide::U32);
    Gpu::from_parts(gpu.info().clone(), gpu.device().clone(), gpu.queue().clone(), filler)
}

#[test]
fn a_hundred_thousand_elements_of_every_law_and_dtype() {
    compare(shared(), 100_001, 100_001);
}

/// What tests/run.sh --long runs on SwiftShader too.
#[test]
#[ignore = "long: 10^6 elements of every law, dtype, rounding and storage"]
fn a_million_elements_of_every_law_and_dtype() {
    compare(shared(), 1_000_001, 1_000_001);
}

#[test]
#[ignore = "long: 10^8 elements of every law and dtype, 10^7 of the other roundings and storages"]
fn a_hundred_million_elements_of_every_law_and_dtype() {
    compare(shared(), 100_000_000, 10_000_000);
}

#[test]
#[ignore = "long: 10^6 elements by the kernels for devices without 64-bit integers"]
fn a_million_elements_without_64_bit_multiplication() {
    compare(&with_u32_multiply(shared()), 1_000_001, 1_000_001);
}
