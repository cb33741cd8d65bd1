//! Which rule a tensor gets, and which numbers the rule's expressions see.

use super::{assign, llama};
use crate::StreamVersion;
use crate::model::Model;
use crate::plan::Plan;
use crate::recipe::Recipe;

#[test]
fn the_first_rule_that_matches_wins_and_scale_multiplies_what_follows() {
    let text = r#"
        [parameters]
        sigma = 0.5
        half = "sigma / 2"
        [[rule]]
        role = "attention.output"
        scale = "1 / sqrt(2 * layers + 10)"
        [[rule]]
        role = ["norm", "bias"]
        rank = [1]
        scheme = "torch_bias(fan_in = max(fan_in, 4))"
        when = "layer == 1"
        [[rule]]
        name = "*layers.2.*q_proj.weight"
        scheme = "normal(std = half * depth)"
        [[rule]]
        role = "attention.*"
        scheme = "kaiming_normal(mode = fan_in, nonlinearity = linear)"
        [[rule]]
        scheme = "normal(std = sigma)"
    "#;
    // A norm has no fan_in: the rule that asks for one names it.
    let error = assign(text).unwrap_err().to_string();
    assert!(error.starts_with("mine.toml:8: tensor model.layers.") && error.contains("fan_in"), "{error}");
    let rows = assign(&text.replace("[\"norm\", \"bias\"]", "\"bias\"")).unwrap();
    let row = |name: &str| rows.iter().find(|r| r.starts_with(&format!("{name} "))).unwrap().as_str();
    let o = row("model.layers.0.self_attn.o_proj.weight");
    assert!(o.ends_with(&format!("normal(mean=0, std={})", 0.125 * 0.25)), "{o}");
    assert!(row("model.layers.0.self_attn.q_proj.bias").ends_with("normal(mean=0, std=0.5)"));
    assert!(row("model.layers.1.self_attn.q_proj.bias").ends_with("torch_bias(fan_in=64)"));
    assert!(row("model.layers.2.self_attn.q_proj.weight").ends_with("normal(mean=0, std=0.75)"));
    assert!(
        row("model.layers.1.self_attn.q_proj.weight").ends_with("kaiming_normal(mode=fan_in, nonlinearity=linear)")
    );
}

#[test]
fn what_is_set_wins_and_must_be_known() {
    let model = llama();
    let mut recipe = Recipe::default();
    recipe.set("initializer_range", 0.5);
    let recipe = recipe.finish(Some(&model)).unwrap();
    let assignment = recipe.assign(model.tensors()).unwrap();
    assert_eq!(assignment.tensors[0].spec.scheme.to_string(), "normal(mean=0, std=0.5)");
    // A name that stands in a condition alone can be set too.
    let text = "extends = \"transformers\"\n[[rule]]\nwhen = \"small == 1\"\nscheme = \"zeros\"";
    let mut recipe = Recipe::parse("mine.toml", text).unwrap();
    recipe.set("small", 1.0);
    let recipe = recipe.finish(Some(&model)).unwrap();
    assert_eq!(recipe.assign(model.tensors()).unwrap().tensors[0].spec.scheme.to_string(), "constant(0)");
    let mut recipe = Recipe::default();
    recipe.set("initialiser_range", 0.5);
    let error = recipe.finish(Some(&model)).unwrap_err().to_string();
    assert!(error.contains("initialiser_range is set, but no recipe"), "{error}");
}

#[test]
fn a_condition_guards_its_rule() {
    // A vector has no fan_in, and a tensor outside layers has no layer: a condition that names it does not hold.
    let text = r#"
        extends = "transformers"
        [[rule]]
        when = "rank >= 2"
        scheme = "normal(std = 1 / fan_in)"
        [[rule]]
        when = "layer == 1"
        scheme = "constant(layer)"
        [[rule]]
        when = "fan_in == 7"
        scheme = "ones"
    "#;
    let rows = assign(text).unwrap();
    assert!(rows.iter().any(|r| r == "model.layers.1.self_attn.q_proj.bias constant(1)"), "{rows:?}");
    assert!(rows.iter().any(|r| r == "model.layers.0.self_attn.q_proj.bias constant(0)"), "{rows:?}");
    assert!(rows.iter().any(|r| r == "model.norm.weight constant(1)"), "{rows:?}");
    // Any other mistake in a condition is an error.
    let error = assign("[[rule]]\nwhen = \"hiden > 1\"\nscheme = \"zeros\"").unwrap_err().to_string();
    assert!(error.contains("unknown variable \"hiden\""), "{error}");
}

/// The warnings of a list of tensors in `text`, a recipe.
fn warnings(text: &str) -> Vec<String> {
    let recipe = Recipe::parse("w.toml", text).unwrap().finish(None).unwrap();
    let mut tensors = recipe.manifest(&recipe.numbers()).unwrap();
    let numbers = std::sync::Arc::new(recipe.numbers());
    tensors.iter_mut().for_each(|t| t.variables = std::sync::Arc::clone(&numbers));
    let assignment = recipe.assign(&tensors).unwrap();
    let mut plan = Plan::new(StreamVersion::V1, 0);
    for assigned in &assignment.tensors {
        plan.push(&assigned.spec).unwrap();
    }
    assignment.warnings(&plan)
}

#[test]
fn laws_that_do_nothing_or_look_wrong_are_warned_of() {
    let tensors = r#"
        [parameters]
        hidden = 8
        [[tensor]]
        name = "l.{0-3}.up_proj.weight"
        shape = [32, 8]
        role = "mlp.in"
        [[tensor]]
        name = "l.{0-3}.down_proj.weight"
        shape = [8, 32]
        role = "mlp.out"
    "#;
    let with = |rules: &str| warnings(&format!("{tensors}{rules}"));
    // torch's default bounds at the usual std, which cut nothing, and bounds that cut.
    let absolute = with("[[rule]]\nscheme = \"truncated_normal(std = 0.02, lo = -2, hi = 2, bounds = absolute)\"");
    let expected = "l.0.up_proj.weight and 7 more: the bounds stand at 100.0000 sigma: nothing is ever cut (w.toml:12)";
    assert_eq!(absolute, [expected]);
    assert!(with("[[rule]]\nscheme = \"truncated_normal(std = 0.02)\"").is_empty());
    assert!(with("[[rule]]\nscheme = \"normal(std = 0.02)\"").is_empty());
    // Zero inside a branch is warned of, at its end it is not.
    let zero = with("[[rule]]\nscheme = \"zeros\"");
    assert!(
        zero.len() == 1 && zero[0].starts_with("l.0.up_proj.weight and 3 more: a matrix whose elements are all 0"),
        "{zero:?}"
    );
    // The layout of a matrix that is stored the other way around.
    let swapped = with("[[rule]]\nlayout = \"in_out\"\nscheme = \"kaiming_normal\"");
    let part = "l.0.up_proj.weight and 7 more: fan_in 32 and fan_out 8 look swapped for mlp.in in a model of width 8";
    assert!(swapped.len() == 1 && swapped[0].starts_with(part), "{swapped:?}");
}

#[test]
fn a_parameter_means_one_thing_whatever_stands_beside_it() {
    let model = llama();
    let std = |first: &str, rule: &str| {
        let files = [
            format!("[parameters]\nsigma = \"sigma * 2\"\n{first}\n[[rule]]\nscheme = \"normal(std = sigma)\"\n{rule}"),
            "[parameters]\nsigma = \"sigma * 3\"\naa = \"sigma\"\nzz = \"sigma\"\n".to_owned(),
            "[parameters]\nsigma = 0.02\n".to_owned(),
        ];
        let recipes = files.iter().enumerate().map(|(i, text)| Recipe::parse(&format!("{i}.toml"), text).unwrap());
        let recipe = recipes.reduce(Recipe::then).unwrap();
        let recipe = recipe.finish(Some(&model)).unwrap();
        let scheme = recipe.assign(model.tensors()).unwrap().tensors[0].spec.scheme;
        scheme.law(&model.tensors()[0].shape, &Default::default()).unwrap().std()
    };
    // Inside a parameter its own name means that of the files behind.
    for rule in ["", "forward = \"0 * aa + 1\"", "forward = \"0 * zz + 1\""] {
        assert_eq!(std("", rule), 0.02 * 3.0 * 2.0, "{rule}");
    }
    // Parameters that are made of each other many times over are evaluated once each.
    let mut text: String = (0..60).map(|i| format!("p{i} = \"p{} + p{}\"\n", i + 1, i + 2)).collect();
    text += "p60 = 0\np61 = 0\n";
    assert_eq!(std(&text, "forward = \"p0 + 1\""), 0.12);
}

#[test]
fn a_modifier_keeps_the_multipliers_and_needs_no_config_before_a_whole_recipe() {
    let model = llama();
    let row = |names: &[&str], model: Option<&Model>, name: &str| {
        let recipes = names.iter().map(|n| Recipe::builtin(n, model).unwrap());
        let mut recipe = recipes.reduce(Recipe::then).unwrap();
        // Without a config these are the numbers that expressions ask for.
        if model.is_none() {
            recipe.set("hidden", 64.0);
            if names.contains(&"u-mup") {
                recipe.set("layers", 3.0);
            }
        }
        if names.contains(&"mup") {
            recipe.set("base_width", 16.0);
        }
        let recipe = recipe.finish(model).unwrap();
        let tensors = llama();
        let assignment = recipe.assign(tensors.tensors()).unwrap();
        let found = assignment.tensors.into_iter().find(|a| a.spec.name == name).unwrap();
        (found.spec.scheme.to_string(), found.logical[0].lr, found.logical[0].weight_decay)
    };
    let output = "model.layers.0.self_attn.o_proj.weight";
    for model in [Some(&model), None] {
        assert_eq!(row(&["zero-residual", "mup"], model, output), ("constant(0)".to_owned(), 0.25, 4.0));
        let norm = row(&["norm-sqrt-d", "u-mup"], model, "model.layers.0.input_layernorm.weight");
        assert_eq!((norm.0.as_str(), norm.1 < 1.0), ("constant(0.125)", true));
    }
}
