//! From what is asked for to the plan.

use super::existing::KeptRows;
use super::request::ModelRequest;
use super::source::Source;
use super::text::NamedText;
use crate::model::Model;
use crate::plan::Plan;
use crate::recipe::Assignment;
use crate::{DType, Error, Result, Rounding, StreamVersion};
use std::collections::BTreeMap;

/// What would be written, and why: a plan, and what made it. Serialized, it is the table `init.json`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ModelPlan {
    /// The model, where a config describes it.
    pub model: Option<Model>,
    /// The config, as it was given.
    pub config: Option<NamedText>,
    /// The names of the recipes that gave the laws, in their order.
    pub recipe: Vec<String>,
    /// The values that were set.
    pub set: BTreeMap<String, f64>,
    /// The laws and the numbers that go with them: one tensor for each of `plan`, in its order.
    pub assignment: Assignment,
    /// The tensors that are asked for.
    pub plan: Plan,
    /// What looks wrong: one line each.
    pub warnings: Vec<String>,
    /// Tensors whose first rows are another checkpoint's, which [`ModelRequest::missing_from`] has named.
    pub kept: Vec<KeptRows>,
}

impl ModelRequest {
    /// Gives every tensor its law and its key, and finds everything that can be wrong.
    ///
    /// # Errors
    /// [`Error::Model`] where nothing says which tensors there are, a glob matches no tensor, or none is left; those of
    /// [`Model::from_json`], with the config's name; of [`Recipe`](crate::recipe::Recipe)'s reading and assigning; of
    /// [`Plan::push`]; [`Error::Checkpoint`], with the name of the checkpoint, where its header does not fit.
    pub fn plan(&self, seed: u64) -> Result<ModelPlan> {
        let source = Source::find(self)?;
        let mut assignment = source.recipe.assign(source.tensors())?;
        let default = source.default_dtype(self.dtype)?;
        let tensors = assignment.tensors.iter_mut().zip(source.tensors());
        for (assigned, tensor) in tensors.filter(|(assigned, _)| !assigned.keeps_dtype) {
            assigned.spec.dtype = self.dtype.or(tensor.dtype).unwrap_or(default);
        }
        // An f32 among others has nothing to round; where all are f32, asking for it is a mistake that the plan finds.
        let is_rounded = assignment.tensors.iter().any(|a| a.spec.dtype != DType::F32);
        for spec in assignment.tensors.iter_mut().map(|a| &mut a.spec) {
            let is_exact = is_rounded && spec.dtype == DType::F32;
            spec.rounding = if is_exact { Rounding::NearestEven } else { self.rounding };
        }
        self.chosen.apply(&mut assignment.tensors, &source.dropped)?;
        let kept = match &self.missing_from {
            Some(header) => header.keep_missing(&mut assignment.tensors, self.dtype)?,
            None => Vec::new(),
        };
        let mut plan = Plan::new(StreamVersion::V1, seed);
        for assigned in &assignment.tensors {
            // The config is to blame for its own numbers, a recipe for its rule's.
            plan.push(&assigned.spec).map_err(|e| match source.config {
                Some(config) if self.recipes.is_empty() => config.blame(&e),
                _ => Error::Model(format!("{e} (rule {})", assigned.logical[0].rule.rule)),
            })?;
        }
        let mut warnings = assignment.warnings(&plan);
        if source.model.as_ref().is_some_and(Model::is_quantized) {
            let text = "quantization_config: the weights are those of the model before it is quantized, \
                        and the field is left out of the config that is written";
            warnings.push(text.to_owned());
        }
        Ok(ModelPlan {
            recipe: source.recipe.names().into_iter().map(str::to_owned).collect(),
            config: self.config.clone(),
            set: self.set.clone(),
            model: source.model,
            assignment,
            plan,
            warnings,
            kept,
        })
    }
}
