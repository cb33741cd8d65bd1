//! Structured laws: each element against its definition, slabs against the whole, and what is refused.

mod bad;
mod sinusoidal;
mod sparse;

use crate::laws::{planned, tensor};
use crate::reference::Cases;
use seedbed::cpu::{self, Level};
use seedbed::plan::Slab;
use seedbed::plan::TensorSpec;
use seedbed::scheme::SinusoidalLayout;
use seedbed::{DType, Fill, Scheme};

/// Every kind, on shapes of odd sides, of one row, of one column, of one element.
pub fn every_structured() -> Vec<(Scheme, Vec<u64>)> {
    let mut all = Vec::new();
    for dims in [[37u64, 29], [1, 71], [71, 1], [1, 1], [3, 35]] {
        for scheme in [
            Scheme::identity(0.7),
            Scheme::near_identity(1.0, 0.02),
            Scheme::block_diagonal(1, 0.5),
            Scheme::sparse(0.3, 0.01),
            Scheme::log_range(),
            Scheme::dt_bias(0.001, 0.1, 1e-4),
        ] {
            all.push((scheme, dims.to_vec()));
        }
    }
    for (sparsity, dims) in [(0.0, [5, 3]), (1.0, [5, 3]), (0.5, [2, 301]), (0.9, [130, 7]), (0.5, [513, 3])] {
        all.push((Scheme::sparse(sparsity, 0.01), dims.to_vec()));
    }
    all.push((Scheme::block_diagonal(3, 0.5), vec![33, 15]));
    all.push((Scheme::block_diagonal(7, 0.5), vec![7, 21]));
    for layout in [SinusoidalLayout::Interleaved, SinusoidalLayout::Halves, SinusoidalLayout::HalvesToEnd] {
        for dims in [[41, 26], [1, 4], [7, 1026]] {
            all.push((Scheme::sinusoidal(10_000.0, layout), dims.to_vec()));
        }
    }
    all.push((Scheme::sinusoidal(10_000.0, SinusoidalLayout::Interleaved), vec![71, 2]));
    for (groups, dims) in [(1, vec![3u64, 5, 7]), (1, vec![1, 1, 1]), (3, vec![9, 5, 3, 4]), (2, vec![4, 3, 2, 3, 4])] {
        all.push((Scheme::dirac(groups), dims));
    }
    all.push((Scheme::log_range(), vec![3, 5, 7]));
    all.push((Scheme::linspace(-0.3, 5.0), vec![3, 5, 7]));
    all.push((Scheme::linspace(1.0, -1.0), vec![71, 8]));
    all.push((Scheme::log_of_uniform(0.01, 16.0), vec![3, 5, 7]));
    all.push((Scheme::dt_bias(0.001, 0.1, 0.01), vec![3, 5, 7]));
    all
}

fn bytes(fill: &Fill, level: Level) -> Vec<u8> {
    let mut out = vec![0xa5; fill.bytes() as usize];
    cpu::fill_at(fill, level, &mut out).unwrap();
    out
}

/// The elements in f32.
fn values(dims: &[u64], scheme: Scheme) -> Vec<f32> {
    let out = bytes(&tensor("structured", dims, scheme, DType::F32).fill(), Level::best());
    out.chunks_exact(4).map(|w| f32::from_le_bytes(w.try_into().unwrap())).collect()
}

#[test]
fn every_level_gives_the_same_bytes() {
    for (scheme, dims) in every_structured() {
        for dtype in DType::ALL {
            let specs = [
                Some(TensorSpec::new("structured", dims.clone(), scheme).unwrap()),
                match dims[..] {
                    // Elements that lie apart.
                    [rows, cols] => Some(TensorSpec::transposed("structured", [cols, rows], scheme).unwrap()),
                    _ => None,
                },
            ];
            for spec in specs.into_iter().flatten() {
                let fill = planned(&spec.dtype(dtype)).fill();
                let baseline = bytes(&fill, Level::Baseline);
                for level in Level::available() {
                    assert!(bytes(&fill, level) == baseline, "{scheme} {dims:?} {dtype} {level}");
                }
            }
        }
    }
}

/// The bytes of a slab, gathered from the whole.
fn gathered(whole: &[u8], dims: &[u64], slab: &Slab, size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for at in 0..slab.count() {
        let (mut rest, mut index, mut step) = (at, 0, 1);
        for k in (0..dims.len()).rev() {
            index += (slab.start[k] + rest % slab.extent[k]) * step;
            rest /= slab.extent[k];
            step *= dims[k];
        }
        out.extend(&whole[index as usize * size..(index as usize + 1) * size]);
    }
    out
}

#[test]
fn slabs_hold_what_the_whole_holds() {
    let mut cases = Cases(17);
    for (scheme, dims) in every_structured() {
        for dtype in DType::ALL {
            let tensor = tensor("structured", &dims, scheme, dtype);
            let whole = bytes(&tensor.fill(), Level::best());
            for _ in 0..12 {
                let start: Vec<u64> = dims.iter().map(|&d| cases.below(d)).collect();
                let extent: Vec<u64> = dims.iter().zip(&start).map(|(&d, &s)| 1 + cases.below(d - s)).collect();
                let slab = Slab::new(start, extent);
                let part = bytes(&tensor.fill_slab(&slab).unwrap(), Level::best());
                assert_eq!(part, gathered(&whole, &dims, &slab, dtype.size() as usize), "{scheme} {dims:?} {slab}");
            }
        }
    }
}

#[test]
fn transposed_storage_holds_the_logical_matrix() {
    for (scheme, dims) in every_structured() {
        let [rows, cols] = dims[..] else { continue };
        let logical = values(&dims, scheme);
        let stored =
            bytes(&planned(&TensorSpec::transposed("structured", [cols, rows], scheme).unwrap()).fill(), Level::best());
        for (at, word) in stored.chunks_exact(4).enumerate() {
            let (c, r) = (at as u64 / rows, at as u64 % rows);
            let expected = logical[(r * cols + c) as usize];
            assert_eq!(f32::from_le_bytes(word.try_into().unwrap()).to_bits(), expected.to_bits(), "{scheme} {dims:?}");
        }
    }
}

/// The ones of torch's `eye_` and `dirac_`, written by tests/data/torch_structured.py.
#[test]
fn ones_stand_where_torch_s_do() {
    let mut lines = 0;
    for line in include_str!("../../data/torch_structured.tsv").lines().filter(|l| !l.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let numbers = |text: &str| text.split(' ').map(|n| n.parse().unwrap()).collect::<Vec<u64>>();
        let (dims, ones) = (numbers(fields[1]), numbers(fields[2]));
        for (at, value) in values(&dims, fields[0].parse().unwrap()).into_iter().enumerate() {
            let expected = f32::from(u8::from(ones.contains(&(at as u64))));
            assert_eq!(value.to_bits(), expected.to_bits(), "{line}: element {at}");
        }
        lines += 1;
    }
    assert_eq!(lines, 15);
}

#[test]
fn what_is_not_cut_is_the_normal_of_the_same_stream() {
    let (rows, cols) = (33u64, 15);
    let normal = values(&[rows, cols], Scheme::normal(0.0, 0.5));
    let block = values(&[rows, cols], Scheme::block_diagonal(3, 0.5));
    let near = values(&[rows, cols], Scheme::near_identity(-2.0, 0.5));
    let centered = values(&[rows, cols], Scheme::normal(-2.0, 0.5));
    let sparse = values(&[rows, cols], Scheme::sparse(0.4, 0.5));
    for i in 0..(rows * cols) as usize {
        let (r, c) = (i / cols as usize, i % cols as usize);
        let on = r / 11 == c / 5;
        assert_eq!(block[i].to_bits(), if on { normal[i] } else { 0.0 }.to_bits(), "block {r} {c}");
        assert_eq!(near[i].to_bits(), if r == c { centered[i] } else { normal[i] }.to_bits(), "near {r} {c}");
        assert!(sparse[i].to_bits() == 0 || sparse[i].to_bits() == normal[i].to_bits(), "sparse {r} {c}");
    }
}

#[test]
fn logarithms_run_along_the_last_axis() {
    let table = values(&[3, 5, 16], Scheme::log_range());
    for (i, value) in table.into_iter().enumerate() {
        let exact = ((i % 16 + 1) as f64).ln();
        assert!((f64::from(value) - exact).abs() <= 2e-7 * exact, "{i}: {value}");
        assert!(i % 16 > 0 || value.to_bits() == 0);
    }
}

/// A log-uniform step: the biases' softplus, in logarithms, is uniform; and the floor holds.
#[test]
fn the_step_s_bias_gives_log_uniform_steps() {
    let n = 200_000;
    let step = |b: f32| f64::from(b).exp().ln_1p();
    let steps: Vec<f64> = values(&[n], Scheme::dt_bias(0.001, 0.1, 1e-4)).into_iter().map(step).collect();
    let mut bins = vec![0u64; 50];
    for dt in &steps {
        assert!((0.001 * (1.0 - 1e-6)..=0.1 * (1.0 + 1e-6)).contains(dt), "{dt}");
        bins[(((dt / 0.001).ln() / 100f64.ln() * 50.0) as usize).min(49)] += 1;
    }
    let check = crate::support::chi_square(&bins, &[n as f64 / 50.0; 50], 0, 1e-4);
    assert!(check.passed(), "{check:?}");
    // The control: steps uniform themselves are seen.
    let mut control = vec![0u64; 50];
    for i in 0..n {
        let dt = 0.001 + 0.099 * (i as f64 + 0.5) / n as f64;
        control[(((dt / 0.001).ln() / 100f64.ln() * 50.0) as usize).min(49)] += 1;
    }
    assert!(!crate::support::chi_square(&control, &[n as f64 / 50.0; 50], 0, 1e-4).passed());
    let floored = values(&[10_000], Scheme::dt_bias(0.001, 0.1, 0.02));
    let least = floored.iter().copied().fold(f32::MAX, f32::min);
    let at_floor = floored.iter().filter(|&&b| b == least).count() as f64 / 10_000.0;
    assert!((step(least) / 0.02 - 1.0).abs() < 1e-6);
    assert!((at_floor - 20f64.ln() / 100f64.ln()).abs() < 0.03, "{at_floor}");
}

/// What a law says of its mean and std is what its tensor has.
#[test]
fn moments_are_those_of_the_whole_tensor() {
    let large = [
        (Scheme::identity(0.7), vec![37, 29]),
        (Scheme::dirac(3), vec![9, 5, 3, 4]),
        (Scheme::near_identity(1.0, 0.1), vec![200, 300]),
        (Scheme::block_diagonal(5, 0.5), vec![200, 300]),
        (Scheme::sparse(0.3, 0.5), vec![201, 300]),
        (Scheme::sinusoidal(10_000.0, SinusoidalLayout::Interleaved), vec![301, 64]),
        (Scheme::sinusoidal(50.0, SinusoidalLayout::HalvesToEnd), vec![301, 64]),
        (Scheme::log_range(), vec![3, 1000]),
        (Scheme::linspace(-0.3, 5.0), vec![3, 1000]),
        (Scheme::log_of_uniform(0.01, 16.0), vec![60_000]),
        (Scheme::dt_bias(0.001, 0.1, 0.002), vec![60_000]),
    ];
    for (scheme, dims) in large {
        let law = tensor("structured", &dims, scheme, DType::F32).parts()[0].law().clone();
        let all: Vec<f64> = values(&dims, scheme).into_iter().map(f64::from).collect();
        let n = all.len() as f64;
        let mean = all.iter().sum::<f64>() / n;
        let std = (all.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
        let random = !matches!(
            scheme,
            Scheme::Identity { .. }
                | Scheme::Dirac { .. }
                | Scheme::Sinusoidal { .. }
                | Scheme::LogRange
                | Scheme::Linspace { .. }
        );
        let allowed = if random { 5.0 * law.std() / n.sqrt() } else { 1e-6 };
        assert!((mean - law.mean()).abs() < allowed, "{scheme}: mean {mean}, {}", law.mean());
        assert!((std - law.std()).abs() < allowed, "{scheme}: std {std}, {}", law.std());
        let (lo, hi) = law.range();
        assert!(all.iter().all(|&x| (lo - 1e-6..=hi + 1e-6).contains(&x)), "{scheme}: {lo} {hi}");
    }
}
