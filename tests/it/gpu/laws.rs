//! Every law in every dtype, rounding and storage, over many elements: no word differs.

use super::shared;
use seedbed::gpu::{FillerOptions, Gpu, MulWide, blocking, cases};

/// Bytes that are compared at once.
const CHUNK: u64 = 64 << 20;

/// Compares at least so many elements of every case.
fn compare(gpu: &Gpu, elements: u64) {
    let mut compared = 0;
    for case in cases() {
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
fn a_million_elements_of_every_law_and_dtype() {
    compare(shared(), 1_000_001);
}

#[test]
#[ignore = "long: 10^8 elements of every law and dtype"]
fn a_hundred_million_elements_of_every_law_and_dtype() {
    compare(shared(), 100_000_000);
}

#[test]
#[ignore = "long: the kernels for devices without 64-bit integers, compiled beside the others"]
fn a_million_elements_without_64_bit_multiplication() {
    compare(&with_u32_multiply(shared()), 1_000_001);
}
