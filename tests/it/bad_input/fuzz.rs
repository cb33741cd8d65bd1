//! Random specifications, most of them wrong: planned and filled, or refused in one line; never a panic, never a value
//! that is not finite.

use super::refused;
use crate::reference::Cases;
use crate::statistics::decode;
use seedbed::cpu::{self, Level};
use seedbed::plan::Slab;
use seedbed::plan::{Part, Plan, PlannedTensor, TensorSpec};
use seedbed::scheme::{Bounds, Distribution, Mode, Nonlinearity, StdOf};
use seedbed::shape::Layout;
use seedbed::{DType, Result, Scheme, StreamVersion};

/// Numbers around every limit, and ordinary ones.
fn number(cases: &mut Cases) -> f64 {
    const EDGES: [f64; 28] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.02,
        -0.02,
        2.0,
        -2.0,
        5.0,
        6.0,
        100.0,
        -100.0,
        0.1,
        0.1001,
        65504.0,
        65520.0,
        9.6e3,
        1e-30,
        -1e-23,
        1.4e-23,
        1e36,
        -1.3e36,
        3.4e38,
        1e-45,
        1e300,
        1e-300,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    match cases.below(8) {
        0 => f64::NAN,
        1 => f64::from_bits(cases.next()),
        2 => 2f64.powi(cases.below(320) as i32 - 160),
        3 | 4 => cases.below(2_000_001) as f64 / 1e6 - 1.0,
        _ => *cases.pick(&EDGES),
    }
}

fn scheme(cases: &mut Cases) -> Scheme {
    let (a, b, c, d) = (number(cases), number(cases), number(cases), number(cases));
    let mode = *cases.pick(&[Mode::FanIn, Mode::FanOut, Mode::FanAvg]);
    let distribution = *cases.pick(&[Distribution::Normal, Distribution::Uniform, Distribution::TruncatedNormal]);
    match cases.below(9) {
        0 => Scheme::constant(a),
        1 => Scheme::uniform(a, b),
        2 => Scheme::normal(a, b),
        3 | 4 => {
            let bounds = if cases.below(2) == 0 { Bounds::Sigma(c, d) } else { Bounds::Absolute(c, d) };
            Scheme::truncated_normal(a, b, bounds, *cases.pick(&[StdOf::Parent, StdOf::Cut]))
        }
        5 => Scheme::variance_scaling(a, mode, distribution),
        6 => Scheme::xavier_truncated_normal(a),
        7 => Scheme::kaiming_uniform(mode, Nonlinearity::LeakyRelu(a)),
        _ => Scheme::torch_bias(cases.below(3)),
    }
}

/// Mostly small dimensions, at times one of a limit.
fn dim(cases: &mut Cases) -> u64 {
    match cases.below(40) {
        0 => 0,
        1 => u64::MAX,
        2 => 1 << 60,
        3 => (1 << 32) + 1,
        4 => cases.next(),
        _ => 1 + cases.below(9),
    }
}

fn dims(cases: &mut Cases) -> Vec<u64> {
    (0..cases.below(8)).map(|_| dim(cases)).collect()
}

/// A box that may leave the tensor, or have another rank.
fn slab(cases: &mut Cases, of: &[u64]) -> Slab {
    let mut slab = Slab::whole(of);
    for (k, &dim_k) in of.iter().enumerate() {
        if dim_k > 0 && cases.below(3) > 0 {
            slab.start[k] = cases.below(dim_k);
            slab.extent[k] = 1 + cases.below((dim_k - slab.start[k]).min(12));
        }
        if cases.below(40) == 0 {
            slab.start[k] = dim(cases);
        }
        if cases.below(40) == 0 {
            slab.extent[k] = dim(cases);
        }
    }
    if cases.below(40) == 0 {
        slab.start.push(0);
    }
    slab
}

fn layout(cases: &mut Cases) -> Layout {
    let axis = |cases: &mut Cases| cases.below(9) as i64 - 4;
    match cases.below(6) {
        0 => Layout::InOut,
        1 => Layout::conv(cases.below(4)),
        2 => Layout::conv_transpose(cases.below(4)),
        3 => Layout::axes([axis(cases)], [axis(cases)], [axis(cases)]),
        _ => Layout::OutIn,
    }
}

fn parts(cases: &mut Cases, dims: &[u64]) -> Result<(Vec<u64>, Vec<Part>)> {
    let view = if cases.below(3) == 0 { self::dims(cases) } else { dims.to_vec() };
    let mut parts = Vec::new();
    if view.first().is_some_and(|&d| d > 1) && cases.below(4) > 0 {
        // Two parts that fit, in a random order of their axes.
        let rows = 1 + cases.below(view[0] - 1);
        for (from, to) in [(0, rows), (rows, view[0])] {
            let mut slab = Slab::whole(&view);
            (slab.start[0], slab.extent[0]) = (from, to - from);
            let mut order: Vec<usize> = (0..view.len()).collect();
            order.sort_by_key(|_| cases.next());
            let shape: Vec<u64> = order.iter().map(|&k| slab.extent[k]).collect();
            parts.push(Part::new(format!("part {from}"), shape, Scheme::normal(0.0, 0.5), slab)?.order(order));
        }
    } else {
        for i in 0..cases.below(3) {
            let slab = slab(cases, &view);
            parts.push(Part::new(format!("part {i}"), slab.extent.clone(), scheme(cases), slab)?);
        }
    }
    Ok((view, parts))
}

fn spec(cases: &mut Cases) -> Result<TensorSpec> {
    let dims = dims(cases);
    let mut spec = if cases.below(2) == 0 {
        let (view, parts) = parts(cases, &dims)?;
        TensorSpec::with_parts("fuzz", dims.clone(), view, parts)?
    } else {
        TensorSpec::new("fuzz", dims.clone(), scheme(cases))?
    };
    spec = spec.dtype(*cases.pick(&DType::ALL)).layout(layout(cases));
    for _ in 0..cases.below(6).saturating_sub(3) {
        spec = spec.zero_row(dim(cases));
    }
    if cases.below(20) == 0 {
        spec.view = self::dims(cases);
    }
    Ok(spec)
}

/// Fills what is small, and ranges of what is not.
fn fill(cases: &mut Cases, tensor: &PlannedTensor) -> Result<()> {
    let mut fills = vec![tensor.fill()];
    for _ in 0..4 {
        match tensor.fill_slab(&slab(cases, tensor.shape().dims())) {
            Ok(fill) => fills.push(fill),
            Err(error) => drop(refused::<()>(Err(error), &["fuzz"])),
        }
    }
    for fill in fills {
        let len = fill.device_bytes().min(4096);
        let last = fill.device_bytes() - len;
        for from in [0, last, cases.below(last + 1)] {
            let mut out = vec![0xa5; len as usize];
            if cpu::fill_range(&fill, Level::best(), from, &mut out).is_err() {
                assert_ne!(from % 4, 0);
                continue;
            }
            assert!(decode(fill.dtype(), &out).iter().all(|x| x.is_finite()), "{tensor:?}");
        }
    }
    Ok(())
}

fn run(seed: u64, count: u64) {
    let mut cases = Cases(seed);
    let (mut accepted, mut refusals) = (0, 0);
    for i in 0..count {
        let mut plan = Plan::new(StreamVersion::V1, i);
        let planned = spec(&mut cases).and_then(|spec| plan.push(&spec).cloned());
        match planned.and_then(|tensor| fill(&mut cases, &tensor)) {
            Ok(()) => accepted += 1,
            Err(error) => {
                refused::<()>(Err(error), &[]);
                refusals += 1;
            }
        }
    }
    println!("{accepted} accepted, {refusals} refused");
    // Neither all right nor all wrong: both outcomes are tested.
    assert!(accepted > count / 20 && refusals > count / 20, "{accepted} accepted, {refusals} refused");
}

#[test]
fn ten_thousand_random_specifications_never_panic() {
    run(5, 10_000);
}

#[test]
#[ignore = "long: 10^6 random specifications"]
fn a_million_random_specifications_never_panic() {
    run(6, 1_000_000);
}
