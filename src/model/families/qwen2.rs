//! Qwen2, and Qwen1.5 and Qwen2.5: `Qwen2Config` and `Qwen2Model`.

use super::decoder::{Absent, Decoder, Defaults};
use crate::Result;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;

pub(super) const FAMILY: Family = Family {
    model_types: &["qwen2"],
    classes: &[
        Class { name: "Qwen2ForCausalLM", prefix: "model." },
        Class { name: "Qwen2Model", prefix: "" },
        Class { name: "Qwen2ForSequenceClassification", prefix: "model." },
        Class { name: "Qwen2ForTokenClassification", prefix: "model." },
        Class { name: "Qwen2ForQuestionAnswering", prefix: "transformer." },
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
    head_dim: Absent::Other,
    divided: false,
    tied: false,
    pad: None,
};

fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    let decoder = Decoder::read(fields, &DEFAULTS)?;
    decoder.causal_lm(fields, class, build, |build, at, _| {
        decoder.attention(build, at, [true, false])?;
        decoder.mlp(build, at, false)?;
        decoder.norms(build, at, &["input_layernorm", "post_attention_layernorm"])
    })
}
