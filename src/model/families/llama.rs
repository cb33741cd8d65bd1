//! Llama: `LlamaConfig` and `LlamaModel`.

use super::decoder::{Absent, Decoder, Defaults};
use crate::Result;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;

pub(super) const FAMILY: Family = Family {
    model_types: &["llama"],
    classes: &[
        Class { name: "LlamaForCausalLM", prefix: "model." },
        Class { name: "LlamaModel", prefix: "" },
        Class { name: "LlamaForSequenceClassification", prefix: "model." },
        Class { name: "LlamaForTokenClassification", prefix: "model." },
        Class { name: "LlamaForQuestionAnswering", prefix: "transformer." },
    ],
    build,
};

const DEFAULTS: Defaults = Defaults {
    vocab: 32000,
    hidden: 4096,
    intermediate: 11008,
    layers: 32,
    heads: 32,
    kv_heads: Absent::OtherOrNull,
    head_dim: Absent::OtherOrNull,
    divided: true,
    tied: false,
    pad: None,
};

fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    let decoder = Decoder::read(fields, &DEFAULTS)?;
    let std = fields.std("initializer_range", 0.02)?;
    if std > 1.0 {
        return Err(fields.error("initializer_range", format!("{std} is more than 1")));
    }
    let attention_bias = fields.flag("attention_bias", false)?;
    let mlp_bias = fields.flag("mlp_bias", false)?;
    decoder.causal_lm(fields, class, build, |build, at, _| {
        decoder.attention(build, at, [attention_bias; 2])?;
        decoder.mlp(build, at, mlp_bias)?;
        decoder.norms(build, at, &["input_layernorm", "post_attention_layernorm"])
    })
}
