//! N(0, 1): four moments, Kolmogorov-Smirnov, tails.

use super::{ALPHA, Cdf, Family, collect};
use crate::laws::tensor;
use crate::support::special::normal_upper_tail;
use crate::support::{CdfHistogram, Check, mean_check, tail_count, variance_check};
use seedbed::stats::Moments;
use seedbed::{DType, Fill, Scheme};

const TAILS: [f32; 4] = [3.0, 4.0, 5.0, 6.0];

struct Sums {
    moments: Moments,
    histogram: CdfHistogram,
    beyond: [u64; 4],
}

/// The checks of `n` values, each first changed by `change`.
fn checks(fill: &Fill, n: u64, bins: usize, change: impl Fn(f32) -> f32 + Sync) -> Vec<(String, Check)> {
    let cdf = Cdf::normal(f64::NEG_INFINITY, f64::INFINITY);
    let new = || Sums { moments: Moments::new(), histogram: CdfHistogram::new(bins), beyond: [0; 4] };
    let eat = |sums: &mut Sums, _, values: &mut [f32]| {
        values.iter_mut().for_each(|x| *x = change(*x));
        sums.moments.add(values);
        sums.histogram.add(values, |x| cdf.at(x));
        for (count, bound) in sums.beyond.iter_mut().zip(TAILS) {
            *count += values.iter().map(|x| u64::from(x.abs() > bound)).sum::<u64>();
        }
    };
    let sums = collect(fill, n, new, eat, |a, b| {
        a.moments.merge(&b.moments);
        assert!(a.histogram.merge(&b.histogram));
        a.beyond.iter_mut().zip(b.beyond).for_each(|(a, b)| *a += b);
    });
    assert_eq!((sums.moments.count(), sums.moments.nonfinite()), (n, 0));
    let (m, root) = (&sums.moments, (n as f64).sqrt());
    println!(
        "{n} values: mean {:.3e}, variance {:.7}, skewness {:.3e}, kurtosis {:.6}, min {:?}, max {:?}, \
         beyond 3..6: {:?}",
        m.mean(),
        m.variance(),
        m.skewness(),
        m.kurtosis(),
        m.min(),
        m.max(),
        sums.beyond
    );
    let mut list = vec![
        ("mean".to_owned(), mean_check(m, 0.0, 1.0, ALPHA)),
        ("variance".to_owned(), variance_check(m, 1.0, 3.0, ALPHA)),
        ("skewness".to_owned(), Check::of_z(m.skewness() * root / 6f64.sqrt(), ALPHA)),
        ("kurtosis".to_owned(), Check::of_z((m.kurtosis() - 3.0) * root / 24f64.sqrt(), ALPHA)),
        ("Kolmogorov-Smirnov".to_owned(), sums.histogram.check(ALPHA)),
        ("chi-square of 1024 bins".to_owned(), sums.histogram.chi_square(1024, ALPHA)),
    ];
    for (count, bound) in sums.beyond.iter().zip(TAILS) {
        let p = 2.0 * normal_upper_tail(f64::from(bound));
        list.push((format!("|z| > {bound}"), tail_count(*count, n, p, ALPHA)));
    }
    list
}

/// Claims all checks of `n` normals, and shows that each fails on some wrong law.
fn follow_their_law(n: u64, bins: usize) {
    let fill = tensor("statistics.normal", &[n], Scheme::normal(0.0, 1.0), DType::F32).fill();
    let mut family = Family::new(format!("{n} normals"));
    family.claims = checks(&fill, n, bins, |x| x);
    let mut control = |what: &str, n: u64, fails: &[&str], change: &(dyn Fn(f32) -> f32 + Sync)| {
        for (name, check) in checks(&fill, n, 1 << 16, change) {
            if fails.contains(&name.as_str()) {
                family.control(format!("{name} of {what}"), check);
            }
        }
    };
    // Each law is wrong by about 12 standard errors of the mean of 10^7 values.
    let few = 10_000_000;
    let e = 12.0 / (few as f32).sqrt();
    control("a shifted normal", few, &["mean", "Kolmogorov-Smirnov"], &|x| x + e);
    control("a scaled normal", few, &["variance"], &|x| x * (1.0 + e));
    control("a skewed normal", few, &["skewness"], &|x| x + e * (x * x - 1.0));
    control("a peaked normal", few, &["kurtosis"], &|x| x + e * (x * x - 3.0) * x);
    // A comb too fine for Kolmogorov-Smirnov.
    control("a rippled normal", few, &["chi-square of 1024 bins"], &|x| x + 0.002 * (100.0 * x).sin());
    control("a wide normal", few, &["|z| > 3", "|z| > 6"], &|x| x * 1.2);
    // What a 16-bit radius gives.
    control("a normal cut at 3.5", n.min(100_000_000), &["|z| > 4", "|z| > 5"], &|x| x.clamp(-3.5, 3.5));
    family.judge();
}

#[test]
fn moments_shape_and_tails_of_1e8_normals_follow_the_law() {
    follow_their_law(100_000_000, 1 << 18);
}

#[test]
#[ignore = "long: 10^9 values"]
fn moments_shape_and_tails_of_1e9_normals_follow_the_law() {
    follow_their_law(1_000_000_000, CdfHistogram::BINS);
}
