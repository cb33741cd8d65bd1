//! Each normal is the exact Box-Muller value of its words, each truncated one the exact quantile, within 5e-7 max(1,
//! |z|).

use super::collect;
use crate::laws::{SEED, WINDOWS, cut, tensor};
use crate::reference::{Words, box_muller};
use crate::support::special::{normal_cdf, normal_upper_tail};
use seedbed::{DType, Scheme};

const NAME: &str = "statistics.accuracy";

/// The worst error over `n` draws in units of max(1, |z|), where a pair's first word passes through `change` before the
/// exact value is taken.
fn worst(n: u64, change: impl Fn(u32) -> u32 + Sync) -> f64 {
    let fill = tensor(NAME, &[n], Scheme::normal(0.0, 1.0), DType::F32).fill();
    let words = Words::of(SEED, NAME);
    let eat = |worst: &mut f64, from: u64, values: &mut [f32]| {
        for (block, four) in values.chunks(4).enumerate() {
            let w = words.block(from + 4 * block as u64);
            let exact = [box_muller(change(w[0]), w[1]), box_muller(change(w[2]), w[3])];
            for (z, exact) in four.iter().zip(exact.as_flattened()) {
                *worst = worst.max((f64::from(*z) - exact).abs() / exact.abs().max(1.0));
            }
        }
    };
    collect(&fill, n, || 0.0, eat, |a, b| *a = a.max(b))
}

fn is_within_5e_7(n: u64) {
    let (error, control) = (worst(n, |w| w), worst(1_000_000, |w| w & !0xff));
    println!("{n} draws: worst |z - exact| / max(1, |z|) {error:.3e}; radius from 24 bits: {control:.3e}");
    assert!(error <= 5e-7, "{error:e}");
    assert!(error > 1e-9, "f32 cannot be that good: is anything compared?");
    // The control: a radius that drops the low byte of its word.
    assert!(control > 5e-7, "{control:e}");
}

#[test]
fn error_of_normals_is_within_5e_7_over_4e6_draws() {
    is_within_5e_7(4_000_000);
}

#[test]
#[ignore = "long: 10^8 draws in f64"]
fn error_of_normals_is_within_5e_7_over_1e8_draws() {
    is_within_5e_7(100_000_000);
}

/// A value of U(-1, 1) is exact: each is compared bit by bit.
#[test]
fn uniform_values_are_the_lattice_of_the_document() {
    const N: u64 = 1_000_000;
    let fill = tensor(NAME, &[N], Scheme::uniform(-1.0, 1.0), DType::F32).fill();
    let words = Words::of(SEED, NAME);
    for (i, x) in super::values(&fill).into_iter().enumerate() {
        assert_eq!(x.to_bits(), words.unit(i as u64).to_bits(), "element {i}");
    }
}

/// P(a < Z < b), from the nearer tail.
fn between(a: f64, b: f64) -> f64 {
    if a > 0.0 { normal_upper_tail(a) - normal_upper_tail(b) } else { normal_cdf(b) - normal_cdf(a) }
}

/// How far z lies from the exact quantile of [lo, hi] at word `w`, to first order: the probability's error over the
/// density.
fn quantile_error(z: f64, w: u32, lo: f64, hi: f64) -> f64 {
    let part = |w: u32| (f64::from(w) + 0.5) / 4_294_967_296.0 * between(lo, hi);
    // From the nearer end, where f64 has its digits.
    let wrong = if w < 1 << 31 { between(lo, z) - part(w) } else { part(!w) - between(z, hi) };
    wrong * std::f64::consts::TAU.sqrt() * (z * z / 2.0).exp()
}

/// Words within 2^20 of an end are left out: there a second word may refine the step.
#[test]
fn truncated_normals_are_the_quantiles_of_their_words() {
    const N: u64 = 2_000_000;
    let words = Words::of(SEED, NAME);
    for (name, lo, hi) in WINDOWS.into_iter().chain([("turned", f64::NEG_INFINITY, -4.5)]) {
        // A window whose denser end is the upper one is counted from there.
        let sign = if lo + hi < 0.0 { -1.0 } else { 1.0 };
        let (from, to) = if sign < 0.0 { (-hi, -lo) } else { (lo, hi) };
        let (mut worst, mut control, mut compared) = (0.0f64, 0.0f64, 0);
        for (i, z) in super::values(&tensor(NAME, &[N], cut(lo, hi), DType::F32).fill()).into_iter().enumerate() {
            let w = words.block(i as u64)[i % 4];
            if w.min(!w) >= 1 << 20 {
                let z = sign * f64::from(z);
                let unit = z.abs().max(1.0);
                worst = worst.max(quantile_error(z, w, from, to).abs() / unit);
                control = control.max(quantile_error(z, w & !0xfff, from, to).abs() / unit);
                compared += 1;
            }
        }
        println!("{name}: {compared} words, worst error {worst:.3e}; of 20-bit words {control:.3e}");
        assert!(compared > N * 99 / 100 && worst <= 5e-7, "{name}: {worst:e}");
        // The control, where 20 bits are coarser than f32: not in the narrow window.
        assert!(control > 5e-7 || name == "narrow", "{name}: {control:e}");
    }
}
