//! From what is asked for to the plan.

use super::existing::{KeptRows, Taken};
use super::library_laws;
use super::request::{Listed, ModelRequest};
use super::settings::{PlanSettings, TensorList};
use super::source::Source;
use super::spelling;
use super::text::NamedText;
use super::unplanned::UnplannedTensor;
use crate::model::{LibraryType, Model};
use crate::plan::Plan;
use crate::recipe::Assignment;
use crate::{DType, Error, Result, Rounding, StreamVersion};
use std::collections::{HashMap, HashSet};

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
    /// The recipes as they were asked for, and the values that were set.
    pub settings: PlanSettings,
    /// The laws and the numbers that go with them: one tensor for each of `plan`, in its order.
    pub assignment: Assignment,
    /// The tensors that are asked for.
    pub plan: Plan,
    /// What looks wrong: one line each.
    pub warnings: Vec<String>,
    /// What is worth saying and not wrong: one line each.
    pub notices: Vec<String>,
    /// Tensors of the checkpoint that [`ModelRequest::like`] has named that are written and have no law.
    pub buffers: Vec<UnplannedTensor>,
    /// Tensors whose first rows are another checkpoint's, which [`ModelRequest::missing_from`] has named.
    pub kept: Vec<KeptRows>,
    /// Tensors of that checkpoint that are copied as they are: see [`ModelRequest::complete`].
    pub kept_whole: Vec<UnplannedTensor>,
    /// How many tensors of the plan stand before each of `buffers`, then before each of `kept_whole`, in the order in
    /// which the model's tensors came.
    #[cfg_attr(not(feature = "checkpoint"), allow(dead_code, reason = "the writer of checkpoints alone asks"))]
    before: Vec<usize>,
}

impl ModelPlan {
    /// The tensors without a law, buffers first, each with the number of the plan's tensors that stand before it, and
    /// whether it is a buffer.
    #[cfg_attr(not(feature = "checkpoint"), allow(dead_code, reason = "the writer of checkpoints alone asks"))]
    pub(crate) fn unplanned(&self) -> impl Iterator<Item = (&UnplannedTensor, usize, bool)> {
        let tensors = self.buffers.iter().map(|t| (t, true)).chain(self.kept_whole.iter().map(|t| (t, false)));
        tensors.zip(&self.before).map(|((tensor, is_buffer), &before)| (tensor, before, is_buffer))
    }
}

impl ModelRequest {
    /// Gives every tensor its law and its key, and finds everything that can be wrong.
    ///
    /// # Errors
    /// [`Error::Model`] where nothing says which tensors there are, a glob matches no tensor, or none is left; those of
    /// [`Model::from_json`], with the config's name; of [`Recipe`](crate::recipe::Recipe)'s reading and assigning; of
    /// [`Plan::push`]; [`Error::Checkpoint`], with the name of the checkpoint, where its header does not fit.
    pub fn plan(&self, seed: u64) -> Result<ModelPlan> {
        let mut source = Source::find(self)?;
        let mut assignment = source.recipe.assign(source.tensors())?;
        let default = source.default_dtype(self.dtype)?;
        let tensors = assignment.tensors.iter_mut().zip(source.tensors());
        for (assigned, tensor) in tensors.filter(|(assigned, _)| !assigned.keeps_dtype) {
            let dtype = self.dtype.or(tensor.dtype).unwrap_or(default);
            // What a list says of its own tensor holds, unless another dtype is asked for.
            let is_listed = self.dtype.is_none() && tensor.dtype.is_some();
            let stays = |library: &LibraryType| !is_listed && library.stays_float32_in_half(&tensor.name);
            let is_kept = dtype == DType::F16 && source.library.as_ref().is_some_and(stays);
            assigned.spec.dtype = if is_kept { DType::F32 } else { dtype };
        }
        // An f32 among others has nothing to round; where all are f32, asking for it is a mistake that the plan finds.
        let is_rounded = assignment.tensors.iter().any(|a| a.spec.dtype != DType::F32);
        let mut buffers = std::mem::take(&mut source.buffers);
        let names: HashSet<String> = match self.growth.complete {
            true => source.names().map(str::to_owned).chain(buffers.iter().map(|b| b.name.clone())).collect(),
            false => HashSet::new(),
        };
        let dropped = source.dropped.iter().chain(buffers.iter().map(|b| &b.name));
        self.chosen.apply(&mut assignment.tensors, &dropped.cloned().collect::<Vec<_>>())?;
        if let Some(old) = &self.missing_from {
            let ties = source.model.as_ref().map_or(&[][..], Model::ties);
            spelling::check(old, &assignment.tensors, &source.names().collect(), ties)?;
        }
        let mut taken = match &self.missing_from {
            Some(old) => old.keep_missing(&mut assignment.tensors, &mut buffers, &names, &self.growth, self.dtype)?,
            None if self.growth.is_asked_for() => return Err(Error::Model(NOTHING_TO_GROW.to_owned())),
            None => Taken::default(),
        };
        for spec in assignment.tensors.iter_mut().map(|a| &mut a.spec) {
            let is_exact = is_rounded && spec.dtype == DType::F32;
            spec.rounding = if is_exact { Rounding::NearestEven } else { self.rounding };
        }
        let mut plan = Plan::new(StreamVersion::V1, seed);
        for assigned in &assignment.tensors {
            // The config is to blame for its own numbers, a recipe for its rule's.
            plan.push(&assigned.spec).map_err(|e| match source.config {
                Some(config) if self.settings.recipes.is_empty() => config.blame(&e),
                _ => Error::Model(format!("{e} (rule {})", assigned.logical[0].rule.rule)),
            })?;
        }
        let mut warnings = std::mem::take(&mut source.warnings);
        warnings.extend(assignment.warnings(&plan));
        let mut notices = self.notices.clone();
        notices.append(&mut source.notices);
        notices.append(&mut taken.notices);
        if source.model.as_ref().is_some_and(Model::is_quantized) {
            let text = "quantization_config: the weights are those of the model before it is quantized, \
                        and the field is left out of the config that is written";
            notices.push(text.to_owned());
        }
        if let (None, Some(library)) = (&source.model, source.library.as_ref().filter(|l| l.unknown().is_none())) {
            warnings.extend(library_laws::differences(library, source.tensors(), &plan));
        }
        let unplanned: Vec<&str> = buffers.iter().chain(&taken.whole).map(|t| t.name.as_str()).collect();
        let before = places(&source, &plan, &unplanned);
        let tensors = match &self.listed {
            None if self.chosen.is_all() => TensorList::Model,
            Some(Listed::Header(_)) if self.chosen.is_all() => TensorList::Header,
            Some(Listed::Header(_) | Listed::Model(_)) | None => TensorList::Other,
        };
        Ok(ModelPlan {
            recipe: source.recipe.names().into_iter().map(str::to_owned).collect(),
            config: self.config.clone(),
            settings: PlanSettings {
                tensors,
                keeps: !taken.rows.is_empty() || !taken.whole.is_empty(),
                ..self.settings.clone()
            },
            model: source.model,
            assignment,
            plan,
            warnings,
            notices,
            buffers,
            kept: taken.rows,
            kept_whole: taken.whole,
            before,
        })
    }
}

const NOTHING_TO_GROW: &str = "what is kept, completed or drawn anew is that of a checkpoint that lacks tensors of the \
                               model, but none is given";

/// How many tensors of the plan stand before each of `names` in the order of the source.
fn places(source: &Source<'_>, plan: &Plan, names: &[&str]) -> Vec<usize> {
    if names.is_empty() {
        return Vec::new();
    }
    let order: HashMap<&str, usize> = source.names().enumerate().map(|(i, name)| (name, i)).collect();
    let place = |name: &str| order.get(name).copied().unwrap_or(usize::MAX);
    let planned: Vec<usize> = plan.tensors().iter().map(|t| place(t.name())).collect();
    names.iter().map(|name| planned.partition_point(|&at| at < place(name))).collect()
}
