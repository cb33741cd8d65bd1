//! The frozen values of stream version 1, through the public API: what a second implementation,
//! tests/data/reference.py, computed from docs/stream.md. A difference is a new version of the stream, never an edit of
//! the data (rule 10, "a change of bits is a release event").

use seedbed::plan::Slab;
use seedbed::plan::{Plan, PlannedTensor, TensorSpec};
use seedbed::{DType, Fill, Rounding, StreamVersion, cpu};

/// A row of tests/data/values.tsv.
struct Case {
    line: &'static str,
    tensor: PlannedTensor,
    slab: Slab,
    bytes: Vec<u8>,
}

fn numbers(text: &str) -> Vec<u64> {
    text.split_whitespace().map(|n| n.parse().unwrap()).collect()
}

impl Case {
    fn read(line: &'static str) -> Self {
        let fields: Vec<&str> = line.split('\t').collect();
        let [seed, name, dtype, shape, layout, scheme, start, extent, values] = fields[..] else { panic!("{line}") };
        let (dims, flag) = match shape.rsplit_once(' ') {
            Some((dims, flag)) if flag.starts_with(['T', 'Z']) => (numbers(dims), flag),
            _ => (numbers(shape), ""),
        };
        let scheme = scheme.parse().unwrap();
        let (dtype, rounding) = dtype.split_once(' ').unwrap_or((dtype, "nearest"));
        let mut spec = if flag == "T" {
            TensorSpec::transposed(name, [dims[0], dims[1]], scheme).unwrap()
        } else {
            TensorSpec::new(name, dims, scheme).unwrap().layout(layout.parse().unwrap())
        };
        spec = spec.dtype(dtype.parse().unwrap()).rounding(rounding.parse().unwrap());
        if let Some(row) = flag.strip_prefix('Z') {
            spec = spec.zero_row(row.parse().unwrap());
        }
        let mut plan = Plan::new(StreamVersion::V1, seed.parse().unwrap());
        let tensor = plan.push(&spec).unwrap_or_else(|e| panic!("{line}: {e}")).clone();
        let slab = Slab::new(numbers(start), numbers(extent));
        let bytes = (values.split(' '))
            .flat_map(|v| u32::from_str_radix(v, 16).unwrap().to_le_bytes()[..v.len() / 2].to_vec())
            .collect();
        Self { line, tensor, slab, bytes }
    }
}

fn cases() -> Vec<Case> {
    include_str!("../data/values.tsv").lines().filter(|l| !l.starts_with('#')).map(Case::read).collect()
}

fn bytes(fill: &Fill, level: cpu::Level) -> Vec<u8> {
    let mut out = vec![0xa5; fill.bytes() as usize];
    cpu::fill_at(fill, level, &mut out).unwrap();
    out
}

#[test]
fn values_are_those_of_the_reference_at_every_level() {
    let cases = cases();
    assert!(cases.len() >= 60);
    for case in &cases {
        let fill = case.tensor.fill_slab(&case.slab).unwrap();
        for level in cpu::Level::available() {
            assert_eq!(bytes(&fill, level), case.bytes, "{level:?}: {}", case.line);
        }
    }
}

#[test]
fn every_law_and_dtype_is_frozen() {
    let cases = cases();
    for dtype in DType::ALL {
        // Orthogonal matrices are frozen in tests/data/orthogonal.tsv.
        for law in crate::laws::law_names().into_iter().filter(|&law| law != "Orthogonal") {
            let held = |c: &Case| {
                c.tensor.dtype() == dtype
                    && c.tensor.parts().iter().any(|p| format!("{:?}", p.law()).starts_with(&format!("{law}(")))
            };
            assert!(cases.iter().any(held), "{law} in {dtype}");
        }
    }
}

#[test]
fn stochastic_rounding_is_frozen_in_both_dtypes() {
    let cases = cases();
    for dtype in [DType::F16, DType::BF16] {
        let count = cases.iter().filter(|c| c.tensor.dtype() == dtype && c.tensor.rounding() == Rounding::Stochastic);
        assert!(count.count() >= 3, "{dtype}");
    }
}

#[test]
fn another_seed_or_name_would_be_noticed() {
    // The control of the first test.
    use seedbed::law::Law;
    let is_drawn = |c: &&Case| {
        !matches!(
            c.tensor.parts()[0].law(),
            Law::Constant(_)
                | Law::Identity(_)
                | Law::Dirac(_)
                | Law::Sinusoidal(_)
                | Law::LogRange(_)
                | Law::Linspace(_)
        )
    };
    for case in cases().iter().filter(is_drawn) {
        let fields: Vec<&str> = case.line.splitn(3, '\t').collect();
        let seed = fields[0].parse::<u64>().unwrap();
        for (seed, name) in [(seed ^ 1, fields[1].to_owned()), (seed, format!("{} ", fields[1]))] {
            let other = Case::read(Box::leak(format!("{seed}\t{name}\t{}", fields[2]).into_boxed_str()));
            let fill = other.tensor.fill_slab(&other.slab).unwrap();
            assert_ne!(bytes(&fill, cpu::Level::best()), case.bytes, "{}", case.line);
        }
    }
}

#[test]
fn parts_hold_what_their_own_tensors_would() {
    // The middle third of a fused matrix is the tensor of the part's name, whatever the whole is called.
    use seedbed::plan::Part;
    let scheme = "normal(mean=0, std=0.02)".parse().unwrap();
    let part = |k: u64, name: &str| Part::new(name, [5, 7], scheme, Slab::new([k, 0, 0], [1, 5, 7])).unwrap();
    let spec =
        TensorSpec::with_parts("qkv", [15, 7], [3, 5, 7], vec![part(0, "q"), part(1, "k"), part(2, "v")]).unwrap();
    let alone = TensorSpec::new("k", [5, 7], scheme).unwrap();
    let fill = |spec: &TensorSpec, slab: &Slab| {
        let mut plan = Plan::new(StreamVersion::V1, 9);
        plan.push(&spec.clone().dtype(DType::BF16)).unwrap().fill_slab(slab).unwrap()
    };
    let fused = fill(&spec, &Slab::new([5, 0], [5, 7]));
    assert_eq!(bytes(&fused, cpu::Level::best()), bytes(&fill(&alone, &Slab::whole(&[5, 7])), cpu::Level::best()));
    // An odd count of 16-bit elements leaves a half-word of zeros in a buffer.
    let mut padded = vec![0xa5; fused.device_bytes() as usize];
    cpu::fill(&fused, &mut padded).unwrap();
    assert_eq!((padded.len(), &padded[70..]), (72, &[0, 0][..]));
}
