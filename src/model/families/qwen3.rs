//! Qwen3: `Qwen3Config` and `Qwen3Model`.

use super::decoder::{Absent, Decoder, Defaults};
use crate::Result;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;

pub(super) const FAMILY: Family = Family {
    model_types: &["qwen3"],
    classes: &[
        Class { name: "Qwen3ForCausalLM", prefix: "model." },
        Class { name: "Qwen3Model", prefix: "" },
        Class { name: "Qwen3ForSequenceClassification", prefix: "model." },
        Class { name: "Qwen3ForTokenClassification", prefix: "model." },
        Class { name: "Qwen3ForQuestionAnswering", prefix: "transformer." },
    ],
    build,
};

const DEFAULTS: Defaults = Defaults {
    vocab: 151_936,
    hidden: 4096,
    intermediate: 22016,
    layers: 32,
    heads: 32,
    kv_heads: Absent::NumberOrNull(32),
    head_dim: Absent::Number(128),
    divided: false,
    tied: false,
    pad: None,
};

fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    let decoder = Decoder::read(fields, &DEFAULTS)?;
    let bias = fields.flag("attention_bias", false)?;
    decoder.causal_lm(fields, class, build, |build, at, _| {
        decoder.attention(build, at, [bias; 2])?;
        decoder.qk_norms(build, at, [decoder.head_dim; 2])?;
        decoder.mlp(build, at, false)?;
        decoder.norms(build, at, &["input_layernorm", "post_attention_layernorm"])
    })
}
