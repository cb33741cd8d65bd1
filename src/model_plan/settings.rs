//! What of a request a file's metadata can hold: the recipes and the values that were set.

use super::text::NamedText;
use crate::{Error, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Where a recipe's rules are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipeText {
    /// In a built-in recipe of this name.
    Builtin(String),
    /// In this text.
    Own(NamedText),
}

/// What said which tensors a model has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TensorList {
    /// The config, or a recipe.
    #[default]
    Model,
    /// A checkpoint's header, all of whose tensors are written: theirs says the same again.
    Header,
    /// A part of a header, or a list of the caller's: the table alone says which tensors these were.
    Other,
}

/// What gives a model's tensors their laws, beside its config: enough to plan them again. Weights carry it in their
/// metadata.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PlanSettings {
    /// The recipes that were asked for, in their order; none means `transformers`.
    pub recipes: Vec<RecipeText>,
    /// The values that were set.
    pub set: BTreeMap<String, f64>,
    /// What said which tensors there are.
    pub tensors: TensorList,
    /// Whether tensors, or rows, are another checkpoint's: the table alone says which.
    pub keeps: bool,
}

impl PlanSettings {
    /// The recipes as JSON: built-in ones by their names, others as objects of `name` and `text`.
    #[must_use]
    pub fn recipe_json(&self) -> String {
        let recipe = |recipe: &RecipeText| match recipe {
            RecipeText::Builtin(name) => json!(name),
            RecipeText::Own(own) => json!({ "name": own.name, "text": own.text }),
        };
        Value::Array(self.recipes.iter().map(recipe).collect()).to_string()
    }

    /// The values as JSON: an object.
    #[must_use]
    pub fn set_json(&self) -> String {
        json!(self.set).to_string()
    }

    /// Reads what [`recipe_json`](Self::recipe_json) and [`set_json`](Self::set_json) give.
    ///
    /// # Errors
    /// [`Error::Config`] where a text is none of those.
    pub fn from_json(recipe: &str, set: &str) -> Result<Self> {
        let wrong = |what: &str, text: &str, why: &str| Error::Config(format!("{what} {text:?}: {why}"));
        let read = |value: &Value| {
            let text = |key: &str| value.get(key)?.as_str().map(str::to_owned);
            match value {
                Value::String(name) => Some(RecipeText::Builtin(name.clone())),
                _ => Some(RecipeText::Own(NamedText { name: text("name")?, text: text("text")? })),
            }
        };
        let list: Vec<Value> = serde_json::from_str(recipe).map_err(|e| wrong("recipe", recipe, &e.to_string()))?;
        let recipes = list.iter().map(read).collect::<Option<_>>();
        let recipes = recipes.ok_or_else(|| wrong("recipe", recipe, "expected names, or objects of name and text"))?;
        let set = serde_json::from_str(set).map_err(|e| wrong("set", set, &e.to_string()))?;
        Ok(Self { recipes, set, ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_were_written() {
        let own = NamedText { name: "mine.toml".to_owned(), text: "[[rule]]\nscheme = \"zeros\"\n".to_owned() };
        let settings = PlanSettings {
            recipes: vec![RecipeText::Builtin("mup".to_owned()), RecipeText::Own(own)],
            set: [("base_width".to_owned(), 256.0), ("sigma".to_owned(), 0.1 + 0.2)].into(),
            ..PlanSettings::default()
        };
        let (recipe, set) = (settings.recipe_json(), settings.set_json());
        assert!(recipe.starts_with("[\"mup\",{\"name\":\"mine.toml\",\"text\":") && !recipe.contains('\n'), "{recipe}");
        assert_eq!(PlanSettings::from_json(&recipe, &set).unwrap(), settings);
        let none = PlanSettings::default();
        assert_eq!(PlanSettings::from_json(&none.recipe_json(), &none.set_json()).unwrap(), none);
        for (recipe, set) in [("[", "{}"), ("{}", "{}"), ("[1]", "{}"), ("[{\"name\": \"a\"}]", "{}"), ("[]", "[1]")] {
            let error = PlanSettings::from_json(recipe, set).unwrap_err().to_string();
            assert!(error.starts_with("config: recipe ") || error.starts_with("config: set "), "{error}");
        }
    }
}
