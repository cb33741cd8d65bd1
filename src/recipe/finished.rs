//! A recipe that is complete, and can be applied.

use super::file::RecipeFile;
use super::manifest::MAX_TENSORS;
use super::named_numbers::NamedNumbers;
use super::roles;
use crate::Result;
use crate::model::{ModelTensor, Role, Told, Variables};
use crate::value::text::clip;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A recipe with all the recipes that it names, made by [`Recipe::finish`](super::Recipe::finish): every rule that
/// there is, in its order, and every value that was set.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::{model::Model, recipe::Recipe};
/// let model = Model::from_json(r#"{"model_type": "gemma2", "num_hidden_layers": 1}"#)?;
/// let recipe = Recipe::builtin("mup", Some(&model))?.finish(Some(&model))?;
/// assert_eq!(recipe.names(), ["fixed", "mup"]);
/// let assignment = recipe.assign(model.tensors())?;
/// // Gemma's norms multiply by 1 + weight, which is a rule of `fixed`.
/// let norm = assignment.tensors.iter().find(|t| t.spec.name == "model.norm.weight").unwrap();
/// assert_eq!(norm.spec.scheme.to_string(), "constant(0)");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FinishedRecipe {
    pub(super) files: Vec<Arc<RecipeFile>>,
    /// Values of parameters and of a model's numbers, which hold over those of the files and of the model.
    pub(super) set: BTreeMap<String, f64>,
    /// The files that were named by whoever made the recipe, not by another file.
    pub(super) chosen: Vec<Arc<RecipeFile>>,
    /// Values that were set for something other than the expressions of rules: for a list of tensors and their roles.
    pub(super) set_for_tensors: BTreeSet<String>,
}

impl FinishedRecipe {
    /// The names of its files, built-in recipes by their own, in order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.files.iter().map(|f| f.name.as_str()).collect()
    }

    /// The tensors that its files list. The names in shapes are those of parameters, of what was set, and of `numbers`.
    ///
    /// # Errors
    /// [`Error::Recipe`](crate::Error::Recipe) with the line, where a shape's expression cannot be evaluated, a shape
    /// is too large, or there are more than 100,000 tensors.
    pub fn manifest(&self, numbers: &Variables) -> Result<Vec<ModelTensor>> {
        let mut tensors = Vec::new();
        let known = NamedNumbers::of_files(&self.files, &self.set, numbers);
        for (f, file) in self.files.iter().enumerate() {
            for entry in &file.manifest {
                let more = entry.tensors(|name| known.value(f, name), MAX_TENSORS - tensors.len());
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

    /// Gives every tensor without a role ([`Role::Other`]) or a layer its own: the layer by its name, the role by the
    /// recipe's own `[[role]]` entries, then by the tensors beside it, then by the usual names. What none of them tells
    /// stays [`Role::Other`]. Biases get the fans of their weight, and stacked experts the layout.
    ///
    /// # Errors
    /// [`Error::Recipe`](crate::Error::Recipe) with the line, where a glob of a `[[role]]` entry of a user's file
    /// matches no tensor at all; [`Error::Tensor`](crate::Error::Tensor) where tensors contradict each other, such as a
    /// bias that fits no weight.
    pub fn find_roles(&self, tensors: &mut [ModelTensor]) -> Result<()> {
        for file in self.files.iter().filter(|file| !file.is_builtin) {
            for (line, names, _) in &file.roles {
                if !tensors.iter().any(|t| names.matches(&t.name)) {
                    return Err(file.error(*line, format!("name {} matches no tensor", names.texts())));
                }
            }
        }
        for tensor in tensors.iter_mut().filter(|t| t.layer.is_none()) {
            tensor.layer = roles::layer_of(&tensor.name);
        }
        for tensor in tensors.iter_mut().filter(|t| t.role == Role::Other) {
            let entries = self.files.iter().flat_map(|f| f.roles.iter().map(move |entry| (f, entry)));
            let own = entries.into_iter().find(|(_, (_, names, _))| names.matches(&tensor.name));
            if let Some((file, &(line, _, role))) = own {
                tensor.role = role;
                tensor.told = Told::Entry(format!("{}:{line}", file.name).into());
            }
        }
        roles::tell(tensors)
    }
}
