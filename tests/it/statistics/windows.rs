//! Uniform and truncated normal: the whole window, its ends, its mean.

use super::{ALPHA, Cdf, Family, collect};
use crate::laws::{WINDOWS, cut, tensor};
use crate::support::{CdfHistogram, Check, mean_check};
use seedbed::scheme::{Bounds, StdOf};
use seedbed::stats::Moments;
use seedbed::{DType, Scheme};

struct Case {
    name: &'static str,
    scheme: Scheme,
    cdf: Cdf,
    /// The values of the window are so few that bins of the histogram hold unequally many.
    coarse: bool,
}

fn cases() -> Vec<Case> {
    let mut cases = vec![Case {
        name: "uniform",
        scheme: Scheme::uniform(-1.0, 1.0),
        cdf: Cdf::new(-1.0, 1.0, 2, |x| (x + 1.0) / 2.0, |_| 0.5),
        coarse: false,
    }];
    cases.extend(WINDOWS.map(|(name, lo, hi)| Case {
        name,
        scheme: cut(lo, hi),
        cdf: Cdf::normal(lo, hi),
        coarse: name == "narrow",
    }));
    // The narrow window again, moved to 0, where f32 resolves it: its values are offsets from the edge.
    let moved = Scheme::truncated_normal(-0.1, 1.0, Bounds::Absolute(0.0, 1e-4), StdOf::Parent);
    let inner = Cdf::normal(0.1, 0.1001);
    let (lo, hi) = (inner.lo, inner.hi);
    let cdf = Cdf { lo: 0.0, hi: 1e-4, steps_per_unit: inner.steps_per_unit * (hi - lo) / 1e-4, nodes: inner.nodes };
    cases.push(Case { name: "narrow, moved to 0", scheme: moved, cdf, coarse: false });
    cases
}

fn checks(case: &Case, n: u64, power: f64, shift: f64) -> Vec<(&'static str, Check)> {
    let planned = tensor(&format!("statistics.{}", case.name), &[n], case.scheme, DType::F32);
    let law = planned.parts()[0].law().clone();
    let new = || (Moments::new(), CdfHistogram::new(1 << 16));
    let eat = |(moments, histogram): &mut (Moments, CdfHistogram), _, values: &mut [f32]| {
        moments.add(values);
        if power == 1.0 {
            histogram.add(values, |x| case.cdf.at(x));
        } else {
            histogram.add(values, |x| case.cdf.at(x).powf(power));
        }
    };
    let (moments, histogram) = collect(&planned.fill(), n, new, eat, |a, b| {
        a.0.merge(&b.0);
        assert!(a.1.merge(&b.1));
    });
    assert_eq!((moments.count(), moments.nonfinite()), (n, 0), "{}", case.name);
    println!(
        "{}: mean {:.9} (law {:.9}), std {:.9} (law {:.9}), min {:?}, max {:?}",
        case.name,
        moments.mean(),
        law.mean(),
        moments.std(),
        law.std(),
        moments.min(),
        moments.max()
    );
    let mean = law.mean() + shift * law.std() / (n as f64).sqrt();
    let mut list = vec![("KS", histogram.check(ALPHA)), ("mean", mean_check(&moments, mean, law.std(), ALPHA))];
    if !case.coarse {
        list.push(("chi-square of 256 bins", histogram.chi_square(256, ALPHA)));
    }
    list
}

/// The control claims the law F^1.005, and a mean 10 standard errors off.
fn follow_their_law(n: u64) {
    let mut family = Family::new(format!("windows, {n} values each"));
    for case in cases() {
        for (what, check) in checks(&case, n, 1.0, 0.0) {
            family.claim(format!("{} {what}", case.name), check);
        }
        for (what, check) in checks(&case, n, 1.005, 10.0) {
            family.control(format!("{} {what}", case.name), check);
        }
    }
    family.judge();
}

#[test]
fn uniform_and_windows_of_1e7_values_follow_their_laws() {
    follow_their_law(10_000_000);
}

#[test]
#[ignore = "long: 10^8 values per window"]
fn uniform_and_windows_of_1e8_values_follow_their_laws() {
    follow_their_law(100_000_000);
}

#[test]
fn no_value_leaves_its_window_in_any_dtype() {
    let mut smallest_seen = 0;
    for (name, lo, hi) in WINDOWS {
        for dtype in DType::ALL {
            let fill = tensor("statistics.bounds", &[1_000_000], cut(lo, hi), dtype).fill();
            let mut bytes = vec![0; fill.bytes() as usize];
            seedbed::cpu::fill(&fill, &mut bytes).unwrap();
            for x in super::rounding::decode(dtype, &bytes) {
                assert!(lo <= f64::from(x) && f64::from(x) <= hi, "{name} {dtype}: {x}");
                smallest_seen += u64::from(f64::from(x) == lo);
            }
        }
    }
    // The control: 16-bit values do reach the ends, so that rounding outward would have been seen.
    assert!(smallest_seen > 0);
}
