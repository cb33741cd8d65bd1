//! GPT-NeoX, and Pythia: `GPTNeoXConfig` and `GPTNeoXModel`.

use super::decoder::layer_types;
use super::heads::{self, Task};
use crate::Result;
use crate::model::Role;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;

pub(super) const FAMILY: Family = Family {
    model_types: &["gpt_neox"],
    classes: &[
        Class { name: "GPTNeoXForCausalLM", prefix: "gpt_neox." },
        Class { name: "GPTNeoXModel", prefix: "" },
        Class { name: "GPTNeoXForSequenceClassification", prefix: "gpt_neox." },
        Class { name: "GPTNeoXForTokenClassification", prefix: "gpt_neox." },
        Class { name: "GPTNeoXForQuestionAnswering", prefix: "gpt_neox." },
    ],
    build,
};

/// No row of the embedding is zero: it has no `padding_idx`, whatever `pad_token_id` says.
fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    let vocab = fields.size("vocab_size", 50432)?;
    let d = fields.size("hidden_size", 6144)?;
    let heads = fields.size("num_attention_heads", 64)?;
    fields.divides(("hidden_size", d), ("num_attention_heads", heads))?;
    let inner = fields.size("intermediate_size", 24576)?;
    let layers = fields.size("num_hidden_layers", 44)?;
    layer_types(fields, layers)?;
    let bias = fields.flag("attention_bias", true)?;
    let tied = fields.flag("tie_word_embeddings", false)?;
    fields.std("initializer_range", 0.02)?;
    build.stack(
        fields,
        [
            ("hidden", d),
            ("intermediate", inner),
            ("layers", layers),
            ("heads", heads),
            ("kv_heads", heads),
            ("head_dim", d / heads),
            ("vocab", vocab),
        ],
    );

    build.push("embed_in.weight", Role::Embedding, &[vocab, d])?;
    build.layers("num_hidden_layers", layers, |build, i| {
        build.layer_norm(&format!("layers.{i}.input_layernorm"), d)?;
        build.layer_norm(&format!("layers.{i}.post_attention_layernorm"), d)?;
        build.linear(&format!("layers.{i}.attention.query_key_value"), Role::Qkv, [3 * d, d], bias)?;
        build.linear(&format!("layers.{i}.attention.dense"), Role::AttentionOutput, [d, d], bias)?;
        build.linear(&format!("layers.{i}.mlp.dense_h_to_4h"), Role::MlpIn, [inner, d], true)?;
        build.linear(&format!("layers.{i}.mlp.dense_4h_to_h"), Role::MlpOut, [d, inner], true)
    })?;
    build.layer_norm("final_layer_norm", d)?;
    match Task::of(class) {
        Task::Base => Ok(()),
        // transformers 5 calls it `lm_head` in memory, and `embed_out` in files.
        Task::LanguageModel => build.head(tied, "embed_out.weight", "gpt_neox.embed_in.weight", [vocab, d]),
        Task::Sequence => heads::sequence(fields, build, d),
        Task::Tokens => heads::labeled(fields, build, "classifier", fields.labels()?, d),
        Task::Answers => heads::answers(build, d),
    }
}
