//! DeepSeek-V3, and Kimi-K2, which is the same model with other sizes: `DeepseekV3Config` and `DeepseekV3Model`.
//!
//! `save_pretrained` writes no layers of multi-token prediction, whatever `num_nextn_predict_layers` says.

use super::heads::{self, Task};
use crate::Result;
use crate::model::Role;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;

pub(super) const FAMILY: Family = Family {
    model_types: &["deepseek_v3", "kimi_k2"],
    classes: &[
        Class { name: "DeepseekV3ForCausalLM", prefix: "model." },
        Class { name: "DeepseekV3Model", prefix: "" },
        Class { name: "DeepseekV3ForSequenceClassification", prefix: "model." },
        Class { name: "DeepseekV3ForTokenClassification", prefix: "model." },
    ],
    build,
};

fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    let vocab = fields.size("vocab_size", 129_280)?;
    let d = fields.size("hidden_size", 7168)?;
    let inner = fields.size("intermediate_size", 18432)?;
    let expert_inner = fields.size("moe_intermediate_size", 2048)?;
    let layers = fields.size("num_hidden_layers", 61)?;
    let heads = fields.size("num_attention_heads", 128)?;
    // Every head has a key and a value of its own: num_key_value_heads shapes nothing.
    fields.optional_size("num_key_value_heads")?;
    let shared = fields.size("n_shared_experts", 1)?;
    let shared_inner = fields.product(("moe_intermediate_size", expert_inner), ("n_shared_experts", shared))?;
    // `num_local_experts` is another name of the field, which holds where both stand.
    let experts = fields.size("num_local_experts", fields.size("n_routed_experts", 256)?)?;
    let active = fields.size("num_experts_per_tok", 8)?;
    fields.at_most(("num_experts_per_tok", active), ("n_routed_experts", experts))?;
    let groups = fields.size("n_group", 8)?;
    fields.divides(("n_routed_experts", experts), ("n_group", groups))?;
    // The router judges a group by its two best experts.
    if experts / groups < 2 {
        let reason = format!("{groups} leaves 1 of n_routed_experts {experts} to a group, must leave at least 2");
        return Err(fields.error("n_group", reason));
    }
    fields.at_most(("topk_group", fields.size("topk_group", 4)?), ("n_group", groups))?;
    let q_rank = match fields.read::<Option<u64>>("q_lora_rank")? {
        Some(None) => None,
        _ => Some(fields.size("q_lora_rank", 1536)?),
    };
    let kv_rank = fields.size("kv_lora_rank", 512)?;
    let rope = fields.size("qk_rope_head_dim", 64)?;
    let head_dim = fields.size("qk_nope_head_dim", 128)? + rope;
    let value_dim = fields.size("v_head_dim", 128)?;
    let dense = fields.count("first_k_dense_replace", 3)?;
    let attention_bias = fields.flag("attention_bias", false)?;
    let tied = fields.flag("tie_word_embeddings", false)?;
    let pad = fields.pad_row("pad_token_id", ("vocab_size", vocab), None)?;
    fields.std("initializer_range", 0.02)?;
    build.stack(
        fields,
        [
            ("hidden", d),
            ("intermediate", inner),
            ("layers", layers),
            ("heads", heads),
            ("kv_heads", heads),
            ("head_dim", head_dim),
            ("vocab", vocab),
            ("experts", experts),
            ("active_experts", active),
        ],
    );

    build.push("embed_tokens.weight", Role::Embedding, &[vocab, d])?.zero_rows.extend(pad);
    build.layers("num_hidden_layers", layers, |build, i| {
        let attention = format!("layers.{i}.self_attn");
        // At most 2^31 heads of width 2^32: none of the products overflows.
        match q_rank {
            Some(rank) => {
                build.linear(&format!("{attention}.q_a_proj"), Role::QueryDown, [rank, d], attention_bias)?;
                build.norm(&format!("{attention}.q_a_layernorm"), rank)?;
                build.linear(&format!("{attention}.q_b_proj"), Role::QueryUp, [heads * head_dim, rank], false)?;
            }
            None => build.linear(&format!("{attention}.q_proj"), Role::Query, [heads * head_dim, d], false)?,
        }
        let kv_down = format!("{attention}.kv_a_proj_with_mqa");
        build.linear(&kv_down, Role::KeyValueDown, [kv_rank + rope, d], attention_bias)?;
        build.norm(&format!("{attention}.kv_a_layernorm"), kv_rank)?;
        let kv_out = heads * (head_dim - rope + value_dim);
        build.linear(&format!("{attention}.kv_b_proj"), Role::KeyValueUp, [kv_out, kv_rank], false)?;
        let output = format!("{attention}.o_proj");
        build.linear(&output, Role::AttentionOutput, [d, heads * value_dim], attention_bias)?;
        if i < dense {
            gated(build, &format!("layers.{i}.mlp"), [d, inner])?;
        } else {
            let mlp = format!("layers.{i}.mlp");
            build.linear(&format!("{mlp}.gate"), Role::Router, [experts, d], false)?;
            build.push(&format!("{mlp}.gate.e_score_correction_bias"), Role::RouterBias, &[experts])?;
            let matrices = ["gate_proj", "up_proj", "down_proj"];
            build.experts(("n_routed_experts", experts), &format!("{mlp}.experts"), matrices, [d, expert_inner])?;
            gated(build, &format!("{mlp}.shared_experts"), [d, shared_inner])?;
        }
        build.norm(&format!("layers.{i}.input_layernorm"), d)?;
        build.norm(&format!("layers.{i}.post_attention_layernorm"), d)
    })?;
    build.norm("norm", d)?;
    match Task::of(class) {
        Task::LanguageModel => build.head(tied, "lm_head.weight", "model.embed_tokens.weight", [vocab, d]),
        Task::Sequence => heads::sequence(fields, build, d),
        Task::Tokens => heads::tokens(fields, build, d),
        Task::Base | Task::Answers => Ok(()),
    }
}

/// A gated feed-forward block that every token goes through: a dense layer's, or the shared experts.
fn gated(build: &mut Build, name: &str, [d, inner]: [u64; 2]) -> Result<()> {
    build.linear(&format!("{name}.gate_proj"), Role::MlpGate, [inner, d], false)?;
    build.linear(&format!("{name}.up_proj"), Role::MlpIn, [inner, d], false)?;
    build.linear(&format!("{name}.down_proj"), Role::MlpOut, [d, inner], false)
}
