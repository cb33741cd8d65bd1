//! What the structured laws refuse, naming the tensor and the numbers; and their text.

use crate::laws::SEED;
use seedbed::plan::{Plan, TensorSpec};
use seedbed::scheme::SinusoidalLayout;
use seedbed::shape::Layout;
use seedbed::{Scheme, StreamVersion};

/// A number as an error writes it.
fn written(x: f64) -> String {
    let text = format!("{x:?}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

#[track_caller]
fn refused(dims: &[u64], layout: Layout, scheme: Scheme, facts: &[&str]) {
    let spec = TensorSpec::new("h.0.bad", dims, scheme).unwrap().layout(layout);
    let text = match Plan::new(StreamVersion::V1, SEED).push(&spec) {
        Ok(_) => panic!("{scheme} on {dims:?} is accepted"),
        Err(error) => error.to_string(),
    };
    println!("{text}");
    assert!(text.starts_with("tensor h.0.bad: ") && !text.contains('\n'), "{text}");
    for fact in facts {
        assert!(text.contains(fact), "{fact:?} is not in {text:?}");
    }
}

#[test]
fn shapes_that_do_not_suit() {
    let plain = Layout::OutIn;
    let sinusoidal = |layout| Scheme::sinusoidal(10_000.0, layout);
    for dims in [&[][..], &[5], &[2, 3, 4]] {
        for scheme in [
            Scheme::identity(1.0),
            Scheme::near_identity(1.0, 0.1),
            Scheme::block_diagonal(1, 0.1),
            Scheme::sparse(0.5, 0.1),
            sinusoidal(SinusoidalLayout::Halves),
        ] {
            refused(dims, plain.clone(), scheme, &["rank 2", &format!("{dims:?}")]);
        }
    }
    refused(&[], plain.clone(), Scheme::log_range(), &["rank 1"]);
    refused(&[3, (1 << 24) + 1], plain.clone(), Scheme::log_range(), &["16777217", "16777216"]);
    refused(&[4, 4], plain.clone(), Scheme::dirac(1), &["[4, 4]", "rank 3 to 5"]);
    refused(&[4, 4, 1, 1, 1, 1], plain.clone(), Scheme::dirac(1), &["rank 3 to 5"]);
    refused(&[7, 4, 3], plain.clone(), Scheme::dirac(2), &["2 groups", "7 outputs"]);
    refused(&[7, 4, 3], plain.clone(), Scheme::dirac(0), &["0 groups"]);
    refused(&[3, 4, 7], Layout::InOut, Scheme::dirac(1), &["in_out"]);
    refused(&[9, 4], plain.clone(), Scheme::block_diagonal(3, 0.1), &["9 x 4", "3 blocks"]);
    refused(&[9, 4], plain.clone(), Scheme::block_diagonal(0, 0.1), &["0 blocks"]);
    refused(&[9, 5], plain.clone(), sinusoidal(SinusoidalLayout::Interleaved), &["5 columns", "even"]);
    refused(&[9, 2], plain.clone(), sinusoidal(SinusoidalLayout::HalvesToEnd), &["2 columns", "from 4"]);
    refused(&[9, 65538], plain.clone(), sinusoidal(SinusoidalLayout::Halves), &["65538", "65536"]);
    refused(&[1 << 32, 2], plain.clone(), Scheme::identity(1.0), &["4294967296", "2^32"]);
    refused(&[(1 << 31) + 1, 2], plain, Scheme::sparse(0.5, 0.1), &["2147483649", "2^31"]);
}

#[test]
fn numbers_that_do_not_suit() {
    for sparsity in [-0.1, 1.0000001, f64::NAN, f64::INFINITY] {
        let scheme = Scheme::sparse(sparsity, 0.1);
        refused(&[4, 4], Layout::OutIn, scheme, &["sparsity", &written(sparsity), "[0, 1]"]);
        assert!(scheme.check().is_err());
    }
    for std in [0.0, -1.0, f64::NAN, 1e-40, 1e300] {
        for scheme in [Scheme::sparse(0.5, std), Scheme::near_identity(1.0, std), Scheme::block_diagonal(2, std)] {
            refused(&[4, 4], Layout::OutIn, scheme, &["std", &written(std), "[2^-76, 2^120]"]);
        }
    }
    for bad in [f64::NAN, f64::INFINITY, 1e300, 1e-40] {
        refused(&[4, 4], Layout::OutIn, Scheme::identity(bad), &["gain", &written(bad)]);
        refused(&[4, 4], Layout::OutIn, Scheme::near_identity(bad, 0.1), &["alpha"]);
    }
    for base in [1.0, 0.0, -2.0, f64::NAN, f64::INFINITY, 1e31] {
        let scheme = Scheme::sinusoidal(base, SinusoidalLayout::Halves);
        refused(&[4, 4], Layout::OutIn, scheme, &["base", &written(base), "2^100"]);
    }
    for (min, max, floor) in
        [(0.0, 0.1, 0.0), (0.1, 0.1, 0.0), (-1.0, 0.1, 0.0), (0.1, f64::NAN, 0.0), (0.001, 0.1, 0.1), (0.001, 1e4, 0.0)]
    {
        refused(&[4], Layout::OutIn, Scheme::dt_bias(min, max, floor), &["dt_bias(min=", "min < max"]);
    }
    refused(&[4], Layout::OutIn, Scheme::dt_bias(1e-9, 100.0, 0.0), &["min=1e-9", "max=100", "error"]);
    for (lo, hi) in [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (1.0, 1.0), (1.0, f64::INFINITY), (f64::NAN, 1.0)] {
        refused(&[4], Layout::OutIn, Scheme::log_of_uniform(lo, hi), &["log_of_uniform(lo=", "lo < hi"]);
    }
    for bad in [f64::NAN, f64::INFINITY, 1e300, 1e-40] {
        refused(&[4], Layout::OutIn, Scheme::linspace(bad, 1.0), &["linspace", "first", &written(bad)]);
        refused(&[4], Layout::OutIn, Scheme::linspace(1.0, bad), &["linspace", "last", &written(bad)]);
    }
    // Ends that nearly cancel: the middle of an odd length would be subnormal.
    let (first, last) = (seedbed::law::MIN_SCALE.next_up(), -seedbed::law::MIN_SCALE);
    refused(&[3], Layout::OutIn, Scheme::linspace(first, last), &["linspace", "the value halfway"]);
    refused(&[1 << 24 | 1], Layout::OutIn, Scheme::linspace(0.0, 1.0), &["linspace", "16777217"]);
    // A 16-bit type that the values leave.
    let spec = TensorSpec::new("h.0.bad", [4, 4], Scheme::identity(1e5)).unwrap().dtype(seedbed::DType::F16);
    let error = Plan::new(StreamVersion::V1, SEED).push(&spec).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("f16") && error.contains("h.0.bad"), "{error}");
}

#[test]
fn text_forms_are_read_as_they_are_written() {
    for text in [
        "identity(gain=1)",
        "dirac(groups=3)",
        "near_identity(alpha=0.5, std=0.02)",
        "block_diagonal(blocks=4, std=0.02)",
        "sparse(sparsity=0.9, std=0.01)",
        "sinusoidal(base=10000, layout=interleaved)",
        "sinusoidal(base=500000, layout=halves)",
        "sinusoidal(base=10000, layout=halves_to_end)",
        "log_range",
        "dt_bias(min=0.001, max=0.1, floor=0.0001)",
    ] {
        assert_eq!(text.parse::<Scheme>().unwrap().to_string(), text);
    }
    for (short, long) in [
        ("eye", "identity(gain=1)"),
        ("dirac", "dirac(groups=1)"),
        ("near_identity(std=0.1)", "near_identity(alpha=1, std=0.1)"),
        ("sparse(0.9)", "sparse(sparsity=0.9, std=0.01)"),
        ("sinusoidal", "sinusoidal(base=10000, layout=interleaved)"),
        ("a_log", "log_range"),
        ("dt_bias", "dt_bias(min=0.001, max=0.1, floor=0.0001)"),
    ] {
        assert_eq!(short.parse::<Scheme>().unwrap().to_string(), long);
    }
    for bad in [
        "sparse",
        "sparse(2)",
        "dirac(groups=-1)",
        "dirac(0)",
        "block_diagonal(2)",
        "sinusoidal(layout=third)",
        "log_range(1)",
    ] {
        let error = bad.parse::<Scheme>().unwrap_err().to_string();
        assert!(!error.contains('\n'), "{error}");
    }
}
