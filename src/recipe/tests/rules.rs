//! Which rule a tensor gets, and which numbers the rule's expressions see.

use super::{assign, llama};
use crate::StreamVersion;
use crate::model::{Model, ModelTensor, Role};
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

#[test]
fn roles_of_foreign_tensors_are_told_by_their_names() {
    let recipe =
        Recipe::parse("r.toml", "[[role]]\nname = \"*.strange\"\nrole = \"mlp.out\"\n").unwrap().finish(None).unwrap();
    let rows = [
        ("model.layers.0.self_attn.q_proj.weight", &[4, 4][..], "attention.query"),
        ("model.layers.0.self_attn.q_norm.weight", &[4], "norm"),
        ("transformer.h.0.attn.c_attn.weight", &[4, 12], "attention.qkv"),
        ("transformer.h.0.attn.c_proj.weight", &[4, 4], "attention.output"),
        ("transformer.h.0.mlp.c_proj.weight", &[16, 4], "mlp.out"),
        ("transformer.h.0.ln_1.bias", &[4], "norm.bias"),
        ("bert.encoder.layer.0.attention.output.dense.bias", &[4], "bias"),
        ("bert.encoder.layer.0.attention.output.dense.weight", &[4, 4], "attention.output"),
        ("bert.encoder.layer.0.output.dense.weight", &[4, 16], "mlp.out"),
        ("model.layers.3.mlp.experts.7.down_proj.weight", &[4, 8], "expert.out"),
        ("model.layers.3.mlp.gate.weight", &[4, 8], "router"),
        ("backbone.layers.0.mixer.A_log", &[4, 8], "ssm.a"),
        ("lm_head.weight", &[9, 4], "unembedding"),
        ("conv.weight", &[4, 4, 3, 3], "conv"),
        // A norm has a vector: DiT's modulation of it is a linear layer.
        ("blocks.0.norm1.linear.weight", &[48, 8], "other"),
        ("blocks.0.norm1.linear.bias", &[48], "bias"),
        ("blocks.0.norm1.weight", &[8], "norm"),
        // ResNet: what batch norms have seen begins at mean 0 and variance 1.
        ("conv1.weight", &[64, 3, 7, 7], "conv"),
        ("layer1.0.conv1.weight", &[64, 64, 3, 3], "conv"),
        ("layer1.0.conv2.weight", &[64, 64, 3, 3], "conv"),
        ("layer1.0.downsample.0.weight", &[64, 64, 1, 1], "conv"),
        ("layer1.0.downsample.1.weight", &[64], "norm"),
        ("layer1.0.downsample.1.bias", &[64], "norm.bias"),
        ("layer1.0.bn1.weight", &[64], "norm"),
        ("layer1.0.bn1.bias", &[64], "norm.bias"),
        ("layer1.0.bn1.running_mean", &[64], "norm.bias"),
        ("layer1.0.bn1.running_var", &[64], "norm"),
        ("layer1.0.bn1.num_batches_tracked", &[], "other"),
        ("fc.weight", &[10, 64], "head"),
        // The first convolutions of image and audio models.
        ("visual.conv1.weight", &[8, 3, 4, 4], "embedding.patch"),
        ("encoder.conv2.weight", &[8, 8, 3], "embedding.patch"),
        ("patch_embed.proj.weight", &[8, 3, 4, 4], "embedding.patch"),
        ("pos_embed.proj.weight", &[8, 3, 4, 4], "embedding.patch"),
        ("pos_embed", &[1, 9, 8], "embedding.position"),
        // Other spellings of the same roles.
        ("vit.encoder.layer.0.attention.attention.query.weight", &[8, 8], "attention.query"),
        ("vit.encoder.layer.0.attention.attention.key.bias", &[8], "bias"),
        ("transformer.h.0.crossattention.q_attn.weight", &[8, 8], "attention.query"),
        ("transformer.h.0.crossattention.c_attn.weight", &[8, 16], "attention.kv"),
        ("transformer.h.0.crossattention.c_proj.weight", &[8, 8], "attention.output"),
        ("distilbert.transformer.layer.0.attention.out_lin.weight", &[8, 8], "attention.output"),
        ("decoder.layers.0.multihead_attn.in_proj_weight", &[24, 8], "attention.qkv"),
        ("layers.0.attn.wo.weight", &[8, 8], "attention.output"),
        ("layers.0.attention.wq.weight", &[8, 8], "attention.query"),
        ("layers.0.feed_forward.w1.weight", &[16, 8], "mlp.gate"),
        ("blocks.0.ff.net.2.weight", &[8, 32], "mlp.out"),
        ("model.layers.0.mlp.shared_expert.gate_proj.weight", &[16, 8], "mlp.gate"),
        ("model.layers.0.mlp.shared_experts.down_proj.weight", &[8, 16], "mlp.out"),
        ("model.layers.0.mlp.shared_expert_gate.weight", &[1, 8], "router"),
        ("model.layers.0.mlp.experts.gate_up_proj", &[2, 8, 16], "expert.gate_in"),
        ("model.layers.0.mlp.experts.gate_up_proj_bias", &[2, 16], "bias"),
        ("backbone.embeddings.weight", &[9, 8], "embedding"),
        ("tok_emb.weight", &[9, 8], "embedding"),
        ("proj_out.weight", &[9, 8], "unembedding"),
        ("lm_head.dense.weight", &[8, 8], "pooler"),
        ("lm_head.layer_norm.weight", &[8], "norm"),
        ("qa_outputs.weight", &[2, 8], "head"),
        // A known name that is only the end of another word tells nothing.
        ("audio_proj.weight", &[8, 8], "other"),
        ("seq_proj.weight", &[8, 8], "other"),
        ("q_proj.weight", &[8, 8], "attention.query"),
        ("group_proj.weight", &[8, 8], "other"),
        ("a.strange", &[4, 4], "mlp.out"),
        ("a.b", &[4, 4], "other"),
    ];
    let tensor = |(name, dims, _): &(&str, &[u64], &str)| ModelTensor::new(*name, *dims, Role::Other).unwrap();
    let mut tensors: Vec<ModelTensor> = rows.iter().map(tensor).collect();
    recipe.find_roles(&mut tensors).unwrap();
    for (tensor, (name, _, role)) in tensors.iter().zip(rows) {
        assert_eq!(tensor.role.text(), role, "{name}");
    }
    // A user's own entry may be about one layer, and must match something.
    let own = |text: &str| {
        let mut tensors =
            ["h.0.x", "h.1.x", "head.0.x"].map(|name| ModelTensor::new(name, [4, 4], Role::Other).unwrap());
        let recipe = Recipe::parse("r.toml", text).unwrap().finish(None).unwrap();
        recipe.find_roles(&mut tensors).map(|()| tensors.map(|t| (t.role, t.layer)))
    };
    let told = own("[[role]]\nname = \"h.1.*\"\nrole = \"mlp.out\"").unwrap();
    let expected = [(Role::Other, Some(0)), (Role::MlpOut, Some(1)), (Role::Other, None)];
    assert_eq!(told, expected);
    let error = own("\n[[role]]\nname = \"h.2.*\"\nrole = \"mlp.out\"").unwrap_err().to_string();
    assert_eq!(error, "r.toml:2: name \"h.2.*\" matches no tensor");
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
