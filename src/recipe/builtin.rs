//! The recipes that come with seedbed: recipes/*.toml, and the initialization of each family of models in
//! recipes/transformers/*.toml.

use super::file::{About, RecipeFile};
use crate::model::{Family, Model};
use crate::{Error, Result};

/// The name of the default recipe: what `transformers` does to the model's family.
pub(super) const TRANSFORMERS: &str = "transformers";

/// A recipe that comes with seedbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuiltIn {
    /// The name by which it is called.
    pub name: &'static str,
    /// The text of its file.
    pub text: &'static str,
}

impl BuiltIn {
    /// The recipe that is `transformers`' own initialization of a family of models, such as `transformers/llama`.
    ///
    /// ```
    /// use seedbed::model::Family;
    /// use seedbed::recipe::BuiltIn;
    /// for family in Family::all() {
    ///     assert!(BuiltIn::of_family(family).name.starts_with("transformers/"));
    /// }
    /// ```
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "every family has a row: a test reads them all")]
    pub fn of_family(family: &Family) -> Self {
        let row = OF_FAMILIES.iter().find(|(model_type, _)| *model_type == family.model_type());
        row.expect("a test holds that every family has a row").1
    }

    /// What its file says of itself.
    #[must_use]
    pub fn about(&self) -> About {
        // The tests read every built-in recipe, so that none fails here.
        RecipeFile::parse(self.name, self.text, true).map(|f| f.about).unwrap_or_default()
    }
}

macro_rules! builtin {
    ($name:expr) => {
        BuiltIn { name: $name, text: include_str!(concat!("../../recipes/", $name, ".toml")) }
    };
}

/// The recipes that serve every family, in the order in which they are listed to people.
const ALL: &[BuiltIn] = &[
    builtin!("fixed"),
    builtin!("gpt2"),
    builtin!("llama"),
    builtin!("megatron"),
    builtin!("torchtitan"),
    builtin!("mitchell"),
    builtin!("olmo2"),
    builtin!("small-init-wang"),
    builtin!("deepnorm"),
    builtin!("deepnorm-encoder-decoder"),
    builtin!("t-fixup"),
    builtin!("timm-vit"),
    builtin!("palm"),
    builtin!("mamba"),
    builtin!("torch-default"),
    builtin!("flax-default"),
    builtin!("llm-roles"),
    builtin!("llm-roles-he"),
    builtin!("mup"),
    builtin!("u-mup"),
    builtin!("adapters"),
    builtin!("residual-sqrt-n"),
    builtin!("residual-alpha"),
    builtin!("zero-residual"),
    builtin!("norm-sqrt-d"),
    builtin!("layerwise-decay"),
    builtin!("split"),
];

/// The `model_type` of each family, and its recipe. Two families may have one recipe.
const OF_FAMILIES: &[(&str, BuiltIn)] = &[
    ("gpt2", builtin!("transformers/gpt2")),
    ("gpt_neox", builtin!("transformers/gpt_neox")),
    ("llama", builtin!("transformers/llama")),
    ("mistral", builtin!("transformers/mistral")),
    ("qwen2", builtin!("transformers/qwen2")),
    ("qwen3", builtin!("transformers/qwen3")),
    ("phi3", builtin!("transformers/phi3")),
    ("gemma2", builtin!("transformers/gemma2")),
    ("gemma3", builtin!("transformers/gemma3")),
    ("gemma3_text", builtin!("transformers/gemma3")),
    ("olmo2", builtin!("transformers/olmo2")),
    ("mixtral", builtin!("transformers/mixtral")),
    ("qwen3_moe", builtin!("transformers/qwen3_moe")),
    ("deepseek_v3", builtin!("transformers/deepseek_v3")),
    ("bert", builtin!("transformers/bert")),
    ("roberta", builtin!("transformers/roberta")),
    ("xlm-roberta", builtin!("transformers/roberta")),
    ("camembert", builtin!("transformers/roberta")),
    ("vit", builtin!("transformers/vit")),
    ("clip", builtin!("transformers/clip")),
    ("t5", builtin!("transformers/t5")),
    ("mt5", builtin!("transformers/t5")),
    ("umt5", builtin!("transformers/t5")),
    ("whisper", builtin!("transformers/whisper")),
    ("mamba", builtin!("transformers/mamba")),
    ("mamba2", builtin!("transformers/mamba2")),
];

/// Every built-in recipe that serves any family, in the order of docs/recipes.md. [`BuiltIn::of_family`] gives those of
/// one family alone.
///
/// ```
/// let about = seedbed::recipe::builtins().iter().find(|b| b.name == "mup").unwrap().about();
/// assert!(about.parameters.contains(&"base_width = 256".to_owned()));
/// ```
#[must_use]
pub fn builtins() -> &'static [BuiltIn] {
    ALL
}

/// A recipe by its name; `transformers` is that of the model's family.
pub(super) fn find(name: &str, model: Option<&Model>) -> Result<BuiltIn> {
    if name == TRANSFORMERS {
        return model.map(|m| BuiltIn::of_family(m.family())).ok_or_else(|| {
            Error::Model(
                "transformers' own initialization is known only for a model with a config.json: name a recipe, such \
                 as gpt2"
                    .to_owned(),
            )
        });
    }
    let all = || ALL.iter().chain(OF_FAMILIES.iter().map(|(_, recipe)| recipe));
    all().copied().find(|b| b.name == name).ok_or_else(|| {
        // The recipes of single families are many: the list leaves them out, the nearest name may be one of them.
        let nearest = crate::error::nearest(name, std::iter::once(TRANSFORMERS).chain(all().map(|b| b.name)));
        let expected: Vec<&str> = std::iter::once(TRANSFORMERS).chain(ALL.iter().map(|b| b.name)).collect();
        Error::Unknown {
            what: "recipe",
            given: crate::value::text::clip(name),
            expected: format!("{}, or the path of a TOML file", expected.join(", ")),
            nearest: nearest.map(str::to_owned),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_family_has_one_recipe_and_every_row_a_family() {
        let families: Vec<&str> = Family::all().iter().map(|f| f.model_type()).collect();
        let rows: Vec<&str> = OF_FAMILIES.iter().map(|(model_type, _)| *model_type).collect();
        assert_eq!(families, rows, "OF_FAMILIES has a row for each family, in the order of Family::all");
    }

    #[test]
    fn every_file_of_a_recipe_is_built_in() {
        for (folder, prefix, known) in [
            ("recipes", "", ALL.iter().map(|b| b.name).collect::<BTreeSet<_>>()),
            ("recipes/transformers", "transformers/", OF_FAMILIES.iter().map(|(_, b)| b.name).collect()),
        ] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
            let files = entries.filter_map(|name| Some(format!("{prefix}{}", name.to_str()?.strip_suffix(".toml")?)));
            let files: BTreeSet<String> = files.collect();
            assert_eq!(files.iter().map(String::as_str).collect::<BTreeSet<_>>(), known);
        }
    }
}
