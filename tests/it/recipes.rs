//! The built-in recipes: each gives every role a law, with the numbers of its paper.

use seedbed::law::Law;
use seedbed::model::{Family, Model, ModelTensor, Role, Variables};
use seedbed::plan::{Plan, PlannedTensor, TensorSpec};
use seedbed::recipe::{Logical, Recipe, builtins};
use seedbed::shape::Fans;
use seedbed::{Scheme, StreamVersion, cpu};
use std::sync::Arc;

const HIDDEN: f64 = 64.0;
const INNER: f64 = 256.0;
const LAYERS: f64 = 12.0;
const LAYER: u64 = 5;

/// A tensor of every role. Those that belong in layers stand in the sixth of 12.
fn tensors() -> Vec<ModelTensor> {
    let variables: Variables = [
        ("hidden", HIDDEN),
        ("intermediate", INNER),
        ("layers", LAYERS),
        ("heads", 4.0),
        ("kv_heads", 2.0),
        ("head_dim", 16.0),
        ("vocab", 100.0),
        ("tied", 0.0),
    ]
    .map(|(name, x)| (name.to_owned(), x))
    .into();
    let variables = Arc::new(variables);
    let shapes: &[(&str, &[u64])] = &[
        ("embedding", &[100, 64]),
        ("embedding.position", &[32, 64]),
        ("embedding.type", &[2, 64]),
        ("embedding.patch", &[64, 3, 4, 4]),
        ("embedding.token", &[1, 1, 64]),
        ("unembedding", &[100, 64]),
        ("attention.key", &[32, 64]),
        ("attention.value", &[32, 64]),
        ("attention.qkv", &[128, 64]),
        ("attention.query_down", &[24, 64]),
        ("attention.query_up", &[64, 24]),
        ("attention.kv_down", &[16, 64]),
        ("attention.kv_up", &[128, 16]),
        ("attention.relative_bias", &[32, 4]),
        ("mlp.in", &[256, 64]),
        ("mlp.gate", &[256, 64]),
        ("mlp.gate_in", &[512, 64]),
        ("mlp.out", &[64, 256]),
        ("expert.in", &[256, 64]),
        ("expert.gate", &[256, 64]),
        ("expert.gate_in", &[512, 64]),
        ("expert.out", &[64, 256]),
        ("router", &[8, 64]),
        ("router.bias", &[8]),
        ("norm", &[64]),
        ("norm.running_mean", &[64]),
        ("norm.running_var", &[64]),
        ("bias.attention", &[64]),
        ("norm.bias", &[64]),
        ("bias", &[64]),
        ("conv", &[64, 64, 3]),
        ("ssm.in", &[256, 64]),
        ("ssm.conv", &[128, 1, 4]),
        ("ssm.x", &[36, 128]),
        ("ssm.dt", &[128, 4]),
        ("ssm.dt_bias", &[128]),
        ("ssm.a", &[128, 16]),
        ("ssm.d", &[128]),
        ("ssm.out", &[64, 128]),
        ("head", &[10, 64]),
        ("scale", &[]),
    ];
    // A class, and what only a rule that names it may serve, are no recipe's duty.
    let is_common = |role: &&Role| !role.must_be_named() && role.class().is_empty();
    let mut tensors: Vec<ModelTensor> = (Role::ALL.iter().filter(is_common))
        .map(|&role| {
            let dims = shapes.iter().find(|s| s.0 == role.text()).map_or(&[64, 64][..], |s| s.1);
            ModelTensor::new(format!("layers.{LAYER}.{role}"), dims, role).unwrap()
        })
        .collect();
    for tensor in &mut tensors {
        let outside = matches!(tensor.role, Role::Unembedding | Role::Head) || tensor.role.is_embedding();
        tensor.layer = (!outside).then_some(LAYER);
        tensor.variables = Arc::clone(&variables);
        if tensor.role == Role::Bias {
            tensor.fans = Some(Fans { fan_in: 64, fan_out: 64 });
        }
    }
    tensors
}

fn assign(recipe: &Recipe) -> Vec<(Role, Scheme, Law, Logical)> {
    let mut plan = Plan::new(StreamVersion::V1, 0);
    let recipe = recipe.clone().finish(None).unwrap_or_else(|e| panic!("{:?}: {e}", recipe.names()));
    let assigned = recipe.assign(&tensors()).unwrap_or_else(|e| panic!("{:?}: {e}", recipe.names()));
    let rows = assigned.tensors.into_iter().map(|mut a| {
        let planned = plan.push(&a.spec).unwrap_or_else(|e| panic!("{:?}: {e}", recipe.names()));
        let law = planned.parts()[0].law().clone();
        let logical = a.logical.remove(0);
        (logical.role, a.spec.scheme, law, logical)
    });
    rows.collect()
}

#[test]
fn every_recipe_gives_every_role_a_law_and_says_where_from() {
    let mut whole = 0;
    for builtin in builtins() {
        let recipe = Recipe::builtin(builtin.name, None).unwrap();
        assert!(
            ["summary", "source", "models"].iter().all(|key| builtin.text.contains(&format!("\n{key} = \""))
                || builtin.text.starts_with(&format!("{key} = \""))),
            "{}",
            builtin.name
        );
        // Modifiers, and `fixed`, which has the first rules of the others, are no recipes by themselves; `adapters`
        // knows LoRA pairs alone.
        if builtin.text.contains("\nextends = \"transformers\"") || ["fixed", "adapters"].contains(&builtin.name) {
            continue;
        }
        whole += 1;
        for (role, scheme, law, logical) in assign(&recipe) {
            let place = format!("{} {role}: {scheme}", builtin.name);
            let std = law.std();
            let is = |x: f64| matches!(law, Law::Constant(ref law) if law.value() == x);
            let (zero, one) = (is(0.0), is(1.0));
            match role {
                Role::Norm | Role::SsmD | Role::RunningVar => assert!(one, "{place}"),
                Role::NormBias | Role::RouterBias | Role::NormOffset | Role::RunningMean | Role::AttentionBias => {
                    assert!(zero, "{place}");
                }
                Role::SsmA => assert_eq!(scheme, Scheme::log_range(), "{place}"),
                Role::SsmDtBias => assert_eq!(scheme, Scheme::dt_bias(0.001, 0.1, 0.0001), "{place}"),
                Role::Bias => assert!(zero || builtin.name == "torch-default", "{place}"),
                // A table that is no layer of torch's begins as whoever makes it says: at zero here.
                Role::Position | Role::TokenType | Role::RelativeBias if builtin.name == "torch-default" => {
                    assert!(zero, "{place}");
                }
                Role::Scale | Role::Token => {}
                _ => assert!(std > 1e-4 && std <= 1.0, "{place}: std {std}"),
            }
            let frozen = role == Role::Sinusoid;
            assert!((logical.lr > 0.0 && logical.weight_decay > 0.0) != frozen && logical.forward > 0.0, "{place}");
        }
    }
    assert!(whole >= 19, "{whole}");
}

/// The std of a standard normal that is cut at `k` sigma.
fn cut(k: f64) -> f64 {
    let law = Scheme::truncated_normal(0.0, 1.0, seedbed::scheme::Bounds::Sigma(-k, k), Default::default());
    law.law(&seedbed::shape::Shape::new([1]).unwrap(), &Default::default()).unwrap().std()
}

#[test]
fn stds_are_those_of_the_papers() {
    let (depth, d) = ((LAYER + 1) as f64, HIDDEN);
    let three = cut(3.0);
    let xavier = |out: f64| (2.0 / (d + out)).sqrt();
    let beta = (8.0 * LAYERS).powf(-0.25);
    let fixup = 0.67 * LAYERS.powf(-0.25);
    let uniform = |bound: f64| bound / 3f64.sqrt();
    for (recipe, role, expected) in [
        ("gpt2", "attention.qkv", 0.02),
        ("gpt2", "attention.output", 0.02 / 24f64.sqrt()),
        ("gpt2", "mlp.out", 0.02 / 24f64.sqrt()),
        ("gpt2", "embedding.position", 0.02),
        ("llama", "mlp.out", 0.02),
        ("megatron", "mlp.out", 0.02 / 24f64.sqrt()),
        ("megatron", "unembedding", 0.02),
        ("torchtitan", "attention.query", 0.02),
        ("torchtitan", "mlp.gate", 0.02),
        ("torchtitan", "mlp.in", 0.02 / (2.0 * depth).sqrt()),
        ("torchtitan", "mlp.out", 0.02 / (2.0 * depth).sqrt()),
        ("torchtitan", "embedding", 1.0),
        ("torchtitan", "unembedding", three / d.sqrt()),
        ("mitchell", "attention.key", three / d.sqrt()),
        ("mitchell", "embedding", three / d.sqrt()),
        ("mitchell", "attention.output", three / (2.0 * d * depth).sqrt()),
        ("mitchell", "mlp.out", three / (2.0 * INNER * depth).sqrt()),
        ("olmo2", "mlp.out", 0.02 * three),
        ("small-init-wang", "mlp.in", (2.0 / (5.0 * d)).sqrt()),
        ("small-init-wang", "mlp.out", 2.0 / (LAYERS * d.sqrt())),
        ("deepnorm", "attention.query", xavier(64.0)),
        ("deepnorm", "attention.key", xavier(32.0)),
        ("deepnorm", "attention.value", beta * xavier(32.0)),
        ("deepnorm", "mlp.in", beta * xavier(INNER)),
        ("deepnorm", "mlp.gate_in", beta * xavier(INNER)),
        ("deepnorm-encoder-decoder", "mlp.in", 0.87 * 6f64.powf(-5.0 / 16.0) * xavier(INNER)),
        ("t-fixup", "attention.value", fixup * xavier(32.0)),
        ("t-fixup", "attention.query", xavier(64.0)),
        ("t-fixup", "attention.qkv", fixup * xavier(64.0)),
        ("t-fixup", "mlp.gate_in", fixup * xavier(INNER)),
        ("t-fixup", "attention.relative_bias", (9.0 * LAYERS).powf(-0.25) / d.sqrt()),
        ("t-fixup", "embedding", (9.0 * LAYERS).powf(-0.25) / d.sqrt()),
        ("timm-vit", "mlp.in", 0.02),
        ("timm-vit", "embedding.token", 1e-6),
        ("timm-vit", "embedding.patch", uniform(1.0 / 48f64.sqrt())),
        ("palm", "mlp.out", 1.0 / INNER.sqrt()),
        ("palm", "embedding", 1.0),
        ("palm", "attention.relative_bias", 1.0),
        ("mamba", "ssm.out", uniform(1.0 / (128.0 * LAYERS).sqrt())),
        ("mamba", "ssm.dt", uniform(0.5)),
        ("mamba", "ssm.conv", uniform(0.5)),
        ("torch-default", "mlp.out", uniform(1.0 / INNER.sqrt())),
        ("torch-default", "bias", uniform(1.0 / d.sqrt())),
        ("torch-default", "embedding", 1.0),
        ("flax-default", "mlp.out", 1.0 / INNER.sqrt()),
        ("flax-default", "embedding", 1.0 / d.sqrt()),
        ("llm-roles", "mlp.out", (2.0 / INNER).sqrt()),
        ("llm-roles", "attention.value", xavier(32.0)),
        ("llm-roles", "unembedding", 0.006),
        ("llm-roles-he", "embedding", (2.0 / d).sqrt()),
        ("llm-roles-he", "unembedding", uniform(0.002)),
        // A quarter of the base width.
        ("mup", "mlp.in", 0.04),
        ("mup", "unembedding", 0.02),
        ("mup", "embedding", 0.02),
        ("mup", "router", 0.08),
        ("u-mup", "embedding", 1.0),
        ("u-mup", "mlp.out", 1.0),
    ] {
        let rows = assign(&Recipe::builtin(recipe, None).unwrap());
        let std = rows.iter().find(|r| r.0.text() == role).unwrap().2.std();
        assert!((std / expected - 1.0).abs() < 1e-9, "{recipe} {role}: {std}, not {expected}");
    }
}

#[test]
fn t_fixup_is_uniform_where_tensors_are_fused_too() {
    for (role, scheme, law, _) in assign(&Recipe::builtin("t-fixup", None).unwrap()) {
        if matches!(role, Role::Qkv | Role::KeyValue | Role::MlpGateIn | Role::ExpertGateIn | Role::Value) {
            assert!(matches!(law, Law::Uniform(ref law) if law.lo() == -law.hi()), "{role}: {scheme}");
        }
    }
}

#[test]
fn multipliers_are_those_of_the_papers() {
    let depth_lr = LAYERS.powf(-0.5);
    let alpha = (2.0 * LAYERS).powf(0.25);
    for (recipe, role, [lr, weight_decay, forward]) in [
        ("mup", "mlp.out", [4.0, 0.25, 1.0]),
        ("mup", "attention.query", [4.0, 0.25, 1.0]),
        ("mup", "unembedding", [1.0, 1.0, 4.0]),
        ("mup", "embedding", [1.0, 1.0, 1.0]),
        ("mup", "router", [4.0, 0.25, 1.0]),
        ("mup", "norm", [1.0, 1.0, 1.0]),
        ("u-mup", "mlp.in", [depth_lr / 8.0, 8.0 / depth_lr, 0.125]),
        ("u-mup", "mlp.out", [depth_lr / 16.0, 16.0 / depth_lr, depth_lr / 16.0]),
        ("u-mup", "embedding", [0.125, 8.0, 1.0]),
        ("u-mup", "unembedding", [1.0, 1.0, 1.0 / 64.0]),
        ("u-mup", "norm", [depth_lr, 1.0 / depth_lr, 1.0]),
        ("u-mup", "norm.offset", [depth_lr, 1.0 / depth_lr, 1.0]),
        ("u-mup", "attention.relative_bias", [0.5, 2.0, 1.0]),
        ("u-mup", "ssm.in", [depth_lr / 8.0, 8.0 / depth_lr, 0.125]),
        ("u-mup", "ssm.a", [depth_lr, 1.0 / depth_lr, 1.0]),
        ("u-mup", "ssm.d", [depth_lr, 1.0 / depth_lr, 1.0]),
        ("u-mup", "ssm.conv", [depth_lr, 1.0 / depth_lr, 1.0]),
        ("u-mup", "ssm.dt_bias", [depth_lr, 1.0 / depth_lr, 1.0]),
        ("u-mup", "ssm.dt", [depth_lr / 4.0, 4.0 / depth_lr, 1.0]),
        ("deepnorm", "mlp.out", [1.0, 1.0, 1.0 / alpha]),
        ("palm", "unembedding", [1.0, 1.0, 0.125]),
        ("llama", "mlp.out", [1.0, 1.0, 1.0]),
    ] {
        let rows = assign(&Recipe::builtin(recipe, None).unwrap());
        let logical = &rows.iter().find(|r| r.0.text() == role).unwrap().3;
        for (is, expected) in
            [logical.lr, logical.weight_decay, logical.forward].iter().zip([lr, weight_decay, forward])
        {
            assert!((is / expected - 1.0).abs() < 1e-12, "{recipe} {role}: {logical:?}");
        }
    }
}

#[test]
fn the_page_names_every_recipe_family_and_role_and_its_examples_can_be_read() {
    let page = include_str!("../../docs/recipes.md");
    for builtin in builtins() {
        assert!(page.contains(&format!("\n| `{}` |", builtin.name)), "{}", builtin.name);
    }
    for family in Family::all() {
        assert!(page.contains(&format!("`{family}`")), "{family}");
    }
    for role in Role::ALL {
        let is_short = role.text().split_once('.').is_some_and(|(_, short)| page.contains(&format!("`.{short}`")));
        assert!(page.contains(&format!("`{role}`")) || is_short, "{role}");
    }
    let examples: Vec<&str> = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 5);
    let mut lists = Vec::new();
    for text in examples {
        let recipe = Recipe::parse("example.toml", text).unwrap_or_else(|e| panic!("{e}:\n{text}"));
        if recipe.has_manifest() {
            let recipe = recipe.finish(None).unwrap();
            let tensors = recipe.manifest(&recipe.numbers()).unwrap();
            let assigned = recipe.assign(&tensors).unwrap().tensors;
            let mut plan = Plan::new(StreamVersion::V1, 0);
            assigned.iter().for_each(|a| assert!(plan.push(&a.spec).is_ok(), "{}", a.spec.name));
            lists.push(assigned);
        }
    }
    let [groups, blocks] = lists.as_slice() else { panic!("{} lists of tensors", lists.len()) };
    let fans: Vec<_> = groups[0].logical.iter().map(|l| l.fans.unwrap()).collect();
    assert_eq!(fans, [Fans { fan_in: 144, fan_out: 144 }; 4]);
    assert_eq!((groups.len(), blocks.len()), (1, 9));
}

const GPT2: &str =
    r#"{"model_type": "gpt2", "n_embd": 32, "n_head": 4, "n_layer": 2, "vocab_size": 50, "n_positions": 8}"#;
const LLAMA: &str = r#"{"model_type": "llama", "hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 64,
    "num_hidden_layers": 3, "vocab_size": 50}"#;

fn of_model(config: &str, recipe: &str) -> Vec<(String, Scheme, Logical)> {
    let model = Model::from_json(config).unwrap();
    let recipe = Recipe::builtin(recipe, Some(&model)).unwrap().finish(Some(&model)).unwrap();
    let assigned = recipe.assign(model.tensors()).unwrap().tensors;
    assigned
        .into_iter()
        .flat_map(|a| {
            let names: Vec<(String, Scheme)> = match a.spec.parts.as_slice() {
                [] => vec![(a.spec.name, a.spec.scheme)],
                parts => parts.iter().map(|p| (p.name.clone(), p.scheme)).collect(),
            };
            names.into_iter().zip(a.logical).map(|((name, scheme), logical)| (name, scheme, logical))
        })
        .collect()
}

#[test]
fn modifiers_change_the_ends_of_branches_and_nothing_else() {
    let base = of_model(LLAMA, "transformers");
    for (recipe, expected) in [
        ("residual-sqrt-n", Scheme::normal(0.0, 0.02 / 6f64.sqrt())),
        ("residual-alpha", Scheme::normal(0.0, 0.02 * 0.1)),
        ("zero-residual", Scheme::zeros()),
    ] {
        for (row, base) in of_model(LLAMA, recipe).iter().zip(&base) {
            match row.2.role {
                Role::AttentionOutput | Role::MlpOut => {
                    let std = |s: &Scheme| if let Scheme::Normal { std, .. } = *s { std } else { 0.0 };
                    assert!((std(&row.1) - std(&expected)).abs() < 1e-15, "{recipe} {row:?}");
                }
                _ => assert_eq!(row.1, base.1, "{recipe} {}", row.0),
            }
        }
    }
    for row in of_model(LLAMA, "norm-sqrt-d").iter().filter(|r| r.2.role == Role::Norm) {
        assert_eq!(row.1, Scheme::constant(1.0 / 32f64.sqrt()), "{}", row.0);
    }
    let gemma = LLAMA.replace("llama", "gemma2").replace('}', ", \"head_dim\": 8}");
    let offsets = of_model(&gemma, "norm-sqrt-d").into_iter().filter(|r| r.2.role == Role::NormOffset);
    let offsets: Vec<_> = offsets.collect();
    assert_eq!(offsets.len(), 4 * 3 + 1);
    for row in offsets {
        assert_eq!(row.1, Scheme::constant(1.0 / 32f64.sqrt() - 1.0), "{}", row.0);
    }
    for (row, base) in of_model(LLAMA, "layerwise-decay").iter().zip(&base) {
        let depth = row.2.layer.map_or(if row.2.role == Role::Embedding { 0 } else { 4 }, |layer| layer as i32 + 1);
        assert!((row.2.lr / 0.75f64.powi(4 - depth) - 1.0).abs() < 1e-12 && row.1 == base.1, "{row:?}");
    }
}

#[test]
fn split_names_the_parts_of_gpt2() {
    let rows = of_model(GPT2, "split");
    let row = |name: &str| &rows.iter().find(|r| r.0 == name).unwrap_or_else(|| panic!("no {name}")).2;
    assert_eq!(row("transformer.h.1.attn.v_attn.weight").role, Role::Value);
    assert_eq!(row("transformer.h.1.attn.v_attn.weight").fans, Some(Fans { fan_in: 32, fan_out: 32 }));
    assert_eq!(row("transformer.h.0.attn.q_attn.bias").fans, Some(Fans { fan_in: 32, fan_out: 32 }));
}

fn values(tensor: &PlannedTensor) -> Vec<f32> {
    let fill = tensor.fill();
    let mut bytes = vec![0; fill.bytes() as usize];
    cpu::fill(&fill, &mut bytes).unwrap();
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

/// Fused tensors as other families store them, listed by a manifest.
#[test]
fn split_names_the_parts_of_known_fused_tensors() {
    let manifest = r#"
        [parameters]
        heads = 4
        kv_heads = 2
        head_dim = 8
        [[tensor]]
        name = "model.layers.0.self_attn.qkv_proj.weight"
        shape = [64, 32]
        [[tensor]]
        name = "model.layers.0.mlp.gate_up_proj.weight"
        shape = [96, 32]
        [[tensor]]
        name = "gpt_neox.layers.0.attention.query_key_value.weight"
        shape = [96, 32]
        [[tensor]]
        name = "gpt_neox.layers.0.attention.query_key_value.bias"
        shape = [96]
        [[tensor]]
        name = "model.layers.0.mlp.experts.gate_up_proj"
        shape = [3, UP]
        [[tensor]]
        name = "model.layers.0.mlp.experts.down_proj"
        shape = [3, DOWN]
        [[rule]]
        role = ["*", "other"]
        scheme = "normal(std = 1)"
    "#;
    let expert = |i: u64| {
        let name = |piece: &str| format!("model.layers.0.mlp.experts.{i}.{piece}.weight");
        [(name("gate_proj"), vec![48, 32]), (name("up_proj"), vec![48, 32])]
    };
    for (layout, up, down) in [(0.0, "96, 32", "32, 48"), (1.0, "32, 96", "48, 32"), (2.0, "32, 96", "48, 32")] {
        let text = manifest.replace("UP", up).replace("DOWN", down);
        let mut recipe = Recipe::builtin("split", None).unwrap().then(Recipe::parse("m.toml", &text).unwrap());
        recipe.set("experts_layout", layout);
        let recipe = recipe.finish(None).unwrap();
        let tensors = recipe.manifest(&recipe.numbers()).unwrap();
        let assigned = recipe.assign(&tensors).unwrap().tensors;
        let mut plan = Plan::new(StreamVersion::V1, 0);
        let stored: Vec<Vec<f32>> = assigned.iter().map(|a| values(plan.push(&a.spec).unwrap())).collect();
        // The second expert's gate, stored alone, against the stacked tensor at its element [5, 7].
        let name = "model.layers.0.mlp.experts.1.gate_proj.weight";
        let alone = TensorSpec::new(name, [48, 32], Scheme::normal(0.0, 1.0)).unwrap();
        let alone = values(Plan::new(StreamVersion::V1, 0).push(&alone).unwrap());
        let at = match layout {
            0.0 => 5 * 32 + 7,
            1.0 => 7 * 96 + 5,
            _ => 7 * 96 + 2 * 5,
        };
        assert_eq!(stored[4][96 * 32 + at], alone[5 * 32 + 7], "experts_layout {layout}");
        let parts: Vec<(String, Vec<u64>)> = (assigned.iter())
            .flat_map(|a| a.spec.parts.iter().map(|p| (p.name.clone(), p.shape.dims().to_vec())))
            .collect();
        let mut expected: Vec<(String, Vec<u64>)> = [
            ("model.layers.0.self_attn.q_proj.weight", vec![32, 32]),
            ("model.layers.0.self_attn.k_proj.weight", vec![16, 32]),
            ("model.layers.0.self_attn.v_proj.weight", vec![16, 32]),
            ("model.layers.0.mlp.gate_proj.weight", vec![48, 32]),
            ("model.layers.0.mlp.up_proj.weight", vec![48, 32]),
            ("gpt_neox.layers.0.attention.query.weight", vec![32, 32]),
            ("gpt_neox.layers.0.attention.key.weight", vec![32, 32]),
            ("gpt_neox.layers.0.attention.value.weight", vec![32, 32]),
            ("gpt_neox.layers.0.attention.query.bias", vec![32]),
            ("gpt_neox.layers.0.attention.key.bias", vec![32]),
            ("gpt_neox.layers.0.attention.value.bias", vec![32]),
        ]
        .map(|(name, dims)| (name.to_owned(), dims))
        .into();
        expected.extend((0..3).flat_map(expert));
        expected.extend((0..3).map(|i| (format!("model.layers.0.mlp.experts.{i}.down_proj.weight"), vec![32, 48])));
        assert_eq!(parts, expected, "experts_layout {layout}");
        let fans: Vec<_> = assigned[5].logical.iter().map(|l| l.fans.unwrap()).collect();
        assert_eq!(fans, [Fans { fan_in: 48, fan_out: 32 }; 3]);
    }
}

/// The example of the page that holds this text.
fn example(text: &str) -> &'static str {
    let page = include_str!("../../docs/recipes.md");
    let mut examples = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    examples.find(|example| example.contains(text)).unwrap_or_else(|| panic!("no example has {text}"))
}

#[test]
fn the_page_s_examples_give_decays_and_gates_the_laws_of_their_libraries() {
    let law = |recipe: &str, tensor: ModelTensor| {
        let recipe = Recipe::parse("example.toml", recipe).unwrap().finish(None).unwrap();
        let mut rest = vec![ModelTensor::new("w.weight", [4, 4], Role::MlpIn).unwrap(), tensor];
        rest.extend(["a.fgate_preact.bias", "a.igate_preact.bias"].map(|name| {
            let mut bias = ModelTensor::new(name, [4], Role::Bias).unwrap();
            bias.fans = Some(Fans { fan_in: 8, fan_out: 4 });
            bias
        }));
        // Each rule of the examples has a tensor.
        rest.push(ModelTensor::new("b.A_log", [8], Role::SsmA).unwrap());
        let assigned = recipe.assign(&rest).unwrap().tensors.remove(1);
        let mut plan = Plan::new(StreamVersion::V1, 0);
        let planned = plan.push(&assigned.spec).unwrap();
        (planned.parts()[0].law().clone(), values(planned))
    };
    // mamba_ssm 2.2 mamba2.py: A_init_range (1, 16); transformers 5.24 Qwen3NextGatedDeltaNet: uniform_(0.01, 16).
    let heads = || ModelTensor::new("l.A_log", [512], Role::SsmA).unwrap();
    let mamba2 = example("log_of_uniform(1, 16)");
    for (lo, recipe) in [(1.0f64, mamba2.to_owned()), (0.01, mamba2.replace("(1, 16)", "(0.01, 16)"))] {
        let (law, values) = law(&recipe, heads());
        let (min, max) = law.range();
        assert!((min - lo.ln()).abs() < 1e-12 && (max - 16f64.ln()).abs() < 1e-12, "{min} to {max}");
        // Of U(lo, 16) half lies above the middle.
        let above = values.iter().filter(|&&x| f64::from(x).exp() > (lo + 16.0) / 2.0).count();
        assert!((206..=306).contains(&above), "{above} of 512");
    }
    // Mamba's own A_log is a matrix, and stays ln 1, ln 2, ..
    let (_, values) = law(mamba2, ModelTensor::new("l.A_log", [3, 4], Role::SsmA).unwrap());
    assert_eq!(values[4..8], [0.0, 2f32.ln(), 3f32.ln(), 4f32.ln()]);
    // transformers 5.24 xLSTMPreTrainedModel._init_weights: torch.linspace(3, 6, heads) and -10.
    let gates = example("linspace(3, 6)");
    let bias = |name: &str| ModelTensor::new(name, [4], Role::Bias).unwrap();
    assert_eq!(law(gates, bias("l.0.fgate_preact.bias")).1, [3.0, 4.0, 5.0, 6.0]);
    assert_eq!(law(gates, bias("l.0.igate_preact.bias")).1, [-10.0; 4]);
}
