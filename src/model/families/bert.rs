//! BERT: `BertConfig` and `BertModel`.

use super::heads::labeled as head;
use crate::Result;
use crate::model::Role;
use crate::model::build::{Build, fans};
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;

const fn class(name: &'static str) -> Class {
    Class { name, prefix: "bert." }
}

pub(super) const FAMILY: Family = Family {
    model_types: &["bert"],
    classes: &[
        class("BertForMaskedLM"),
        Class { name: "BertModel", prefix: "" },
        class("BertForPreTraining"),
        class("BertForSequenceClassification"),
        class("BertForTokenClassification"),
        class("BertForQuestionAnswering"),
        class("BertForMultipleChoice"),
        class("BertForNextSentencePrediction"),
        class("BertLMHeadModel"),
    ],
    build,
};

fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    let vocab = fields.size("vocab_size", 30522)?;
    let tied = fields.flag("tie_word_embeddings", true)?;
    let labels = fields.labels()?;
    let encoder = Encoder::read(fields, build, vocab)?;
    let d = encoder.hidden;
    let pad = fields.pad_row("pad_token_id", ("vocab_size", vocab), Some(0))?;

    build.push("embeddings.word_embeddings.weight", Role::Embedding, &[vocab, d])?.zero_rows.extend(pad);
    build.push("embeddings.position_embeddings.weight", Role::Position, &[encoder.positions, d])?;
    build.push("embeddings.token_type_embeddings.weight", Role::TokenType, &[encoder.types, d])?;
    build.layer_norm("embeddings.LayerNorm", d)?;
    encoder.layers(build)?;
    let name = class.name.strip_prefix("BertFor").unwrap_or(class.name);
    if ["BertModel", "PreTraining", "SequenceClassification", "MultipleChoice", "NextSentencePrediction"]
        .contains(&name)
    {
        build.linear("pooler.dense", Role::Pooler, [d, d], true)?;
    }
    match name {
        "MaskedLM" | "PreTraining" | "BertLMHeadModel" => {
            build.outside("cls.predictions.bias", Role::Bias, &[vocab])?.fans = fans(d, vocab);
            build.outside_linear("cls.predictions.transform.dense", Role::Pooler, [d, d])?;
            build.outside("cls.predictions.transform.LayerNorm.weight", Role::Norm, &[d])?;
            build.outside("cls.predictions.transform.LayerNorm.bias", Role::NormBias, &[d])?;
            if tied {
                build.tie("cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight");
                build.tie("cls.predictions.decoder.bias", "cls.predictions.bias");
            } else {
                build.outside_linear("cls.predictions.decoder", Role::Unembedding, [vocab, d])?;
            }
        }
        "SequenceClassification" | "TokenClassification" => head(fields, build, "classifier", labels, d)?,
        "QuestionAnswering" => head(fields, build, "qa_outputs", labels, d)?,
        "MultipleChoice" => head(fields, build, "classifier", 1, d)?,
        _ => {}
    }
    if ["PreTraining", "NextSentencePrediction"].contains(&name) {
        head(fields, build, "cls.seq_relationship", 2, d)?;
    }
    Ok(())
}

/// The encoder that BERT and RoBERTa share.
pub(super) struct Encoder {
    pub hidden: u64,
    pub positions: u64,
    pub types: u64,
    intermediate: u64,
    layers: u64,
    cross_attention: bool,
}

impl Encoder {
    /// Reads the fields of the encoder, and begins its stack.
    pub fn read(fields: &Fields, build: &mut Build, vocab: u64) -> Result<Self> {
        let hidden = fields.size("hidden_size", 768)?;
        let layers = fields.size("num_hidden_layers", 12)?;
        let heads = fields.size("num_attention_heads", 12)?;
        fields.divides(("hidden_size", hidden), ("num_attention_heads", heads))?;
        let intermediate = fields.size("intermediate_size", 3072)?;
        let positions = fields.size("max_position_embeddings", 512)?;
        let types = fields.size("type_vocab_size", 2)?;
        fields.std("initializer_range", 0.02)?;
        let cross_attention = fields.flag("add_cross_attention", false)?;
        if cross_attention && !fields.flag("is_decoder", false)? {
            return Err(fields.error("add_cross_attention", "is true where is_decoder is false"));
        }
        build.stack(
            fields,
            [
                ("hidden", hidden),
                ("intermediate", intermediate),
                ("layers", layers),
                ("heads", heads),
                ("kv_heads", heads),
                ("head_dim", hidden / heads),
                ("vocab", vocab),
                ("positions", positions),
            ],
        );
        Ok(Self { hidden, positions, types, intermediate, layers, cross_attention })
    }

    pub fn layers(&self, build: &mut Build) -> Result<()> {
        let (d, inner) = (self.hidden, self.intermediate);
        build.layers("num_hidden_layers", self.layers, |build, i| {
            let mut blocks = vec!["attention"];
            if self.cross_attention {
                blocks.push("crossattention");
            }
            for block in blocks {
                let name = format!("encoder.layer.{i}.{block}");
                build.linear(&format!("{name}.self.query"), Role::Query, [d, d], true)?;
                build.linear(&format!("{name}.self.key"), Role::Key, [d, d], true)?;
                build.linear(&format!("{name}.self.value"), Role::Value, [d, d], true)?;
                build.linear(&format!("{name}.output.dense"), Role::AttentionOutput, [d, d], true)?;
                build.layer_norm(&format!("{name}.output.LayerNorm"), d)?;
            }
            build.linear(&format!("encoder.layer.{i}.intermediate.dense"), Role::MlpIn, [inner, d], true)?;
            build.linear(&format!("encoder.layer.{i}.output.dense"), Role::MlpOut, [d, inner], true)?;
            build.layer_norm(&format!("encoder.layer.{i}.output.LayerNorm"), d)
        })
    }
}
