//! `seedbed schemes`, as it prints.

use super::{json, run, seedbed, text};
use seedbed::Scheme;
use seedbed::scheme::catalog;

#[test]
fn every_scheme_is_listed_with_its_law_use_and_names_elsewhere() {
    let here = tempfile::tempdir().unwrap();
    let printed = run(here.path(), &["schemes"]);
    for info in catalog() {
        let form = info.form();
        let also = info.names[1..].join(", ");
        assert!(printed.lines().any(|line| line.starts_with(&form) && line.ends_with(&also)), "{form}");
        let of_name = |what: &[&str]| {
            printed.lines().any(|line| {
                line.split_whitespace().next() == Some(info.name()) && what.iter().all(|text| line.contains(text))
            })
        };
        assert!(of_name(&[info.law, info.formula]), "{form}");
        assert!(of_name(&[info.when, info.source]), "{form}");
        assert!(of_name(&[info.torch, info.jax, info.keras]), "{form}");
    }
}

#[test]
fn a_scheme_is_found_by_any_of_its_names() {
    let here = tempfile::tempdir().unwrap();
    let printed = run(here.path(), &["schemes", "he_normal", "zeros"]);
    assert_eq!(
        printed.lines().take(3).collect::<Vec<_>>(),
        [
            "kaiming_normal([mode=fan_in, nonlinearity=relu, a=0.01])",
            "  also    he_normal",
            "  law     N(0, s^2), s = gain / sqrt(n)"
        ]
    );
    assert!(printed.ends_with("\n  keras   Zeros\n  example zeros\n"), "{printed}");
}

#[test]
fn the_json_holds_every_scheme_and_its_examples_parse() {
    let here = tempfile::tempdir().unwrap();
    let all = json(here.path(), &["schemes", "--json"]);
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), catalog().len());
    for (entry, info) in all.iter().zip(catalog()) {
        assert_eq!(entry["name"], info.name());
        assert_eq!(entry["form"], info.form());
        assert!(entry["example"].as_str().unwrap().parse::<Scheme>().is_ok());
        assert!(entry.as_object().unwrap().values().all(|value| value != "-" && value != ""), "{entry}");
    }
    assert_eq!(json(here.path(), &["schemes", "torch_conv", "--json"])[0]["aliases"][0], "torch_conv");
}

#[test]
fn an_unknown_scheme_is_an_error_of_one_line() {
    let here = tempfile::tempdir().unwrap();
    let output = seedbed(here.path(), &["schemes", "he_norm"]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.starts_with("error: unknown scheme \"he_norm\": expected zeros, ones, "), "{error}");
    assert_eq!((error.lines().count(), text(&output.stdout)), (1, ""));
}
