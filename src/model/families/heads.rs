//! The heads that most models can have: `GenericForSequenceClassification` and its kin in `modeling_layers.py`, and the
//! linear layers that other classes put behind their base model.

use crate::Result;
use crate::model::Role;
use crate::model::build::Build;
use crate::model::family::Class;
use crate::model::fields::Fields;

/// What a class does with what its base model makes, by the end of its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Task {
    /// The base model alone.
    Base,
    /// Logits over the vocabulary.
    LanguageModel,
    /// The class of a text, an image or a recording.
    Sequence,
    /// A class for each token.
    Tokens,
    /// Where an answer begins and ends.
    Answers,
}

impl Task {
    /// The task of a class.
    pub fn of(class: Class) -> Self {
        let ends = |ends: &[&str]| ends.iter().any(|end| class.name.ends_with(end));
        if ends(&["ForSequenceClassification"]) {
            Self::Sequence
        } else if ends(&["ForTokenClassification"]) {
            Self::Tokens
        } else if ends(&["ForQuestionAnswering"]) {
            Self::Answers
        } else if ends(&["ForCausalLM", "LMHeadModel"]) {
            Self::LanguageModel
        } else {
            Self::Base
        }
    }
}

/// A head that tells `labels` classes apart, with a bias. One of no classes is refused.
pub(super) fn labeled(fields: &Fields, build: &mut Build, name: &str, labels: u64, d: u64) -> Result<()> {
    scores(fields, build, name, labels, d)?;
    build.bias(labels)?;
    Ok(())
}

/// The same without a bias.
fn scores(fields: &Fields, build: &mut Build, name: &str, labels: u64, d: u64) -> Result<()> {
    if labels == 0 {
        return Err(fields.error("num_labels", "is 0, must be at least 1"));
    }
    build.outside(format!("{name}.weight"), Role::Head, &[labels, d])?;
    Ok(())
}

/// The head `score` of sequence classification, which has no bias.
pub(super) fn sequence(fields: &Fields, build: &mut Build, d: u64) -> Result<()> {
    scores(fields, build, "score", fields.labels()?, d)
}

/// The head `score` of token classification, whose bias a config can leave out.
pub(super) fn tokens(fields: &Fields, build: &mut Build, d: u64) -> Result<()> {
    let labels = fields.labels()?;
    match fields.flag("token_classification_bias", true)? {
        true => labeled(fields, build, "score", labels, d),
        false => scores(fields, build, "score", labels, d),
    }
}

/// The head of question answering: it has two outputs, whatever `num_labels` says.
pub(super) fn answers(build: &mut Build, d: u64) -> Result<()> {
    build.outside_linear("qa_outputs", Role::Head, [2, d])
}
