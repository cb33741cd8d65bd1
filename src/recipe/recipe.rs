//! A recipe: one file of rules or several, and the values that were set for their parameters.

use super::builtin::{self, TRANSFORMERS};
use super::expression::is_tensor_number;
use super::file::RecipeFile;
use super::manifest::MAX_TENSORS;
use super::named_numbers::NamedNumbers;
use super::role_names;
use crate::error::did_you_mean;
use crate::model::{Model, ModelTensor, Role, Told, Variables};
use crate::value::text::clip;
use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// An ordered list of rules that give tensors their laws: one file, or several, the rules of earlier ones first.
///
/// A recipe is made by [`Recipe::builtin`] or [`Recipe::parse`]; [`Recipe::then`] puts another one behind it,
/// [`Recipe::set`] gives parameters other values, [`Recipe::finish`] adds the recipes that its files name, and
/// [`Recipe::assign`] applies it. The default is an empty list, which `finish` makes `transformers`.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::{model::Model, recipe::Recipe};
/// let model = Model::from_json(r#"{"model_type": "llama", "num_hidden_layers": 2}"#)?;
/// let mut recipe = Recipe::parse("mine.toml", r#"
///     extends = "transformers"
///     [[rule]]
///     role = ["attention.output", "mlp.out"]
///     scheme = "normal(std = initializer_range / sqrt(2 * layers))"
/// "#)?;
/// recipe.finish(Some(&model))?;
/// let assignment = recipe.assign(model.tensors())?;
/// assert_eq!(assignment.tensors[4].spec.name, "model.layers.0.self_attn.o_proj.weight");
/// assert_eq!(assignment.tensors[4].spec.scheme.to_string(), "normal(mean=0, std=0.01)");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Recipe {
    pub(super) files: Vec<Arc<RecipeFile>>,
    /// Values of parameters and of a model's numbers, which hold over those of the files and of the model.
    pub(super) set: BTreeMap<String, f64>,
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

    /// Gives a parameter, or a number of the model, another value. [`Recipe::finish`] refuses names that nobody knows.
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
    /// let mut recipe = Recipe::builtin("zero-residual", Some(&model))?;
    /// recipe.finish(Some(&model))?;
    /// assert_eq!(recipe.names(), ["zero-residual", "transformers/gpt2"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Recipe::builtin`], with the file and the line that name the recipe; [`Error::Model`] where a value
    /// was set that no recipe and no tensor of `model` knows.
    pub fn finish(&mut self, model: Option<&Model>) -> Result<()> {
        if self.files.is_empty() {
            *self = Self { set: std::mem::take(&mut self.set), ..Self::builtin(TRANSFORMERS, model)? };
        }
        self.add_named_recipes(model)?;
        self.check_set(model)
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

    /// Refuses a set value that no expression can ever read.
    fn check_set(&self, model: Option<&Model>) -> Result<()> {
        for name in self.set.keys() {
            if is_tensor_number(name) {
                return Err(Error::Model(format!("{name} is set, but it is a number of each tensor's own")));
            }
            // Without a model nobody knows which numbers its tensors are asked for.
            let known = self.files.iter().any(|f| f.parameters.contains_key(name) || f.names(name))
                || model.is_none_or(|m| m.tensors().iter().any(|t| t.variables.contains_key(name)));
            if !known {
                let parameters: BTreeSet<_> = self.files.iter().flat_map(|f| f.parameters.keys()).collect();
                let parameters: Vec<&str> = parameters.into_iter().map(String::as_str).collect();
                // The tensors of a stack share their numbers: each stack is asked once.
                let mut stacks: Vec<_> = model.iter().flat_map(|m| m.tensors()).map(|t| &t.variables).collect();
                stacks.dedup_by(|a, b| Arc::ptr_eq(a, b));
                let numbers = stacks.iter().flat_map(|stack| stack.keys()).map(String::as_str);
                let question = did_you_mean(name, parameters.iter().copied().chain(numbers));
                return Err(Error::Model(format!(
                    "{name} is set, but no recipe has such a parameter ({}) or names it, and the config has no such \
                     number{question}",
                    if parameters.is_empty() { "they have none".to_owned() } else { parameters.join(", ") }
                )));
            }
        }
        Ok(())
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

    /// The tensors that its files list. The names in shapes are those of parameters, of what was set, and of `numbers`.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the line, where a shape's expression cannot be evaluated, a shape is too large, or there
    /// are more than 100,000 tensors.
    pub fn manifest(&self, numbers: &Variables) -> Result<Vec<ModelTensor>> {
        let mut tensors = Vec::new();
        let known = NamedNumbers::of_files(&self.files, &self.set, numbers);
        for (f, file) in self.files.iter().enumerate() {
            for entry in &file.manifest {
                let more = entry.tensors(|e| e.value(|name| known.value(f, name)), MAX_TENSORS - tensors.len());
                tensors.extend(more.map_err(|e| file.error(entry.line, e.in_tensor(&clip(&entry.name))))?);
            }
        }
        Ok(tensors)
    }

    /// The parameters that depend on no tensor, with their values, and what was set: the numbers of a list of tensors
    /// that has no config.
    #[must_use]
    pub fn numbers(&self) -> Variables {
        let mut numbers = Variables::new();
        let none = Variables::new();
        let known = NamedNumbers::of_files(&self.files, &self.set, &none);
        for (f, file) in self.files.iter().enumerate().rev() {
            let value = |name: &String| Some((name.clone(), known.value(f, name).ok()?));
            numbers.extend(file.parameters.keys().filter_map(value));
        }
        numbers.extend(self.set.clone());
        numbers
    }

    /// Gives every tensor without a role ([`Role::Other`]) or a layer the one that its name tells: the role by the
    /// recipe's own `[[role]]` entries, then by the usual names.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the line, where a glob of a `[[role]]` entry of a user's file matches no tensor at all.
    pub fn find_roles(&self, tensors: &mut [ModelTensor]) -> Result<()> {
        for file in self.files.iter().filter(|file| !file.is_builtin) {
            for (line, names, _) in &file.roles {
                if !tensors.iter().any(|t| names.matches(&t.name)) {
                    return Err(file.error(*line, format!("name {} matches no tensor", names.texts())));
                }
            }
        }
        for tensor in tensors.iter_mut().filter(|t| t.layer.is_none()) {
            tensor.layer = role_names::layer_of(&tensor.name);
        }
        // Names that differ by the numbers of layers and experts alone have one role.
        let mut known: HashMap<(String, usize), Role> = HashMap::new();
        for tensor in tensors.iter_mut().filter(|t| t.role == Role::Other) {
            let entries = self.files.iter().flat_map(|f| f.roles.iter().map(move |entry| (f, entry)));
            let own = entries.into_iter().find(|(_, (_, names, _))| names.matches(&tensor.name));
            if let Some((file, &(line, _, role))) = own {
                tensor.role = role;
                tensor.told = Told::Entry(format!("{}:{line}", file.name).into());
                continue;
            }
            let kind = (role_names::kind_of(&tensor.name), tensor.shape.rank());
            tensor.role = *known.entry(kind).or_insert_with(|| role_names::of_name(&tensor.name, tensor.shape.rank()));
        }
        Ok(())
    }
}
