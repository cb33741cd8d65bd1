use super::*;
use crate::value::law::Law;
use crate::value::shape::{Layout, Shape};
use Distribution::{Normal, TruncatedNormal, Uniform};
use Mode::{FanAvg, FanGeoAvg, FanIn, FanOut};

const INF: f64 = f64::INFINITY;

/// The law of a `[64, 16, 3, 3]` weight, fan_in 144 and fan_out 576, as its std (sigma) or bound.
fn number(scheme: Scheme) -> f64 {
    match scheme.law(&Shape::new([64, 16, 3, 3]).unwrap(), &Layout::OutIn).unwrap() {
        Law::Normal(law) if law.mean() == 0.0 => law.std(),
        Law::Uniform(law) if law.lo() == -law.hi() => law.hi(),
        Law::TruncatedNormal(law)
            if law.mean() == 0.0 && law.lo() == -2.0 * law.std() && law.hi() == 2.0 * law.std() =>
        {
            law.std()
        }
        law => panic!("{scheme} gave {law}"),
    }
}

fn is_kind(scheme: Scheme, distribution: Distribution) -> bool {
    let law = scheme.law(&Shape::new([64, 16, 3, 3]).unwrap(), &Layout::OutIn).unwrap();
    matches!(
        (law, distribution),
        (Law::Normal(_), Normal) | (Law::Uniform(_), Uniform) | (Law::TruncatedNormal(_), TruncatedNormal)
    )
}

/// Within two units in the last place of f64.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 2.0 * f64::EPSILON * b.abs()
}

#[test]
fn numbers_are_those_that_torch_hands_to_its_sampler() {
    // torch 2.15: `Tensor.normal_` and `Tensor.uniform_` replaced by a function that prints its arguments, then
    // `torch.nn.init.xavier_normal_(torch.empty(64, 16, 3, 3))` and so on.
    let kaiming_normal = Scheme::kaiming_normal;
    let cases = [
        (Scheme::xavier_normal(1.0), Normal, 0.05270462766947299),
        (Scheme::xavier_normal(5.0 / 3.0), Normal, 0.08784104611578832),
        (Scheme::xavier_uniform(1.0), Uniform, 0.09128709291752768),
        (Scheme::xavier_uniform(2.0), Uniform, 0.18257418583505536),
        (kaiming_normal(FanIn, Nonlinearity::Relu), Normal, 0.11785113019775793),
        (kaiming_normal(FanOut, Nonlinearity::Relu), Normal, 0.05892556509887897),
        (kaiming_normal(FanIn, Nonlinearity::LeakyRelu(0.2)), Normal, 0.11556254088025607),
        (kaiming_normal(FanIn, Nonlinearity::LEAKY_RELU), Normal, 0.11784523808315295),
        (kaiming_normal(FanIn, Nonlinearity::Selu), Normal, 0.0625),
        (kaiming_normal(FanIn, Nonlinearity::Linear), Normal, 0.08333333333333333),
        (kaiming_normal(FanIn, Nonlinearity::Conv), Normal, 0.08333333333333333),
        (kaiming_normal(FanOut, Nonlinearity::Tanh), Normal, 0.06944444444444445),
        (Scheme::kaiming_uniform(FanIn, Nonlinearity::Relu), Uniform, 0.2041241452319315),
        (Scheme::kaiming_uniform(FanOut, Nonlinearity::Sigmoid), Uniform, 0.07216878364870322),
        (Scheme::torch_bias(144), Uniform, 0.08333333333333333),
        (Scheme::torch_bias(768), Uniform, 0.036084391824351615),
    ];
    for (scheme, distribution, expected) in cases {
        assert_eq!(number(scheme), expected, "{scheme}");
        assert!(is_kind(scheme, distribution), "{scheme}");
    }
    // torch writes its layers' default as a kaiming with slope sqrt 5: 0.08333333333333331, one rounding away.
    assert_eq!(number(Scheme::torch_conv()), 0.08333333333333333);
    assert!(close(number(Scheme::torch_linear()), 0.08333333333333331));
    assert_eq!(Nonlinearity::LeakyRelu(0.2).gain(), 1.3867504905630728);
    assert_eq!(Nonlinearity::LEAKY_RELU.gain(), 1.4141428569978354);
}

#[test]
fn variance_scaling_and_its_cases_by_hand() {
    let scaling = Scheme::variance_scaling;
    let cases = [
        // n: 144, 576, 360, 288
        (scaling(1.0, FanIn, Normal), Normal, (1.0f64 / 144.0).sqrt()),
        (scaling(2.0, FanOut, Normal), Normal, (2.0f64 / 576.0).sqrt()),
        (scaling(0.5, FanAvg, Normal), Normal, (0.5f64 / 360.0).sqrt()),
        (scaling(3.0, FanGeoAvg, Normal), Normal, (3.0f64 / 288.0).sqrt()),
        (scaling(3.0, FanIn, Uniform), Uniform, 0.25),
        (scaling(1.0, FanIn, TruncatedNormal), TruncatedNormal, 0.094_737_269_528_213_03),
        (Scheme::lecun_normal(), Normal, 1.0 / 12.0),
        (Scheme::lecun_uniform(), Uniform, 3f64.sqrt() / 12.0),
        (Scheme::lecun_truncated_normal(), TruncatedNormal, 1.0 / 12.0 / 0.8796256610342398),
        (
            Scheme::kaiming_truncated_normal(FanIn, Nonlinearity::Relu),
            TruncatedNormal,
            (2.0f64 / 144.0).sqrt() / 0.8796256610342398,
        ),
        (Scheme::xavier_truncated_normal(1.0), TruncatedNormal, (2.0f64 / 720.0).sqrt() / 0.8796256610342398),
        (Scheme::he_fan_avg(Normal), Normal, (4.0f64 / 720.0).sqrt()),
        (Scheme::he_fan_avg(Uniform), Uniform, (12.0f64 / 720.0).sqrt()),
        (Scheme::kaiming_normal(FanAvg, Nonlinearity::Relu), Normal, (4.0f64 / 720.0).sqrt()),
    ];
    for (scheme, distribution, expected) in cases {
        assert!(close(number(scheme), expected), "{scheme}: {} is not {expected}", number(scheme));
        assert!(is_kind(scheme, distribution), "{scheme}");
    }
}

#[test]
fn schemes_without_fans_take_any_shape() {
    let scalar = Shape::new([]).unwrap();
    let law = |scheme: Scheme| scheme.law(&scalar, &Layout::conv(0)).unwrap();
    assert_eq!(law(Scheme::zeros()), Law::constant(0.0).unwrap());
    assert_eq!(law(Scheme::torch_norm_weight()), Law::constant(1.0).unwrap());
    assert_eq!(law(Scheme::torch_norm_bias()), law(Scheme::zeros()));
    assert_eq!(law(Scheme::constant(-0.5)), Law::constant(-0.5).unwrap());
    assert_eq!(law(Scheme::uniform(-1.0, 3.0)), Law::uniform(-1.0, 3.0).unwrap());
    assert_eq!(law(Scheme::torch_embedding()), Law::normal(0.0, 1.0).unwrap());
    assert_eq!(law(Scheme::torch_bias(4)), Law::uniform(-0.5, 0.5).unwrap());
}

#[test]
fn fans_come_from_the_layout() {
    let dims = Shape::new([16, 64, 4]).unwrap();
    for (layout, bound) in [
        ("out_in", 1.0 / 16.0),              // 64 * 4
        ("in_out", 1.0 / 32.0),              // 64 * 16
        ("conv_transpose(groups=4)", 0.25),  // 16 / 4 * 4
        ("axes(in=2, out=1, batch=0)", 0.5), // 4
    ] {
        let law = Scheme::torch_linear().law(&dims, &layout.parse().unwrap()).unwrap();
        assert_eq!(law, Law::uniform(-bound, bound).unwrap(), "{layout}");
    }
}

fn window(mean: f64, std: f64, bounds: Bounds, std_of: StdOf) -> (f64, f64, f64) {
    match Scheme::truncated_normal(mean, std, bounds, std_of).law(&Shape::new([3]).unwrap(), &Layout::OutIn).unwrap() {
        Law::TruncatedNormal(law) if law.mean() == mean => (law.std(), law.lo(), law.hi()),
        law => panic!("{law}"),
    }
}

#[test]
fn bounds_are_sigmas_or_values() {
    assert_eq!(window(0.5, 0.25, Bounds::Sigma(-2.0, 3.0), StdOf::Parent), (0.25, 0.0, 1.25));
    assert_eq!(window(0.5, 0.25, Bounds::Absolute(-2.0, 3.0), StdOf::Parent), (0.25, -2.0, 3.0));
    assert_eq!(window(1.0, 2.0, Bounds::Sigma(0.0, INF), StdOf::Parent), (2.0, 1.0, INF));
}

#[test]
fn the_std_of_a_cut_normal_is_that_of_40_digit_quadrature() {
    // mpmath: sqrt of the second central moment of exp(-x^2/2) on [a, b], mp.dps = 40, 17 digits.
    for (a, b, expected) in [
        (-1.0, 1.0, 0.539560093754897),
        (-2.0, 2.0, 0.8796256610342398),
        (-2.5, 2.5, 0.9545974863445807),
        (-3.0, 3.0, 0.9865783925581086),
        (-4.0, 4.0, 0.9994645018070796),
        (-100.0, 100.0, 1.0),
        (-INF, INF, 1.0),
        (0.0, INF, 0.602810274989087),
        (-INF, 0.0, 0.602810274989087),
        (-0.5, 4.0, 0.6968234178353767),
        (-0.3, 9.0, 0.6586897310431878),
        (5.0, INF, 0.1808215546253052),
        (5.0, 6.0, 0.17161710511625307),
        (-6.0, -5.0, 0.17161710511625307),
        (12.0, INF, 0.08167451460428684),
        (100.0, 200.0, 0.009997002048027371),
        (-0.001, 0.001, 0.0005773502306996084),
    ] {
        let std = crate::value::law::truncated::moments(0.0, 1.0, a, b).1;
        assert!((std / expected - 1.0).abs() < 1e-14, "[{a}, {b}]: {std} is not {expected}");
    }
}

#[test]
fn the_std_of_the_elements_can_be_asked_for() {
    let (sigma, lo, hi) = window(0.0, 0.02, Bounds::TWO_SIGMA, StdOf::Cut);
    assert!((sigma / (0.02 / STD_CUT_AT_2) - 1.0).abs() < 1e-14, "{sigma}");
    assert_eq!((lo, hi), (-2.0 * sigma, 2.0 * sigma));

    // mpmath's findroot for the sigma whose cut has the std.
    for (mean, std, lo, hi, expected) in [
        (0.0, 0.02, -0.04, 0.04, 0.027558042482369629),
        (0.0, 1.0, 0.0, INF, 1.6588967399703059),
        (0.5, 0.1, 0.6, 1.0, 0.23356362069032601),
        (0.0, 0.02, -2.0, 2.0, 0.02),
        (1.0, 3.0, -INF, INF, 3.0),
    ] {
        let (sigma, l, h) = window(mean, std, Bounds::Absolute(lo, hi), StdOf::Cut);
        assert!((sigma / expected - 1.0).abs() < 1e-13, "{std} on [{lo}, {hi}]: {sigma} is not {expected}");
        assert_eq!((l, h), (lo, hi));
    }
    // Near the uniform's std the normal is many windows wide.
    let (sigma, lo, hi) = window(0.0, 0.0173, Bounds::Absolute(-0.03, 0.03), StdOf::Cut);
    let std = Law::truncated_normal(0.0, sigma, lo, hi).unwrap().std();
    assert!(sigma > 0.1 && (std / 0.0173 - 1.0).abs() < 1e-14, "{sigma}");
    let error = |std, lo, hi| {
        let scheme = Scheme::truncated_normal(0.0, std, Bounds::Absolute(lo, hi), StdOf::Cut);
        scheme.check().unwrap_err().to_string()
    };
    // The uniform on [-0.03, 0.03] has std 0.01732.
    assert!(
        error(0.02, -0.03, 0.03).contains("no normal around the mean has std 0.02 on [-0.03, 0.03], where the std")
    );
    assert!(error(0.02, -0.03, 0.03).contains("stays below 0.0173205"));
    assert!(error(1.0, 2.0, 1.0).ends_with("needs a finite mean and lo < hi"));
    assert!(error(1e300, 0.0, INF).contains("must lie in"));
}

#[test]
fn errors_are_one_line_with_the_numbers() {
    let matrix = Shape::new([64, 16]).unwrap();
    for (scheme, expected) in [
        (Scheme::variance_scaling(0.0, FanIn, Normal), "scale is 0, must be finite and above 0"),
        (Scheme::variance_scaling(f64::NAN, FanIn, Normal), "scale is NaN"),
        (Scheme::variance_scaling(INF, FanIn, Normal), "scale is inf"),
        (Scheme::xavier_normal(-1.0), "xavier_normal(gain=-1): gain is -1, must be"),
        (Scheme::kaiming_normal(FanIn, Nonlinearity::LeakyRelu(1e200)), "a=1e200): gain is 0, must be"),
        (Scheme::kaiming_uniform(FanIn, Nonlinearity::LeakyRelu(f64::NAN)), "gain is NaN"),
        (Scheme::torch_bias(0), "torch_bias(fan_in=0): fan_in is 0"),
        (Scheme::constant(f64::NAN), "constant(NaN): "),
        (Scheme::normal(0.0, 0.0), "normal(mean=0, std=0): std 0"),
        (Scheme::normal(INF, 1.0), "mean inf"),
        (Scheme::uniform(1.0, 1.0), "needs finite lo < hi"),
        (Scheme::truncated_normal(0.0, 1.0, Bounds::Sigma(2.0, -2.0), StdOf::Parent), "the window is empty"),
        (Scheme::truncated_normal(0.0, -1.0, Bounds::TWO_SIGMA, StdOf::Cut), "std is -1, must be"),
        (Scheme::truncated_normal(0.0, 1.0, Bounds::Sigma(1e200, INF), StdOf::Cut), "too far from the mean"),
    ] {
        for error in [scheme.check().unwrap_err(), scheme.law(&matrix, &Layout::OutIn).unwrap_err()] {
            let error = error.to_string();
            assert!(error.contains(expected) && !error.contains('\n'), "{error}");
        }
    }
    // Only the fans tell that these are out of range.
    let tiny = Scheme::variance_scaling(1e-60, FanIn, Normal);
    assert!(tiny.check().is_ok());
    let error = tiny.law(&matrix, &Layout::OutIn).unwrap_err().to_string();
    assert!(error.starts_with(
        "variance_scaling(scale=1e-60, mode=fan_in, distribution=normal) with fan_in 16, fan_out 64: std "
    ));
    let error = Scheme::lecun_normal().law(&Shape::new([768]).unwrap(), &Layout::OutIn).unwrap_err().to_string();
    let named = "shape [768]: variance_scaling(scale=1, mode=fan_in, distribution=normal): rank 1 has no fan_in";
    assert!(error.starts_with(named), "{error}");
}

#[test]
fn no_number_panics() {
    let numbers = [
        f64::NAN,
        INF,
        -INF,
        0.0,
        -0.0,
        5e-324,
        1e-300,
        -1e-30,
        0.02,
        1.0,
        -2.0,
        1e17,
        1e38,
        1e200,
        f64::MAX,
        f64::MIN,
    ];
    let shapes = [vec![], vec![1], vec![1, 1], vec![1 << 30, 1 << 30], vec![1 << 60, 1, 1], vec![3, 5, 7, 2]];
    let shapes = shapes.map(|dims| Shape::new(dims).unwrap());
    let layouts =
        ["out_in", "in_out", "conv", "conv_transpose(groups=3)", "axes"].map(|l| l.parse::<Layout>().unwrap());
    let mut schemes = vec![Scheme::torch_linear(), Scheme::torch_bias(u64::MAX)];
    for x in numbers {
        schemes.push(Scheme::constant(x));
        for distribution in [Normal, TruncatedNormal, Uniform] {
            schemes.push(Scheme::Xavier { gain: x, distribution });
            for mode in [FanIn, FanOut, FanAvg, FanGeoAvg] {
                schemes.push(Scheme::variance_scaling(x, mode, distribution));
                schemes.push(Scheme::Kaiming { mode, nonlinearity: Nonlinearity::LeakyRelu(x), distribution });
            }
        }
        for y in numbers {
            schemes.push(Scheme::uniform(x, y));
            schemes.push(Scheme::normal(x, y));
            for (mean, std) in [(0.0, 0.02), (1e17, 1e17), (x, 1.0), (0.5, y), (x, y)] {
                for bounds in [Bounds::Sigma(x, y), Bounds::Absolute(x, y), Bounds::Absolute(-1.0, x)] {
                    for std_of in [StdOf::Parent, StdOf::Cut] {
                        schemes.push(Scheme::truncated_normal(mean, std, bounds, std_of));
                    }
                }
            }
        }
    }
    let mut laws = 0;
    for scheme in &schemes {
        let checked = scheme.check().is_ok();
        for (shape, layout) in shapes.iter().flat_map(|shape| layouts.iter().map(move |layout| (shape, layout))) {
            if !scheme.needs_fans() && (shape.rank() != 2 || *layout != Layout::OutIn) {
                continue;
            }
            if let Ok(law) = scheme.law(shape, layout) {
                laws += 1;
                assert!(checked && (!matches!(law, Law::Normal(_)) || law.std().is_finite()), "{scheme}: {law}");
            }
        }
        assert_eq!(scheme.to_string().parse::<Scheme>().is_ok(), checked, "{scheme}");
    }
    assert!(laws > 1000, "{laws}");
}

#[test]
fn unit_frobenius_divides_the_norm_among_the_elements() {
    let law = |scheme: Scheme, dims: &[u64]| scheme.law(&Shape::new(dims).unwrap(), &Layout::OutIn);
    assert_eq!(number(Scheme::unit_frobenius(1.0)), 1.0 / 9216f64.sqrt());
    assert_eq!(number(Scheme::unit_frobenius(3.0)), 3.0 / 96.0);
    // No fans: any rank, and the same for a matrix and its transpose.
    assert_eq!(law(Scheme::unit_frobenius(1.0), &[]).unwrap(), Law::normal(0.0, 1.0).unwrap());
    assert_eq!(law(Scheme::unit_frobenius(2.0), &[16]).unwrap(), Law::normal(0.0, 0.5).unwrap());
    assert_eq!(law(Scheme::unit_frobenius(1.0), &[3, 7]).unwrap(), law(Scheme::unit_frobenius(1.0), &[7, 3]).unwrap());
    for norm in [0.0, -1.0, f64::NAN, INF] {
        assert!(Scheme::unit_frobenius(norm).check().unwrap_err().to_string().contains("norm is"), "{norm}");
    }
    let small = law(Scheme::unit_frobenius(2f64.powi(-60)), &[1 << 40]).unwrap_err().to_string();
    assert!(small.contains("of 1099511627776 elements"), "{small}");
}
