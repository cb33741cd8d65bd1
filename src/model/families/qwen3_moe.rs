//! Qwen3 with experts: `Qwen3MoeConfig` and `Qwen3MoeModel`.

use super::decoder::{Absent, Decoder, Defaults};
use crate::Result;
use crate::model::Role;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;
use std::collections::BTreeSet;

pub(super) const FAMILY: Family = Family {
    model_types: &["qwen3_moe"],
    classes: &[
        Class { name: "Qwen3MoeForCausalLM", prefix: "model." },
        Class { name: "Qwen3MoeModel", prefix: "" },
        Class { name: "Qwen3MoeForSequenceClassification", prefix: "model." },
        Class { name: "Qwen3MoeForTokenClassification", prefix: "model." },
        Class { name: "Qwen3MoeForQuestionAnswering", prefix: "transformer." },
    ],
    build,
};

const DEFAULTS: Defaults = Defaults {
    vocab: 151_936,
    hidden: 2048,
    intermediate: 6144,
    layers: 24,
    heads: 32,
    kv_heads: Absent::Number(4),
    // Null is refused: transformers fails on it.
    head_dim: Absent::Other,
    divided: false,
    tied: false,
    pad: None,
};

fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    let decoder = Decoder::read(fields, &DEFAULTS)?;
    // `num_local_experts` is another name of the same field, and holds where both stand. 0 means no experts.
    let experts = fields.count("num_local_experts", fields.count("num_experts", 128)?)?;
    let active = fields.size("num_experts_per_tok", 8)?;
    let expert_inner = fields.size("moe_intermediate_size", 768)?;
    let step = fields.size("decoder_sparse_step", 1)?;
    if experts > 0 {
        fields.at_most(("num_experts_per_tok", active), ("num_experts", experts))?;
    }
    // Numbers that no layer has are ignored, as in transformers.
    let dense: Vec<i64> = fields.read::<Option<_>>("mlp_only_layers")?.flatten().unwrap_or_default();
    let dense: BTreeSet<u64> = dense.into_iter().filter_map(|i| i.try_into().ok()).collect();
    let bias = fields.flag("attention_bias", false)?;
    fields.note("experts", experts as f64);
    fields.note("active_experts", active.min(experts) as f64);
    decoder.causal_lm(fields, class, build, |build, at, i| {
        decoder.attention(build, at, [bias; 2])?;
        decoder.qk_norms(build, at, [decoder.head_dim; 2])?;
        if experts > 0 && (i + 1) % step == 0 && !dense.contains(&i) {
            let (moe, matrices) = (format!("{at}.mlp"), ["gate_proj", "up_proj", "down_proj"]);
            build.linear(&format!("{moe}.gate"), Role::Router, [experts, decoder.hidden], false)?;
            let dims = [decoder.hidden, expert_inner];
            build.experts(("num_experts", experts), &format!("{moe}.experts"), matrices, dims)?;
        } else {
            decoder.mlp(build, at, false)?;
        }
        decoder.norms(build, at, &["input_layernorm", "post_attention_layernorm"])
    })
}
