//! Gemma 2: `Gemma2Config` and `Gemma2Model`.

use super::decoder::{Absent, Decoder, Defaults};
use crate::Result;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;

pub(super) const FAMILY: Family = Family {
    model_types: &["gemma2"],
    classes: &[
        Class { name: "Gemma2ForCausalLM", prefix: "model." },
        Class { name: "Gemma2Model", prefix: "" },
        Class { name: "Gemma2ForSequenceClassification", prefix: "model." },
        Class { name: "Gemma2ForTokenClassification", prefix: "model." },
    ],
    build,
};

const DEFAULTS: Defaults = Defaults {
    vocab: 256_000,
    hidden: 2304,
    intermediate: 9216,
    layers: 26,
    heads: 8,
    kv_heads: Absent::Number(4),
    head_dim: Absent::Number(256),
    divided: true,
    tied: true,
    pad: Some(0),
};

/// Norms stand on both sides of each block.
pub(super) const NORMS: [&str; 4] =
    ["input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"];

fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    let decoder = Decoder::read(fields, &DEFAULTS)?;
    let bias = fields.flag("attention_bias", false)?;
    build.norms_are_offsets();
    decoder.causal_lm(fields, class, build, |build, at, _| {
        decoder.attention(build, at, [bias; 2])?;
        decoder.mlp(build, at, false)?;
        decoder.norms(build, at, &NORMS)
    })
}
