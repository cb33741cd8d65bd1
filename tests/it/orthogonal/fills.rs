//! Orthogonal matrices as tensors of a plan: where their elements lie, in every dtype, slab and range.

use seedbed::cpu::orthogonal::{self, Batch, Workspace};
use seedbed::plan::Slab;
use seedbed::plan::{Plan, PlannedTensor, TensorSpec};
use seedbed::shape::Layout;
use seedbed::{DType, Scheme, StreamVersion, cpu};

pub fn planned(name: &str, dims: &[u64], scheme: &str, layout: Layout, dtype: DType) -> PlannedTensor {
    let mut plan = Plan::new(StreamVersion::V1, 11);
    let spec = TensorSpec::new(name, dims, scheme.parse().unwrap()).unwrap().dtype(dtype);
    plan.push(&spec.layout(layout)).unwrap().clone()
}

pub fn bytes(fill: &seedbed::Fill) -> Vec<u8> {
    let mut bytes = vec![0; fill.bytes() as usize];
    cpu::fill(fill, &mut bytes).unwrap();
    bytes
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

/// The matrices alone, without a plan.
fn matrices(tensor: &PlannedTensor, count: u32, rows: u32, cols: u32, gain: f32) -> Vec<f32> {
    let batch = Batch { key: tensor.parts()[0].key().0, first: 0, count, rows, cols, gain };
    let mut out = vec![0.0; batch.elements().unwrap() as usize];
    orthogonal::fill(cpu::Level::best(), &batch, &mut out, &mut Workspace::default()).unwrap();
    out
}

#[test]
fn a_tensor_holds_the_matrices_of_its_key() {
    let check = |dims: &[u64], scheme: &str, layout: Layout, (count, rows, cols, gain)| {
        let tensor = planned("w", dims, scheme, layout, DType::F32);
        assert_eq!(floats(&bytes(&tensor.fill())), matrices(&tensor, count, rows, cols, gain), "{dims:?} {scheme}");
    };
    check(&[5, 3], "orthogonal", Layout::OutIn, (1, 5, 3, 1.0));
    check(&[3, 5, 7], "orthogonal(gain=0.5)", Layout::OutIn, (1, 3, 35, 0.5));
    check(&[3, 5, 7], "orthogonal", Layout::InOut, (1, 15, 7, 1.0));
    check(&[4, 5, 7], "orthogonal(batch=1)", Layout::OutIn, (4, 5, 7, 1.0));
    check(&[2, 3, 200, 130], "orthogonal(batch=2)", Layout::OutIn, (6, 200, 130, 1.0));
    check(&[1, 9], "orthogonal", Layout::OutIn, (1, 1, 9, 1.0));
    check(&[1, 1], "orthogonal", Layout::OutIn, (1, 1, 1, 1.0));
}

#[test]
fn a_kernel_has_the_matrix_in_its_middle_and_zeros_around() {
    let tensor = planned("w", &[6, 4, 3, 4], "delta_orthogonal(gain=2)", Layout::OutIn, DType::F32);
    let (values, matrix) = (floats(&bytes(&tensor.fill())), matrices(&tensor, 1, 6, 4, 2.0));
    for (i, value) in values.iter().enumerate() {
        // (3 - 1) / 2 and (4 - 1) / 2.
        let wanted = if i % 12 == 4 + 1 { matrix[i / 12] } else { 0.0 };
        assert_eq!(value.to_bits(), wanted.to_bits(), "{i}");
    }
    let tensor = planned("w", &[3, 6, 4], "delta_orthogonal", Layout::InOut, DType::F32);
    let (values, matrix) = (floats(&bytes(&tensor.fill())), matrices(&tensor, 1, 6, 4, 1.0));
    assert!(values[..24].iter().chain(&values[48..]).all(|v| v.to_bits() == 0));
    assert_eq!(values[24..48], matrix);
}

#[test]
fn sixteen_bits_are_the_f32_rounded_once() {
    for (dtype, round) in [
        (DType::BF16, (|x: f32| half::bf16::from_f32(x).to_bits()) as fn(f32) -> u16),
        (DType::F16, |x| half::f16::from_f32(x).to_bits()),
    ] {
        let whole = floats(&bytes(&planned("w", &[65, 33], "orthogonal", Layout::OutIn, DType::F32).fill()));
        let stored = bytes(&planned("w", &[65, 33], "orthogonal", Layout::OutIn, dtype).fill());
        let wanted: Vec<u8> = whole.iter().flat_map(|&x| round(x).to_le_bytes()).collect();
        assert_eq!(stored, wanted, "{dtype}");
    }
}

#[test]
fn a_slab_or_a_range_is_that_part_of_the_whole() {
    for dtype in DType::ALL {
        for (dims, scheme) in [
            (&[3u64, 150, 131][..], "orthogonal(batch=1)"),
            (&[150, 131], "orthogonal"),
            (&[6, 5, 3, 3], "delta_orthogonal"),
        ] {
            let tensor = planned("w", dims, scheme, Layout::OutIn, dtype);
            let (whole, size) = (bytes(&tensor.fill()), dtype.size() as usize);
            let start: Vec<u64> = dims.iter().map(|d| d / 3).collect();
            let extent: Vec<u64> = dims.iter().zip(&start).map(|(d, s)| d - s).collect();
            let slab = bytes(&tensor.fill_slab(&Slab::new(start.clone(), extent.clone())).unwrap());
            for (k, element) in slab.chunks_exact(size).enumerate() {
                let (mut k, mut index, mut stride) = (k as u64, 0, 1);
                for axis in (0..dims.len()).rev() {
                    index += (start[axis] + k % extent[axis]) * stride;
                    (k, stride) = (k / extent[axis], stride * dims[axis]);
                }
                assert_eq!(element, &whole[index as usize * size..][..size], "{dtype} {dims:?}");
            }
            for (from, len) in [(0, 4), (4, 40), (1000, 100), (whole.len() as u64 / 8 * 4, 64)] {
                if from + len > whole.len() as u64 {
                    continue;
                }
                let mut range = vec![0; len as usize];
                cpu::fill_range(&tensor.fill(), cpu::Level::best(), from, &mut range).unwrap();
                assert_eq!(range, whole[from as usize..][..len as usize]);
            }
        }
    }
}

#[test]
fn what_is_no_matrix_is_refused_by_name() {
    let refused = |dims: &[u64], scheme: &str, layout: Layout, facts: &[&str]| {
        let mut plan = Plan::new(StreamVersion::V1, 1);
        let spec = TensorSpec::new("w", dims, scheme.parse::<Scheme>().unwrap()).unwrap().layout(layout);
        let text = plan.push(&spec).unwrap_err().to_string();
        assert!(facts.iter().all(|f| text.contains(f)) && !text.contains('\n'), "{text}");
    };
    refused(&[7], "orthogonal", Layout::OutIn, &["tensor w", "[7]", "rank 2"]);
    refused(&[3, 4], "orthogonal(batch=1)", Layout::OutIn, &["tensor w", "[3, 4]", "rank 3"]);
    let axes = "axes(in=1, out=2, batch=[0])".parse().unwrap();
    refused(&[4, 4, 4], "orthogonal", axes, &["tensor w", "layout axes"]);
    refused(&[3, 4], "delta_orthogonal", Layout::OutIn, &["tensor w", "rank, 3 to 5"]);
    for scheme in ["orthogonal(gain=1e-40)", "delta_orthogonal(gain=1e300)"] {
        let text = scheme.parse::<Scheme>().unwrap_err().to_string();
        assert!(text.contains("gain") && !text.contains('\n'), "{text}");
    }
    assert!("orthogonal(gain=nan)".parse::<Scheme>().is_err());
    assert!(Scheme::orthogonal(1.0, 99).check().is_err());
}

/// A slab through far more matrices than are made together: the twin cuts it into ranges.
#[test]
fn a_slab_through_many_matrices_is_those_elements() {
    for (dims, slab) in [
        ([900u64, 150, 150], Slab::new([3, 7, 0], [401, 1, 1])),
        ([70_000, 8, 8], Slab::new([1, 2, 3], [68_001, 2, 1])),
    ] {
        let tensor = planned("w", &dims, "orthogonal(batch=1)", Layout::OutIn, DType::BF16);
        let fill = tensor.fill_slab(&slab).unwrap();
        let got = bytes(&fill);
        let whole = planned("w", &dims, "orthogonal(batch=1)", Layout::OutIn, DType::BF16);
        for t in [0, 1, 200, 399, 400] {
            let one = Slab::new([slab.start[0] + t, slab.start[1], slab.start[2]], [1, slab.extent[1], slab.extent[2]]);
            let wanted = bytes(&whole.fill_slab(&one).unwrap());
            assert_eq!(got[t as usize * wanted.len()..][..wanted.len()], wanted, "{dims:?} {t}");
        }
    }
}
