//! RoBERTa, and what is the same code with other defaults, XLM-RoBERTa and CamemBERT: `RobertaConfig` and
//! `RobertaModel`, `XLMRobertaConfig`, `CamembertConfig`.

use super::bert::Encoder;
use super::heads::labeled as head;
use crate::Result;
use crate::model::Role;
use crate::model::build::{Build, fans};
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;

const fn class(name: &'static str) -> Class {
    Class { name, prefix: "roberta." }
}

pub(super) const FAMILY: Family = Family {
    model_types: &["roberta"],
    classes: &[
        class("RobertaForMaskedLM"),
        Class { name: "RobertaModel", prefix: "" },
        class("RobertaForSequenceClassification"),
        class("RobertaForTokenClassification"),
        class("RobertaForQuestionAnswering"),
        class("RobertaForMultipleChoice"),
        class("RobertaForCausalLM"),
    ],
    build: |fields, class, build| push(fields, class, build, 50265),
};

pub(super) const XLM: Family = Family {
    model_types: &["xlm-roberta"],
    classes: &[
        class("XLMRobertaForMaskedLM"),
        Class { name: "XLMRobertaModel", prefix: "" },
        class("XLMRobertaForSequenceClassification"),
        class("XLMRobertaForTokenClassification"),
        class("XLMRobertaForQuestionAnswering"),
        class("XLMRobertaForMultipleChoice"),
        class("XLMRobertaForCausalLM"),
    ],
    build: |fields, class, build| push(fields, class, build, 30522),
};

pub(super) const CAMEMBERT: Family = Family {
    model_types: &["camembert"],
    classes: &[
        class("CamembertForMaskedLM"),
        Class { name: "CamembertModel", prefix: "" },
        class("CamembertForSequenceClassification"),
        class("CamembertForTokenClassification"),
        class("CamembertForQuestionAnswering"),
        class("CamembertForMultipleChoice"),
        class("CamembertForCausalLM"),
    ],
    build: |fields, class, build| push(fields, class, build, 30522),
};

fn push(fields: &Fields, class: Class, build: &mut Build, default_vocab: u64) -> Result<()> {
    let vocab = fields.size("vocab_size", default_vocab)?;
    let tied = fields.flag("tie_word_embeddings", true)?;
    let labels = fields.labels()?;
    let encoder = Encoder::read(fields, build, vocab)?;
    let d = encoder.hidden;
    // Both tables, of tokens and of positions, have a padding row; positions are counted from the row behind it.
    let pad = |rows| fields.pad_row("pad_token_id", rows, Some(1));
    let (pad, pad_position) = (pad(("vocab_size", vocab))?, pad(("max_position_embeddings", encoder.positions))?);

    build.push("embeddings.word_embeddings.weight", Role::Embedding, &[vocab, d])?.zero_rows.extend(pad);
    build.push("embeddings.token_type_embeddings.weight", Role::TokenType, &[encoder.types, d])?;
    build.layer_norm("embeddings.LayerNorm", d)?;
    let positions = build.push("embeddings.position_embeddings.weight", Role::Position, &[encoder.positions, d])?;
    positions.zero_rows.extend(pad_position);
    encoder.layers(build)?;
    let name = class.name.split_once("For").map_or("Model", |(_, task)| task);
    if ["Model", "MultipleChoice"].contains(&name) {
        build.linear("pooler.dense", Role::Pooler, [d, d], true)?;
    }
    match name {
        "MaskedLM" | "CausalLM" => {
            build.outside("lm_head.bias", Role::Bias, &[vocab])?.fans = fans(d, vocab);
            build.outside_linear("lm_head.dense", Role::Pooler, [d, d])?;
            build.outside("lm_head.layer_norm.weight", Role::Norm, &[d])?;
            build.outside("lm_head.layer_norm.bias", Role::NormBias, &[d])?;
            if tied {
                build.tie("lm_head.decoder.weight", "roberta.embeddings.word_embeddings.weight");
                build.tie("lm_head.decoder.bias", "lm_head.bias");
            } else {
                build.outside_linear("lm_head.decoder", Role::Unembedding, [vocab, d])?;
            }
        }
        "SequenceClassification" => {
            build.outside_linear("classifier.dense", Role::Pooler, [d, d])?;
            head(fields, build, "classifier.out_proj", labels, d)?;
        }
        "TokenClassification" => head(fields, build, "classifier", labels, d)?,
        "QuestionAnswering" => head(fields, build, "qa_outputs", labels, d)?,
        "MultipleChoice" => head(fields, build, "classifier", 1, d)?,
        _ => {}
    }
    Ok(())
}
