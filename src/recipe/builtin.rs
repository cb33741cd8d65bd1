//! The recipes that come with seedbed: recipes/*.toml, and each family's own in recipes/transformers.

use super::file::File;
use crate::model::{Family, Model};
use crate::{Error, Result};

/// The default: what `transformers` does to the model's family.
pub(super) const TRANSFORMERS: &str = "transformers";

/// A recipe that comes with seedbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuiltIn {
    /// The name by which it is called.
    pub name: &'static str,
    /// Its file.
    pub text: &'static str,
}

/// What a recipe's file says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct About {
    /// One line.
    pub summary: String,
    /// The paper or the file it follows.
    pub source: String,
    /// Who uses it.
    pub models: String,
    /// The recipe whose rules come before its own.
    pub first: Option<String>,
    /// The recipe whose rules come after its own.
    pub extends: Option<String>,
    /// The parameters that can be set, with their values: `sigma = 0.02`.
    pub parameters: Vec<String>,
}

impl BuiltIn {
    /// What its file says of itself.
    #[must_use]
    pub fn about(&self) -> About {
        // The tests read every built-in recipe.
        File::parse(self.name, self.text, true).map(|f| f.about).unwrap_or_default()
    }
}

macro_rules! builtins {
    ($($name:literal)*) => {
        &[$(BuiltIn { name: $name, text: include_str!(concat!("../../recipes/", $name, ".toml")) },)*]
    };
}

const ALL: &[BuiltIn] = builtins! {
    "fixed"
    "gpt2"
    "llama"
    "megatron"
    "torchtitan"
    "mitchell"
    "olmo2"
    "small-init-wang"
    "deepnorm"
    "deepnorm-encoder-decoder"
    "t-fixup"
    "timm-vit"
    "palm"
    "mamba"
    "torch-default"
    "flax-default"
    "llm-roles"
    "llm-roles-he"
    "mup"
    "u-mup"
    "residual-sqrt-n"
    "residual-alpha"
    "zero-residual"
    "norm-sqrt-d"
    "layerwise-decay"
    "split"
};

/// Every built-in recipe but `transformers`, which is a file a family.
#[must_use]
pub fn builtins() -> &'static [BuiltIn] {
    ALL
}

/// A recipe by its name; `transformers` is that of the model's family.
pub(super) fn find(name: &str, model: Option<&Model>) -> Result<BuiltIn> {
    if name == TRANSFORMERS {
        return model.map(|m| m.family().recipe()).ok_or_else(|| {
            Error::Model("transformers' own initialization is known for a config.json alone: give --recipe".to_owned())
        });
    }
    let families = Family::all().iter().map(|f| f.recipe());
    ALL.iter().copied().chain(families).find(|b| b.name == name).ok_or_else(|| {
        let known = std::iter::once(TRANSFORMERS).chain(ALL.iter().map(|b| b.name));
        Error::unknown("recipe", name, known).or_expected("the path of a TOML file")
    })
}
