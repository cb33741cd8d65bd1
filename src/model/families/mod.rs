//! The families of models that are known, a file each: which tensors a config makes, with which roles. Their laws stand
//! in recipes/transformers, a file each again.

use super::build::Build;
use super::fields::Fields;
use super::text::clip;
use crate::recipe::BuiltIn;
use crate::{Error, Result};

mod bert;
mod clip;
mod decoder;
mod deepseek_v3;
mod gemma2;
mod gemma3;
mod gpt2;
mod gpt_neox;
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

/// A family of models: what the `model_type` of a config names.
#[non_exhaustive]
pub struct Family {
    /// The `model_type`s, the family's own first.
    pub(super) model_types: &'static [&'static str],
    /// The classes that `architectures` can name, the one that is taken where it names none first.
    pub(super) classes: &'static [Class],
    pub(super) build: fn(&Fields, Class, &mut Build) -> Result<()>,
    recipe: BuiltIn,
}

/// The recipe of a family, by its file's name.
macro_rules! transformers {
    ($name:literal) => {
        crate::recipe::BuiltIn {
            name: concat!("transformers/", $name),
            text: include_str!(concat!("../../../recipes/transformers/", $name, ".toml")),
        }
    };
}
use transformers;

/// A class of `transformers`, and where it keeps the base model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Class {
    pub name: &'static str,
    /// What stands before the names of the base model.
    pub prefix: &'static str,
}

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
    &vit::FAMILY,
    &clip::FAMILY,
    &t5::FAMILY,
    &whisper::FAMILY,
    &mamba::FAMILY,
    &mamba2::FAMILY,
];

impl Family {
    /// Every family.
    #[must_use]
    pub fn all() -> &'static [&'static Self] {
        FAMILIES
    }

    /// The `model_type` that names this family.
    #[must_use]
    pub fn model_type(&self) -> &'static str {
        self.model_types[0]
    }

    /// The recipe that is `transformers`' own initialization of these models: `transformers/llama`.
    #[must_use]
    pub fn recipe(&self) -> BuiltIn {
        self.recipe
    }

    pub(super) fn read(fields: &Fields) -> Result<&'static Self> {
        let known = || {
            let types: Vec<_> = FAMILIES.iter().flat_map(|f| f.model_types).copied().collect();
            format!(
                "{}; for other models give --like a safetensors file, or a recipe with a manifest",
                types.join(", ")
            )
        };
        let given: String = fields
            .read("model_type")?
            .ok_or_else(|| Error::Config(format!("model_type is missing: known types are {}", known())))?;
        let family = FAMILIES.iter().find(|f| f.model_types.contains(&given.as_str()));
        family.copied().ok_or_else(|| {
            let nearest = crate::error::nearest(&given, FAMILIES.iter().flat_map(|f| f.model_types).copied());
            let nearest = nearest.map(str::to_owned);
            Error::Unknown { what: "model_type", given: clip(&given), expected: known(), nearest }
        })
    }
}

impl PartialEq for Family {
    fn eq(&self, other: &Self) -> bool {
        self.model_types == other.model_types
    }
}

impl Eq for Family {}

impl std::fmt::Debug for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Family").field(&self.model_type()).finish()
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.model_type())
    }
}
