//! Mixtral: `MixtralConfig` and `MixtralModel`.

use super::decoder::{Absent, Decoder, Defaults};
use crate::Result;
use crate::model::Role;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;

pub(super) const FAMILY: Family = Family {
    model_types: &["mixtral"],
    classes: &[
        Class { name: "MixtralForCausalLM", prefix: "model." },
        Class { name: "MixtralModel", prefix: "" },
        Class { name: "MixtralForSequenceClassification", prefix: "model." },
        Class { name: "MixtralForTokenClassification", prefix: "model." },
        Class { name: "MixtralForQuestionAnswering", prefix: "model." },
    ],
    build,
};

const DEFAULTS: Defaults = Defaults {
    vocab: 32000,
    hidden: 4096,
    intermediate: 14336,
    layers: 32,
    heads: 32,
    kv_heads: Absent::Number(8),
    head_dim: Absent::OtherOrNull,
    divided: false,
    tied: false,
    pad: None,
};

fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    let decoder = Decoder::read(fields, &DEFAULTS)?;
    // `num_experts` is another name of the same field, and holds where both stand.
    let experts = fields.size("num_experts", fields.size("num_local_experts", 8)?)?;
    let active = fields.size("num_experts_per_tok", 2)?;
    fields.at_most(("num_experts_per_tok", active), ("num_local_experts", experts))?;
    fields.note("experts", experts as f64);
    fields.note("active_experts", active as f64);
    decoder.causal_lm(fields, class, build, |build, at, _| {
        decoder.attention(build, at, [false; 2])?;
        let (moe, dims) = (format!("{at}.block_sparse_moe"), [decoder.hidden, decoder.intermediate]);
        build.linear(&format!("{moe}.gate"), Role::Router, [experts, decoder.hidden], false)?;
        build.experts(("num_local_experts", experts), &format!("{moe}.experts"), ["w1", "w3", "w2"], dims)?;
        decoder.norms(build, at, &["input_layernorm", "post_attention_layernorm"])
    })
}
