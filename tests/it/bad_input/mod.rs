//! What cannot be filled is an error of one line that names the tensor and the numbers, never a panic.

mod fuzz;
mod parts;

use crate::laws::{SEED, cut, tensor};
use seedbed::cpu::{self, Level};
use seedbed::plan::Slab;
use seedbed::plan::{Plan, TensorSpec};
use seedbed::scheme::{Bounds, Distribution, Mode, Nonlinearity, StdOf};
use seedbed::shape::Layout;
use seedbed::{DType, Error, Result, Scheme, StreamVersion};

const NAME: &str = "h.0.bad.weight";

/// Asserts an error of one line that holds all of `facts`.
#[track_caller]
fn refused<T>(result: Result<T>, facts: &[&str]) -> String {
    let text = match result {
        Ok(_) => panic!("accepted: {facts:?} expected in an error"),
        Err(error) => error.to_string(),
    };
    assert!(!text.contains(['\n', '\r']), "more than one line: {text:?}");
    for fact in facts {
        assert!(text.contains(fact), "{fact:?} is not in {text:?}");
    }
    println!("{text}");
    text
}

fn push(spec: &TensorSpec) -> Result<()> {
    Plan::new(StreamVersion::V1, SEED).push(spec).map(|_| ())
}

/// Plans a tensor of this scheme; the error names the tensor.
#[track_caller]
fn refused_scheme(dims: &[u64], scheme: Scheme, dtype: DType, facts: &[&str]) {
    let text = refused(TensorSpec::new(NAME, dims, scheme).and_then(|spec| push(&spec.dtype(dtype))), facts);
    assert!(text.starts_with(&format!("tensor {NAME}: ")), "{text}");
}

#[test]
fn shapes_that_cannot_be_filled() {
    let zeros = Scheme::zeros();
    refused_scheme(&[0], zeros, DType::F32, &["[0]", "dimension 0 is 0"]);
    refused_scheme(&[3, 0, 5], zeros, DType::F32, &["[3, 0, 5]", "dimension 1 is 0"]);
    refused_scheme(&[1 << 32, 1 << 32], zeros, DType::F32, &["4294967296", "2^60"]);
    refused_scheme(&[u64::MAX; 5], zeros, DType::F32, &["18446744073709551615"]);
    refused_scheme(&[(1 << 60) + 1], zeros, DType::BF16, &["1152921504606846977", "2^60"]);
}

#[test]
fn numbers_that_are_no_std() {
    for (std, shown) in [
        (0.0, "std 0:"),
        (-1.0, "std -1:"),
        (f64::NAN, "std NaN:"),
        (f64::INFINITY, "std inf:"),
        (f64::NEG_INFINITY, "std -inf:"),
        (1e-40, "std 1e-40:"),
        (1e300, "std 1e300:"),
        (f64::MIN_POSITIVE, "std 2.2250738585072014e-308:"),
    ] {
        refused_scheme(&[4], Scheme::normal(0.0, std), DType::F32, &[shown]);
        let truncated = Scheme::truncated_normal(0.0, std, Bounds::Absolute(-1.0, 1.0), StdOf::Parent);
        refused_scheme(&[4], truncated, DType::F32, &[shown]);
        let cut = Scheme::truncated_normal(0.0, std, Bounds::TWO_SIGMA, StdOf::Cut);
        refused_scheme(&[4], cut, DType::F32, &["std"]);
        refused_scheme(&[4, 4], Scheme::xavier_normal(std), DType::F32, &[]);
    }
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-60] {
        for distribution in [Distribution::Uniform, Distribution::Normal, Distribution::TruncatedNormal] {
            let scheme = Scheme::variance_scaling(scale, Mode::FanIn, distribution);
            refused_scheme(&[4, 4], scheme, DType::F32, &["variance_scaling"]);
        }
    }
    for bad in [f64::NAN, f64::INFINITY, 1e300, 1e-40] {
        let shown = format!("{bad:?}");
        refused_scheme(&[4], Scheme::normal(bad, 1.0), DType::F32, &["mean", &shown]);
        refused_scheme(&[4], Scheme::constant(bad), DType::F32, &["constant"]);
    }
    for a in [f64::NAN, f64::INFINITY, 1e300] {
        let leaky = Scheme::kaiming_normal(Mode::FanIn, Nonlinearity::LeakyRelu(a));
        refused_scheme(&[4, 4], leaky, DType::F32, &[]);
    }
    refused_scheme(&[4], Scheme::torch_bias(0), DType::F32, &["fan_in is 0"]);
}

/// The tensor's name and the scheme's text, each once, then what is wrong.
#[test]
fn errors_of_a_scheme_name_the_tensor_and_the_scheme_once() {
    for (dims, scheme, text, rest) in [
        (&[4][..], Scheme::normal(0.0, 1e-30), "normal(mean=0, std=1e-30)", ": std 1e-30"),
        (&[4], Scheme::constant(1e-42), "constant(1e-42)", ""),
        (&[4], Scheme::uniform(1.0, -1.0), "uniform(lo=1, hi=-1)", "lo < hi"),
        (&[4], Scheme::torch_bias(0), "torch_bias(fan_in=0)", ": fan_in is 0, needs 1 or more"),
        (&[4, 4], Scheme::xavier_normal(-1.0), "xavier_normal(gain=-1)", ": gain is -1, must be finite and above 0"),
        (&[4, 4], Scheme::xavier_normal(1e-40), "xavier_normal(gain=1e-40)", " with fan_in 4, fan_out 4: std "),
        (&[4, 4], Scheme::unit_frobenius(1e-40), "unit_frobenius(norm=1e-40)", " of 16 elements: std "),
        (&[4, 4], Scheme::orthogonal(1.0, 1), "orthogonal(gain=1, batch=1)", ": needs rank 3 or more"),
        (&[4, 5, 6], Scheme::identity(1.0), "identity(gain=1)", ": rank 3, needs rank 2"),
        (&[], Scheme::log_range(), "log_range", ": needs rank 1 or more"),
        (&[4], Scheme::torch_linear(), "torch_linear", ": rank 1 has no fan_in"),
    ] {
        let error = refused(TensorSpec::new(NAME, dims, scheme).and_then(|spec| push(&spec)), &[rest]);
        assert_eq!((error.matches(NAME).count(), error.matches(text).count()), (1, 1), "{error}");
        assert!(!error.contains("0.0000"), "{error}");
    }
}

#[test]
fn windows_that_hold_nothing() {
    for (lo, hi) in [(1.0, 1.0), (2.0, -2.0), (f64::NAN, 1.0), (0.0, f64::NAN), (f64::INFINITY, f64::INFINITY)] {
        let shown = [format!("{lo}"), format!("{hi}")];
        refused_scheme(&[4], cut(lo, hi), DType::F32, &[&shown[0], &shown[1], "lo < hi"]);
        refused_scheme(&[4], Scheme::uniform(lo, hi), DType::F32, &[&shown[0], &shown[1], "lo < hi"]);
        for std_of in [StdOf::Parent, StdOf::Cut] {
            let scheme = Scheme::truncated_normal(0.0, 1.0, Bounds::Sigma(lo, hi), std_of);
            refused_scheme(&[4], scheme, DType::F32, &["lo < hi"]);
        }
    }
    // No 16-bit value between 1 and the next one.
    refused_scheme(&[4], cut(1.0001, 1.0002), DType::F16, &["1.0001", "1.0002", "f16"]);
    refused_scheme(&[4], cut(1.0001, 1.0002), DType::BF16, &["1.0001", "1.0002", "bf16"]);
    // A std that the window cannot hold: at most 2 / sqrt 12.
    let wide = Scheme::truncated_normal(0.0, 0.6, Bounds::Absolute(-1.0, 1.0), StdOf::Cut);
    refused_scheme(&[4], wide, DType::F32, &["0.6", "0.577"]);
}

#[test]
fn laws_whose_extremes_do_not_fit_the_dtype() {
    refused_scheme(&[4], Scheme::normal(0.0, 1e4), DType::F16, &["1000", "f16", "65504"]);
    refused_scheme(&[4], Scheme::uniform(-7e4, 7e4), DType::F16, &["70000", "f16", "65504"]);
    refused_scheme(&[4], Scheme::constant(65_505.0), DType::F16, &["65505", "f16"]);
    refused_scheme(&[4], cut(0.0, f64::INFINITY).scaled(2e4), DType::F16, &["f16"]);
    assert!(push(&TensorSpec::new(NAME, [4], Scheme::normal(0.0, 9_000.0)).unwrap().dtype(DType::F16)).is_ok());
    assert!(push(&TensorSpec::new(NAME, [4], Scheme::constant(65_504.0)).unwrap().dtype(DType::F16)).is_ok());
}

/// A scheme with its std changed.
trait Scaled {
    fn scaled(self, std: f64) -> Scheme;
}

impl Scaled for Scheme {
    fn scaled(self, std: f64) -> Scheme {
        match self {
            Self::TruncatedNormal { mean, bounds, std_of, .. } => Self::truncated_normal(mean, std, bounds, std_of),
            other => other,
        }
    }
}

#[test]
fn layouts_that_do_not_suit_the_shape() {
    refused_scheme(&[4], Scheme::torch_linear(), DType::F32, &["[4]", "rank 1"]);
    let conv = TensorSpec::new(NAME, [10, 4, 3], Scheme::torch_conv()).unwrap();
    for groups in [0, 3, u64::MAX] {
        refused(push(&conv.clone().layout(Layout::conv(groups))), &[NAME, &groups.to_string()]);
        refused(push(&conv.clone().layout(Layout::conv_transpose(groups))), &[NAME, &groups.to_string()]);
    }
    for axes in [[3, 0], [-4, 0], [1, 1], [i64::MIN, i64::MAX]] {
        refused(push(&conv.clone().layout(Layout::axes([axes[0]], [axes[1]], []))), &[NAME]);
    }
}

#[test]
fn buffers_of_other_lengths() {
    for (dtype, elements, lengths) in [
        (DType::F32, 5u64, vec![0, 1, 16, 19, 21, 24]),
        (DType::F16, 5, vec![0, 8, 9, 11, 13]),
        (DType::BF16, 6, vec![0, 10, 11, 13, 14]),
    ] {
        let fill = tensor(NAME, &[elements], Scheme::normal(0.0, 1.0), dtype).fill();
        for len in lengths {
            let mut out = vec![0xa5; len];
            refused(cpu::fill(&fill, &mut out), &[NAME, &len.to_string(), &fill.bytes().to_string()]);
            assert!(out.iter().all(|&b| b == 0xa5), "{len} bytes were touched");
        }
    }
}

#[test]
fn ranges_of_fills_that_do_not_fit() {
    for dtype in DType::ALL {
        let fill = tensor(NAME, &[9], Scheme::normal(0.0, 1.0), dtype).fill();
        let end = fill.device_bytes();
        let half = dtype.size() / 2;
        for (from, len) in [
            (1, 4),
            (half, 4),
            (3, 0),
            (0, end + 4),
            (end, 4),
            (end - 4, 8),
            (end + 4, 0),
            (u64::MAX - 3, 4),
            (u64::MAX - 3, 8),
        ] {
            let mut out = vec![0xa5; len as usize];
            let result = cpu::fill_range(&fill, Level::best(), from, &mut out);
            refused(result, &[NAME, &from.to_string(), &len.to_string(), &end.to_string()]);
            assert!(out.iter().all(|&b| b == 0xa5), "{from} + {len}: touched");
        }
        // A range that ends inside an element has no bytes for it: neither half an element nor zeros are written.
        let mut out = [0xa5; 7];
        refused(cpu::fill_range(&fill, Level::best(), 4, &mut out), &[NAME, "7"]);
        assert_eq!(out, [0xa5; 7]);
    }
}

#[test]
fn boxes_outside_their_tensor() {
    let planned = tensor(NAME, &[5, 7], Scheme::normal(0.0, 1.0), DType::BF16);
    for (start, extent, fact) in [
        (vec![0, 0], vec![6, 7], "slab 0:6,0:7: "),
        (vec![5, 0], vec![1, 7], "slab 5:1,0:7: "),
        (vec![0, 3], vec![5, 5], "slab 0:5,3:5: "),
        (vec![0, 0], vec![0, 7], "slab 0:0,0:7: "),
        (vec![0, 0], vec![5], "slab: 2 starts and 1 extents given"),
        (vec![0], vec![5, 7], "slab: 1 starts and 2 extents given"),
        (vec![0], vec![5], "slab 0:5: one axis given, the tensor of shape [5, 7] has 2 axes"),
        (vec![], vec![], "slab"),
        (vec![0, 0, 0], vec![5, 7, 1], "slab 0:5,0:7,0:1: 3 axes given"),
        (vec![u64::MAX, 0], vec![1, 7], "slab 18446744073709551615:1,0:7: "),
        (vec![1, 0], vec![u64::MAX, u64::MAX], "slab 1:18446744073709551615,0:18446744073709551615: "),
    ] {
        refused(planned.fill_slab(&Slab::new(start, extent)), &[NAME, fact, "[5, 7]"]);
    }
}

#[test]
fn lists_of_boxes_that_do_not_fit() {
    let planned = tensor(NAME, &[5, 7], Scheme::normal(0.0, 1.0), DType::BF16);
    refused(planned.fill_boxes(&[]), &[NAME, "no slabs are given"]);
    let good = Slab::new([0, 0], [5, 7]);
    for bad in [Slab::new([5, 0], [1, 7]), Slab::new([0, 0], [0, 7]), Slab::new([0], [5])] {
        let text = format!("slab {bad}: ");
        refused(planned.fill_boxes(&[good.clone(), bad, good.clone()]), &[NAME, &text, "[5, 7]"]);
    }
    // Each fits, together they pass what bytes can be counted in.
    let large = tensor(NAME, &[1 << 60], Scheme::zeros(), DType::F32);
    let whole = Slab::whole(&[1 << 60]);
    planned.fill_boxes(&vec![good; 100]).unwrap();
    large.fill_boxes(std::slice::from_ref(&whole)).unwrap();
    refused(large.fill_boxes(&[whole.clone(), whole.clone()]), &[NAME, "2 slabs of 2305843009213693952 f32", "2^62"]);
    refused(large.fill_boxes(&vec![whole; 100]), &[NAME, "115292150460684697600"]);
}

#[test]
#[allow(clippy::reversed_empty_ranges, reason = "a range that ends before it begins is to be refused")]
fn ranges_of_elements_that_do_not_fit() {
    for dtype in DType::ALL {
        let planned = tensor(NAME, &[5, 7], Scheme::normal(0.0, 1.0), dtype);
        for elements in [0..0, 35..35, 5..3, 0..36, 35..36, u64::MAX..0, 0..u64::MAX, u64::MAX..u64::MAX] {
            let shown = format!("elements {}..{}: empty or outside of 0..35", elements.start, elements.end);
            refused(planned.fill_elements(elements.clone()), &[NAME, &shown]);
            refused(planned.fill().range(elements), &[NAME, &shown]);
        }
        let inner = planned.fill_elements(3..8).unwrap();
        refused(inner.range(3..6), &[NAME, "elements 3..6: empty or outside of 0..5"]);
    }
}

#[test]
fn names_that_are_taken() {
    let mut plan = Plan::new(StreamVersion::V1, SEED);
    let spec = |name: &str| TensorSpec::new(name, [4], Scheme::zeros()).unwrap();
    plan.push(&spec("a")).unwrap();
    refused(plan.push(&spec("a")), &["\"a\""]);
    // What was refused leaves no trace.
    let before = (plan.device_bytes(), plan.tensors().len());
    refused(plan.push(&TensorSpec::new("b", [4], Scheme::normal(0.0, 0.0)).unwrap()), &["tensor b", "std 0:"]);
    assert_eq!((plan.device_bytes(), plan.tensors().len()), before);
    plan.push(&spec("b")).unwrap();
}

#[test]
fn a_plan_that_overflows() {
    let mut plan = Plan::new(StreamVersion::V1, SEED);
    let spec = |name: &str| TensorSpec::new(name, [1 << 60], Scheme::zeros()).unwrap();
    plan.push(&spec("a")).unwrap();
    refused(plan.push(&spec("b")), &["tensor b", "4611686018427387904", "2^62"]);
    assert_eq!(plan.device_bytes(), 1 << 62);
}

/// A name may hold anything; the error stays on one line.
#[test]
fn names_with_line_breaks() {
    for name in ["a\nb", "a\r\nb", "\u{1b}[31mred", "\u{2028}"] {
        let text = refused(TensorSpec::new(name, [0], Scheme::zeros()), &["[0]"]);
        assert!(!text.contains(|c: char| c.is_control()), "{text:?}");
        refused(tensor(name, &[4], Scheme::zeros(), DType::F32).fill_slab(&Slab::new([4], [1])), &["[4]"]);
    }
}

#[test]
fn errors_name_a_tensor_once() {
    let error = Error::Law("std 0".to_owned()).in_tensor("inner").in_tensor("outer");
    assert_eq!(error.to_string(), "tensor inner: std 0");
}

#[test]
fn stochastic_rounding_of_f32_is_refused_with_the_name() {
    let spec = TensorSpec::new("mine", [4], Scheme::ones()).unwrap().rounding(seedbed::Rounding::Stochastic);
    let error = Plan::new(StreamVersion::V1, 1).push(&spec).unwrap_err().to_string();
    assert!(error.contains("tensor mine: stochastic rounding of f32"), "{error}");
    Plan::new(StreamVersion::V1, 1).push(&spec.dtype(DType::BF16)).unwrap();
}
