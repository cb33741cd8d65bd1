//! T5 and Flan-T5: `T5Config` and `T5Model`; mT5 and umT5, the same code with other defaults: `MT5Config`,
//! `UMT5Config`.

use super::heads::labeled;
use crate::Result;
use crate::model::Role;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;

const fn class(name: &'static str) -> Class {
    Class { name, prefix: "" }
}

const fn inside(name: &'static str) -> Class {
    Class { name, prefix: "transformer." }
}

pub(super) const FAMILY: Family = Family {
    model_types: &["t5"],
    classes: &[
        class("T5ForConditionalGeneration"),
        class("T5Model"),
        class("T5EncoderModel"),
        class("T5ForQuestionAnswering"),
        inside("T5ForSequenceClassification"),
        inside("T5ForTokenClassification"),
    ],
    build: |fields, class, build| push(fields, class, build, &T5),
};

pub(super) const MT5: Family = Family {
    model_types: &["mt5"],
    classes: &[
        class("MT5ForConditionalGeneration"),
        class("MT5Model"),
        class("MT5EncoderModel"),
        class("MT5ForQuestionAnswering"),
        inside("MT5ForSequenceClassification"),
        inside("MT5ForTokenClassification"),
    ],
    build: |fields, class, build| push(fields, class, build, &MULTILINGUAL),
};

pub(super) const UMT5: Family = Family {
    model_types: &["umt5"],
    classes: &[
        class("UMT5ForConditionalGeneration"),
        class("UMT5Model"),
        class("UMT5EncoderModel"),
        class("UMT5ForQuestionAnswering"),
        inside("UMT5ForSequenceClassification"),
        inside("UMT5ForTokenClassification"),
    ],
    build: |fields, class, build| push(fields, class, build, &Defaults { bias_in_every_layer: true, ..MULTILINGUAL }),
};

/// The defaults of a config class, and what tells its models from T5's.
struct Defaults {
    vocab: u64,
    inner: u64,
    layers: u64,
    heads: u64,
    feed_forward: &'static str,
    /// Whether every layer has a relative bias of its own; else all layers share the first one's.
    bias_in_every_layer: bool,
}

const T5: Defaults =
    Defaults { vocab: 32128, inner: 2048, layers: 6, heads: 8, feed_forward: "relu", bias_in_every_layer: false };

const MULTILINGUAL: Defaults = Defaults {
    vocab: 250_112,
    inner: 1024,
    layers: 8,
    heads: 6,
    feed_forward: "gated-gelu",
    bias_in_every_layer: false,
};

/// No row of the embedding is zero, and the head is tied whatever `tie_word_embeddings` says: transformers 5 reads
/// that as whether the decoder's output is scaled.
fn push(fields: &Fields, class: Class, build: &mut Build, defaults: &Defaults) -> Result<()> {
    // transformers maps the general names onto T5's own, and lets them win where both stand.
    let size = |alias, name, default| fields.size(alias, fields.size(name, default)?);
    let vocab = fields.size("vocab_size", defaults.vocab)?;
    let layers = size("num_hidden_layers", "num_layers", defaults.layers)?;
    // transformers applies the alias only after it has set the decoder's layers.
    let default = fields.size("num_layers", defaults.layers)?;
    let decoder_layers = fields.optional_size("num_decoder_layers")?.unwrap_or(default);
    fields.std("initializer_factor", 1.0)?;
    let stack = Stack {
        d: size("hidden_size", "d_model", 512)?,
        heads: size("num_attention_heads", "num_heads", defaults.heads)?,
        head_dim: size("head_dim", "d_kv", 64)?,
        inner: fields.size("d_ff", defaults.inner)?,
        buckets: fields.size("relative_attention_num_buckets", 32)?,
        gated: gated(fields, defaults.feed_forward)?,
        vocab,
        bias_in_every_layer: defaults.bias_in_every_layer,
        prefix: class.prefix,
    };
    let name = class.name.trim_start_matches(['U', 'M']);

    stack.begin(fields, build, layers);
    build.push("shared.weight", Role::Embedding, &[vocab, stack.d])?;
    if ["T5EncoderModel", "T5ForTokenClassification"].contains(&name) {
        stack.push(build, "encoder", ("num_layers", layers), fields.flag("is_decoder", false)?)?;
    } else {
        stack.push(build, "encoder", ("num_layers", layers), false)?;
        stack.begin(fields, build, decoder_layers);
        stack.push(build, "decoder", ("num_decoder_layers", decoder_layers), true)?;
    }
    match name {
        "T5ForConditionalGeneration" => build.tie("lm_head.weight", "shared.weight"),
        "T5ForQuestionAnswering" => labeled(fields, build, "qa_outputs", fields.labels()?, stack.d)?,
        "T5ForSequenceClassification" => {
            build.outside_linear("classification_head.dense", Role::Pooler, [stack.d, stack.d])?;
            labeled(fields, build, "classification_head.out_proj", fields.labels()?, stack.d)?;
        }
        "T5ForTokenClassification" => labeled(fields, build, "classifier", fields.labels()?, stack.d)?,
        // The base models have no head.
        _ => {}
    }
    Ok(())
}

/// Whether the feed-forward block is gated.
fn gated(fields: &Fields, default: &str) -> Result<bool> {
    let name = fields.read::<String>("feed_forward_proj")?.unwrap_or_else(|| default.to_owned());
    let words: Vec<_> = name.split('-').collect();
    let gated = match words[..] {
        [one] if one != "gated" => false,
        ["gated", _] => true,
        _ => {
            let name = super::clip(&name);
            return Err(
                fields.error("feed_forward_proj", format!("{name:?} is neither ACTIVATION nor gated-ACTIVATION"))
            );
        }
    };
    // Files of transformers 4 also hold `is_gated_act`, which transformers 4 made of that word: it wins.
    Ok(fields.read::<Option<bool>>("is_gated_act")?.map_or(gated, Option::unwrap_or_default))
}

/// What the encoder and the decoder have in common.
struct Stack {
    d: u64,
    heads: u64,
    head_dim: u64,
    inner: u64,
    buckets: u64,
    gated: bool,
    vocab: u64,
    bias_in_every_layer: bool,
    /// What stands before the names of both.
    prefix: &'static str,
}

impl Stack {
    fn begin(&self, fields: &Fields, build: &mut Build, layers: u64) {
        build.stack(
            fields,
            [
                ("hidden", self.d),
                ("intermediate", self.inner),
                ("layers", layers),
                ("heads", self.heads),
                ("kv_heads", self.heads),
                ("head_dim", self.head_dim),
                ("vocab", self.vocab),
            ],
        );
    }

    fn push(&self, build: &mut Build, name: &str, (field, layers): (&str, u64), cross_attention: bool) -> Result<()> {
        let (d, inner) = (self.d, self.inner);
        let attention = |build: &mut Build, name: &str| {
            let width = self.heads * self.head_dim;
            build.linear(&format!("{name}.q"), Role::Query, [width, d], false)?;
            build.linear(&format!("{name}.k"), Role::Key, [width, d], false)?;
            build.linear(&format!("{name}.v"), Role::Value, [width, d], false)?;
            build.linear(&format!("{name}.o"), Role::AttentionOutput, [d, width], false)
        };
        let at = self.prefix;
        build.tie(format!("{at}{name}.embed_tokens.weight"), format!("{at}shared.weight"));
        build.layers(field, layers, |build, i| {
            let block = format!("{name}.block.{i}.layer");
            attention(build, &format!("{block}.0.SelfAttention"))?;
            if i == 0 || self.bias_in_every_layer {
                let bias = format!("{block}.0.SelfAttention.relative_attention_bias.weight");
                build.push(&bias, Role::RelativeBias, &[self.buckets, self.heads])?;
            }
            build.norm(&format!("{block}.0.layer_norm"), d)?;
            if cross_attention {
                attention(build, &format!("{block}.1.EncDecAttention"))?;
                build.norm(&format!("{block}.1.layer_norm"), d)?;
            }
            let last = format!("{block}.{}", if cross_attention { 2 } else { 1 });
            if self.gated {
                build.linear(&format!("{last}.DenseReluDense.wi_0"), Role::MlpGate, [inner, d], false)?;
                build.linear(&format!("{last}.DenseReluDense.wi_1"), Role::MlpIn, [inner, d], false)?;
            } else {
                build.linear(&format!("{last}.DenseReluDense.wi"), Role::MlpIn, [inner, d], false)?;
            }
            build.linear(&format!("{last}.DenseReluDense.wo"), Role::MlpOut, [d, inner], false)?;
            build.norm(&format!("{last}.layer_norm"), d)
        })?;
        build.norm(&format!("{name}.final_layer_norm"), d)
    }
}
