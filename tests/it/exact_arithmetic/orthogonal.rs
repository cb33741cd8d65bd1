//! The kernels of orthogonal matrices keep the rule; controls show that the walk sees a break.

use super::walk::walk_with;
use super::{Rule, Violation, sorted};
use crate::kernels::validated;
use naga::valid::Capabilities;
use seedbed::gpu::orthogonal::{ENTRIES, source};
use seedbed::gpu::{MulWide, Tier};

/// Written in one dispatch or before a barrier, and read in another or after it, or by the thread itself as a factor
/// alone.
const SHARED: [&str; 7] = ["work", "destination", "lanes", "leading", "tile_a", "tile_b", "square"];

fn violations(source: &str) -> Vec<Violation> {
    let module = validated(source, Capabilities::SHADER_INT64).unwrap();
    sorted(walk_with(&module, source, &["block"], &SHARED))
}

fn stated() -> Vec<Violation> {
    vec![Violation { function: "root".to_owned(), rule: Rule::ProductAddend, text: "fused(s, e * p, s)".to_owned() }]
}

fn sources() -> impl Iterator<Item = (MulWide, Tier)> {
    [MulWide::U64, MulWide::U32].into_iter().flat_map(|m| [Tier::NativeFma, Tier::SoftFma].map(|t| (m, t)))
}

#[test]
fn the_orthogonal_module_keeps_the_rule() {
    for (mul_wide, tier) in sources() {
        let source = source(mul_wide, tier);
        assert_eq!(violations(&source), stated(), "{mul_wide}, {tier}");
        let (module, _) = validated(&source, Capabilities::SHADER_INT64).unwrap();
        assert_eq!(module.entry_points.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ENTRIES);
    }
}

#[test]
fn the_walk_sees_what_is_wrong_in_it() {
    let source = source(MulWide::U32, Tier::NativeFma);
    for (text, instead, function, rule) in [
        ("fused(-sum, block.one, before)", "before - sum * 0.5", "store", Rule::ProductAdded),
        ("sum = fused(x[k], x[k], sum);", "sum = x[k] * x[k] + sum;", "reflect_block", Rule::ProductAdded),
        (
            "fused(lanes[local + half], block.one, lanes[local])",
            "fused(lanes[local + half], 1.0, lanes[local])",
            "reflect_block",
            Rule::TrivialFactor,
        ),
        ("let twice = root(4.0 * lanes[0]);", "let twice = sqrt(4.0 * lanes[0]);", "reflect_block", Rule::BuiltIn),
        ("fused(twice, 0.5, ", "fused(twice, 0.5, lanes[1] * ", "reflect_block", Rule::ProductAddend),
        ("flushed(work[at] * scale)", "flushed(work[at] / scale)", "reflect_block", Rule::Operator),
        ("fused(twice, 0.5, bitcast", "(twice + bitcast", "reflect_block", Rule::FusedAdded),
    ] {
        assert!(source.contains(text), "{text}");
        let changed = source.replacen(text, instead, 1);
        let found = violations(&changed);
        assert!(found.iter().any(|v| v.function == function && v.rule == rule), "{instead}: {found:#?}");
    }
    // Floats from memory that is not stated.
    let module = validated(&source, Capabilities::empty()).unwrap();
    let found = walk_with(&module, &source, &["block"], &SHARED[1..]);
    assert!(found.iter().any(|v| v.rule == Rule::Memory));
}
