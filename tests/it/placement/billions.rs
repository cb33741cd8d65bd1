//! Five billion elements, range by range, against slabs of the same tensor.

use seedbed::plan::Slab;
use seedbed::plan::{Plan, TensorSpec};
use seedbed::{DType, Scheme, StreamVersion, cpu};

const ROWS: u64 = 50_000;
const COLUMNS: u64 = 100_003;
const RANGE: u64 = 64 << 20;

#[test]
#[ignore = "long: five billion elements"]
fn five_billion_elements_hold_what_their_slabs_hold() {
    let mut plan = Plan::new(StreamVersion::V1, 5);
    let spec = TensorSpec::new("w", [ROWS, COLUMNS], Scheme::normal(0.0, 0.02)).unwrap().dtype(DType::BF16);
    let tensor = plan.push(&spec).unwrap();
    let fill = tensor.fill();
    assert!(fill.elements() > 5_000_000_000);
    let mut range = vec![0; RANGE as usize];
    let mut compared = 0;
    for from in (0..fill.device_bytes()).step_by(RANGE as usize) {
        let size = RANGE.min(fill.device_bytes() - from);
        let range = &mut range[..size as usize];
        cpu::fill_range(&fill, cpu::Level::best(), from, range).unwrap();
        // The first whole row of the range, from an odd column on, as a slab of its own.
        let row = (from / 2).div_ceil(COLUMNS);
        let start = (row * COLUMNS + 17) * 2;
        if row >= ROWS || start + 2 * 90_001 > from + size {
            continue;
        }
        let slab = tensor.fill_slab(&Slab::new([row, 17], [1, 90_001])).unwrap();
        let mut bytes = vec![0; slab.bytes() as usize];
        cpu::fill(&slab, &mut bytes).unwrap();
        let at = (start - from) as usize;
        assert!(range[at..at + bytes.len()] == bytes, "row {row}");
        compared += 1;
    }
    assert!(compared > 140, "{compared}");
}
