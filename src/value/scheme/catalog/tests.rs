use super::entries::CATALOG;
use crate::value::scheme::Scheme;
use crate::value::scheme::text;

#[test]
fn every_name_of_the_parser_is_in_the_catalog_with_its_arguments() {
    let parser: Vec<_> = text::signatures().map(|(names, params)| (names, params.to_vec())).collect();
    let catalog: Vec<_> =
        CATALOG.iter().map(|info| (info.names, arguments(info.args).iter().map(|a| a.name).collect())).collect();
    assert_eq!(parser, catalog);
}

#[test]
fn every_example_parses_and_round_trips() {
    for info in CATALOG {
        let scheme: Scheme = info.example.parse().unwrap();
        assert_eq!(scheme.to_string().parse::<Scheme>().unwrap(), scheme, "{}", info.example);
        let name = info.example.split('(').next().unwrap();
        assert!(info.names.contains(&name), "{name} is an example of {}", info.name());
        for other in info.names {
            assert_eq!(info.example.replacen(name, other, 1).parse::<Scheme>().unwrap(), scheme, "{other}");
        }
    }
}

#[test]
fn the_defaults_shown_are_the_parser_s() {
    let mut defaults = 0;
    for info in CATALOG {
        let arguments = arguments(info.args);
        let needed = arguments.iter().filter(|a| a.default.is_none());
        // Different numbers: a range must not be empty.
        let needed: Vec<String> = needed.enumerate().map(|(i, a)| format!("{}={}", a.name, i + 1)).collect();
        let call = |extra: &[String]| {
            let text = format!("{}({})", info.name(), [&needed, extra].concat().join(", "));
            let text = text.strip_suffix("()").unwrap_or(&text);
            text.parse::<Scheme>().unwrap_or_else(|e| panic!("{text}: {e}"))
        };
        let shown = |a: &Argument| a.default.map(|value| format!("{}={value}", a.name));
        // `a` is an argument of leaky_relu alone, and so is its default.
        let (of_leaky_relu, all): (Vec<_>, Vec<_>) = arguments.iter().partition(|a| a.name == "a");
        let all: Vec<String> = all.into_iter().filter_map(shown).collect();
        assert_eq!(call(&all), call(&[]), "{}", info.form());
        let leaky = "nonlinearity=leaky_relu".to_owned();
        for a in of_leaky_relu.iter().filter_map(|a| shown(a)) {
            assert_eq!(call(&[leaky.clone(), a]), call(std::slice::from_ref(&leaky)), "{}", info.form());
            defaults += 1;
        }
        defaults += all.len();
    }
    assert_eq!(defaults, 34);
}

#[test]
fn texts_are_plain_and_none_is_missing() {
    for info in CATALOG {
        let filled = [info.law, info.when, info.source, info.torch, info.jax, info.keras, info.example];
        assert!(filled.iter().all(|text| !text.is_empty()), "{}", info.name());
        for text in filled.iter().chain([&info.args, &info.formula]) {
            assert!(text.is_ascii() && !text.contains(char::is_control) && text.trim() == *text, "{text:?}");
        }
    }
}

struct Argument {
    name: &'static str,
    default: Option<&'static str>,
}

/// `(scale, [mode=fan_in])` apart; no default holds a comma.
fn arguments(args: &'static str) -> Vec<Argument> {
    let inside = args.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or("");
    let words = inside.split(',').map(|word| word.trim_matches([' ', '[', ']'])).filter(|word| !word.is_empty());
    words
        .map(|word| match word.split_once('=') {
            Some((name, default)) => Argument { name, default: Some(default) },
            None => Argument { name: word, default: None },
        })
        .collect()
}
