//! Every law of independent elements in every dtype, over many elements: no word differs.

use super::shared;
use seedbed::gpu::{blocking, schemes};
use seedbed::plan::{Plan, TensorSpec};
use seedbed::{DType, StreamVersion, cpu};

/// Words that are compared at once.
const WORDS_AT_ONCE: u64 = 1 << 24;

fn differing(elements: u64) {
    let gpu = shared();
    for dtype in DType::ALL {
        for (name, scheme) in schemes() {
            let mut plan = Plan::new(StreamVersion::V1, 1);
            let spec = TensorSpec::new(name, [elements], scheme).unwrap().dtype(dtype);
            let fill = plan.push(&spec).unwrap().fill();
            let mut from = 0;
            while from < fill.device_bytes() {
                let size = (fill.device_bytes() - from).min(WORDS_AT_ONCE * 4) as usize;
                let (mut device, mut host) = (vec![0xaa; size], vec![0x55; size]);
                blocking::fill_range(gpu, &fill, from, &mut device).unwrap();
                cpu::fill_range(&fill, cpu::Level::best(), from, &mut host).unwrap();
                let count = device.chunks_exact(4).zip(host.chunks_exact(4)).filter(|(a, b)| a != b).count();
                assert_eq!(count, 0, "{name} {dtype} from byte {from}");
                from += size as u64;
            }
        }
    }
}

#[test]
fn a_million_elements_of_every_law_and_dtype() {
    differing(1_000_001);
}

#[test]
#[ignore = "long: 10^8 elements of every law and dtype"]
fn a_hundred_million_elements_of_every_law_and_dtype() {
    differing(100_000_000);
}
