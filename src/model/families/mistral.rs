//! Mistral: `MistralConfig` and `MistralModel`.

use super::decoder::{Absent, Decoder, Defaults};
use crate::Result;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;

pub(super) const FAMILY: Family = Family {
    model_types: &["mistral"],
    classes: &[
        Class { name: "MistralForCausalLM", prefix: "model." },
        Class { name: "MistralModel", prefix: "" },
        Class { name: "MistralForSequenceClassification", prefix: "model." },
        Class { name: "MistralForTokenClassification", prefix: "model." },
        Class { name: "MistralForQuestionAnswering", prefix: "model." },
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
    decoder.causal_lm(fields, class, build, |build, at, _| {
        decoder.attention(build, at, [false; 2])?;
        decoder.mlp(build, at, false)?;
        decoder.norms(build, at, &["input_layernorm", "post_attention_layernorm"])
    })
}
