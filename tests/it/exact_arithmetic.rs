//! Rule 4 (exact arithmetic): a walk over naga's IR of every function of every kernel.
//!
//! Proved: f32 arithmetic is `+`, `-`, `*` and `fused` alone, beside comparisons, choices, sign flips, bit casts and
//! conversions of integers up to 2^24, or of 24 bits above zeros; the built-in `fma` stands only in `fused`, and no
//! argument of `clamp` can be -0; floats are read from the descriptors only; no product, sum or result of `fused` is an
//! operand of `+` or `-`, wherever it was computed, so that there is nothing to fuse, and nothing like `(a + b) - a` to
//! simplify; no product is the addend of `fused`, but for `ADDENDS`. Not proved: that no value is subnormal (the
//! descriptors' numbers are the host's to bound; a test below holds those of `clamp`), nor what a driver does that
//! takes `fused` itself apart (the self-test's to see). Sums of integer patterns (`b - e`) end a flow: no compiler sees
//! through them.
#![cfg(feature = "gpu")]

mod controls;
mod flow;
mod orthogonal;
mod range;
mod walk;

use crate::kernels::{Combination, normalizers};
use naga::MathFunction;
use seedbed::gpu::Tier;
use walk::walk;

/// What the rule forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    /// A type with floats other than f32, or none of a number, a vector, an array, a struct.
    Type,
    /// A float that is subnormal, infinite, NaN or -0.
    Literal,
    /// An operator on floats.
    Operator,
    /// A built-in function, or `fma` outside `fused`.
    BuiltIn,
    /// To or from f32, of a number that is not known to be an integer up to 2^24, or one of 24 bits above zeros.
    Conversion,
    /// Floats read or written elsewhere than in the descriptors.
    Memory,
    /// A statement or a parameter through which values could flow unseen.
    Statement,
    /// The result of a `*` is an operand of `+` or `-`: it may be fused.
    ProductAdded,
    /// The result of a `+` or `-` is an operand of another: real algebra may simplify them.
    SumAdded,
    /// The result of `fused` is an operand of `+` or `-`: likewise.
    FusedAdded,
    /// The result of a `*` is the addend of `fused`.
    ProductAddend,
    /// An argument of `clamp` may be -0, and the result either zero.
    MinusZero,
    /// A factor of `fused` is 0, 1 or -1: a sum by another name.
    TrivialFactor,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    function: String,
    rule: Rule,
    /// The offending text.
    text: String,
}

struct Violations {
    function: String,
    source: String,
    all: Vec<Violation>,
}

impl Violations {
    fn push(&mut self, rule: Rule, span: naga::Span) {
        let text = span.to_range().and_then(|r| self.source.get(r)).unwrap_or("").to_owned();
        self.all.push(Violation { function: self.function.clone(), rule, text });
    }
}

/// Where a product is the addend of `fused` today: the function and the text. A compiler that takes `fma` apart into a
/// product and a sum could put it together again around the other product.
const ADDENDS: [(&str, &str); 3] =
    [("far", "fused(fused(-d, q, n), y, q)"), ("far", "fused(y, e, y)"), ("root", "fused(s, e * p, s)")];

fn stated() -> Vec<Violation> {
    ADDENDS
        .map(|(function, text)| Violation {
            function: function.to_owned(),
            rule: Rule::ProductAddend,
            text: text.to_owned(),
        })
        .to_vec()
}

fn sorted(mut violations: Vec<Violation>) -> Vec<Violation> {
    violations.sort();
    violations
}

#[test]
fn every_kernel_keeps_the_rule() {
    for combination in Combination::all() {
        let source = combination.source();
        assert_eq!(sorted(walk(&combination.module(), &source)), stated(), "{combination:?}");
    }
}

#[test]
fn every_pipeline_keeps_the_rule() {
    for combination in Combination::all() {
        let source = combination.source();
        for (at, _, module) in combination.pipelines() {
            assert_eq!(sorted(walk(&module, &source)), stated(), "{at}");
        }
    }
}

/// Either implementation of `fused`: `fma` of its parameters and nothing else, or integers alone.
#[test]
fn fma_stands_in_the_native_implementation_once() {
    for combination in Combination::all() {
        let (module, _) = combination.module();
        let fmas = module.functions.iter().flat_map(|(_, f)| {
            let is_fma = |e: &naga::Expression| matches!(e, naga::Expression::Math { fun: MathFunction::Fma, .. });
            f.expressions.iter().filter(move |(_, e)| is_fma(e)).map(|_| f.name.as_deref().unwrap())
        });
        let expected: &[_] = if combination.tier == Tier::NativeFma { &["fused"] } else { &[] };
        assert_eq!(fmas.collect::<Vec<_>>(), expected, "{combination:?}");
        assert_eq!(module.functions.iter().filter(|(_, f)| f.name.as_deref() == Some("fused")).count(), 1);
    }
}

/// The normalizer scales in place: there alone a kernel reads what it may write, one word that no other thread touches.
#[test]
fn the_normalizer_keeps_the_rule() {
    for (mul_wide, tier, source, module) in normalizers() {
        let mut expected = stated();
        expected.retain(|v| v.function == "root");
        expected.push(Violation {
            function: "scale".to_owned(),
            rule: Rule::Memory,
            text: "result[parameters.first + i]".to_owned(),
        });
        assert_eq!(sorted(walk(&module, &source)), sorted(expected), "{mul_wide} {tier}");
        // The control: a division, and a sum of products that a compiler may fuse.
        for (from, to, function, rule) in [
            ("fused(-r, r, v), 0.5", "fused(-r, r, v) / r, 0.5", "sharp_root", Rule::Operator),
            ("fused(fused(-r, r, v),", "fused(v - r * r,", "sharp_root", Rule::ProductAdded),
        ] {
            assert_eq!(source.matches(from).count(), 1, "{from}");
            let source = source.replace(from, to);
            let module = crate::kernels::validated(&source, naga::valid::Capabilities::all()).unwrap();
            let found = walk(&module, &source);
            assert!(found.iter().any(|v| v.function == function && v.rule == rule), "{from}: {found:?}");
        }
    }
}

/// What the walk leaves to the host: the bounds of `clamp` are ordered, and neither they nor what is added to a value
/// is NaN or -0. And a uniform's `scale` is exact.
#[test]
fn the_host_s_bounds_are_ordered_and_no_number_is_minus_zero() {
    use crate::laws::every_law;
    use seedbed::params::{LawParams, kind};
    use seedbed::shape::{Layout, Shape};
    use seedbed::{DType, Scheme};
    let mut schemes: Vec<(Scheme, Vec<u64>)> = every_law().into_iter().map(|(_, s)| (s, vec![8, 8])).collect();
    schemes.extend(crate::structured::every_structured());
    // Zeros at the ends and in the middle, and the least and the greatest half-width.
    let (least, most) = (2f64.powi(-76), 2f64.powi(120));
    let uniforms = [(-0.0, 1.0), (-1.0, -0.0), (-least, least), (-most, most), (-0.1, 0.3)];
    schemes.extend(uniforms.map(|(lo, hi)| (Scheme::uniform(lo, hi), vec![8])));
    let mut clamped = 0;
    for (scheme, dims) in schemes {
        let law = scheme.law(&Shape::new(dims).unwrap(), &Layout::OutIn).unwrap();
        for dtype in [DType::F32, DType::F16, DType::BF16] {
            let Ok(p) = LawParams::new(&law, dtype) else { continue };
            assert!(p.lo <= p.hi, "{scheme}: {p:?}");
            let numbers = [p.lo, p.hi, p.center, p.offset, p.poly[0]];
            assert!(numbers.iter().all(|x| x.is_finite() && x.to_bits() != 1 << 31), "{scheme}: {p:?}");
            clamped += u32::from(p.lo < p.hi);
            if let (seedbed::law::Law::Uniform(uniform), kind::UNIFORM) = (&law, p.kind) {
                let half = ((uniform.hi() - uniform.lo()) / 2.0) as f32;
                assert!(p.scale.is_normal() && f64::from(p.scale) * 16_777_216.0 == f64::from(half), "{scheme}");
            }
        }
    }
    assert!(clamped > 40, "{clamped}");
}
