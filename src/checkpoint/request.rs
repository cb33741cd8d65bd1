//! What is asked for of a model, and the plan that it makes.

use super::missing::{Kept, keep_missing};
use super::sources::{Source, in_file};
use crate::model::Model;
use crate::plan::Plan;
use crate::recipe::{Assigned, Assignment, glob_set};
use crate::{DType, Error, Result, Rounding, StreamVersion};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is asked for: where the tensors come from, what their laws are, and which of them.
///
/// The tensors are those of `like` where it is given, else of the recipe's own list, else of `config`.
#[derive(Clone, Debug, Default)]
pub struct ModelRequest {
    /// A `config.json`, or its directory. Beside `like` or a list it gives its numbers to expressions.
    pub config: Option<PathBuf>,
    /// A checkpoint whose names, shapes and dtypes are taken.
    pub like: Option<PathBuf>,
    /// Recipes, by name or path, the first one's rules first; none: `transformers`.
    pub recipes: Vec<String>,
    /// Values for recipes' parameters and the config's numbers.
    pub set: Vec<(String, f64)>,
    /// Globs: only tensors that match one of them; none: all.
    pub only: Vec<String>,
    /// Globs: no tensor that matches one of them.
    pub skip: Vec<String>,
    /// A checkpoint: only tensors, or rows, that it lacks.
    pub missing_from: Option<PathBuf>,
    /// The dtype of every tensor; none: a tensor's own, else the config's, else f32.
    pub dtype: Option<DType>,
    /// How values are rounded to 16 bits.
    pub rounding: Rounding,
}

/// What would be written, and why.
#[derive(Debug)]
#[non_exhaustive]
pub struct ModelPlan {
    /// The model, where a config describes it.
    pub model: Option<Model>,
    /// Path and text of the config.
    pub config: Option<(PathBuf, String)>,
    /// The names of the recipes that gave the laws, in their order.
    pub recipe: Vec<String>,
    /// What was set.
    pub set: BTreeMap<String, f64>,
    /// The laws and the numbers that go with them: a tensor for each of `plan`.
    pub assignment: Assignment,
    /// The tensors that are asked for.
    pub plan: Plan,
    /// What looks wrong.
    pub warnings: Vec<String>,
    /// The checkpoint that has what this plan leaves out.
    pub missing_from: Option<PathBuf>,
    /// Tensors whose first rows are that checkpoint's.
    pub kept: Vec<Kept>,
}

impl ModelRequest {
    /// Finds everything that can be wrong, and plans.
    ///
    /// # Errors
    /// Those of [`super::read_config`] and [`Model::from_json`] with the config's path; of [`super::Weights::open`]; of
    /// [`crate::recipe::Recipe`]'s reading and assigning; [`Error::Model`] where a glob matches nothing or nothing is left; those of
    /// [`Plan::push`].
    pub fn plan(&self, seed: u64) -> Result<ModelPlan> {
        let source = Source::find(self)?;
        let mut assignment = source.recipe.assign(source.tensors())?;
        let default = source.default_dtype(self.dtype)?;
        for (assigned, tensor) in assignment.tensors.iter_mut().zip(source.tensors()) {
            let spec = &mut assigned.spec;
            spec.dtype = self.dtype.or(tensor.dtype).unwrap_or(default);
        }
        // An f32 among others has nothing to round; where all are f32, asking for it is a mistake that the plan finds.
        let is_rounded = assignment.tensors.iter().any(|a| a.spec.dtype != DType::F32);
        for spec in assignment.tensors.iter_mut().map(|a| &mut a.spec) {
            let exact = is_rounded && spec.dtype == DType::F32;
            spec.rounding = if exact { Rounding::NearestEven } else { self.rounding };
        }
        self.choose(&mut assignment.tensors, &source.dropped)?;
        let kept = match &self.missing_from {
            Some(path) => keep_missing(&mut assignment.tensors, path, self.dtype)?,
            None => Vec::new(),
        };
        let mut plan = Plan::new(StreamVersion::V1, seed);
        for assigned in &assignment.tensors {
            // The config is to blame for its own numbers, a recipe for its rule's.
            plan.push(&assigned.spec).map_err(|e| match &source.config {
                Some((path, _)) if self.recipes.is_empty() => in_file(path, &e),
                _ => Error::Model(format!("{e} (rule {})", assigned.logical[0].rule.rule)),
            })?;
        }
        let mut warnings = assignment.warnings(&plan);
        if source.model.as_ref().is_some_and(Model::is_quantized) {
            let text = "quantization_config: the weights are those of the model before it is quantized, and the field is \
                        left out of the config that is written";
            warnings.push(text.to_owned());
        }
        Ok(ModelPlan {
            recipe: source.recipe.names().into_iter().map(str::to_owned).collect(),
            model: source.model,
            config: source.config,
            set: self.set.iter().cloned().collect(),
            assignment,
            plan,
            warnings,
            missing_from: self.missing_from.clone(),
            kept,
        })
    }

    /// Whether `only` and `skip` leave a tensor of this name.
    pub(super) fn filter(&self) -> Result<impl Fn(&str) -> bool> {
        let (only, skip) = (globs_of("--only", &self.only)?, globs_of("--skip", &self.skip)?);
        Ok(move |name: &str| {
            only.as_ref().is_none_or(|s| s.is_match(name)) && !skip.as_ref().is_some_and(|s| s.is_match(name))
        })
    }

    /// Leaves what `only` and `skip` leave; each of their globs must match something, if only what was dropped already.
    fn choose(&self, tensors: &mut Vec<Assigned>, dropped: &[String]) -> Result<()> {
        for (option, globs) in [("--only", &self.only), ("--skip", &self.skip)] {
            for text in globs {
                let set = globs_of(option, std::slice::from_ref(text))?;
                let mut names = tensors.iter().map(|t| &t.spec.name).chain(dropped);
                if !names.any(|name| set.as_ref().is_some_and(|s| s.is_match(name))) {
                    let first = tensors.first().map_or("none", |t| &t.spec.name);
                    return Err(Error::Model(format!(
                        "{option} {text:?} matches none of the {} tensors, the first of which is {first:?}",
                        tensors.len()
                    )));
                }
            }
        }
        let filter = self.filter()?;
        tensors.retain(|t| filter(&t.spec.name));
        if tensors.is_empty() {
            return Err(Error::Model("no tensor is left to write".to_owned()));
        }
        Ok(())
    }
}

fn globs_of(option: &str, globs: &[String]) -> Result<Option<globset::GlobSet>> {
    glob_set(globs).map_err(|e| Error::Model(format!("{option}: {e}")))
}
