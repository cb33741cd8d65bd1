//! Tests of the statistics themselves. Reference values were printed by scipy 1.17.1; the expression stands above each
//! list.

use super::special::*;
use super::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The chance that a test of a correct sample fails: seeds are fixed, so it fails always or never.
const ALPHA: f64 = 1e-3;

#[track_caller]
fn near(x: f64, expected: f64, relative: f64) {
    assert!((x - expected).abs() <= relative * expected.abs(), "{x:e} is not {expected:e} within {relative:e}");
}

fn uniforms(seed: u64, n: usize) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(seed);
    // 24 odd steps: never 0 or 1.
    (0..n).map(|_| ((rng.random::<u32>() >> 9) * 2 + 1) as f32 * 2f32.powi(-24)).collect()
}

fn normals(seed: u64, n: usize) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..n).map(|_| normal_quantile((f64::from(rng.random::<u32>()) + 0.5) * 2f64.powi(-32)) as f32).collect()
}

fn sorted(mut values: Vec<f32>) -> Vec<f32> {
    values.sort_by(f32::total_cmp);
    values
}

fn ks(values: Vec<f32>, cdf: impl Fn(f64) -> f64) -> Check {
    let (n, d) = (values.len() as u64, ks_statistic(&sorted(values), cdf));
    Check { statistic: d, p_value: kolmogorov_p_value(d, n), alpha: ALPHA }
}

fn moments(values: &[f32]) -> Moments {
    let mut m = Moments::new();
    m.add(values);
    m
}

#[test]
fn special_functions_have_their_known_values() {
    // stats.norm.sf(x)
    for (x, p) in [
        (-3.0, 0.9986501019683699),
        (0.5, 0.3085375387259869),
        (6.76, 6.8995870155696684e-12),
        (20.0, 2.7536241186061556e-89),
        (37.0, 5.7255712225239266e-300),
    ] {
        // scipy's own argument x / sqrt 2 is rounded: x^2 times 1e-16.
        near(normal_upper_tail(x), p, 1e-12);
        near(normal_cdf(-x), p, 1e-12);
    }
    // special.ndtri(p)
    for (p, x) in [
        (1e-300, -37.0470962993612),
        (1e-20, -9.262340089798409),
        (1e-5, -4.264890793922825),
        (0.02425, -1.972961051311885),
        (0.3, -0.5244005127080409),
        (0.975, 1.959963984540054),
    ] {
        near(normal_quantile(p), x, 1e-13);
    }
    assert_eq!((normal_quantile(0.0), normal_quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
    assert!(normal_quantile(0.5).abs() < 1e-16 && normal_quantile(-0.1).is_nan() && normal_quantile(f64::NAN).is_nan());
    // special.gammaincc(a, x)
    for (a, x, q) in [
        (0.5, 0.2, 0.5270892568655381),
        (0.5, 8.0, 6.334248366623988e-05),
        (5.0, 2.0, 0.9473469826562889),
        (127.5, 160.0, 0.003534328375272907),
        (127.5, 300.0, 7.531973752277973e-30),
        (1e4, 9.7e3, 0.9987658244155314),
        (5e5, 5.02e5, 0.002363028238683893),
        (5e6, 5.003e6, 0.08987557818652293),
    ] {
        near(gamma_upper(a, x), q, 2e-11);
        near(gamma_lower(a, x), 1.0 - q, 2e-11);
    }
    // special.betainc(a, b, x)
    for (a, b, x, p) in [
        (2.0, 3.0, 0.25, 0.26171875),
        (0.5, 0.5, 0.1, 0.20483276469913345),
        (30.0, 970.0, 0.02, 0.02045505556342581),
        (1100.0, 998900.0, 0.001, 0.0009573629460887023),
        (1e6, 9e6, 0.1002, 0.9824506709014482),
        (50.0, 5.0, 0.999, 0.9999999969640053),
    ] {
        near(beta_inc(a, b, x), p, 1e-10);
        near(beta_inc_upper(b, a, 1.0 - x), p, 1e-10);
    }
    for bad in [gamma_upper(-1.0, 1.0), gamma_upper(1.0, f64::NAN), beta_inc(0.0, 1.0, 0.5), beta_inc(1.0, 1.0, 1.5)] {
        assert!(bad.is_nan());
    }
    assert_eq!((gamma_upper(2.0, 0.0), gamma_upper(2.0, f64::INFINITY)), (1.0, 0.0));
}

#[test]
fn count_tails_have_their_known_values() {
    near(binomial_upper_tail(30, 1000, 0.02), 0.02069651867323949, 1e-11); // binom.sf(29, 1000, 0.02)
    near(binomial_lower_tail(8, 1000, 0.02), 0.0019336859643194126, 1e-11); // binom.cdf(8, 1000, 0.02)
    // binom.sf(100029999, 1e9, 0.1)
    near(binomial_upper_tail(100_030_000, 1_000_000_000, 0.1), 0.0007831828936559506, 1e-8);
    near(poisson_upper_tail(10, 3.5), 0.003314944264632366, 1e-12); // poisson.sf(9, 3.5)
    near(poisson_lower_tail(80, 121.5), 3.92232368584344e-05, 1e-11); // poisson.cdf(80, 121.5)
    near(poisson_upper_tail(1001, 900.0), 0.0004906327328575949, 1e-11); // poisson.sf(1000, 900)
    near(poisson_upper_tail(1_000_120_000, 1e9), 7.39269024796066e-05, 1e-8); // poisson.sf(1000119999, 1e9)
    assert_eq!(
        (binomial_upper_tail(0, 5, 0.1), binomial_upper_tail(6, 5, 0.1), binomial_lower_tail(5, 5, 0.1)),
        (1.0, 0.0, 1.0)
    );
    assert!(!tail_count(3, 10, 1.5, ALPHA).passed() && !tail_count(11, 10, 0.5, ALPHA).passed());
    assert!(!poisson_count(0, f64::NAN, ALPHA).passed());
    assert!(tail_count(5, 10, 0.5, ALPHA).passed() && poisson_count(0, 0.0, ALPHA).passed());
    assert!(!poisson_count(1, 0.0, ALPHA).passed());
    // stats.chisquare([16, 18, 16, 14, 12, 12], [16, 16, 16, 16, 16, 8])
    let check = chi_square(&[16, 18, 16, 14, 12, 12], &[16.0, 16.0, 16.0, 16.0, 16.0, 8.0], 0, ALPHA);
    near(check.statistic, 3.5, 1e-15);
    near(check.p_value, 0.6233876277495822, 1e-13);
    assert!(chi_square(&[1], &[1.0], 0, ALPHA).p_value.is_nan());
    assert!(chi_square(&[1, 2], &[3.0, 4.0], 0, ALPHA).p_value.is_nan());
    assert_eq!(chi_square(&[1, 2, 3], &[0.0, 3.0, 3.0], 0, ALPHA).p_value, 0.0);
}

#[test]
fn kolmogorovs_law_has_its_known_values() {
    // stats.kstwobign.sf(l)
    for (l, p) in [
        (0.3, 0.9999906941986655),
        (0.6, 0.8642827790506042),
        (0.8276, 0.49995841656354456),
        (1.0, 0.26999967167735456),
        (1.3581, 0.0499996304316674),
        (2.0, 0.0006709252557796953),
        (5.0, 3.8574996959278356e-22),
    ] {
        near(kolmogorov_upper_tail(l), p, 1e-12);
    }
    assert_eq!((kolmogorov_upper_tail(0.0), kolmogorov_upper_tail(f64::INFINITY)), (1.0, 0.0));
    // The finite law, stats.kstwo.sf(d, n).
    for (n, d, p) in
        [(50, 0.15, 0.19026366518248072), (1000, 0.04, 0.07933956059000224), (100_000, 0.004, 0.08130148920222469)]
    {
        near(kolmogorov_p_value(d, n), p, 0.02);
    }
    // kstest(sorted, "norm").statistic, and A^2 from its definition.
    let x = sorted(vec![0.61, -1.2, 0.03, 2.4, -0.55, 0.9, -0.07, 1.1]);
    near(ks_statistic(&x, normal_cdf), 0.22906910095505828, 1e-14);
    let a = anderson_darling(&x, |x| normal_cdf(x).ln(), |x| normal_upper_tail(x).ln());
    near(a, 0.6993358843708553, 1e-13);
    // The limit law, sum of chi-squares over j(j + 1), by Imhof's integral and by Anderson and Darling's series.
    for (a, p) in [(0.5, 0.7468144), (1.933, 0.0999946), (2.492, 0.0500222), (3.8781, 0.0100000), (6.0, 0.0009675)] {
        assert!((anderson_darling_p_value(a) - p).abs() < 2e-5, "{a}: {}", anderson_darling_p_value(a));
    }
    for bad in
        [ks_statistic(&[], normal_cdf), ks_statistic(&[1.0, 0.0], normal_cdf), ks_statistic(&[f32::NAN], normal_cdf)]
    {
        assert!(bad.is_nan() && !Check { statistic: bad, p_value: kolmogorov_p_value(bad, 2), alpha: ALPHA }.passed());
    }
}

#[test]
fn normal_values_pass_and_nearly_normal_ones_fail() {
    const N: usize = 200_000;
    let good = normals(2, N);
    let verdicts = |v: &[f32]| {
        let m = moments(v);
        [mean_check(&m, 0.0, 1.0, ALPHA), variance_check(&m, 1.0, 3.0, ALPHA), ks(v.to_vec(), normal_cdf)]
            .map(|c| c.passed())
    };
    assert_eq!(verdicts(&good), [true; 3]);
    let shifted: Vec<f32> = good.iter().map(|z| z + 0.02).collect();
    assert_eq!(verdicts(&shifted), [false, true, false]);
    let wide: Vec<f32> = good.iter().map(|z| z * 1.02).collect();
    assert_eq!(verdicts(&wide), [true, false, false]);
    // The sum of four uniforms has the right mean and variance: only the shape is wrong.
    let u = uniforms(3, 4 * N);
    let sums: Vec<f32> = u.chunks(4).map(|c| (c.iter().sum::<f32>() - 2.0) * 3f32.sqrt()).collect();
    let [mean, _, shape] = verdicts(&sums);
    assert_eq!((mean, shape), (true, false));

    let anderson = |v: Vec<f32>| {
        let a = anderson_darling(&sorted(v), |x| normal_cdf(x).ln(), |x| normal_upper_tail(x).ln());
        Check { statistic: a, p_value: anderson_darling_p_value(a), alpha: ALPHA }.passed()
    };
    assert_eq!(
        [anderson(good.clone()), anderson(shifted), anderson(wide), anderson(sums)],
        [true, false, false, false]
    );

    let beyond = |v: &[f32]| v.iter().filter(|z| z.abs() > 3.5).count() as u64;
    let p = two_sided(3.5);
    assert!(tail_count(beyond(&good), N as u64, p, ALPHA).passed());
    let cut: Vec<f32> = good.iter().map(|z| z.clamp(-3.4, 3.4)).collect();
    assert!(!tail_count(beyond(&cut), N as u64, p, ALPHA).passed());
    assert!(!poisson_count(beyond(&cut), p * N as f64, ALPHA).passed());
}

#[test]
fn the_streaming_test_brackets_the_sorted_one() {
    for (n, bins) in [(1000, 16), (100_000, 1000), (100_000, CdfHistogram::BINS)] {
        let values = normals(4, n);
        let mut h = CdfHistogram::new(bins);
        let mut half = CdfHistogram::new(bins);
        h.add(&values[..n / 3], normal_cdf);
        half.add(&values[n / 3..], normal_cdf);
        assert!(h.merge(&half) && !h.merge(&CdfHistogram::new(bins + 1)));
        assert_eq!(h.count(), n as u64);
        let exact = ks_statistic(&sorted(values), normal_cdf);
        let binned = h.statistic();
        assert!(binned <= exact + 1e-15 && exact <= binned + 1.0 / bins as f64, "{binned} {exact} {bins}");
        assert!(h.check(ALPHA).passed() && (bins == 1000 || h.chi_square(8, ALPHA).passed()));
    }
    let mut wrong = CdfHistogram::new(1 << 12);
    wrong.add(&normals(5, 100_000), |x| normal_cdf(x * 1.03));
    assert!(!wrong.check(ALPHA).passed() && !wrong.chi_square(64, ALPHA).passed());
    // A ripple of 5 % within each 1/64: no distance to speak of, but each bin is off.
    let mut ripple = CdfHistogram::new(1 << 12);
    for u in uniforms(6, 200_000) {
        let u = f64::from(u) * 64.0;
        ripple.add_probability((u + 0.05 * (u.fract() - u.fract() * u.fract())) / 64.0);
    }
    assert!(ripple.check(ALPHA).passed() && !ripple.chi_square(256, ALPHA).passed());
    let mut outside = CdfHistogram::new(8);
    assert!(outside.statistic().is_nan());
    outside.add_probability(f64::NAN);
    assert!(
        !outside.check(ALPHA).passed()
            && !outside.chi_square(4, ALPHA).passed()
            && !outside.chi_square(3, ALPHA).passed()
    );
}

#[test]
fn checks_of_the_moments_of_no_values_fail() {
    let empty = moments(&[f32::NAN]);
    assert!(!mean_check(&empty, 0.0, 1.0, ALPHA).passed() && !variance_check(&empty, 1.0, 3.0, ALPHA).passed());
}

#[test]
fn correlated_values_fail() {
    const N: usize = 100_000;
    let (x, y) = (normals(7, N), normals(8, N));
    assert!(correlation_check(&x, &y, ALPHA).passed());
    for lag in [1, 2, 3, 4, 64, 1024] {
        assert!(correlation_check(&x, &x[lag..], ALPHA).one_of(6).passed(), "lag {lag}");
        assert_eq!(autocorrelation(&x, lag), correlation(&x[..N - lag], &x[lag..]));
    }
    let mixed: Vec<f32> = x.iter().zip(&y).map(|(x, y)| y + 0.03 * x).collect();
    assert!(!correlation_check(&x, &mixed, ALPHA).passed());
    let smooth: Vec<f32> = x.windows(2).map(|w| w[0] + 0.05 * w[1]).collect();
    assert!(!correlation_check(&smooth, &smooth[1..], ALPHA).passed());
    near(correlation(&x, &x), 1.0, 1e-14);
    assert!(
        correlation(&x[..1], &y).is_nan() && autocorrelation(&x, N + 1).is_nan() && correlation(&[1.0; 9], &y).is_nan()
    );
}

#[test]
fn p_values_of_a_true_law_are_uniform() {
    // Each test judged by itself: 400 samples, their p-values against U(0, 1).
    let mut by_test = [(); 4].map(|()| Vec::new());
    for seed in 100..500 {
        let u = uniforms(seed, 2000);
        let m = moments(&u);
        let mut h = CdfHistogram::new(1000);
        h.add(&u, |x| x);
        let checks = [
            mean_check(&m, 0.5, 12f64.sqrt().recip(), ALPHA),
            variance_check(&m, 12f64.sqrt().recip(), 1.8, ALPHA),
            ks(u.clone(), |x| x),
            h.chi_square(50, ALPHA),
        ];
        by_test.iter_mut().zip(checks).for_each(|(ps, c)| ps.push(c.p_value as f32));
    }
    for (k, ps) in by_test.into_iter().enumerate() {
        // Half of each p-value is what a one-sided mistake would return.
        let halved: Vec<f32> = ps.iter().map(|p| p / 2.0).collect();
        assert!(ks(ps, |x| x).passed(), "test {k}");
        assert!(!ks(halved, |x| x).passed(), "test {k}");
    }
}
