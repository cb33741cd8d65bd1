//! The normative pages, docs/stream.md and docs/stream/, state the constants of the code.

const PAGES: &str = concat!(
    include_str!("../../docs/stream.md"),
    include_str!("../../docs/stream/truncated.md"),
    include_str!("../../docs/stream/structured.md"),
    include_str!("../../docs/stream/orthogonal.md")
);

/// The hexadecimal constants of 32 or 64 bits in the code of a file, its tests left out.
fn constants(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut found = Vec::new();
    for text in code.split("0x").skip(1) {
        let digits: String =
            text.chars().take_while(|c| c.is_ascii_hexdigit() || *c == '_').filter(|&c| c != '_').collect();
        if digits.len() == 8 || digits.len() == 16 {
            found.push(digits);
        }
    }
    found
}

#[test]
fn every_constant_of_the_code_stands_in_the_normative_pages() {
    for (file, least, source) in [
        ("philox.rs", 4, include_str!("../../src/cpu/philox.rs")),
        ("math.rs", 34, include_str!("../../src/cpu/math.rs")),
        ("sample.rs", 42, include_str!("../../src/cpu/sample.rs")),
        ("philox.wgsl", 4, include_str!("../../shaders/philox.wgsl")),
        ("math.wgsl", 34, include_str!("../../shaders/math.wgsl")),
        ("sample.wgsl", 42, include_str!("../../shaders/sample.wgsl")),
        ("structured.rs", 6, include_str!("../../src/cpu/structured.rs")),
        ("structured.wgsl", 7, include_str!("../../shaders/structured.wgsl")),
        ("orthogonal/reflect.rs", 3, include_str!("../../src/cpu/orthogonal/reflect.rs")),
        ("orthogonal/factor.rs", 0, include_str!("../../src/cpu/orthogonal/factor.rs")),
        ("orthogonal/strip.rs", 0, include_str!("../../src/cpu/orthogonal/strip.rs")),
        ("orthogonal/product.rs", 0, include_str!("../../src/cpu/orthogonal/product.rs")),
        ("orthogonal.wgsl", 4, include_str!("../../shaders/orthogonal.wgsl")),
        ("mills.rs", 2, include_str!("../../src/value/law/truncated/mills.rs")),
        ("chebyshev.rs", 7, include_str!("../../src/value/law/chebyshev.rs")),
        ("quadrature.rs", 16, include_str!("../../src/value/law/quadrature.rs")),
        ("moments.rs", 1, include_str!("../../src/value/law/truncated/moments.rs")),
    ] {
        let constants = constants(source);
        assert!(constants.len() >= least, "{file}: only {} constants found", constants.len());
        for digits in constants {
            assert!(PAGES.contains(&digits), "{file}: {digits} stands in no normative page");
        }
    }
}

#[test]
fn a_constant_that_is_not_stated_would_be_noticed() {
    assert_eq!(constants("a(0x3f80_0000) + 0xd251_1f53u32 + 0xffff"), ["3f800000", "d2511f53"]);
    assert!(!PAGES.contains("d2511f54"));
}

/// The worked examples' values are rows of the frozen data.
#[test]
fn worked_examples_are_frozen_values() {
    let values = include_str!("../data/values.tsv");
    let rows: Vec<_> = values.lines().filter(|l| l.starts_with("42\twte.weight\t")).collect();
    assert_eq!(rows.len(), 10);
    for row in rows {
        let first = row.rsplit('\t').next().unwrap().split(' ').take(4).collect::<Vec<_>>().join(" ");
        assert!(PAGES.contains(&first), "{row}");
    }
}
