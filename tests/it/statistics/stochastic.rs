//! Stochastic rounding: the mean is the f32 value, no value leaves its neighbors or its window, and seeds decide.

use super::{Family, decode, values};
use crate::laws::{every_law, planned, tensor};
use crate::support::Check;
use seedbed::law::Law;
use seedbed::plan::TensorSpec;
use seedbed::{DType, Rounding, Scheme, cpu};

const HALVES: [DType; 2] = [DType::F16, DType::BF16];

fn rounded(name: &str, n: u64, scheme: Scheme, dtype: DType, rounding: Rounding) -> Vec<f32> {
    let fill = planned(&TensorSpec::new(name, [n], scheme).unwrap().dtype(dtype).rounding(rounding)).fill();
    let mut bytes = vec![0; fill.bytes() as usize];
    cpu::fill(&fill, &mut bytes).unwrap();
    decode(dtype, &bytes)
}

/// The neighbors of an f32 value in the dtype.
fn neighbors(dtype: DType, x: f32) -> (f64, f64) {
    (f64::from(dtype.round_down(f64::from(x))), f64::from(dtype.round_up(f64::from(x))))
}

/// z of the errors' sum: an element's error has mean 0 and variance (x - lo) (hi - x).
fn z_of_errors(dtype: DType, exact: &[f32], stored: &[f32]) -> f64 {
    let (mut sum, mut variance) = (0.0, 0.0);
    for (&x, &y) in exact.iter().zip(stored) {
        let (lo, hi) = neighbors(dtype, x);
        sum += f64::from(y) - f64::from(x);
        variance += (f64::from(x) - lo) * (hi - f64::from(x));
    }
    sum / variance.sqrt()
}

#[test]
fn the_mean_of_what_is_stored_is_the_f32_value() {
    const N: u64 = 1 << 18;
    let mut family = Family::new("stochastic rounding is unbiased");
    for dtype in HALVES {
        // Constants off the middle of their neighbors, of either sign, and in f16's subnormals.
        for value in [0.1, -0.3, 1.0 / 3.0, 1000.1, -7e-6, 3.1e-8] {
            let name = format!("stochastic {value}");
            let scheme = Scheme::constant(value);
            let exact = vec![value as f32; N as usize];
            let z = |rounding| z_of_errors(dtype, &exact, &rounded(&name, N, scheme, dtype, rounding));
            family.claim(format!("{dtype} {value}"), Check::of_z(z(Rounding::Stochastic), super::ALPHA));
            family.control(format!("{dtype} {value}, nearest"), Check::of_z(z(Rounding::NearestEven), super::ALPHA));
        }
        // Of a law: each element's own error, weighted by nothing.
        let scheme = Scheme::normal(0.0, 0.02);
        let exact = values(&tensor("stochastic law", &[N], scheme, DType::F32).fill());
        let stored = rounded("stochastic law", N, scheme, dtype, Rounding::Stochastic);
        family.claim(format!("{dtype} normal"), Check::of_z(z_of_errors(dtype, &exact, &stored), super::ALPHA));
    }
    family.judge();
}

/// Also independent of the value's own word: errors of a uniform law, by quarters of its range.
#[test]
fn the_error_does_not_depend_on_the_value() {
    const N: u64 = 1 << 20;
    let mut family = Family::new("stochastic rounding, by the value");
    let scheme = Scheme::uniform(1.0, 2.0);
    let exact = values(&tensor("stochastic uniform", &[N], scheme, DType::F32).fill());
    for dtype in HALVES {
        let stored = rounded("stochastic uniform", N, scheme, dtype, Rounding::Stochastic);
        let chopped: Vec<f32> = exact.iter().map(|&x| dtype.round_down(f64::from(x))).collect();
        for quarter in 0..4 {
            let lo = 1.0 + quarter as f32 / 4.0;
            let pick = |from: &[f32]| -> Vec<f32> {
                let inside = exact.iter().zip(from).filter(|&(&x, _)| lo <= x && x < lo + 0.25);
                inside.map(|(_, &y)| y).collect()
            };
            let z = |stored: &[f32]| Check::of_z(z_of_errors(dtype, &pick(&exact), &pick(stored)), super::ALPHA);
            family.claim(format!("{dtype} quarter {quarter}"), z(&stored));
            family.control(format!("{dtype} quarter {quarter}, toward zero"), z(&chopped));
        }
    }
    family.judge();
}

#[test]
fn values_are_neighbors_of_the_f32_value_and_stay_in_their_window() {
    const N: u64 = 200_000;
    for (name, scheme) in every_law() {
        let of_f32 = tensor("stochastic bounds", &[N], scheme, DType::F32);
        for dtype in HALVES {
            let stored = rounded("stochastic bounds", N, scheme, dtype, Rounding::Stochastic);
            let nearest = rounded("stochastic bounds", N, scheme, dtype, Rounding::NearestEven);
            let window = match of_f32.parts()[0].law() {
                Law::TruncatedNormal(law) => (law.lo(), law.hi()),
                _ => (f64::NEG_INFINITY, f64::INFINITY),
            };
            let (lo, hi) = (dtype.round_up(window.0.max(-dtype.max())), dtype.round_down(window.1.min(dtype.max())));
            let mut moved = 0;
            for (i, &x) in values(&of_f32.fill()).iter().enumerate() {
                let y = f64::from(stored[i]);
                assert!(window.0 <= y && y <= window.1, "{name} {dtype} element {i}: {y}");
                // A window cuts the f32 value at its innermost values of the dtype first.
                let x = if window.0.is_infinite() && window.1.is_infinite() { x } else { x.clamp(lo, hi) };
                let (below, above) = neighbors(dtype, x);
                assert!(y == below || y == above, "{name} {dtype} element {i}: {x:e} became {y:e}");
                moved += u64::from(stored[i] != nearest[i]);
            }
            assert!(moved > N / 100 || name == "narrow", "{name} {dtype}: {moved} moved");
        }
    }
}

/// The law's reach is checked against the largest finite value, so that its upper neighbor is never infinity.
#[test]
fn nothing_becomes_infinite_at_the_dtype_s_end() {
    for (dtype, max) in [(DType::F16, 65504.0), (DType::BF16, DType::BF16.max())] {
        let mut schemes = vec![Scheme::constant(max), Scheme::constant(-max)];
        if dtype == DType::F16 {
            schemes.push(Scheme::uniform(-max, max));
            schemes.push(Scheme::uniform(65503.0, max));
            schemes.push(Scheme::normal(0.0, max / 6.77));
            schemes.push(Scheme::normal(max - 7e-4, 1e-4));
        }
        for scheme in schemes {
            let stored = rounded("stochastic end", 100_000, scheme, dtype, Rounding::Stochastic);
            assert!(stored.iter().all(|y| y.is_finite() && f64::from(y.abs()) <= max), "{scheme}");
        }
    }
    // Beyond it is refused, whatever the rounding.
    for rounding in [Rounding::NearestEven, Rounding::Stochastic] {
        let spec = TensorSpec::new("beyond", [1], Scheme::constant(65505.0)).unwrap().dtype(DType::F16);
        let error = seedbed::plan::Plan::new(seedbed::StreamVersion::V1, 1).push(&spec.rounding(rounding)).unwrap_err();
        assert!(error.to_string().contains("beyond"), "{error}");
    }
}

#[test]
fn exact_values_do_not_change() {
    for dtype in HALVES {
        for value in [0.0, 1.0, -0.5, 1.5, 65504.0 / 65536.0, 0.0078125] {
            let stored = rounded("exact", 4096, Scheme::constant(value), dtype, Rounding::Stochastic);
            let held = f64::from(dtype.round(value as f32)) == value;
            assert_eq!(stored.iter().all(|&y| f64::from(y) == value), held, "{dtype} {value}");
        }
    }
}
