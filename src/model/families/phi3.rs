//! Phi-3, and Phi-4: `Phi3Config` and `Phi3Model`.

use super::decoder::{Absent, Decoder, Defaults};
use crate::Result;
use crate::model::Role;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;

pub(super) const FAMILY: Family = Family {
    model_types: &["phi3"],
    classes: &[
        Class { name: "Phi3ForCausalLM", prefix: "model." },
        Class { name: "Phi3Model", prefix: "" },
        Class { name: "Phi3ForSequenceClassification", prefix: "model." },
        Class { name: "Phi3ForTokenClassification", prefix: "model." },
    ],
    build,
};

const DEFAULTS: Defaults = Defaults {
    vocab: 32064,
    hidden: 3072,
    intermediate: 8192,
    layers: 32,
    heads: 32,
    kv_heads: Absent::OtherOrNull,
    head_dim: Absent::Other,
    divided: false,
    tied: false,
    pad: Some(32000),
};

/// No matrix has a bias, whatever `attention_bias` says.
fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    let decoder = Decoder::read(fields, &DEFAULTS)?;
    let (hidden, inner, [queries, keys]) = (decoder.hidden, decoder.intermediate, decoder.widths());
    decoder.causal_lm(fields, class, build, |build, at, _| {
        let mut linear = |name, role, dims| build.linear(&format!("{at}.{name}"), role, dims, false);
        linear("self_attn.o_proj", Role::AttentionOutput, [hidden, queries])?;
        // At most 3 * 2^62: the sum does not overflow.
        linear("self_attn.qkv_proj", Role::Qkv, [queries + 2 * keys, hidden])?;
        linear("mlp.gate_up_proj", Role::MlpGateIn, [2 * inner, hidden])?;
        linear("mlp.down_proj", Role::MlpOut, [hidden, inner])?;
        decoder.norms(build, at, &["input_layernorm", "post_attention_layernorm"])
    })
}
