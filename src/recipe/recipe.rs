//! A recipe while it is put together: one file of rules or several, and the values that are set for their parameters.

use super::builtin::{self, TRANSFORMERS};
use super::expression::is_tensor_number;
use super::file::RecipeFile;
use super::finished::FinishedRecipe;
use crate::error::did_you_mean;
use crate::model::Model;
use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Numbers by which roles and layouts of tensors without a config are told.
const NUMBERS_OF_ROLES: [&str; 2] = ["hidden", "experts"];

/// An ordered list of rules that give tensors their laws: one file, or several, the rules of earlier ones first.
///
/// A recipe is made by [`Recipe::builtin`] or [`Recipe::parse`]; [`Recipe::then`] puts another one behind it, and
/// [`Recipe::set`] gives parameters other values. Its files may name other recipes, whose rules belong to it:
/// [`Recipe::finish`] adds them, and only the [`FinishedRecipe`] that it makes can be applied. The default is an empty
/// list, which `finish` makes `transformers`.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::{model::Model, recipe::Recipe};
/// let model = Model::from_json(r#"{"model_type": "llama", "num_hidden_layers": 2}"#)?;
/// let recipe = Recipe::parse("mine.toml", r#"
///     extends = "transformers"
///     [[rule]]
///     role = ["attention.output", "mlp.out"]
///     scheme = "normal(std = initializer_range / sqrt(2 * layers))"
/// "#)?;
/// let assignment = recipe.finish(Some(&model))?.assign(model.tensors())?;
/// assert_eq!(assignment.tensors[4].spec.name, "model.layers.0.self_attn.o_proj.weight");
/// assert_eq!(assignment.tensors[4].spec.scheme.to_string(), "normal(mean=0, std=0.01)");
/// # Ok(())
/// # }
/// ```
///
/// What is not finished cannot be applied: the rules of `extends` and `first` would be missing, and other rules would
/// give their tensors laws in silence.
///
/// ```compile_fail,E0599
/// # use seedbed::{model::Model, recipe::Recipe};
/// # let model = Model::from_json(r#"{"model_type": "gemma2"}"#)?;
/// Recipe::builtin("mup", Some(&model))?.assign(model.tensors())?;
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Recipe {
    files: Vec<Arc<RecipeFile>>,
    /// Values of parameters and of a model's numbers, which hold over those of the files and of the model.
    set: BTreeMap<String, f64>,
}

impl Recipe {
    /// Reads the text of a recipe file. `file` is its name in errors and in
    /// [`RuleOrigin::rule`](super::RuleOrigin::rule).
    ///
    /// ```
    /// # fn main() -> seedbed::Result<()> {
    /// use seedbed::recipe::Recipe;
    /// Recipe::parse("mine.toml", "[[rule]]\nscheme = \"normal(std = 1 / sqrt(fan_in))\"")?;
    /// let error = Recipe::parse("mine.toml", "[[rule]]\nrole = \"norms\"\nscheme = \"ones\"").unwrap_err();
    /// assert!(error.to_string().starts_with("mine.toml:1: unknown role \"norms\""));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Recipe`] with the line: where the text is not TOML, or has an unknown key, role, scheme or argument, or
    /// an expression or a glob that cannot be read.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        Ok(Self { files: vec![Arc::new(RecipeFile::parse(file, text, false)?)], set: BTreeMap::new() })
    }

    /// A built-in recipe by its name. `transformers` is that of `model`'s family: its own initialization.
    ///
    /// ```
    /// # fn main() -> seedbed::Result<()> {
    /// use seedbed::{model::Model, recipe::Recipe};
    /// let gemma = Model::from_json(r#"{"model_type": "gemma2"}"#)?;
    /// assert_eq!(Recipe::builtin("transformers", Some(&gemma))?.names(), ["transformers/gemma2"]);
    /// assert_eq!(Recipe::builtin("mup", None)?.names(), ["mup"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`] listing the known ones; [`Error::Model`] for `transformers` without a model.
    pub fn builtin(name: &str, model: Option<&Model>) -> Result<Self> {
        let found = builtin::find(name, model)?;
        Ok(Self { files: vec![Arc::new(RecipeFile::parse(found.name, found.text, true)?)], set: BTreeMap::new() })
    }

    /// Adds another recipe's rules after these.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.files.extend(other.files);
        self.set.extend(other.set);
        self
    }

    /// Gives a parameter, or a number of the model, another value. [`Recipe::finish`] refuses names that no expression
    /// reads.
    pub fn set(&mut self, name: &str, value: f64) {
        self.set.insert(name.to_owned(), value);
    }

    /// Adds the recipes that the files name: `first` before the file that names it, `extends` after all others, each
    /// once. Where there is no file at all, the recipe becomes `transformers`.
    ///
    /// Without a model, `transformers` behind a recipe that has rules for every tensor is left out.
    ///
    /// ```
    /// # fn main() -> seedbed::Result<()> {
    /// use seedbed::{model::Model, recipe::Recipe};
    /// let model = Model::from_json(r#"{"model_type": "gpt2"}"#)?;
    /// let recipe = Recipe::builtin("zero-residual", Some(&model))?;
    /// assert_eq!(recipe.names(), ["zero-residual"]);
    /// assert_eq!(recipe.finish(Some(&model))?.names(), ["zero-residual", "transformers/gpt2"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Recipe::builtin`], with the file and the line that name the recipe; [`Error::Model`] where a value
    /// was set that no expression reads.
    pub fn finish(mut self, model: Option<&Model>) -> Result<FinishedRecipe> {
        let chosen = self.files.clone();
        if self.files.is_empty() {
            self.files = Self::builtin(TRANSFORMERS, model)?.files;
        }
        self.add_named_recipes(model)?;
        let set_for_tensors = self.check_set(model)?;
        Ok(FinishedRecipe { files: self.files, set: self.set, chosen, set_for_tensors })
    }

    fn add_named_recipes(&mut self, model: Option<&Model>) -> Result<()> {
        let named = |file: &RecipeFile, key: &str, name: &str| {
            Self::builtin(name, model).map_err(|e| file.error(file.head, format!("{key}: {e}")))
        };
        let mut at = 0;
        while let Some(file) = self.files.get(at).cloned() {
            if let Some(first) = &file.about.first {
                let added = named(&file, "first", first)?.files;
                let new = added.into_iter().filter(|new| !self.files.iter().any(|f| f.name == new.name));
                let new: Vec<_> = new.collect();
                at += new.len();
                self.files.splice(at - new.len()..at - new.len(), new);
            }
            at += 1;
            let Some(base) = &file.about.extends else { continue };
            // Without a model `transformers` is left out where another recipe has rules for every tensor.
            if base == TRANSFORMERS && model.is_none() && self.files.iter().any(|f| f.is_whole()) {
                continue;
            }
            for new in named(&file, "extends", base)?.files {
                if !self.files.iter().any(|f| f.name == new.name) {
                    self.files.push(new);
                }
            }
        }
        Ok(())
    }

    /// Refuses a set value that nothing can ever read. Those that listed tensors and their roles depend on are given
    /// back.
    fn check_set(&self, model: Option<&Model>) -> Result<BTreeSet<String>> {
        let mut for_tensors = BTreeSet::new();
        for name in self.set.keys() {
            if is_tensor_number(name) {
                return Err(Error::Model(format!("{name} is set, but it is a number of each tensor's own")));
            }
            let reads = |file: &RecipeFile| file.names(name) || (name == "layers" && file.names("depth"));
            // Without a config the numbers of a list of tensors are those that are set, and roles are told by some.
            let tells_roles = model.is_none() && NUMBERS_OF_ROLES.contains(&name.as_str());
            if tells_roles || self.files.iter().any(|f| f.lists_by(name)) {
                for_tensors.insert(name.clone());
            } else if !self.files.iter().any(|f| reads(f)) {
                return Err(self.unread(name, model));
            }
        }
        Ok(for_tensors)
    }

    /// That a name is set which no expression reads.
    fn unread(&self, name: &str, model: Option<&Model>) -> Error {
        let parameters: BTreeSet<_> = self.files.iter().flat_map(|f| f.parameters.keys()).collect();
        let parameters: Vec<&str> = parameters.into_iter().map(String::as_str).collect();
        // The tensors of a stack share their numbers: each stack is asked once.
        let mut stacks: Vec<_> = model.iter().flat_map(|m| m.tensors()).map(|t| &t.variables).collect();
        stacks.dedup_by(|a, b| Arc::ptr_eq(a, b));
        let numbers: Vec<&str> = stacks.iter().flat_map(|stack| stack.keys()).map(String::as_str).collect();
        if parameters.contains(&name) || numbers.contains(&name) {
            let names = self.names().join(", ");
            return Error::Model(format!("{name} is set, but no expression of {names} reads it: nothing would change"));
        }
        let question = did_you_mean(name, parameters.iter().copied().chain(numbers));
        Error::Model(format!(
            "{name} is set, but no recipe has such a parameter ({}) or names it{}{question}",
            if parameters.is_empty() { "they have none".to_owned() } else { parameters.join(", ") },
            if model.is_some() { ", and the config has no such number" } else { "" },
        ))
    }

    /// The names of its files, built-in recipes by their own, in order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.files.iter().map(|f| f.name.as_str()).collect()
    }

    /// Whether one of its files lists tensors itself, in `[[tensor]]` entries.
    #[must_use]
    pub fn has_manifest(&self) -> bool {
        self.files.iter().any(|f| !f.manifest.is_empty())
    }
}
