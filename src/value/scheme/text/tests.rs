use super::super::{Bounds, Distribution, Mode, Nonlinearity, Scheme, StdOf};
use crate::value::shape::Layout;
use Distribution::{Normal, TruncatedNormal, Uniform};
use Mode::{FanAvg, FanGeoAvg, FanIn, FanOut};

const INF: f64 = f64::INFINITY;

#[test]
fn text_is_read_as_the_constructors_write_it() {
    let leaky = |a| Scheme::kaiming_normal(FanIn, Nonlinearity::LeakyRelu(a));
    let cut = |bounds, std_of| Scheme::truncated_normal(0.0, 0.02, bounds, std_of);
    for (text, scheme) in [
        ("zeros", Scheme::zeros()),
        ("ones()", Scheme::ones()),
        (" constant( 0.5 ) ", Scheme::constant(0.5)),
        ("normal(0, 0.02)", Scheme::normal(0.0, 0.02)),
        ("normal(std=0.02)", Scheme::normal(0.0, 0.02)),
        ("normal(std=2e-2,mean=-1)", Scheme::normal(-1.0, 0.02)),
        ("uniform(-0.1, hi=0.1)", Scheme::uniform(-0.1, 0.1)),
        ("truncated_normal(std=0.02)", cut(Bounds::TWO_SIGMA, StdOf::Parent)),
        ("truncated_normal(0, 0.02, -2, 2, absolute)", cut(Bounds::Absolute(-2.0, 2.0), StdOf::Parent)),
        (
            "truncated_normal(mean=0, std=0.02, lo=-1, hi=inf, bounds=sigma, std_of=cut)",
            cut(Bounds::Sigma(-1.0, INF), StdOf::Cut),
        ),
        ("variance_scaling(2)", Scheme::variance_scaling(2.0, FanIn, Normal)),
        (
            "variance_scaling(scale=2, mode=fan_geo_avg, distribution=truncated_normal)",
            Scheme::variance_scaling(2.0, FanGeoAvg, TruncatedNormal),
        ),
        ("xavier_uniform", Scheme::xavier_uniform(1.0)),
        ("glorot_uniform(2)", Scheme::xavier_uniform(2.0)),
        ("glorot_normal(gain=0.5)", Scheme::xavier_normal(0.5)),
        ("glorot_truncated_normal", Scheme::xavier_truncated_normal(1.0)),
        ("he_normal", Scheme::kaiming_normal(FanIn, Nonlinearity::Relu)),
        ("he_uniform(fan_out)", Scheme::kaiming_uniform(FanOut, Nonlinearity::Relu)),
        ("he_truncated_normal", Scheme::kaiming_truncated_normal(FanIn, Nonlinearity::Relu)),
        ("kaiming_normal(nonlinearity=tanh)", Scheme::kaiming_normal(FanIn, Nonlinearity::Tanh)),
        ("kaiming_normal(nonlinearity=leaky_relu)", leaky(0.01)),
        ("kaiming_normal(mode=fan_in, nonlinearity=leaky_relu, a=0.2)", leaky(0.2)),
        ("kaiming_normal(a=0.3)", leaky(0.3)),
        ("he_fan_avg(uniform)", Scheme::he_fan_avg(Uniform)),
        ("lecun_normal", Scheme::lecun_normal()),
        ("lecun_uniform", Scheme::lecun_uniform()),
        ("lecun_truncated_normal", Scheme::lecun_truncated_normal()),
        ("torch_linear", Scheme::torch_linear()),
        ("torch_conv", Scheme::torch_conv()),
        ("torch_bias(fan_in=768)", Scheme::torch_bias(768)),
        ("torch_embedding", Scheme::torch_embedding()),
        ("torch_norm_weight", Scheme::ones()),
        ("torch_norm_bias", Scheme::zeros()),
        ("unit_frobenius", Scheme::unit_frobenius(1.0)),
        ("unit_frobenius(norm=0.5)", Scheme::unit_frobenius(0.5)),
    ] {
        assert_eq!(text.parse::<Scheme>().unwrap(), scheme, "{text}");
        assert_eq!(scheme.to_string().parse::<Scheme>().unwrap(), scheme, "{scheme}");
    }
}

#[test]
fn every_variant_survives_its_text() {
    let mut schemes = vec![
        Scheme::constant(1e-30),
        Scheme::uniform(-1e20, 3.5),
        Scheme::normal(-0.1, 0.1 + 0.2),
        Scheme::torch_linear(),
        Scheme::torch_bias(u64::MAX),
    ];
    for bounds in [Bounds::TWO_SIGMA, Bounds::Sigma(-INF, 1.5), Bounds::Absolute(-0.25, INF)] {
        for std_of in [StdOf::Parent, StdOf::Cut] {
            schemes.push(Scheme::truncated_normal(0.125, 1.0 / 3.0, bounds, std_of));
        }
    }
    for distribution in [Normal, TruncatedNormal, Uniform] {
        schemes.push(Scheme::Xavier { gain: 5.0 / 3.0, distribution });
        for mode in [FanIn, FanOut, FanAvg, FanGeoAvg] {
            schemes.push(Scheme::VarianceScaling { scale: 1.0 / 3.0, mode, distribution });
            use Nonlinearity::{Conv, LeakyRelu, Linear, Relu, Selu, Sigmoid, Tanh};
            for nonlinearity in [Linear, Conv, Sigmoid, Tanh, Relu, Nonlinearity::LEAKY_RELU, LeakyRelu(-5.0), Selu] {
                schemes.push(Scheme::Kaiming { mode, nonlinearity, distribution });
            }
        }
    }
    for scheme in schemes {
        assert_eq!(scheme.to_string().parse::<Scheme>().unwrap(), scheme, "{scheme}");
    }
}

#[test]
fn text_errors_name_the_argument() {
    for (text, expected) in [
        ("orthonormal", "unknown scheme \"orthonormal\": expected zeros, ones, constant, uniform, normal, "),
        ("", "unknown scheme \"\""),
        ("zeros(1)", "scheme \"zeros(1)\": takes no arguments, given \"1\""),
        ("normal(0, 1", "scheme \"normal(0, 1\": the last character must be the closing parenthesis"),
        ("normal(0, 1) ]", "closing parenthesis"),
        ("normal", "scheme \"normal\": std must be given; the arguments are mean, std"),
        ("normal(0, x)", "scheme \"normal(0, x)\": std \"x\" is not a number"),
        ("normal(0, 1, 2)", "scheme \"normal(0, 1, 2)\": too many arguments at \"2\": expected mean, std"),
        (
            "normal(0, std=1, sd=1)",
            "scheme \"normal(0, std=1, sd=1)\": unknown argument \"sd\": expected mean, std; did you mean `std`?",
        ),
        ("normal(0, mean=1)", "scheme \"normal(0, mean=1)\": mean is given twice"),
        ("normal(std=1, std=1)", "scheme \"normal(std=1, std=1)\": std is given twice"),
        (
            "normal(mean=1, 1)",
            "scheme \"normal(mean=1, 1)\": \"1\" has no name, but stands after a named argument: name it too",
        ),
        ("normal(0,)", "scheme \"normal(0,)\": std has no value"),
        ("normal(std=)", "scheme \"normal(std=)\": std has no value"),
        ("normal(0, 0)", "scheme \"normal(0, 0)\": std 0"),
        ("normal(0, nan)", "scheme \"normal(0, nan)\": std NaN"),
        ("torch_bias", "scheme \"torch_bias\": fan_in must be given; the arguments are fan_in"),
        ("torch_bias(1.5)", "scheme \"torch_bias(1.5)\": fan_in \"1.5\" is not a whole number from 0 on"),
        ("torch_bias(0)", "fan_in is 0, needs 1 or more"),
        (
            "he_normal(fan)",
            "scheme \"he_normal(fan)\": unknown mode \"fan\": expected fan_in, fan_out, fan_avg, fan_geo_avg",
        ),
        ("he_normal(nonlinearity=gelu)", "unknown nonlinearity \"gelu\": expected linear, conv, "),
        (
            "he_normal(nonlinearity=relu, a=1)",
            "scheme \"he_normal(nonlinearity=relu, a=1)\": a is the slope of leaky_relu, given for relu",
        ),
        ("xavier_normal(gain=-1)", "gain is -1, must be finite and above 0"),
        ("truncated_normal(std=1, lo=-2, hi=2, bounds=x)", "unknown bounds \"x\": expected sigma, absolute"),
        ("truncated_normal(std=1, std_of=x)", "unknown std_of \"x\": expected parent, cut"),
        ("truncated_normal", "scheme \"truncated_normal\": std must be given"),
    ] {
        let error = text.parse::<Scheme>().unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains('\n'), "{text}: {error}");
    }
}

#[test]
fn half_a_window_says_what_to_add() {
    let both = "bounds=sigma (multiples of std, where nothing is said) or bounds=absolute (values)";
    for (text, expected) in [
        ("lo=-1", format!("lo needs hi: lo=-1, hi=1, {both}")),
        ("lo=0.5", format!("lo needs hi: lo=0.5, hi=inf, {both}")),
        ("hi=3", format!("hi needs lo: lo=-3, hi=3, {both}")),
        ("hi=-3", format!("hi needs lo: lo=-inf, hi=-3, {both}")),
        ("lo=-2, bounds=sigma", "lo needs hi: lo=-2, hi=2, bounds=sigma".to_owned()),
        ("hi=2, bounds=absolute", "hi needs lo: lo=-2, hi=2, bounds=absolute".to_owned()),
    ] {
        let text = format!("truncated_normal(std=1, {text})");
        let error = text.parse::<Scheme>().unwrap_err().to_string();
        assert_eq!(error, format!("scheme \"{text}\": {expected}"));
    }
}

#[test]
fn what_is_left_out_of_a_window_is_what_the_catalog_prints() {
    let sigma = Scheme::truncated_normal(0.0, 1.0, Bounds::Sigma(-2.0, 2.0), StdOf::Parent);
    let absolute = Scheme::truncated_normal(0.0, 1.0, Bounds::Absolute(-2.0, 2.0), StdOf::Parent);
    for (text, expected) in [
        ("truncated_normal(std=1)", sigma),
        ("truncated_normal(std=1, lo=-2, hi=2)", sigma),
        ("truncated_normal(0, 1, -2, 2)", sigma),
        ("truncated_normal(std=1, bounds=sigma)", sigma),
        // torch's `trunc_normal_(std=1)`, whose a and b are -2 and 2 and are values.
        ("truncated_normal(std=1, bounds=absolute)", absolute),
    ] {
        assert_eq!(text.parse::<Scheme>().unwrap(), expected, "{text}");
    }
}

#[test]
fn every_word_of_torch_s_calculate_gain_is_read_with_its_gain() {
    // torch 2.15 `torch.nn.init.calculate_gain`, and the names that it knows.
    for (word, gain) in [
        ("linear", 1.0),
        ("conv1d", 1.0),
        ("conv2d", 1.0),
        ("conv3d", 1.0),
        ("conv_transpose1d", 1.0),
        ("conv_transpose2d", 1.0),
        ("conv_transpose3d", 1.0),
        ("sigmoid", 1.0),
        ("tanh", 5.0 / 3.0),
        ("relu", 2f64.sqrt()),
        ("leaky_relu", (2.0 / (1.0 + 0.01f64 * 0.01)).sqrt()),
        ("selu", 0.75),
    ] {
        assert_eq!(word.parse::<Nonlinearity>().unwrap().gain(), gain, "{word}");
        let scheme: Scheme = format!("kaiming_normal(nonlinearity={word})").parse().unwrap();
        assert_eq!(scheme.to_string().parse::<Scheme>().unwrap(), scheme, "{word}");
    }
}

#[test]
fn no_piece_of_a_text_panics() {
    let text = "truncated_normal(mean=0, std=[1, é], lo=-2, hi=2)";
    for (from, _) in text.char_indices() {
        for (to, _) in text.char_indices().filter(|&(to, _)| to >= from) {
            assert!(text[from..to].parse::<Scheme>().is_err(), "{}", &text[from..to]);
            let _ = text[from..to].parse::<Layout>();
        }
    }
}
