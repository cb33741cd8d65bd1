//! The laws that every test runs over, and the shortest way to a planned tensor; and that no law lacks a part.

use crate::rooms::source::tokens;
use crate::rooms::{root, rust_files, text};
use crate::structured::every_structured;
use seedbed::params::{LawParams, kind, mask};
use seedbed::plan::{Plan, PlannedTensor, TensorSpec};
use seedbed::scheme::{Bounds, StdOf, catalog};
use seedbed::shape::{Layout, Shape};
use seedbed::{DType, Scheme, StreamVersion};
use std::f64::consts::FRAC_1_SQRT_2;

pub const SEED: u64 = 20_260_713;

/// The windows of N(0, 1): name, low end, high end.
pub const WINDOWS: [(&str, f64, f64); 6] = [
    ("central", -2.0, 2.0),
    ("one-sided", 0.0, f64::INFINITY),
    ("tail", 5.0, 6.0),
    ("narrow", 0.1, 0.1001),
    ("wide", -100.0, 100.0),
    ("lopsided", -0.5, 4.0),
];

/// N(0, 1) on [lo, hi].
pub fn cut(lo: f64, hi: f64) -> Scheme {
    Scheme::truncated_normal(0.0, 1.0, Bounds::Absolute(lo, hi), StdOf::Parent)
}

/// Every law, also with numbers that are no powers of two, and windows turned round.
pub fn every_law() -> Vec<(String, Scheme)> {
    let mut laws = vec![
        ("constant".to_owned(), Scheme::constant(1.0 / 3.0)),
        ("uniform".to_owned(), Scheme::uniform(-1.0, 1.0)),
        ("uniform on (-0.01, 0.03)".to_owned(), Scheme::uniform(-0.01, 0.03)),
        ("normal".to_owned(), Scheme::normal(0.0, 1.0)),
        ("normal of GPT-2".to_owned(), Scheme::normal(0.0, 0.02)),
        ("normal off zero".to_owned(), Scheme::normal(-3.0, FRAC_1_SQRT_2)),
        ("turned".to_owned(), cut(f64::NEG_INFINITY, -4.5)),
        ("central of std 0.02".to_owned(), Scheme::truncated_normal(0.0, 0.02, Bounds::TWO_SIGMA, StdOf::Cut)),
    ];
    laws.extend(WINDOWS.map(|(name, lo, hi)| (name.to_owned(), cut(lo, hi))));
    laws
}

/// The tensor as a plan of its own has it.
#[track_caller]
pub fn planned(spec: &TensorSpec) -> PlannedTensor {
    Plan::new(StreamVersion::V1, SEED).push(spec).unwrap().clone()
}

/// A tensor that is one logical tensor.
#[track_caller]
pub fn tensor(name: &str, dims: &[u64], scheme: Scheme, dtype: DType) -> PlannedTensor {
    planned(&TensorSpec::new(name, dims, scheme).unwrap().dtype(dtype))
}

/// The variants of `Law`, read off its source: a new one is in every test that runs over them.
pub fn law_names() -> Vec<&'static str> {
    let source = include_str!("../../src/value/law/mod.rs");
    let body = source.split_once("pub enum Law {\n").unwrap().1.split_once("\n}").unwrap().0;
    body.lines().filter_map(|line| line.trim().strip_suffix("),")?.split_once('(')).map(|(name, _)| name).collect()
}

/// `LogRange` as a scheme is called: `log_range`.
fn scheme_name(law: &str) -> String {
    let mut name = String::new();
    for c in law.chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

/// Whether a page states the scheme of this name: with its numbers, or as the first word of a row.
fn is_stated(page: &str, name: &str) -> bool {
    let with_numbers = format!("{name}(");
    let whole = |at: usize| !page[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    page.match_indices(&with_numbers).any(|(at, _)| whole(at)) || page.contains(&format!("| {name} "))
}

/// Whether a scheme's text form is that of this name.
fn is_of(scheme: &Scheme, name: &str) -> bool {
    scheme.to_string().strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('('))
}

/// Whether code, a shader's or the CPU's, tells this kind of law from others: it names the code of the kind beside its
/// definition, or, where the kind is the one that is left after all others, calls the function of its values.
fn is_told(source: &str, code: &str) -> bool {
    let tokens = tokens(source.split("#[cfg(test)]\nmod ").next().unwrap());
    let value = format!("{}_value", code.to_lowercase());
    tokens.iter().enumerate().skip(1).any(|(at, (_, token))| {
        let before = tokens[at - 1].1.as_str();
        token == code && before != "const" || *token == value && before != "fn"
    })
}

/// What a law lacks of what CONTRIBUTING.md asks for, each in words. `structured_cases` are those that the tests of
/// structured laws run over.
fn missing(law: &str, structured_cases: &[(Scheme, Vec<u64>)]) -> Vec<String> {
    const SHADERS: [&str; 3] = [
        include_str!("../../shaders/sample.wgsl"),
        include_str!("../../shaders/fill.wgsl"),
        include_str!("../../shaders/structured.wgsl"),
    ];
    const PAGES: [(&str, &str); 4] = [
        ("stream.md", include_str!("../../docs/stream.md")),
        ("truncated.md", include_str!("../../docs/stream/truncated.md")),
        ("structured.md", include_str!("../../docs/stream/structured.md")),
        ("orthogonal.md", include_str!("../../docs/stream/orthogonal.md")),
    ];
    const SECOND: [&str; 3] = [
        include_str!("../data/reference.py"),
        include_str!("../data/reference_structured.py"),
        include_str!("../data/orthogonal.py"),
    ];
    let name = scheme_name(law);
    let mut lacks = Vec::new();
    let mut need = |held: bool, what: &str| {
        if !held {
            lacks.push(format!("{law}: {what}"));
        }
    };
    // Orthogonal matrices have kernels, a second implementation and frozen values of their own: tests/it/orthogonal.
    let matrices = law == "Orthogonal";
    need(PAGES.iter().any(|(_, page)| is_stated(page, &name)), "no page of docs/stream states it");
    let second = SECOND.iter().any(|py| py.contains(&format!("\"{name}\"")));
    need(matrices || second, "no second implementation in tests/data/reference*.py");
    let frozen = include_str!("../data/values.tsv");
    let row = [format!("\t{name}("), format!("\t{name}\t")].iter().any(|text| frozen.contains(text));
    need(matrices || row, "no row of tests/data/values.tsv");
    let Some(info) = catalog().iter().find(|info| info.names.contains(&name.as_str())) else {
        need(false, "no row of the catalog");
        return lacks;
    };
    let scheme: Scheme = info.example.parse().unwrap();
    need(is_of(&scheme, &name), "its text form does not begin with its name");
    need(
        scheme.to_string().parse::<Scheme>().is_ok_and(|read| read == scheme),
        "its text form is not read as it is written",
    );
    #[cfg(feature = "gpu")]
    {
        let tested = seedbed::gpu::schemes().into_iter().map(|(_, scheme)| scheme);
        let mut tested = tested.chain(seedbed::gpu::structured_schemes().into_iter().map(|(_, scheme, _)| scheme));
        need(matrices || tested.any(|s| is_of(&s, &name)), "the device's self-test does not fill it");
        let compared = seedbed::gpu::cases();
        need(compared.iter().any(|case| is_of(&case.scheme, &name)), "`seedbed selftest` does not compare it");
    }
    let shapes = [&[8u64, 8][..], &[4, 4, 3]].map(|dims| Shape::new(dims).unwrap());
    let Some(of) = shapes.iter().find_map(|shape| scheme.law(shape, &Layout::OutIn).ok()) else {
        need(false, "no shape gives it");
        return lacks;
    };
    need(format!("{of:?}").starts_with(&format!("{law}(")), "its scheme gives another law");
    need(!of.to_string().is_empty() && !of.to_string().contains(['?', '\n']), "no text");
    let (lo, hi) = of.range();
    need(lo <= hi && (lo..=hi).contains(&of.mean()), "no range that holds its mean");
    need(of.std() >= 0.0 && of.std() <= hi - lo, "no std within its range");
    need(of.kurtosis().is_none_or(|k| k >= 1.0), "no kurtosis");
    let params = LawParams::new(&of, DType::F32).unwrap();
    need(matrices || params != LawParams::zero(), "its LawParams are zero");
    let structured = params.mask != mask::NONE || params.kind > kind::TRUNCATED;
    need(
        !structured || structured_cases.iter().any(|(scheme, _)| is_of(scheme, &name)),
        "`every_structured` of tests/it/structured lacks it",
    );
    let Some((code, number)) = kind::NAMES.iter().find(|code| code.1 == params.kind) else {
        need(false, "its kind has no name");
        return lacks;
    };
    let line = format!("const {code}: u32 = {number}u;");
    need(SHADERS.iter().any(|shader| shader.contains(&line)), "no shader defines its kind");
    need(SHADERS.iter().any(|shader| is_told(shader, code)), "no shader tells its kind from others");
    let mut cpu = rust_files(&root().join("src/cpu"));
    cpu.retain(|file| !file.ends_with("tests.rs"));
    need(cpu.iter().any(|file| is_told(&text(file), code)), "src/cpu does not tell its kind from others");
    lacks
}

#[test]
fn no_law_lacks_a_part() {
    let laws = law_names();
    assert!(laws.len() >= 13, "{laws:?}");
    let lacks: Vec<String> = laws.into_iter().flat_map(|law| missing(law, &every_structured())).collect();
    assert!(lacks.is_empty(), "{}", lacks.join("\n"));
}

/// The control: a law that stands nowhere lacks all that does not need its numbers.
#[test]
fn a_law_that_stands_nowhere_is_named() {
    assert_eq!(scheme_name("TruncatedNormal"), "truncated_normal");
    let lacks = missing("Nowhere", &every_structured());
    assert!(lacks.len() == 4 && lacks.iter().all(|text| text.starts_with("Nowhere: no ")), "{lacks:?}");
    let mut cases = every_structured();
    cases.retain(|(scheme, _)| !is_of(scheme, "identity"));
    assert_eq!(missing("Identity", &cases), ["Identity: `every_structured` of tests/it/structured lacks it"]);
    assert_eq!(missing("NearIdentity", &cases), [""; 0]);
}

/// The controls of what `missing` finds in texts.
#[test]
fn a_name_inside_a_longer_one_and_a_definition_without_a_use_count_for_nothing() {
    assert!(!is_stated("| truncated_normal(mean, std) | log_normal |", "normal"));
    assert!(!is_stated("near_identity(gain, std), xidentity(gain)", "identity"));
    assert!(
        is_stated("| near_identity(gain) | identity(gain) |", "identity") && is_stated("| linspace | x |", "linspace")
    );
    assert!(!is_of(&Scheme::near_identity(1.0, 0.02), "identity") && !is_of(&Scheme::log_range(), "log"));
    assert!(is_of(&Scheme::log_range(), "log_range") && is_of(&Scheme::identity(1.0), "identity"));

    let shader = "const UNIFORM: u32 = 1u; // law.kind == UNIFORM\nfn uniform_value(law: Law) -> f32 { return 1.0; }";
    assert!(!is_told(shader, "UNIFORM"));
    assert!(is_told(&format!("{shader} fn f() {{ if kind == UNIFORM {{ }} }}"), "UNIFORM"));
    assert!(is_told(&format!("{shader} fn f() {{ return uniform_value(law); }}"), "UNIFORM"));
    assert!(!is_told(&format!("{shader} fn f() {{ if kind == LOG_OF_UNIFORM {{ }} }}"), "UNIFORM"));
    assert!(!is_told("fn f() { \"kind::UNIFORM\" }\n#[cfg(test)]\nmod tests { kind::UNIFORM }", "UNIFORM"));
    assert!(is_told("match kind { kind::UNIFORM => 1 }", "UNIFORM"));
}
