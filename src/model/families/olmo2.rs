//! OLMo 2: `Olmo2Config` and `Olmo2Model`.

use super::decoder::{Absent, Decoder, Defaults};
use crate::Result;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;

pub(super) const FAMILY: Family = Family {
    model_types: &["olmo2"],
    classes: &[
        Class { name: "Olmo2ForCausalLM", prefix: "model." },
        Class { name: "Olmo2Model", prefix: "" },
        Class { name: "Olmo2ForSequenceClassification", prefix: "model." },
    ],
    build,
};

const DEFAULTS: Defaults = Defaults {
    vocab: 50304,
    hidden: 4096,
    intermediate: 11008,
    layers: 32,
    heads: 32,
    kv_heads: Absent::OtherOrNull,
    head_dim: Absent::Other,
    divided: false,
    tied: false,
    pad: Some(1),
};

/// No norm stands before a block: each block's output is normed, and so are queries and keys, of all heads at once.
fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    let decoder = Decoder::read(fields, &DEFAULTS)?;
    let bias = fields.flag("attention_bias", false)?;
    decoder.causal_lm(fields, class, build, |build, at, _| {
        decoder.attention(build, at, [bias; 2])?;
        decoder.qk_norms(build, at, decoder.widths())?;
        decoder.mlp(build, at, false)?;
        decoder.norms(build, at, &["post_attention_layernorm", "post_feedforward_layernorm"])
    })
}
