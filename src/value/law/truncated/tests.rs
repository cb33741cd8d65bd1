//! The host's constants, through the twin's sampling: what an element becomes of its words.

use crate::DType;
use crate::cpu::fma::Wide;
use crate::cpu::sample::{fine_probability, is_fine, truncated, truncated_at};
use crate::value::law::Law;
use crate::value::libm;
use crate::value::params::LawParams;

/// The element that `word` gives, and `second`, the same lane's word of draw 1, where the window is refined.
fn sample(p: &LawParams, word: u32, second: u32) -> f32 {
    if p.refine != 0 && is_fine(p, word) {
        truncated_at::<Wide>(p, word, fine_probability::<Wide>(p, word, second))
    } else {
        truncated::<Wide>(p, word)
    }
}

fn params(mean: f64, std: f64, lo: f64, hi: f64) -> LawParams {
    let law = Law::truncated_normal(mean, std, lo, hi).unwrap();
    LawParams::new(&law, DType::F32).unwrap()
}

#[test]
fn the_study_vectors_come_out_bit_for_bit() {
    let p = params(0.0, 1.0, -2.0, 2.0);
    assert_eq!((p.tail, p.refine, p.threshold), (0, 0, 0x8000_0000));
    assert_eq!([p.step, p.offset, p.left, p.right].map(f32::to_bits), [0x2f745a18, 0x2ef45a18, 0x3cba5e7c, 0x3cba5e7c]);
    for (word, bits) in [(0, 0xbfffffff), (0x12345678, 0xbfab1ff0), (0x80000000, 0x2f991ff7), (0xdeadbeef, 0x3f8653de)]
    {
        assert_eq!(sample(&p, word, 0).to_bits(), bits, "{word:08x}");
    }
}

struct Case {
    numbers: [f64; 4],
    moments: (f64, f64),
    /// word, second word, value, refined value
    words: Vec<(u32, u32, f64, Option<f64>)>,
}

/// The windows of tests/data/truncated_windows.csv.
fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in include_str!("../../../../tests/data/truncated_windows.csv").lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |i: usize| fields[i].parse::<f64>().unwrap();
        if fields[0] == "window" {
            let numbers = [1, 2, 3, 4].map(number);
            cases.push(Case { numbers, moments: (number(5), number(6)), words: Vec::new() });
        } else {
            let word = |i: usize| fields[i].parse::<u32>().unwrap();
            cases.last_mut().unwrap().words.push((word(1), word(2), number(3), fields[4].parse().ok()));
        }
    }
    cases
}

/// The exact quantile of a word, refined where the window refines it.
fn exact(p: &LawParams, &(word, _, plain, refined): &(u32, u32, f64, Option<f64>)) -> f64 {
    let k = if word < p.threshold { word } else { !word };
    if p.refine != 0 && k < 1 << 20 { refined.unwrap() } else { plain }
}

#[test]
fn values_are_the_exact_quantiles_within_the_stated_error() {
    for case in cases() {
        let [mean, std, lo, hi] = case.numbers;
        let p = params(mean, std, lo, hi);
        let reach = Law::truncated_normal(mean, std, lo, hi).unwrap().range();
        for word in &case.words {
            let (value, exact) = (f64::from(sample(&p, word.0, word.1)), exact(&p, word));
            let error = (value - exact).abs();
            let size = std * ((exact - mean) / std).abs().max(1.0);
            assert!(error <= 3.5e-7 * size, "{:?} word {}: {value} for {exact}", case.numbers, word.0);
            // Mode H does not know the mean: there errors are a share of the spread, beside the rounding of the value.
            let share = (error - 6e-8 * exact.abs()) / case.moments.1;
            assert!(p.tail == 0 || share <= 4e-7, "{:?} word {}: {value} for {exact}", case.numbers, word.0);
            assert!(p.lo <= value as f32 && value as f32 <= p.hi);
            assert!(reach.0 <= value && value <= reach.1, "{value} leaves {reach:?}");
        }
    }
}

#[test]
fn a_wrong_constant_would_be_noticed() {
    // The control of the test above: one part in a million of the step's size.
    let case = cases().swap_remove(0);
    let [mean, std, lo, hi] = case.numbers;
    let mut p = params(mean, std, lo, hi);
    p.step *= 1.0 + 1e-6;
    assert!(case.words.iter().any(|w| (f64::from(sample(&p, w.0, w.1)) - w.2).abs() > 3.5e-7 * w.2.abs().max(1.0)));
}

#[test]
fn moments_are_exact_in_thin_and_far_windows() {
    for case in cases() {
        let [mean, std, lo, hi] = case.numbers;
        let (m, s) = super::moments(mean, std, lo, hi);
        let spread = case.moments.1;
        // The mean is the sum of the edge and an offset: its last digit is the edge's.
        let digit = 1.2e-16 * case.moments.0.abs();
        assert!((m - case.moments.0).abs() <= 1e-14 * spread + digit, "{:?}: mean {m}", case.numbers);
        assert!((s / spread - 1.0).abs() <= 3e-15, "{:?}: std {s}", case.numbers);
    }
    assert_eq!(super::moments(0.0, 1.0, -2.0, 2.0).0, 0.0);
}

/// A fixed sequence of numbers (Knuth's MMIX generator), in [0, 1).
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn power(&mut self, from: f64, to: f64) -> f64 {
        libm::pow(10.0, from + (to - from) * self.next())
    }

    fn sign(&mut self) -> f64 {
        if self.next() < 0.5 { -1.0 } else { 1.0 }
    }
}

#[test]
fn random_windows_give_finite_values_in_order_and_inside() {
    let mut r = Sequence(1);
    let (mut refused, mut empty, mut tails, mut turned) = (0, 0, 0, 0);
    for _ in 0..20_000 {
        let std = r.power(-8.0, 8.0);
        let mean = if r.next() < 0.5 { 0.0 } else { r.sign() * std * r.power(-3.0, 3.0) };
        let start = r.sign() * r.power(-7.0, 2.5);
        let (lo, hi) = match r.next() {
            u if u < 0.1 => (mean + std * start, f64::INFINITY),
            u if u < 0.2 => (f64::NEG_INFINITY, mean + std * start),
            u if u < 0.3 => (mean - std * start.abs(), mean + std * start.abs()),
            _ => (mean + std * start, mean + std * (start + r.power(-9.0, 2.5))),
        };
        let Ok(law) = Law::truncated_normal(mean, std, lo, hi) else {
            refused += 1;
            continue;
        };
        let Ok(p) = LawParams::new(&law, DType::F32) else {
            empty += 1;
            continue;
        };
        let numbers = [p.scale, p.center, p.lo, p.hi, p.step, p.offset, p.left, p.right, p.left_edge, p.right_edge];
        for number in numbers.into_iter().chain([p.inverse]).chain(p.poly) {
            assert!(number == 0.0 || number.is_normal(), "{law}: {p:?}");
        }
        tails += p.tail;
        turned += u32::from(p.scale < 0.0);
        let reach = law.range();
        let mut words: Vec<u32> = (0..16).map(|_| (r.next() * 4_294_967_296.0) as u32).collect();
        words.extend([0, 1, 0x000f_ffff, 0x0010_0000, 0xffef_ffff, 0xfff0_0000, 0xffff_fffe, 0xffff_ffff]);
        words.extend([p.threshold.wrapping_sub(1), p.threshold, p.threshold + 1]);
        words.extend([0x0400_0000, 0xfc00_0000, 0x8000_0000]);
        words.sort_unstable();
        words.dedup();
        let mut before: Option<f64> = None;
        for word in words {
            let value = sample(&p, word, 0x8000_0000);
            assert!(p.lo <= value && value <= p.hi, "{law} word {word:08x}: {value}");
            let value = f64::from(value);
            assert!(reach.0 <= value && value <= reach.1, "{law} word {word:08x}: {value} leaves {reach:?}");
            let along = value * f64::from(p.scale.signum());
            if let Some(before) = before {
                let fraction = (value - mean).abs().min(100.0 * std);
                let ulps = 2f64.powi(-24) * (4.0 * fraction + mean.abs() + value.abs());
                assert!(along >= before - ulps, "{law} word {word:08x}: {before} then {along}");
            }
            before = Some(along);
        }
    }
    // Refused: windows narrower than 3e-14. Windows of a billionth of a std beside a large mean hold no f32.
    println!("{refused} refused, {empty} hold no f32, {tails} in mode H, {turned} turned");
    assert!(refused < 600 && empty < 2500 && tails > 2000 && turned > 2000);
}

#[test]
fn mode_h_keeps_its_error_at_every_distance_and_length() {
    use super::mills::{log_drop, neg_log_tail, quantile_offset};
    let mut r = Sequence(2);
    let mut worst = (0.0f64, 0.0f64);
    for i in 0..3000 {
        let a = r.power(-4.0, 3.0);
        // Every third window as long as mode H takes, the others shorter; the edge at 0 shows errors of the distance
        // from it.
        let longest = (1.25 * neg_log_tail(a)).min(44.4) * 0.999_999;
        let length = if i % 3 == 0 { longest } else { longest * r.power(-6.0, 0.0) };
        let d = quantile_offset(a, length);
        let p = params(-a, 1.0, 0.0, d);
        assert_eq!(p.tail, 1, "a {a} d {d}");
        let mass = -libm::expm1(-log_drop(a, d));
        for _ in 0..8 {
            let word = (r.next() * 4_294_967_296.0) as u32;
            if p.refine != 0 && !word < 1 << 20 {
                continue;
            }
            let e = -libm::log1p(-(f64::from(word) + 0.5) / 4_294_967_296.0 * mass);
            let exact = quantile_offset(a, e);
            let error = (f64::from(sample(&p, word, 0)) - exact).abs();
            worst = (worst.0.max(error / exact), worst.1.max(error / (a + exact).max(1.0)));
        }
    }
    println!("mode H, worst error / distance from the edge {:.2e}, / max(1, |z|) {:.2e}", worst.0, worst.1);
    assert!(worst.0 <= 6e-7 && worst.1 <= 3e-7, "{worst:?}");
}

#[test]
fn mode_c_keeps_its_error_in_random_windows() {
    use super::mills::{central, quantile_offset, upper_tail};
    let mut r = Sequence(3);
    let (mut worst, mut tested) = (0.0f64, 0);
    while tested < 20_000 {
        let a = r.sign() * r.power(-6.0, 0.9);
        let b = a + r.power(-6.0, 1.5);
        let p = params(0.0, 1.0, a, b);
        if p.tail != 0 || p.scale < 0.0 {
            continue;
        }
        let mass = if a > 0.0 { upper_tail(a) - upper_tail(b) } else { central(b) + central(-a) };
        for _ in 0..2 {
            // Even in probability, then towards either end.
            let mut word = (r.next() * 4_294_967_296.0) as u32 >> (r.next() * 12.0) as u32;
            word = if r.next() < 0.5 { word } else { !word };
            let k = if word < p.threshold { word } else { !word };
            if p.refine != 0 && k < 1 << 20 {
                continue;
            }
            let below = (f64::from(word) + 0.5) / 4_294_967_296.0 * mass;
            let above = (f64::from(!word) + 0.5) / 4_294_967_296.0 * mass;
            // The quantile from the middle, the lower or the upper tail, whichever keeps its digits.
            let c = below + central(a);
            let exact = if c.abs() < 0.25 {
                quantile_offset(0.0, -libm::log1p(-2.0 * c.abs())).copysign(c)
            } else if c < 0.0 {
                -quantile_offset(0.0, -libm::log(2.0 * (upper_tail(-a) + below)))
            } else {
                quantile_offset(0.0, -libm::log(2.0 * (upper_tail(b) + above)))
            };
            let error = (f64::from(sample(&p, word, 0)) - exact).abs() / exact.abs().max(1.0);
            assert!(error <= 3.5e-7, "[{a}, {b}] word {word:08x}: {error:e}");
            worst = worst.max(error);
            tested += 1;
        }
    }
    println!("mode C, worst error / max(1, |z|): {worst:.2e}");
}

#[test]
fn windows_at_the_limits_are_served_or_refused() {
    let infinity = f64::INFINITY;
    for (mean, std, lo, hi) in [
        (0.0, 1.0, -100.0, 100.0),
        (0.0, 1.0, -1e38, 1e38),
        (0.0, 1.0, 1e6, 1e7),
        (0.0, 1.0, 50.0, infinity),
        (0.0, 1.0, -1e-19, 1e-19),
        (0.0, 1.0, 1e-22, 1e-19),
        (0.0, 2f64.powi(120), -3e38, 3e38),
        (2f64.powi(120), 2f64.powi(120), -infinity, infinity),
        (0.0, 2f64.powi(120), 2f64.powi(124), infinity),
        (0.0, 2f64.powi(-64), -infinity, infinity),
        (0.0, 2f64.powi(-64), -2f64.powi(-64), 0.0),
        (-1e12, 1.0, 0.0, infinity),
        (1.0, 1.0, 1.0, 1.0 + 1e-10),
        (1.0, 1.0, 1.0, 1f64.next_up()),
    ] {
        let law = Law::truncated_normal(mean, std, lo, hi).unwrap();
        // Without a dtype: some of these windows hold no f32.
        let mut p = LawParams::truncated(&super::Window::new(mean, std, lo, hi).unwrap());
        (p.lo, p.hi) = (lo.max(f64::from(-f32::MAX)) as f32, hi.min(f64::from(f32::MAX)) as f32);
        let reach = law.range();
        for word in [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] {
            let value = sample(&p, word, 0);
            assert!(value == 0.0 || value.is_normal(), "{law}: {value:e}");
            let value = f64::from(value);
            assert!(reach.0 <= value && value <= reach.1 || (hi - lo) / mean < 1e-7, "{law}: {value:e} {reach:?}");
        }
    }
    for (mean, std, lo, hi) in [
        (0.0, 1.0, 1.0, 1f64.next_up()),
        (0.0, 1.0, 1e-30, 1.0),
        (0.0, 1.0, 1e38, infinity),
        (0.0, 2f64.powi(-65), -1.0, 1.0),
        (0.0, 1e-10, 1e-3, infinity),
    ] {
        let text = Law::truncated_normal(mean, std, lo, hi).unwrap_err().to_string();
        assert!(text.contains("least") || text.contains("or more"), "{text}");
        println!("{text}");
    }
}

#[test]
fn newton_has_converged_where_it_stops() {
    use super::mills::{log_drop, mills, quantile_offset};
    for i in 0..240 {
        let a = libm::pow(10.0, f64::from(i) / 24.0 - 4.0);
        for e in [1e-17, 1e-9, 1e-3, 0.1, 0.5, 1.0, 5.0, 20.0, 44.4] {
            let d = quantile_offset(a, e);
            // What one more step would move it by, relatively.
            let step = (log_drop(a, d) - e) * mills(a + d) / d;
            assert!(step.abs() < 1e-13, "a {a} e {e}: d {d} would move by {step:e}");
        }
    }
}

/// What the page states of the 34 windows.
#[test]
fn the_worst_errors_are_those_that_the_page_states() {
    let mut worst = [0.0f64; 2];
    for case in cases() {
        let [mean, std, lo, hi] = case.numbers;
        let p = params(mean, std, lo, hi);
        for word in &case.words {
            let exact = exact(&p, word);
            let size = std * ((exact - mean) / std).abs().max(1.0);
            let w = &mut worst[p.tail as usize];
            *w = w.max((f64::from(sample(&p, word.0, word.1)) - exact).abs() / size);
        }
    }
    println!("error / max(1, |z|) std: mode C {:.2e}, mode H {:.2e}", worst[0], worst[1]);
    assert!(worst[0] <= 2.2e-7 && worst[1] <= 5.8e-8, "{worst:?}");
    // A bound that the figures do not come near would hide a mistake.
    assert!(worst[0] >= 2.1e-7 && worst[1] >= 5.7e-8, "{worst:?}");
}

/// The columns of the page's table of worked examples: constants, then values of words.
#[test]
fn the_worked_examples_of_the_page_come_out() {
    const PAGE: &str = include_str!("../../../../docs/stream/truncated.md");
    let windows =
        [(0.0, 1.0, -2.0, 2.0), (0.0, 1.0, 5.0, 6.0), (0.0, 0.02, f64::NEG_INFINITY, 0.01), (0.0, 1.0, -13.0, -12.0)];
    let windows = windows.map(|(mean, std, lo, hi)| params(mean, std, lo, hi));
    let mut rows = 0;
    for line in PAGE.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches(['|', ' ']).split('|').map(str::trim).collect();
        let [name, stated @ ..] = &cells[..] else { continue };
        if stated.len() != windows.len() || stated.iter().any(|cell| u32::from_str_radix(cell, 16).is_err()) {
            continue;
        }
        for (p, stated) in windows.iter().zip(stated) {
            let bits = match *name {
                "T" => p.threshold,
                "scale" => p.scale.to_bits(),
                "center" => p.center.to_bits(),
                "lo32" => p.lo.to_bits(),
                "hi32" => p.hi.to_bits(),
                "s" => p.step.to_bits(),
                "off" => p.offset.to_bits(),
                "rl" => p.left.to_bits(),
                "rr" => p.right.to_bits(),
                "left_edge" => p.left_edge.to_bits(),
                "right_edge" => p.right_edge.to_bits(),
                "inv" => p.inverse.to_bits(),
                name => match (name.strip_prefix("H["), name.strip_prefix("x = ")) {
                    (Some(k), _) => p.poly[k.trim_end_matches(']').parse::<usize>().unwrap()].to_bits(),
                    (_, Some(word)) => sample(p, u32::from_str_radix(word, 16).unwrap(), 0x0bad_cafe).to_bits(),
                    _ => panic!("{line}"),
                },
            };
            assert_eq!(bits, u32::from_str_radix(stated, 16).unwrap(), "{line}: {bits:08x}");
        }
        rows += 1;
    }
    assert_eq!(rows, 26);
}

/// The steps on the way, f64 bits.
#[test]
fn the_intermediate_numbers_of_the_page_come_out() {
    use super::mills::{log_drop, mills, neg_log_tail, quantile_offset};
    let page = include_str!("../../../../docs/stream/truncated.md");
    // Lines may break anywhere.
    let page = page[page.find("Steps on the way").unwrap()..].split_whitespace().collect::<Vec<_>>().join(" ");
    let v0 = (1.0 + f64::from_bits(0x3fef_838b_8c81_1c17)) / 2.0;
    let center = super::Window::new(0.0, 1.0, -2.0, 2.0).unwrap();
    let tail = super::Window::new(0.0, 1.0, 5.0, 6.0).unwrap();
    for (name, number) in [
        ("s = ", center.step),
        ("left_edge = ", center.left_edge),
        ("M(5) = ", mills(5.0)),
        ("L(5) = ", neg_log_tail(5.0)),
        ("E(5, 1) = ", log_drop(5.0, 1.0)),
        ("E(5, 0.05) = ", log_drop(5.0, 0.05)),
        ("f_0 = ", quantile_offset(5.0, v0 * log_drop(5.0, 1.0)) / v0),
        ("s = ", tail.step),
        ("H = ", tail.poly[0]),
    ] {
        assert!(page.contains(&format!("{name}{:016x}", number.to_bits())), "{name}{:016x}", number.to_bits());
    }
    for h in tail.poly {
        assert!(page.contains(&format!("{:016x}", h.to_bits())), "{:016x}", h.to_bits());
    }
}
