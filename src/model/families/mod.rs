//! The families of models that are known, a file each: which tensors a config makes, with which roles. Their laws are
//! not here: recipes/transformers has a file for each family, and recipe/builtin.rs says which.

use super::family::Family;
use super::fields::Fields;
use crate::value::text::clip;
use crate::{Error, Result};

mod bert;
mod clip;
mod decoder;
mod deepseek_v3;
mod gemma2;
mod gemma3;
mod gpt2;
mod gpt_neox;
mod heads;
mod llama;
mod mamba;
mod mamba2;
mod mistral;
mod mixtral;
mod olmo2;
mod phi3;
mod qwen2;
mod qwen3;
mod qwen3_moe;
mod roberta;
mod siglip;
mod t5;
mod vit;
mod whisper;

/// Every family. Its recipe stands in the table of recipe/builtin.rs.
static FAMILIES: &[&Family] = &[
    &gpt2::FAMILY,
    &gpt_neox::FAMILY,
    &llama::FAMILY,
    &mistral::FAMILY,
    &qwen2::FAMILY,
    &qwen3::FAMILY,
    &phi3::FAMILY,
    &gemma2::FAMILY,
    &gemma3::FAMILY,
    &gemma3::TEXT,
    &olmo2::FAMILY,
    &mixtral::FAMILY,
    &qwen3_moe::FAMILY,
    &deepseek_v3::FAMILY,
    &bert::FAMILY,
    &roberta::FAMILY,
    &roberta::XLM,
    &roberta::CAMEMBERT,
    &vit::FAMILY,
    &clip::FAMILY,
    &t5::FAMILY,
    &t5::MT5,
    &t5::UMT5,
    &whisper::FAMILY,
    &mamba::FAMILY,
    &mamba2::FAMILY,
];

impl Family {
    /// Every family, in the order in which they are listed to people.
    #[must_use]
    pub fn all() -> &'static [&'static Self] {
        FAMILIES
    }

    /// The family that a config's `model_type` names.
    pub(super) fn read(fields: &Fields) -> Result<&'static Self> {
        let types = || FAMILIES.iter().flat_map(|f| f.model_types).copied();
        let known = || types().collect::<Vec<_>>().join(", ");
        const OTHERS: &str = "a model of another type can be planned from a safetensors file, or from a recipe that \
                              lists its tensors";
        let given: String = fields
            .read("model_type")?
            .ok_or_else(|| Error::Config(format!("model_type is missing: known types are {}; {OTHERS}", known())))?;
        let family = FAMILIES.iter().find(|f| f.model_types.contains(&given.as_str()));
        family.copied().ok_or_else(|| Error::Unknown {
            what: "model_type",
            given: clip(&given),
            expected: format!("{}; {OTHERS}", known()),
            nearest: crate::error::nearest(&given, types()).map(str::to_owned),
        })
    }
}
