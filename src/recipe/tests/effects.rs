//! What of a recipe has no effect is an error or a warning, and every entry that had one is on record.

use super::llama;
use crate::model::Model;
use crate::plan::Plan;
use crate::recipe::{Assignment, Gave, Recipe};
use crate::{Result, StreamVersion};

/// No warning.
const NOTHING: [&str; 0] = [];

const TIED: &str = r#"{"model_type": "llama", "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4,
    "num_hidden_layers": 3, "vocab_size": 100, "tie_word_embeddings": true}"#;

/// What built-in recipes, or texts that begin with a line of TOML, make of a model.
fn of(model: &Model, recipes: &[&str], set: &[(&str, f64)]) -> Result<Assignment> {
    let recipes = recipes.iter().enumerate().map(|(i, text)| match text.contains(['\n', '[']) {
        true => Recipe::parse(&format!("{i}.toml"), text).unwrap(),
        false => Recipe::builtin(text, Some(model)).unwrap(),
    });
    let mut recipe = recipes.reduce(Recipe::then).unwrap_or_default();
    set.iter().for_each(|(name, value)| recipe.set(name, *value));
    recipe.finish(Some(model))?.assign(model.tensors())
}

fn warnings(assignment: &Assignment) -> Vec<String> {
    let mut plan = Plan::new(StreamVersion::V1, 0);
    for assigned in &assignment.tensors {
        plan.push(&assigned.spec).unwrap();
    }
    assignment.warnings(&plan)
}

fn error(model: &Model, recipes: &[&str], set: &[(&str, f64)]) -> String {
    let error = of(model, recipes, set).unwrap_err().to_string();
    assert!(!error.contains('\n'), "{error}");
    error
}

#[test]
fn a_recipe_without_any_effect_is_refused() {
    let model = llama();
    let behind =
        "the recipes before it take every tensor that its rules are about: put it before them, or leave it out";
    for (recipes, expected) in [
        (&["mup", "residual-sqrt-n"][..], format!("no rule of residual-sqrt-n was reached: {behind}")),
        (
            &["split", "llama"],
            "no rule of split was reached: its rules are about no tensor here: leave it out".to_owned(),
        ),
        (
            &["[[rule]]\nrole = \"router\"\nscheme = \"ones\"\n", "llama"],
            "no rule of 0.toml was reached: its rules are about no tensor here: leave it out".to_owned(),
        ),
        (
            &["[[role]]\nname = \"*\"\nrole = \"router\"\n", "llama"],
            "no [[role]] of 0.toml tells a role: every tensor has one without it".to_owned(),
        ),
        (
            &["[parameters]\nsigma = 1\n", "llama"],
            "0.toml has no rule, and no rule of another recipe reads its parameters".to_owned(),
        ),
    ] {
        assert_eq!(error(&model, recipes, &[]), expected, "{recipes:?}");
    }
    // What serves every tensor is there for what the others leave.
    for recipes in [["llama", "transformers"], ["mup", "mup"]] {
        let name = if recipes[1] == "mup" { "mup" } else { "transformers/llama" };
        let said = warnings(&of(&model, &recipes, &[]).unwrap());
        assert_eq!(said, [format!("no rule of {name} was reached: {behind}")], "{recipes:?}");
    }
    // Those that a file names itself, and those that have an effect, are not.
    for recipes in [
        &["residual-sqrt-n", "mup"][..],
        &["layerwise-decay"],
        &["\nextends = \"llama\"\n"],
        &["\nextends = \"transformers\"\n[parameters]\ninitializer_range = 1\n"],
        &["[[rule]]\nscheme = \"normal(std = 1)\"\n"],
    ] {
        assert_eq!(warnings(&of(&model, recipes, &[]).unwrap()), NOTHING, "{recipes:?}");
    }
}

#[test]
fn a_rule_that_no_tensor_reaches_is_said() {
    let model = llama();
    let text = r#"
        extends = "transformers"
        [[rule]]
        role = ["router"]
        scheme = "ones"
        [[rule]]
        role = "norm"
        scheme = "ones"
        [[rule]]
        rank = [5]
        scheme = "ones"
        [[rule]]
        when = "layers == 4"
        scheme = "ones"
        [[multipliers]]
        role = "head"
        lr = 2
    "#;
    let said = warnings(&of(&model, &[text], &[]).unwrap());
    let expected = "0.toml: no tensor reaches what stands in lines 3, 9, 12 and 15: earlier rules take it, or there is \
                    none that it is about";
    assert_eq!(said, [expected]);
    // Names that match nothing are an error: most likely a misspelling.
    let error = error(&model, &[&text.replace("role = [\"router\"]", "name = \"*.rooter.*\"")], &[]);
    assert!(error.starts_with("0.toml:3: name \"*.rooter.*\" matches no tensor"), "{error}");
}

#[test]
fn a_value_that_nothing_reads_is_refused() {
    let model = llama();
    for (recipes, name, expected) in [
        (
            &[][..],
            "vocab_size",
            "vocab_size is set, but no expression of transformers/llama reads it: nothing would change",
        ),
        (&["mup"], "vocab_size", "vocab_size is set, but no expression of fixed, mup reads it: nothing would change"),
        (
            &["llama"],
            "vocab_siz",
            "vocab_siz is set, but no recipe has such a parameter (sigma) or names it, and the \
                                    config has no such number; did you mean `vocab_size`?",
        ),
        (&["llama"], "rows", "rows is set, but it is a number of each tensor's own"),
    ] {
        assert_eq!(error(&model, recipes, &[(name, 99.0)]), expected);
    }
    // An expression reads it, but no tensor comes to that expression.
    let said = warnings(
        &of(&Model::from_json(TIED).unwrap(), &["mup"], &[("output_zero", 1.0), ("base_width", 64.0)]).unwrap(),
    );
    assert_eq!(said, ["output_zero is set, but nothing that any tensor gets depends on it"]);
    // `depth` is made of the number of layers.
    let rule = "[[rule]]\nwhen = \"depth >= 0\"\nscheme = \"normal(std = 1 / (1 + depth))\"\n";
    let assignment = of(&model, &[rule], &[("layers", 7.0)]).unwrap();
    assert_eq!(warnings(&assignment), NOTHING);
    // Without a config a list of tensors reads it.
    let list =
        "[[tensor]]\nname = \"w\"\nshape = [\"width\", 2]\nrole = \"mlp.in\"\n[[rule]]\nscheme = \"normal(std = 1)\"";
    let mut recipe = Recipe::parse("list.toml", list).unwrap();
    recipe.set("width", 3.0);
    let recipe = recipe.finish(None).unwrap();
    let tensors = recipe.manifest(&recipe.numbers()).unwrap();
    assert_eq!(tensors[0].shape.dims(), [3, 2]);
    assert!(warnings(&recipe.assign(&tensors).unwrap()).is_empty());
    let mut recipe = Recipe::parse("list.toml", list).unwrap();
    recipe.set("widht", 3.0);
    let error = recipe.finish(None).unwrap_err().to_string();
    assert_eq!(error, "widht is set, but no recipe has such a parameter (they have none) or names it");
}

#[test]
fn every_entry_that_had_a_part_is_on_record() {
    let model = llama();
    let assignment = of(&model, &["residual-sqrt-n", "layerwise-decay", "mup"], &[]).unwrap();
    let of = |name: &str| {
        let assigned = assignment.tensors.iter().find(|a| a.spec.name == name).unwrap();
        let logical = &assigned.logical[0];
        let rules: Vec<(String, Gave)> =
            logical.rules.iter().map(|r| (r.origin.rule.split(':').next().unwrap().to_owned(), r.gave)).collect();
        assert!(logical.rules.iter().any(|r| r.gave == Gave::Law && r.origin == logical.rule), "{name}");
        (rules, logical.rules.iter().map(|r| r.origin.source.to_string()).collect::<Vec<_>>())
    };
    let entry = |name: &str, gave| (name.to_owned(), gave);
    let (rules, sources) = of("model.layers.1.self_attn.o_proj.weight");
    let expected =
        [entry("residual-sqrt-n", Gave::Scale), entry("mup", Gave::Law), entry("layerwise-decay", Gave::Multipliers)];
    assert_eq!(rules, expected);
    assert!(
        sources[0].starts_with("Radford et al. 2019") && sources[1].starts_with("Tensor Programs V"),
        "{sources:?}"
    );
    let (rules, _) = of("model.norm.weight");
    assert_eq!(rules, [entry("mup", Gave::Law), entry("layerwise-decay", Gave::Multipliers)]);
}

#[test]
fn tied_embeddings_get_the_law_of_the_head_or_a_warning() {
    let (tied, untied) = (Model::from_json(TIED).unwrap(), llama());
    let embedding = |model: &Model, recipe: &str| {
        let assignment = of(model, &[recipe], &[]).unwrap();
        (assignment.tensors[0].spec.scheme.to_string(), warnings(&assignment))
    };
    // torchtitan PR 2580: the head's law, N(0, 1 / sqrt(d)) cut at 3 sigma.
    let head = "truncated_normal(mean=0, std=0.125, lo=-3, hi=3, bounds=sigma, std_of=parent)";
    assert_eq!(embedding(&tied, "torchtitan").0, head);
    assert_eq!(embedding(&untied, "torchtitan").0, "normal(mean=0, std=1)");
    for (recipe, expected) in [
        ("palm", "has to multiply its logits by 1 / sqrt(hidden) = 0.125 (palm:"),
        ("mup", "has to multiply its logits by base_width / hidden = 4 (mup:"),
        ("u-mup", "has to multiply its logits by 1 / hidden = 0.015625 (u-mup:"),
        ("torch-default", "logits are 8 times as large as what comes to the head (torch-default:"),
    ] {
        let said = embedding(&tied, recipe).1;
        assert!(said.len() == 1 && said[0].contains(expected), "{recipe}: {said:?}");
        assert_eq!(embedding(&untied, recipe).1, NOTHING, "{recipe}");
    }
    // At the base width the factor is 1.
    let at_base = of(&tied, &["mup"], &[("base_width", 64.0)]).unwrap();
    assert_eq!(warnings(&at_base), NOTHING);
    // A model without a head has none that is tied, whatever its config says.
    let headless = TIED.replace("{\"model_type\"", "{\"architectures\": [\"LlamaModel\"], \"model_type\"");
    let headless = Model::from_json(&headless).unwrap();
    assert_eq!(headless.tensors()[0].variables["tied"], 0.0);
    assert_eq!(embedding(&headless, "torchtitan").0, "normal(mean=0, std=1)");
}

#[test]
fn ties_that_nothing_says_are_asked_for() {
    let tensors: Vec<_> = (llama().tensors().iter())
        .filter(|t| t.name != "lm_head.weight")
        .map(|t| {
            let mut variables = (*t.variables).clone();
            variables.remove("tied");
            variables.remove("tie_word_embeddings");
            crate::model::ModelTensor { variables: variables.into(), ..t.clone() }
        })
        .collect();
    let of = |set: Option<f64>| {
        let mut recipe = Recipe::builtin("torchtitan", None).unwrap();
        set.into_iter().for_each(|value| recipe.set("tied", value));
        let assignment = recipe.finish(None).unwrap().assign(&tensors).unwrap();
        (assignment.tensors[0].spec.scheme.to_string(), assignment.said)
    };
    let (law, said) = of(None);
    assert!(law == "normal(mean=0, std=1)" && said[0].contains("set tied to 1 where it does"), "{law}: {said:?}");
    let (law, said) = of(Some(1.0));
    assert!(law.contains("std=0.125, lo=-3, hi=3") && said.is_empty(), "{law}: {said:?}");
    let (law, said) = of(Some(0.0));
    assert!(law == "normal(mean=0, std=1)" && said.is_empty(), "{law}: {said:?}");
}
