//! Roles that shapes, neighbors and names tell together, and the laws that follow from them.

use crate::model::{ModelTensor, Role, Told, Variables};
use crate::recipe::Recipe;
use crate::{Error, Result};
use std::sync::Arc;

fn tensors(list: &[(&str, &[u64])]) -> Vec<ModelTensor> {
    list.iter().map(|(name, dims)| ModelTensor::new(*name, *dims, Role::Other).unwrap()).collect()
}

/// The tensors of a model of two layers of width 64, as its config says.
fn sized(list: &[(&str, &[u64])]) -> Vec<ModelTensor> {
    let numbers = [("layers", 2.0), ("hidden", 64.0)].map(|(name, number)| (name.to_owned(), number));
    let numbers = Arc::new(Variables::from(numbers));
    let mut tensors = tensors(list);
    tensors.iter_mut().for_each(|t| t.variables = Arc::clone(&numbers));
    tensors
}

/// The tensors with the roles that are told without any `[[role]]` entry.
fn told(list: &[(&str, &[u64])]) -> Result<Vec<ModelTensor>> {
    let mut tensors = tensors(list);
    Recipe::builtin("fixed", None)?.finish(None)?.find_roles(&mut tensors)?;
    Ok(tensors)
}

/// The roles of these tensors, in their order.
fn roles(list: &[(&str, &[u64])]) -> Vec<&'static str> {
    told(list).unwrap().iter().map(|t| t.role.text()).collect()
}

/// The laws of these tensors under a built-in recipe.
fn laws(recipe: &str, list: &[(&str, &[u64])]) -> Result<Vec<String>> {
    let recipe = Recipe::builtin(recipe, None)?.finish(None)?;
    let mut tensors = sized(list);
    recipe.find_roles(&mut tensors)?;
    Ok(recipe.assign(&tensors)?.tensors.iter().map(|a| a.spec.scheme.to_string()).collect())
}

/// The unknown tensors' error.
fn unknown(recipe: &str, list: &[(&str, &[u64])]) -> (String, String) {
    match laws(recipe, list) {
        Err(Error::UnknownTensors { reason, toml }) => (reason, toml),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_batch_norm_is_told_by_its_running_statistics() {
    let list: [(&str, &[u64]); 5] = [
        ("features.0.weight", &[8, 3, 3, 3]),
        ("features.1.weight", &[8]),
        ("features.1.bias", &[8]),
        ("features.1.running_mean", &[8]),
        ("features.1.running_var", &[8]),
    ];
    assert_eq!(roles(&list), ["conv", "norm", "norm.bias", "norm.running_mean", "norm.running_var"]);
    // Not one law is zero where torch has one: a model so made is alive.
    for recipe in ["llama", "flax-default", "torch-default"] {
        let laws = laws(recipe, &list).unwrap();
        let norms: Vec<&str> = laws[1..].iter().map(String::as_str).collect();
        assert_eq!(norms, ["constant(1)", "constant(0)", "constant(0)", "constant(1)"], "{recipe}");
    }
}

#[test]
fn norms_are_vectors_with_a_shift_or_a_name() {
    assert_eq!(roles(&[("a.weight", &[8]), ("a.bias", &[8])]), ["norm", "norm.bias"]);
    assert_eq!(roles(&[("a.gamma", &[8]), ("a.beta", &[8])]), ["norm", "norm.bias"]);
    assert_eq!(roles(&[("layers.0.input_layernorm.weight", &[8])]), ["norm"]);
    // Alone, beside a matrix, of one number, or in a response normalization, it may be anything.
    assert_eq!(roles(&[("act.weight", &[8])]), ["other"]);
    assert_eq!(roles(&[("a.weight", &[8]), ("a.bias", &[8]), ("a.table", &[8, 8])])[0], "other");
    assert_eq!(roles(&[("act.scale", &[1]), ("act.bias", &[1])]), ["other", "bias"]);
    assert_eq!(roles(&[("mlp.grn.weight", &[8]), ("mlp.grn.bias", &[8])]), ["other", "norm.bias"]);
}

#[test]
fn a_bias_has_the_fans_of_its_weight() {
    let list: [(&str, &[u64]); 6] = [
        ("0.weight", &[20, 10]),
        ("0.bias", &[20]),
        ("2.weight", &[5, 20]),
        ("2.bias", &[5]),
        ("conv.weight", &[6, 4, 3, 3]),
        ("conv.bias", &[6]),
    ];
    let expected = ["torch_linear", "torch_bias(fan_in=10)", "torch_linear", "torch_bias(fan_in=20)", "torch_linear"];
    let found = laws("torch-default", &list).unwrap();
    assert_eq!(found[..5], expected);
    assert_eq!(found[5], "torch_bias(fan_in=36)");
    // A transposed convolution has its outputs on the second axis; torch takes the fans from the weight as it stands.
    let transposed: [(&str, &[u64]); 2] = [("up.weight", &[16, 4, 2, 2]), ("up.bias", &[4])];
    assert_eq!(laws("torch-default", &transposed).unwrap()[1], "torch_bias(fan_in=16)");
    // torch's Bilinear has the second axis alone for its fan; three axes that no name tells may be one.
    let bilinear: [(&str, &[u64]); 2] = [("bilinear.weight", &[5, 4, 3]), ("bilinear.bias", &[5])];
    assert_eq!(told(&bilinear).unwrap()[1].fans.unwrap().fan_in, 4);
    assert_eq!(roles(&[("0.weight", &[8, 3, 5]), ("0.bias", &[8])])[0], "other");
    assert_eq!(roles(&[("conv.weight", &[8, 3, 5]), ("conv.bias", &[8])]), ["conv", "bias"]);
}

#[test]
fn a_bias_tells_how_its_matrix_is_stored() {
    // GPT-2's Conv1D: [in, out]. The square matrix is stored as the others are.
    let list: [(&str, &[u64]); 6] = [
        ("h.0.attn.c_attn.weight", &[64, 192]),
        ("h.0.attn.c_attn.bias", &[192]),
        ("h.0.attn.c_proj.weight", &[64, 64]),
        ("h.0.attn.c_proj.bias", &[64]),
        ("h.0.mlp.c_fc.weight", &[64, 256]),
        ("h.0.mlp.c_fc.bias", &[256]),
    ];
    let tensors = told(&list).unwrap();
    let told: Vec<String> = tensors.iter().step_by(2).map(|t| format!("{} {}", t.role, t.layout)).collect();
    assert_eq!(told, ["attention.qkv in_out", "attention.output in_out", "mlp.in in_out"]);
    assert_eq!(tensors[5].fans.unwrap().fan_in, 64);
}

#[test]
fn the_parameters_of_multihead_attention_have_torchs_laws() {
    let list: [(&str, &[u64]); 6] = [
        ("attn.in_proj_weight", &[48, 16]),
        ("attn.in_proj_bias", &[48]),
        ("attn.out_proj.weight", &[16, 16]),
        ("attn.out_proj.bias", &[16]),
        ("attn.bias_k", &[1, 1, 16]),
        ("attn.bias_v", &[1, 1, 16]),
    ];
    let expected = ["xavier_uniform", "constant(0)", "torch_linear", "constant(0)", "xavier_normal", "xavier_normal"];
    let found = laws("torch-default", &list).unwrap();
    let begins: Vec<bool> = found.iter().zip(expected).map(|(law, begin)| law.starts_with(begin)).collect();
    assert_eq!(begins, [true; 6], "{found:?}");
    // The output of any other attention is a linear layer with torch's bias.
    let other: [(&str, &[u64]); 2] = [("attn.out_proj.weight", &[16, 16]), ("attn.out_proj.bias", &[16])];
    assert_eq!(laws("torch-default", &other).unwrap()[1], "torch_bias(fan_in=16)");
}

#[test]
fn recurrent_cells_have_bounds_by_the_size_of_their_state() {
    for (gates, projection) in [(4, None), (3, None), (1, None), (4, Some(5u64))] {
        let (rows, state) = (gates * 16, projection.unwrap_or(16));
        let (input, hidden) = ([rows, 10], [rows, state]);
        let projected = [state, 16];
        let mut list: Vec<(&str, &[u64])> = vec![
            ("rnn.weight_ih_l0", &input),
            ("rnn.weight_hh_l0", &hidden),
            ("rnn.bias_ih_l0", std::slice::from_ref(&rows)),
            ("rnn.bias_hh_l0", std::slice::from_ref(&rows)),
            ("rnn.weight_ih_l0_reverse", &input),
            ("rnn.weight_hh_l0_reverse", &hidden),
        ];
        if projection.is_some() {
            list.push(("rnn.weight_hr_l0", &projected));
            list.push(("rnn.weight_hr_l0_reverse", &projected));
        }
        let found = laws("torch-default", &list).unwrap();
        assert!(found.iter().all(|law| law == "uniform(lo=-0.25, hi=0.25)"), "{found:?}");
        // The other recipes have no law for cells, and their last rules do not take them.
        assert!(unknown("llama", &list).1.contains("role = \"recurrent.hidden\""));
    }
    assert_eq!(roles(&[("rnn.weight_ih", &[7, 10]), ("rnn.weight_hh", &[7, 4])]), ["other", "other"]);
}

#[test]
fn stacked_experts_feed_in_by_the_axis_as_wide_as_the_model() {
    let list = |dims: &'static [u64], down: &'static [u64]| -> Vec<(&'static str, &'static [u64])> {
        vec![
            ("model.layers.0.input_layernorm.weight", &[64]),
            ("model.layers.0.mlp.experts.gate_up_proj", dims),
            ("model.layers.0.mlp.experts.down_proj", down),
        ]
    };
    let fans = |list: &[(&str, &[u64])]| {
        let tensors = told(list).unwrap();
        [1, 2].map(|at| tensors[at].layout.fans(&tensors[at].shape).unwrap().fan_in)
    };
    assert_eq!(fans(&list(&[4, 64, 256], &[4, 128, 64])), [64, 128]);
    assert_eq!(fans(&list(&[4, 256, 64], &[4, 64, 128])), [64, 128]);
    // Both axes are as wide as the model, or neither.
    assert_eq!(roles(&list(&[4, 64, 64], &[4, 64, 128])), ["norm", "other", "expert.out"]);
    assert_eq!(roles(&list(&[4, 32, 16], &[4, 64, 128])), ["norm", "other", "expert.out"]);
    let (reason, toml) = unknown("flax-default", &list(&[4, 64, 64], &[4, 64, 128]));
    assert!(
        reason.starts_with("1 of 3 tensors is unknown to fixed, flax-default: model.layers.0.mlp.experts"),
        "{reason}"
    );
    assert!(toml.contains("model.layers.0.mlp.experts.gate_up_proj"), "{toml}");
    // granitemoe's name.
    let granite: [(&str, &[u64]); 2] = [
        ("model.layers.0.input_layernorm.weight", &[64]),
        ("model.layers.0.block_sparse_moe.input_linear.weight", &[4, 256, 64]),
    ];
    assert_eq!(told(&granite).unwrap()[1].layout.fans(&told(&granite).unwrap()[1].shape).unwrap().fan_in, 64);
    assert_eq!(roles(&granite)[1], "expert.gate_in");
    let laws = laws("flax-default", &list(&[4, 64, 256], &[4, 128, 64])).unwrap();
    assert_eq!(laws[1], "variance_scaling(scale=1, mode=fan_in, distribution=truncated_normal)");
}

#[test]
fn lora_pairs_begin_as_nothing() {
    let list: [(&str, &[u64]); 4] = [
        ("base.lora_A.default.weight", &[8, 64]),
        ("base.lora_B.default.weight", &[64, 8]),
        ("emb.lora_embedding_A.default", &[8, 1000]),
        ("emb.lora_embedding_B.default", &[64, 8]),
    ];
    let expected = ["torch_linear", "constant(0)", "constant(0)", "normal(mean=0, std=1)"];
    assert_eq!(laws("llama", &list).unwrap(), expected);
    assert_eq!(roles(&list[..1]), ["other"]);
}

#[test]
fn the_size_of_a_layer_scale_is_asked_for() {
    let list: [(&str, &[u64]); 3] =
        [("blocks.0.ls1.gamma", &[64]), ("blocks.0.attn.proj.weight", &[64, 64]), ("blocks.0.attn.proj.bias", &[64])];
    assert_eq!(roles(&list), ["scale.layer", "attention.output", "bias"]);
    let (reason, toml) = unknown("llama", &list);
    assert!(reason.contains("1 of 3") && reason.contains("blocks.0.ls1.gamma [64]"), "{reason}");
    assert!(toml.contains("role = \"scale.layer\"") && toml.contains("1e-5 in timm"), "{toml}");
    let mut recipe = Recipe::builtin("llama", None).unwrap();
    recipe.set("layer_scale", 1e-4);
    let recipe = recipe.finish(None).unwrap();
    let mut tensors = tensors(&list);
    recipe.find_roles(&mut tensors).unwrap();
    let law = recipe.assign(&tensors).unwrap().tensors[0].spec.scheme.to_string();
    assert_eq!(law, "constant(0.0001)");
    // torchvision's and transformers' names; a norm's gamma, and a gate of one number, are none.
    assert_eq!(roles(&[("features.1.0.layer_scale", &[96, 1, 1])]), ["scale.layer"]);
    assert_eq!(roles(&[("layer.0.lambda_1", &[8]), ("layer.0.fc.weight", &[8, 8])])[0], "scale.layer");
    assert_eq!(roles(&[("norm.gamma", &[8])]), ["norm"]);
    assert_eq!(roles(&[("a.gamma", &[1]), ("a.query_conv.weight", &[8, 8, 1, 1])])[0], "other");
}

#[test]
fn only_clips_logit_scale_is_clips() {
    let clip: [(&str, &[u64]); 2] = [("logit_scale", &[]), ("text_projection.weight", &[8, 8])];
    assert_eq!(roles(&clip), ["scale", "projection"]);
    assert_eq!(laws("llama", &clip).unwrap()[0], "constant(2.6592)");
    // SigLIP's and Swin v2's.
    assert_eq!(roles(&[("logit_scale", &[]), ("logit_bias", &[]), ("text_projection.weight", &[8, 8])])[0], "other");
    assert_eq!(roles(&[("blocks.0.attn.logit_scale", &[2, 1, 1])]), ["other"]);
    assert!(unknown("llama", &[("blocks.0.attn.logit_scale", &[2, 1, 1])]).1.contains("constant(2.302585)"));
    assert_eq!(roles(&[("model.rotary_emb.inv_freq", &[32])]), ["buffer"]);
}

#[test]
fn names_that_no_table_knows_are_told_by_shape_and_neighbors() {
    // A matrix with a bias, one in a numbered layer, one that takes what the layer before it makes: linear layers.
    for list in [
        &[("blocks.0.fc11.weight", &[64, 16][..]), ("blocks.0.fc11.bias", &[64])][..],
        &[("layers.0.block.something.weight", &[64, 16])],
        &[("cpb_net.2.weight", &[3, 64]), ("cpb_net.0.weight", &[64, 2]), ("cpb_net.0.bias", &[64])],
    ] {
        assert_eq!(roles(list)[0], "linear", "{list:?}");
    }
    for (list, role) in [
        (&[("embed.weight", &[1000, 64][..])][..], "embedding"),
        (&[("model.shared.weight", &[1000, 64])], "embedding"),
        (&[("layers.0.attn.Wo.weight", &[16, 16])], "attention.output"),
        (&[("layers.0.mlp.Wi.weight", &[64, 16]), ("layers.0.mlp.Wo.weight", &[16, 64])], "mlp.in"),
        (&[("layers.0.mlp.Wi.weight", &[64, 16]), ("layers.0.mlp.Wo.weight", &[16, 32])], "mlp.gate_in"),
        (
            &[
                ("layers.0.feed_forward.output_dense.weight", &[16, 64]),
                ("layers.0.feed_forward.output_dense.bias", &[16]),
            ],
            "mlp.out",
        ),
        (&[("layers.0.mlp.linear_fc2.weight", &[16, 64]), ("layers.0.mlp.linear_fc2.bias", &[16])], "mlp.out"),
        (&[("layers.0.ffn_output.weight", &[16, 64]), ("layers.0.ffn_output.bias", &[16])], "linear"),
        // Three layers of a classifier are no feed-forward block.
        (&[("net.fc1.weight", &[64, 32]), ("net.fc1.bias", &[64])], "linear"),
        (&[("layers.0.fc1.weight", &[64, 32]), ("layers.0.fc2.weight", &[10, 64])], "linear"),
        // A matrix of which nothing tells whether it is looked up.
        (&[("something.weight", &[1000, 64])], "other"),
        (&[("layers.0.codebook.weight", &[1000, 64])], "other"),
        // A decay and a skip make a state-space block; Qwen3-Next's A_log has none.
        (&[("layers.0.linear_attn.A_log", &[8])], "other"),
        (&[("layers.0.mixer.A_log", &[8, 4]), ("layers.0.mixer.D", &[8])], "ssm.a"),
    ] {
        assert_eq!(roles(list)[0], role, "{list:?}");
    }
}

/// A class serves where the recipe gives every role of it one law, and ends in the error where it does not.
#[test]
fn a_linear_layer_of_unknown_place_gets_a_law_only_where_the_place_does_not_matter() {
    let list: [(&str, &[u64]); 2] = [("blocks.0.fc11.weight", &[64, 16]), ("blocks.0.fc11.bias", &[64])];
    for recipe in ["torch-default", "flax-default", "llama", "olmo2", "timm-vit"] {
        assert!(laws(recipe, &list).is_ok(), "{recipe}: {:?}", laws(recipe, &list));
    }
    for recipe in ["gpt2", "megatron", "torchtitan", "mitchell", "deepnorm", "t-fixup", "llm-roles", "mup", "u-mup"] {
        let (reason, toml) = unknown(recipe, &list);
        assert!(reason.starts_with("1 of 2 tensors is unknown"), "{recipe}: {reason}");
        assert!(toml.contains("[[role]]") && toml.contains("role = \"projection\""), "{recipe}: {toml}");
    }
    // The first convolution of an image model under muP is an input weight, another one is not.
    assert!(unknown("mup", &[("conv1.weight", &[8, 3, 7, 7])]).1.contains("role = \"embedding.patch\""));
}

/// The lines of the error, pasted into a file before the recipe, settle what the error was about.
#[test]
fn the_lines_of_the_error_settle_it() {
    let lists: [&[(&str, &[u64])]; 4] = [
        &[
            ("blocks.0.ls1.gamma", &[64]),
            ("blocks.0.fc11.weight", &[64, 16]),
            ("blocks.0.fc11.bias", &[64]),
            ("blocks.1.fc11.weight", &[64, 16]),
            ("blocks.1.fc11.bias", &[64]),
            ("blocks.1.attn.logit_scale", &[2, 1, 1]),
            ("bias", &[7]),
        ],
        &[("0.weight", &[64, 16]), ("3.weight", &[16, 64, 5]), ("3.gain", &[16]), ("3.7.strange[0]{\"a\\b*", &[4])],
        &[("rnn.weight_ih_l0", &[16, 10]), ("rnn.weight_hh_l0", &[16, 16]), ("act.weight", &[1]), ("n.weight", &[9])],
        &[("layers.0.mlp.experts.gate_up_proj", &[4, 64, 64]), ("layers.10.mlp.experts.gate_up_proj", &[4, 64, 64])],
    ];
    let mut settled = 0;
    for list in lists {
        for name in ["torch-default", "flax-default", "llama", "megatron", "mup", "t-fixup", "timm-vit"] {
            let error = match laws(name, list) {
                Ok(_) => continue,
                Err(Error::UnknownTensors { toml, .. }) => toml,
                Err(other) => panic!("{name}: {other}"),
            };
            let recipe = Recipe::parse("paste.toml", &error).unwrap_or_else(|e| panic!("{e}\n{error}"));
            let recipe = recipe.then(Recipe::builtin(name, None).unwrap()).finish(None).unwrap();
            let mut tensors = sized(list);
            recipe.find_roles(&mut tensors).unwrap_or_else(|e| panic!("{name}: {e}\n{error}"));
            let assignment = recipe.assign(&tensors).unwrap_or_else(|e| panic!("{name}: {e}\n{error}"));
            assert_eq!(assignment.tensors.len(), list.len());
            settled += 1;
        }
    }
    assert!(settled > 20, "{settled}");
}

#[test]
fn neighbors_that_contradict_each_other_are_one_line_with_both_names_and_shapes() {
    for (list, expected) in [
        (
            &[("bn.running_mean", &[8][..]), ("bn.running_var", &[7])][..],
            "tensor bn.running_var: shape [7], but bn.running_mean has shape [8]: a batch norm has vectors of one \
             length",
        ),
        (
            &[("bn.weight", &[7]), ("bn.running_mean", &[8]), ("bn.running_var", &[8])],
            "tensor bn.weight: shape [7], but bn.running_mean has shape [8]: a batch norm has vectors of one length",
        ),
        (
            &[("fc.weight", &[10, 20]), ("fc.bias", &[7])],
            "tensor fc.bias: shape [7], but fc.weight has shape [10, 20]: a bias has the length of its weight's \
             outputs",
        ),
        (
            &[("c.weight", &[10, 20, 3, 3]), ("c.bias", &[7])],
            "tensor c.bias: shape [7], but c.weight has shape [10, 20, 3, 3]: a bias has the length of its weight's \
             output channels",
        ),
        (
            &[("n.weight", &[8]), ("n.bias", &[7])],
            "tensor n.bias: shape [7], but n.weight has shape [8]: it fits neither a norm nor a linear layer",
        ),
        (
            &[("a.in_proj_weight", &[48, 16]), ("a.in_proj_bias", &[40])],
            "tensor a.in_proj_bias: shape [40], but a.in_proj_weight has shape [48, 16]: it has a bias for each of \
             queries, keys and values",
        ),
        (
            &[("x.lora_A.weight", &[8, 64]), ("x.lora_B.weight", &[64, 4])],
            "tensor x.lora_B.weight: shape [64, 4], but x.lora_A.weight has shape [8, 64]: the columns of B are the \
             rows of A",
        ),
    ] {
        assert_eq!(told(list).unwrap_err().to_string(), expected);
    }
}

#[test]
fn how_a_role_was_told_is_kept() {
    let list: [(&str, &[u64]); 4] =
        [("a.weight", &[4, 2]), ("a.bias", &[4]), ("lm_head.weight", &[9, 4]), ("mine", &[3])];
    let mut tensors = tensors(&list);
    tensors.push(ModelTensor::new("given", [2, 2], Role::MlpIn).unwrap());
    let recipe = Recipe::parse("r.toml", "\n[[role]]\nname = \"mine\"\nrole = \"norm\"\n").unwrap();
    let recipe = recipe.finish(None).unwrap();
    recipe.find_roles(&mut tensors).unwrap();
    let told: Vec<String> = tensors.iter().map(|t| t.told.to_string()).collect();
    let expected = [
        "neighbors: a matrix with a bias of its outputs: a linear layer",
        "neighbors: the bias of the weight beside it",
        "usual name *lm_head*",
        "[[role]] r.toml:2",
        "the list",
    ];
    assert_eq!(told, expected);
    assert_eq!(super::llama().tensors()[0].told, Told::Config);
}

#[test]
fn roles_of_foreign_tensors_are_told_by_their_names() {
    let recipe = Recipe::parse("r.toml", "[[role]]\nname = \"*.strange\"\nrole = \"mlp.out\"\n").unwrap();
    let recipe = recipe.finish(None).unwrap();
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
        ("backbone.layers.0.mixer.D", &[4], "ssm.d"),
        ("lm_head.weight", &[9, 4], "unembedding"),
        ("conv.weight", &[4, 4, 3, 3], "conv"),
        // A norm has a vector: DiT's modulation of it is a linear layer.
        ("blocks.0.norm1.linear.weight", &[48, 8], "linear"),
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
        ("layer1.0.bn1.running_mean", &[64], "norm.running_mean"),
        ("layer1.0.bn1.running_var", &[64], "norm.running_var"),
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
        ("model.layers.0.input_layernorm.weight", &[8], "norm"),
        ("model.layers.0.mlp.experts.gate_up_proj", &[2, 8, 16], "expert.gate_in"),
        ("model.layers.0.mlp.experts.gate_up_proj_bias", &[2, 16], "bias"),
        ("backbone.embeddings.weight", &[9, 8], "embedding"),
        ("tok_emb.weight", &[9, 8], "embedding"),
        ("proj_out.weight", &[9, 8], "unembedding"),
        ("lm_head.dense.weight", &[8, 8], "pooler"),
        ("lm_head.layer_norm.weight", &[8], "norm"),
        ("qa_outputs.weight", &[2, 8], "head"),
        // A known name that is only the end of another word tells nothing.
        ("audio_proj.weight", &[8, 8], "linear"),
        ("seq_proj.weight", &[8, 8], "linear"),
        ("q_proj.weight", &[8, 8], "attention.query"),
        ("group_proj.weight", &[8, 8], "linear"),
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

/// Its own axes are no fans: those of stacked experts are their weight's, and any other is unknown.
#[test]
fn a_bias_of_several_axes_has_no_fans_of_its_own() {
    let list: [(&str, &[u64]); 3] = [
        ("model.layers.0.input_layernorm.weight", &[64]),
        ("model.layers.0.mlp.experts.gate_up_proj", &[4, 64, 256]),
        ("model.layers.0.mlp.experts.gate_up_proj_bias", &[4, 256]),
    ];
    assert_eq!(laws("torch-default", &list).unwrap()[2], "torch_bias(fan_in=64)");
    let alone: [(&str, &[u64]); 1] = [("conv.bias", &[384, 1])];
    let (reason, _) = unknown("torch-default", &alone);
    assert!(reason.starts_with("1 of 1 tensor is unknown to fixed, torch-default: conv.bias [384, 1]"), "{reason}");
    assert_eq!(laws("llama", &alone).unwrap(), ["constant(0)"]);
}

/// GPT-2 stores [in, out], nanoGPT under the same names [out, in]; without biases the norms tell which.
#[test]
fn matrices_under_gpt2s_names_feed_in_by_the_axis_as_long_as_the_norm() {
    let fans = |fc: &[u64], proj: &[u64]| {
        let list = [("h.0.ln_1.weight", &[16][..]), ("h.0.mlp.c_fc.weight", fc), ("h.0.mlp.c_proj.weight", proj)];
        let tensors = told(&list).unwrap();
        assert_eq!(tensors[1].role, Role::MlpIn);
        [1, 2].map(|at| tensors[at].layout.fans(&tensors[at].shape).unwrap().fan_in)
    };
    assert_eq!(fans(&[16, 64], &[64, 16]), [16, 64]);
    assert_eq!(fans(&[64, 16], &[16, 64]), [16, 64]);
}

#[test]
fn what_projects_positions_is_no_table_of_them() {
    assert_eq!(roles(&[("pos_embed_proj.weight", &[64, 16])]), ["other"]);
    assert_eq!(roles(&[("pos_embed.weight", &[64, 16])]), ["embedding.position"]);
}
