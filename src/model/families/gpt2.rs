//! GPT-2: `GPT2Config` and `GPT2Model`.

use super::heads::{self, Task};
use crate::Result;
use crate::model::Role;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;

const fn class(name: &'static str) -> Class {
    Class { name, prefix: "transformer." }
}

pub(super) const FAMILY: Family = Family {
    model_types: &["gpt2"],
    classes: &[
        class("GPT2LMHeadModel"),
        Class { name: "GPT2Model", prefix: "" },
        class("GPT2DoubleHeadsModel"),
        class("GPT2ForSequenceClassification"),
        class("GPT2ForTokenClassification"),
        class("GPT2ForQuestionAnswering"),
    ],
    build,
};

/// No row of the embedding is zero: GPT-2 gives it no `padding_idx`, whatever `pad_token_id` says.
fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    // transformers maps the general names onto GPT-2's own, and lets them win where both stand.
    let size = |alias, name, default| fields.size(alias, fields.size(name, default)?);
    let d = size("hidden_size", "n_embd", 768)?;
    let heads = size("num_attention_heads", "n_head", 12)?;
    fields.divides(("n_embd", d), ("n_head", heads))?;
    let vocab = fields.size("vocab_size", 50257)?;
    let positions = size("max_position_embeddings", "n_positions", 1024)?;
    let layers = size("num_hidden_layers", "n_layer", 12)?;
    let inner = fields.optional_size("n_inner")?.unwrap_or(4 * d);
    let cross_attention = fields.flag("add_cross_attention", false)?;
    let tied = fields.flag("tie_word_embeddings", true)?;
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
            ("positions", positions),
        ],
    );

    build.push("wte.weight", Role::Embedding, &[vocab, d])?;
    build.push("wpe.weight", Role::Position, &[positions, d])?;
    build.layers("n_layer", layers, |build, i| {
        build.layer_norm(&format!("h.{i}.ln_1"), d)?;
        build.conv1d(&format!("h.{i}.attn.c_attn"), Role::Qkv, [d, 3 * d])?;
        build.conv1d(&format!("h.{i}.attn.c_proj"), Role::AttentionOutput, [d, d])?;
        build.layer_norm(&format!("h.{i}.ln_2"), d)?;
        if cross_attention {
            build.conv1d(&format!("h.{i}.crossattention.c_attn"), Role::KeyValue, [d, 2 * d])?;
            build.conv1d(&format!("h.{i}.crossattention.q_attn"), Role::Query, [d, d])?;
            build.conv1d(&format!("h.{i}.crossattention.c_proj"), Role::AttentionOutput, [d, d])?;
            build.layer_norm(&format!("h.{i}.ln_cross_attn"), d)?;
        }
        build.conv1d(&format!("h.{i}.mlp.c_fc"), Role::MlpIn, [d, inner])?;
        build.conv1d(&format!("h.{i}.mlp.c_proj"), Role::MlpOut, [inner, d])
    })?;
    build.layer_norm("ln_f", d)?;
    if class.name == "GPT2DoubleHeadsModel" {
        build.head(tied, "lm_head.weight", "transformer.wte.weight", [vocab, d])?;
        return summary(fields, build, d);
    }
    match Task::of(class) {
        Task::Base => Ok(()),
        Task::LanguageModel => build.head(tied, "lm_head.weight", "transformer.wte.weight", [vocab, d]),
        Task::Sequence => heads::sequence(fields, build, d),
        Task::Tokens => heads::labeled(fields, build, "classifier", fields.labels()?, d),
        Task::Answers => heads::answers(build, d),
    }
}

/// The second head of `GPT2DoubleHeadsModel`, which sums a sequence up for multiple choice. The class sets the number
/// of labels to 1.
fn summary(fields: &Fields, build: &mut Build, d: u64) -> Result<()> {
    if !fields.flag("summary_use_proj", true)? {
        return Ok(());
    }
    let to_labels = fields.flag("summary_proj_to_labels", true)?;
    build.outside_linear("multiple_choice_head.summary", Role::Head, [if to_labels { 1 } else { d }, d])
}
