//! Shards on the device: ranges of elements, several boxes in one fill, ranges that begin at an odd 16-bit element, and
//! interleaved parts.

use super::{POISON, check, poisoned, read, shared, twin};
use crate::laws::{planned, tensor};
use crate::placement::elements::{random_boxes, random_range, tensors};
use crate::reference::Cases;
use seedbed::gpu::{FillerOptions, KernelSet, blocking, wgpu};
use seedbed::plan::{Part, Slab, TensorSpec};
use seedbed::{DType, Fill, Scheme};

#[test]
fn ranges_of_elements_and_lists_of_boxes() {
    let gpu = shared();
    let mut cases = Cases(21);
    for dtype in DType::ALL {
        let mut fills = Vec::new();
        for spec in tensors(&mut cases, dtype) {
            let tensor = planned(&spec);
            for _ in 0..12 {
                fills.push(tensor.fill_elements(random_range(&mut cases, tensor.shape().count())).unwrap());
                let fill = tensor.fill_boxes(&random_boxes(&mut cases, tensor.shape().dims(), 4)).unwrap();
                fills.push(fill.range(random_range(&mut cases, fill.elements())).unwrap());
                fills.push(fill);
            }
        }
        for gap in [1, 4] {
            check(gpu, gpu.filler(), &fills, gap);
        }
    }
}

/// Bytes from any element on, also from the second half of a word; what is left of the last word is 0.
#[test]
fn recorded_ranges_begin_at_any_element() {
    let gpu = shared();
    let mut cases = Cases(22);
    for dtype in [DType::F16, DType::BF16] {
        let columns = (0..3).map(|k| {
            Part::new(format!("{k}"), [21, 5], Scheme::normal(0.0, 1.0), Slab::new([0, 5 * k], [21, 5])).unwrap()
        });
        let specs = [
            TensorSpec::new("line", [1313], Scheme::normal(0.0, 1.0)).unwrap(),
            TensorSpec::with_parts("columns", [21, 15], [21, 15], columns.collect()).unwrap(),
        ];
        for spec in specs {
            let fill = planned(&spec.dtype(dtype)).fill();
            blocking::prepare(gpu.filler(), KernelSet::of_elements(&fill)).unwrap();
            let mut whole = vec![0; fill.bytes() as usize];
            seedbed::cpu::fill(&fill, &mut whole).unwrap();
            let buffer = poisoned(gpu.device(), 40_000);
            let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let mut expected = vec![POISON; 40_000];
            let mut at = 1;
            while at < 30_000 {
                let elements = random_range(&mut cases, fill.elements());
                let (from, len) = (2 * elements.start, 2 * (elements.end - elements.start));
                gpu.filler().record_range(&mut encoder, &fill, from, len, &buffer, 4 * at as u64).unwrap();
                let bytes = &whole[from as usize..(from + len) as usize];
                for word in bytes.chunks(4) {
                    let upper = word.get(2..4).map_or(0, |b| u32::from(u16::from_le_bytes([b[0], b[1]])));
                    expected[at] = u32::from(u16::from_le_bytes([word[0], word[1]])) | (upper << 16);
                    at += 1;
                }
                at += 1 + cases.below(3) as usize;
                // The same bytes on the host.
                let mut got = vec![0; len as usize];
                blocking::fill_range(gpu, &fill, from, &mut got).unwrap();
                assert!(got == bytes, "{} {dtype}: {elements:?}", fill.name());
            }
            assert!(read(gpu, encoder, &buffer) == expected, "{} {dtype}", fill.name());
            let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            for (from, len) in [(1, 4), (3, 2), (2, 1), (2, fill.device_bytes()), (fill.device_bytes() + 2, 2)] {
                let refused = gpu.filler().record_range(&mut encoder, &fill, from, len, &buffer, 0).unwrap_err();
                assert!(refused.to_string().starts_with(&format!("tensor {}: ", fill.name())), "{refused}");
            }
        }
    }
}

/// Parts by columns, as many as there are, of mixed widths, so that they share words; whole, in boxes and in ranges.
fn interleaved(parts: u64, rows: u64, dtype: DType) -> Vec<Fill> {
    let mut cases = Cases(parts);
    let mut width = 0;
    let list: Vec<Part> = (0..parts)
        .map(|k| {
            let dims = [rows, 1 + (k * 7) % 5];
            let scheme = [Scheme::normal(0.0, 1.0), Scheme::uniform(-1.0, 1.0), Scheme::ones()][k as usize % 3];
            let part = Part::new(format!("{k}"), dims, scheme, Slab::new([0, width], dims)).unwrap();
            width += dims[1];
            part
        })
        .collect();
    let dims = [rows, width];
    let tensor = planned(&TensorSpec::with_parts("interleaved", dims, dims, list).unwrap().dtype(dtype));
    let mut fills = vec![tensor.fill()];
    for _ in 0..5 {
        fills.push(tensor.fill_boxes(&random_boxes(&mut cases, &dims, 3)).unwrap());
        fills.push(tensor.fill_elements(random_range(&mut cases, rows * width)).unwrap());
    }
    fills
}

#[test]
fn parts_that_share_words_are_found_however_many_there_are() {
    let gpu = shared();
    for dtype in DType::ALL {
        for (parts, rows) in [(3, 50), (4, 31), (64, 9), (1024, 3)] {
            check(gpu, gpu.filler(), &interleaved(parts, rows, dtype), 1);
        }
    }
}

/// Parts inside parts: columns of every other head, and of heads of two sizes, so that no period or a long one is left.
#[test]
fn parts_that_repeat_in_parts() {
    let gpu = shared();
    for dtype in DType::ALL {
        let part = |name: &str, dims: &[u64], start: &[u64], extent: &[u64]| {
            Part::new(name, dims, Scheme::normal(0.0, 1.0), Slab::new(start, extent)).unwrap()
        };
        // Of each head of 7 rows and 9 columns: the first 4 rows in three parts by columns, the others in one.
        let nested = vec![
            part("a", &[20, 2], &[0, 0, 0], &[5, 4, 2]),
            part("b", &[20, 3], &[0, 0, 2], &[5, 4, 3]),
            part("c", &[20, 4], &[0, 0, 5], &[5, 4, 4]),
            part("d", &[15, 9], &[0, 4, 0], &[5, 3, 9]),
        ];
        // The same, turned: the columns are the outer axis of each logical tensor.
        let turned = nested.iter().map(|p| {
            let [heads, rows, columns] = p.slab.extent[..] else { panic!() };
            let slab = p.slab.clone();
            Part::new(format!("{}'", p.name), [columns, heads, rows], p.scheme, slab).unwrap().order([2, 0, 1])
        });
        let turned = turned.collect();
        let mut fills = Vec::new();
        for (name, parts) in [("nested", nested), ("turned", turned)] {
            let spec = TensorSpec::with_parts(name, [35, 9], [5, 7, 9], parts).unwrap();
            let tensor = planned(&spec.dtype(dtype));
            fills.push(tensor.fill());
            let mut cases = Cases(5);
            for _ in 0..20 {
                fills.push(tensor.fill_elements(random_range(&mut cases, 315)).unwrap());
            }
        }
        check(gpu, gpu.filler(), &fills, 1);
    }
}

/// Rows of an orthogonal matrix are no whole matrix: the host makes them, and the device makes whole ones only.
#[test]
fn rows_of_matrices_are_written_where_the_device_makes_matrices() {
    let gpu = shared();
    let mut options = FillerOptions::default();
    options.tier = Some(gpu.filler().tier());
    options.orthogonal = true;
    let filler = blocking::filler(gpu.device(), gpu.queue(), &options).unwrap();
    let several = tensor("several", &[4, 20, 20], Scheme::orthogonal(1.0, 1), DType::F32);
    let one = tensor("one", &[30, 20], Scheme::orthogonal(1.0, 0), DType::F32);
    let fills = [
        one.fill_slab(&Slab::new([0, 0], [10, 20])).unwrap(),
        one.fill_elements(3..597).unwrap(),
        several.fill_slab(&Slab::new([1, 0, 0], [2, 20, 20])).unwrap(),
        several.fill_elements(400..1200).unwrap(),
        several.fill_elements(0..500).unwrap(),
        several.fill(),
    ];
    check(gpu, &filler, &fills, 2);
    assert_ne!(twin(&fills[4])[..400], twin(&fills[3])[..400]);
}
