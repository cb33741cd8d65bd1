//! What is wrong in a recipe, by mistake or by malice: an error in one line that names file, line and cause.

use super::{assign, llama};
use crate::StreamVersion;
use crate::plan::Plan;
use crate::recipe::Recipe;

#[test]
fn mistakes_name_file_and_line_and_what_is_wrong() {
    let rest = "\n[[rule]]\nscheme = \"zeros\"\n";
    for (text, expected) in [
        (
            "[[rule]]\nscheme = \"normal(std = hiden)\"",
            "mine.toml:1: tensor model.embed_tokens.weight: unknown variable \"hiden\": known are fan_in, ",
        ),
        (
            "\n[[rule]]\nscheme = \"normal(std = 1 / (hidden - 64))\"",
            "mine.toml:2: tensor model.embed_tokens.weight: scheme \"normal(std = 1 / (hidden - 64))\": std: \
             expression \"1 / (hidden - 64)\" is inf, with hidden = 64",
        ),
        (
            "[[rule]]\nscheme = \"normal(std = 0 - 1)\"",
            "mine.toml:1: tensor model.embed_tokens.weight: normal(mean=0, std=-1): std -1",
        ),
        ("[[rule]]\nscheme = \"norml(std = 1)\"", "mine.toml:1: unknown scheme \"norml\""),
        ("[[rule]]\nscheme = \"normal(sdt = 1)\"", "mine.toml:1: scheme \"normal(sdt = 1)\": unknown argument \"sdt\""),
        (
            "[[rule]]\nscheme = \"normal(std = 1 +)\"",
            "mine.toml:1: scheme \"normal(std = 1 +)\": std: expression \"1 +\": ",
        ),
        (
            "[[rule]]\nrole = \"atention\"\nscheme = \"zeros\"",
            "mine.toml:1: unknown role \"atention\": expected embedding, ",
        ),
        ("[[rule]]\nname = \"a{\"\nscheme = \"zeros\"", "mine.toml:1: glob \"a{\": "),
        ("[[rule]]\nname = \"*.nothing.*\"\nscheme = \"zeros\"", "mine.toml:1: name \"*.nothing.*\" matches no tensor"),
        ("[[rule]]\nscheme = \"zeros\"\nlayuot = \"in_out\"", "mine.toml:3: unknown field `layuot`, expected one of "),
        ("[[rule]]\nrank = [1]", "mine.toml:1: the rule has neither scheme nor scale"),
        (
            "[[rule]]\nscheme = \"zeros\"\nlr = \"0 - hidden\"",
            "mine.toml:1: tensor model.embed_tokens.weight: lr is -64",
        ),
        ("[[rule]]\nscheme = \"zeros\"\nscale = 2", "mine.toml:1: the rule has scheme and scale"),
        ("[[rule]\nscheme", "mine.toml:1: "),
        ("x = 1", "mine.toml:1: unknown field `x`"),
        (
            "[parameters]\na = \"b\"\nb = \"a\"\n[[rule]]\nscheme = \"normal(std = a)\"",
            "mine.toml:4: tensor model.embed_tokens.weight: parameter \"",
        ),
        ("[parameters]\na = nan\n", "mine.toml:2: a: NaN is not a finite number"),
        ("[parameters]\n\nlayer = 1\n", "mine.toml:3: layer is a number of each tensor's own"),
        ("extends = \"llamma\"", "mine.toml:1: extends: unknown recipe \"llamma\": expected transformers, "),
        (
            "[[rule]]\nrank = [1]\nscheme = \"zeros\"",
            "tensor model.embed_tokens.weight: no rule matches it (role embedding, shape [100, 64]): mine.toml",
        ),
        (
            "[[parts]]\nname = \"*.q_proj.weight\"\nfind = \"q_proj\"\n\
             part = [{name = \"a\", size = 30}, {name = \"b\", size = 30}]",
            "mine.toml:1: tensor model.layers.0.self_attn.q_proj.weight: axis 0 has length 64",
        ),
        (
            "[[parts]]\nname = \"*.q_proj.weight\"\nfind = \"x_proj\"\npart = [{name = \"a\"}]",
            "mine.toml:1: tensor model.layers.0.self_attn.q_proj.weight: \"x_proj\" does not stand once",
        ),
        ("[[multipliers]]\nscheme = \"zeros\"", "mine.toml:1: multipliers have no scheme"),
    ] {
        let alone = text.contains("rank = [1]") || text.contains("extends");
        let error = assign(&format!("{text}{}", if alone { "" } else { rest })).expect_err(text).to_string();
        assert!(error.starts_with(expected), "{text:?}: {error}");
        assert!(!error.contains('\n') && error.len() < 900, "{error}");
    }
}

#[test]
fn hostile_sizes_are_refused_and_cost_little() {
    let rule = "\n[[rule]]\nscheme = \"normal(std = p0)\"\n";
    let chain: String = (0..5000).map(|i| format!("p{i} = \"p{}\"\n", i + 1)).take(1900).collect();
    let double: String = (0..60).map(|i| format!("p{i} = \"p{} + p{}\"\n", i + 1, i + 2)).collect();
    let cases = [
        (
            format!("[[rule]]\nname = \"{}a{}\"\nscheme = \"zeros\"", "{".repeat(149), "}".repeat(149)),
            "tensor model.embed_tokens.weight: no rule matches it",
        ),
        (
            format!("[[rule]]\nname = \"{}\"\nscheme = \"zeros\"", "?".repeat(9000)),
            "mine.toml:1: a glob of 9000 characters",
        ),
        (
            format!("[[rule]]\nrole = \"{}\"\nscheme = \"zeros\"", "?".repeat(9000)),
            "mine.toml:1: a glob of 9000 characters",
        ),
        ("[[rule]]\nname = []\nscheme = \"zeros\"".to_owned(), "mine.toml:1: name has no glob"),
        (
            format!("[parameters]\n{chain}{rule}"),
            "mine.toml:1903: tensor model.embed_tokens.weight: parameter \"p64\": more than 64",
        ),
        (format!("[parameters]\n{double}p60 = 1\np61 = 1\n{rule}"), ""),
        (
            format!("[[tensor]]\nname = \"w\"\nshape = [{}1]", "1,".repeat(100_000)),
            "mine.toml:1: a shape of 100001 dimensions",
        ),
        (
            format!("[parameters]\n{}", (0..3000).map(|i| format!("p{i} = 1\n")).collect::<String>()),
            "mine.toml:1: more than 2000",
        ),
        (
            "[[rule]]\nscheme = \"zeros\"\nlr = 1e308\n[[multipliers]]\nlr = 1e308".to_owned(),
            "mine.toml:1: tensor model.embed_tokens.weight: the multipliers' product is inf",
        ),
        (
            "extends = \"transformers\"\n[[rule]]\nrole = \"mlp.in\"\nscale = -1".to_owned(),
            "mine.toml:2: tensor model.layers.0.mlp.up_proj.weight: scale is -1",
        ),
        (
            "extends = \"transformers\"\n[[rule]]\nrole = \"mlp.in\"\nscale = 1e-300".to_owned(),
            "mine.toml:2: tensor model.layers.0.mlp.up_proj.weight: \
             normal(mean=0, std=2.0000000000000002e-302): std 2",
        ),
        ("summary = \"x\"\n\nextends = \"llamma\"".to_owned(), "mine.toml:3: extends: unknown recipe"),
    ];
    for (text, expected) in cases {
        match (assign(&text), expected) {
            (Ok(_), "") => {}
            (Ok(_), _) => panic!("{expected}"),
            (Err(error), _) => assert!(!expected.is_empty() && error.to_string().starts_with(expected), "{error}"),
        }
    }
    for (name, part) in [
        (format!("a{{0-99999}}{}", "x".repeat(900_000)), "a name of 900010 characters"),
        (format!("a{{{}0-99999}}", "0-99999,".repeat(100)), "more than 100000 tensors"),
    ] {
        let text = format!("[[tensor]]\nname = \"{name}\"\nshape = [1]\n");
        let recipe = Recipe::parse("list.toml", &text).unwrap().finish(None).unwrap();
        let error = recipe.manifest(&recipe.numbers()).unwrap_err().to_string();
        assert!(error.starts_with("list.toml:1: ") && error.contains(part), "{}", &error[error.len() - 200..]);
    }
}

#[test]
fn a_misspelled_name_is_answered_with_the_nearest() {
    for (text, expected) in [
        ("[[rule]]\nscheme = \"normal(std = hiden)\"", "did you mean `hidden`?"),
        ("[[rule]]\nrole = \"atention.query\"\nscheme = \"zeros\"", "did you mean `attention.query`?"),
        ("[[rule]]\nscheme = \"zeros\"\nlayuot = \"in_out\"", "did you mean `layout`?"),
        ("[[multipliers]]\nweight_decy = 1", "did you mean `weight_decay`?"),
        ("[[rule]]\nscheme = \"norml(std = 1)\"", "did you mean `normal`?"),
        ("extends = \"llamma\"", "did you mean `llama`?"),
        ("extends = \"transformers/lama\"", "did you mean `transformers/llama`?"),
    ] {
        let error = assign(text).expect_err(text).to_string();
        assert!(error.ends_with(expected), "{text:?}: {error}");
    }
    for (name, expected) in [
        ("initialiser_range", "did you mean `initializer_range`?"),
        ("sigm", "did you mean `sigma`?"),
        ("nothing_like_it", "and the config has no such number"),
    ] {
        let model = llama();
        let mut recipe = Recipe::builtin("llama", Some(&model)).unwrap();
        recipe.set(name, 1.0);
        let error = recipe.finish(Some(&model)).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{name}: {error}");
    }
}

/// Built-in recipes with a few bytes changed, doubled or taken out, on a model: the result is an error in one line, or
/// an assignment, whose plan may fail with an error in one line; never a panic.
#[test]
fn no_text_of_a_recipe_panics() {
    let model = llama();
    let mut state = 7u64;
    let mut random = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n.max(1)
    };
    let bits = [
        "9",
        "1e308",
        "-",
        "/",
        "(",
        ")",
        "\"",
        "[",
        "]",
        "{",
        "*",
        "\n",
        "é",
        "\0",
        "= 0",
        " nan",
        "layers",
        "18446744073709551616",
    ];
    let (mut read, mut refused) = (0, 0);
    for round in 0..4000 {
        let mut text = crate::recipe::builtins()[round % crate::recipe::builtins().len()].text.to_owned();
        for _ in 0..=random(3) {
            let mut at = random(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let mut end = (at + random(12)).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            let bit = bits[random(bits.len())];
            text.replace_range(at..end, if random(4) == 0 { "" } else { bit });
        }
        let run = || -> crate::Result<()> {
            let recipe = Recipe::parse("fuzz.toml", &text)?.finish(Some(&model))?;
            recipe.manifest(&recipe.numbers())?;
            let assignment = recipe.assign(model.tensors())?;
            let mut plan = Plan::new(StreamVersion::V1, 0);
            for assigned in &assignment.tensors {
                plan.push(&assigned.spec)?;
            }
            assert!(assignment.warnings(&plan).iter().all(|w| !w.contains('\n')));
            Ok(())
        };
        match run() {
            Ok(()) => read += 1,
            Err(error) => {
                refused += 1;
                let error = error.to_string();
                assert!(!error.contains('\n') && error.len() < 2000, "{error}\n{text}");
            }
        }
    }
    assert!(read > 500 && refused > 500, "{read} read, {refused} refused");
}
