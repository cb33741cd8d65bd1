//! The walk's negative controls: a kernel with one thing changed, and who must be named for what.

use super::{Rule, stated, walk};
use crate::kernels::{Combination, validated};
use naga::valid::Capabilities;
use seedbed::DType;
use seedbed::gpu::{MulWide, Tier};

struct Control {
    /// Replaced text, and what stands there instead.
    edits: &'static [(&'static str, &'static str)],
    function: &'static str,
    rule: Rule,
}

const fn control(edits: &'static [(&'static str, &'static str)], function: &'static str, rule: Rule) -> Control {
    Control { edits, function, rule }
}

const STEP: &str = "fused(e, p, bitcast<f32>(0x3ebfff9au))";
/// An entry point may use only one of the two destinations, which share a binding: where a control writes to one of
/// them in every entry point, the other is moved to another binding.
const APART: (&str, &str) =
    ("@binding(2) var<storage, read_write> destination_4", "@binding(3) var<storage, read_write> destination_4");
const CLAMP: &str = "return clamp(x, lo, hi);";
const HALF: &str = "low_half(w) - 8388607.5";
const MIDDLE: &str = "return fused(t, q, bitcast<f32>(0x408d7294u));";
const SEED: &str = "bitcast<f32>(0x5f374740u - (bitcast<u32>(v) >> 1u))";
const RATIO: &str = "h = fused(f, h, bitcast<f32>(0xbf00003cu));";

/// Changes to the kernels with the split multiplication, the native fma and f32.
const CONTROLS: &[Control] = &[
    // A product meets a sum: at once, by a variable, a choice and a sign flip, by bits, by a return, by an argument.
    control(&[(STEP, "e * p + bitcast<f32>(0x3ebfff9au)")], "root", Rule::ProductAdded),
    control(&[(STEP, "bitcast<f32>(0x3ebfff9au) - e * p")], "root", Rule::ProductAdded),
    control(&[(RATIO, "h = f * h; h = -select(h, f, f < 0.5); h = h + 2.0;")], "log_ratio", Rule::ProductAdded),
    control(&[(RATIO, "h = bitcast<f32>(bitcast<u32>(f * h) ^ 0x80000000u) + 2.0;")], "log_ratio", Rule::ProductAdded),
    // An exponent's bits are no product, but what a choice or an insertion leaves whole is.
    control(
        &[(RATIO, "h = bitcast<f32>(max(bitcast<u32>(f * h) & 0x7fffffffu, 0x38800000u)) + 2.0;")],
        "log_ratio",
        Rule::ProductAdded,
    ),
    control(
        &[(RATIO, "h = bitcast<f32>(insertBits(bitcast<u32>(f * h), 0u, 31u, 1u)) + 2.0;")],
        "log_ratio",
        Rule::ProductAdded,
    ),
    control(&[(MIDDLE, "return t * q;"), ("z = c * middle(t);", "z = c + middle(t);")], "central", Rule::ProductAdded),
    control(
        &[(CLAMP, "return x + lo;"), ("return clamped(fused(t, law.scale,", "return clamped(t * fused(t, law.scale,")],
        "uniform_value",
        Rule::ProductAdded,
    ),
    control(&[("fused(z.x, law.scale, law.center)", "z.x * law.scale + law.center")], "normal", Rule::ProductAdded),
    control(
        &[
            ("let s = v * y;", "let s = v * y; put(s);"),
            ("fn root(", "fn put(x: f32) { destination[0] = bitcast<u32>(x + 1.5); } fn root("),
            APART,
        ],
        "root",
        Rule::ProductAdded,
    ),
    // A product is fused's addend: at once, by a function between, and as fused(x, y, 0).
    control(&[(RATIO, "h = fused(f, h, f * h);")], "log_ratio", Rule::ProductAddend),
    control(
        &[("fused(z, law.scale, law.center)", "fused(z, law.scale, -z * law.scale)")],
        "central",
        Rule::ProductAddend,
    ),
    control(&[(RATIO, "h = fused(f, h, fused(f, h, 0.0));")], "log_ratio", Rule::ProductAddend),
    // What may be -0 is clamped: a product, a sign flip, bits, a sum of that and 0; in the function and by its call.
    control(&[(CLAMP, "return clamp(x * hi, lo, hi);")], "clamped", Rule::MinusZero),
    control(&[(CLAMP, "return clamp(x, -lo, hi);")], "clamped", Rule::MinusZero),
    control(
        &[("return clamped(fused(t, law.scale,", "return clamped(t * fused(t, law.scale,")],
        "uniform_value",
        Rule::MinusZero,
    ),
    control(
        &[("return clamped(fused(z, law.scale, law.center),", "return clamped(-fused(z, law.scale, law.center),")],
        "central",
        Rule::MinusZero,
    ),
    control(
        &[("return clamped(fused(z, law.scale, law.center),", "return clamped(fused(z, law.scale, -law.center),")],
        "central",
        Rule::MinusZero,
    ),
    control(
        &[("return clamped(h, law.lo, law.hi);", "return clamped(bitcast<f32>(bitcast<u32>(h) ^ w), law.lo, law.hi);")],
        "dt_bias_value",
        Rule::MinusZero,
    ),
    // Real algebra would simplify these.
    control(&[(CLAMP, "return (x + lo) - x;")], "clamped", Rule::SumAdded),
    control(&[(CLAMP, "return (x - lo) + lo;")], "clamped", Rule::SumAdded),
    control(&[(CLAMP, "var s = x + lo; let d = -s; return x + d;")], "clamped", Rule::SumAdded),
    control(&[(STEP, "fused(e, p, 0.5) - 0.5")], "root", Rule::FusedAdded),
    control(&[(STEP, "fused(1.0, p, e)")], "root", Rule::TrivialFactor),
    control(&[(STEP, "fused(e, bitcast<f32>(0xbf800000u), p)")], "root", Rule::TrivialFactor),
    // Built-ins and operators.
    control(&[(SEED, "sqrt(v)")], "root", Rule::BuiltIn),
    control(&[(SEED, "inverseSqrt(v)")], "root", Rule::BuiltIn),
    control(&[(SEED, "log(v)")], "root", Rule::BuiltIn),
    control(&[(SEED, "abs(v)")], "root", Rule::BuiltIn),
    control(&[(SEED, "floor(v)")], "root", Rule::BuiltIn),
    control(&[(SEED, "fma(v, v, v)")], "root", Rule::BuiltIn),
    control(&[("return fma(a, b, c);", "return fma(b, c, a);")], "fused", Rule::BuiltIn),
    control(&[("return fma(a, b, c);", "return a * b;")], "fused", Rule::Operator),
    control(&[(CLAMP, "return min(x, hi);")], "clamped", Rule::BuiltIn),
    control(&[(SEED, "max(v, 0.5)")], "root", Rule::BuiltIn),
    control(&[("let s = v * y;", "let s = v / y;")], "root", Rule::Operator),
    control(&[("let s = v * y;", "let s = v % y;")], "root", Rule::Operator),
    control(&[(CLAMP, "return select(x, lo, x != x);")], "clamped", Rule::Operator),
    control(&[("return bitcast<u32>(x);", "return pack2x16float(vec2<f32>(x));")], "encoded", Rule::BuiltIn),
    control(&[("return bitcast<u32>(x);", "return u32(unpack2x16float(7u).x < x);")], "encoded", Rule::BuiltIn),
    // Conversions: unmasked, shifted too little, too large by one, from a float, through f16.
    control(&[("fused(f32(w >> 16u), 65536.0,", "fused(f32(w), 65536.0,")], "half_up", Rule::Conversion),
    control(&[(HALF, "f32(bitcast<i32>(w)) + 0.5")], "half_up", Rule::Conversion),
    control(&[(HALF, "f32(w >> 7u) + 0.5")], "half_up", Rule::Conversion),
    control(&[(HALF, "f32((w & 0xffffffu) + 2u) + 0.5")], "half_up", Rule::Conversion),
    control(&[("(b - 0x3f3504f3u) & 0xff800000u;", "(b - 0x3f3504f3u) & 0xfffffff0u;")], "neg_2_ln", Rule::Conversion),
    control(&[("bitcast<i32>(w), 16u, 14u)", "bitcast<i32>(w), 0u, 26u)")], "turn", Rule::Conversion),
    control(&[("f32(k & 0x000fffffu)", "f32(k)")], "fine_probability", Rule::Conversion),
    control(&[("f32(2 * i32(w >> 8u) - 0x00ffffff)", "f32(2 * i32(w >> 7u))")], "uniform_value", Rule::Conversion),
    control(&[("return bitcast<u32>(x);", "return u32(x);")], "encoded", Rule::Conversion),
    control(
        &[("let s = v * y;", "let s = f32(f16(v)) * y;"), ("struct Law {", "enable f16; struct Law {")],
        "root",
        Rule::Type,
    ),
    // Numbers that drivers treat differently.
    control(&[(STEP, "fused(e, p, bitcast<f32>(0x00000001u))")], "root", Rule::Conversion),
    control(&[(STEP, "fused(e, p, bitcast<f32>(0x7fc00000u))")], "root", Rule::Conversion),
    control(&[(STEP, "fused(e, p, 1e-42)")], "root", Rule::Literal),
    // Floats from elsewhere, and values that move unseen.
    control(&[(STEP, "fused(e, p, bitcast<f32>(destination[0]))"), APART], "root", Rule::Memory),
    control(
        &[(STEP, "fused(e, p, bitcast<f32>(g))"), ("fn root(", "var<private> g: u32; fn root(")],
        "root",
        Rule::Memory,
    ),
    control(&[(STEP, "fused(e, p, g)"), ("fn root(", "var<private> g: f32; fn root(")], "root", Rule::Memory),
    control(
        &[
            (STEP, "fused(e, p, put(&p))"),
            ("fn root(", "fn put(a: ptr<function, f32>) -> f32 { *a = *a * *a; return 1.5; } fn root("),
        ],
        "put",
        Rule::Statement,
    ),
    control(
        &[(STEP, "fused(e, p, m[0].x)"), ("fn root(", "const m = mat2x2<f32>(1.5, 1.5, 1.5, 1.5); fn root(")],
        "(types)",
        Rule::Type,
    ),
];

const NATIVE: Combination = Combination { mul_wide: MulWide::U32, tier: Tier::NativeFma, dtype: DType::F32 };

fn violations(source: &str) -> Vec<super::Violation> {
    let module = validated(source, Capabilities::all()).unwrap_or_else(|e| panic!("{e}"));
    walk(&module, source)
}

#[test]
fn each_break_of_the_rule_is_named_with_its_function() {
    for Control { edits, function, rule } in CONTROLS {
        let mut source = NATIVE.source();
        for (from, to) in *edits {
            assert!(source.contains(from), "no {from}");
            source = source.replacen(from, to, 1);
        }
        let mut found = violations(&source);
        found.retain(|v| !stated().contains(v));
        let named = found.iter().any(|v| v.function == *function && v.rule == *rule);
        assert!(named, "{edits:?}: {function} {rule:?} is not in {found:#?}");
    }
}

/// The soft implementation of `fused` may not compute with floats either.
#[test]
fn the_soft_implementation_has_no_float_arithmetic() {
    let soft = Combination { tier: Tier::SoftFma, ..NATIVE }.source();
    let (from, to) = ("return bitcast<f32>(select(sign | rounded, sign_p & sign_c, empty));", "return a + c;");
    assert_eq!(soft.matches(from).count(), 1);
    let found = violations(&soft.replace(from, to));
    assert!(found.iter().any(|v| v.function == "fused" && v.rule == Rule::Operator), "{found:?}");
}

/// Changes that keep the rule are not accused.
#[test]
fn allowed_changes_pass() {
    for (from, to) in [
        (HALF, "f32((w & 0xffffffu) + 1u) + 0.5"),
        (HALF, "f32(-i32(w & 0x00ffffffu)) + 0.5"),
        (HALF, "f32(bitcast<i32>(w) >> 8u) + 0.5"),
        (RATIO, "h = fused(f * h, f * f, h);"),
        (RATIO, "h = bitcast<f32>(max(bitcast<u32>(f * h) & 0x7f800000u, 0x38800000u)) + 2.0;"),
        (MIDDLE, "return t * q;"),
    ] {
        let source = NATIVE.source();
        assert!(source.contains(from), "no {from}");
        let mut found = violations(&source.replacen(from, to, 1));
        found.retain(|v| !stated().contains(v));
        assert!(found.is_empty(), "{from} -> {to}: {found:?}");
    }
}
