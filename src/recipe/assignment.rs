//! What a recipe makes of a model's tensors: data, which a plan and a table of laws are made of.

use super::rule::Gave;
use crate::model::Role;
use crate::plan::TensorSpec;
use crate::value::shape::Fans;
use std::sync::Arc;

/// What a recipe makes of a model: every stored tensor with its law, and the numbers that go with it.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::{model::{Model, Role}, recipe::Recipe};
/// let model = Model::from_json(r#"{"model_type": "gpt2"}"#)?;
/// let recipe = Recipe::builtin("transformers", Some(&model))?.finish(Some(&model))?;
/// let assignment = recipe.assign(model.tensors())?;
/// let first = &assignment.tensors[0];
/// assert_eq!((first.spec.name.as_str(), first.logical[0].role), ("transformer.wte.weight", Role::Embedding));
/// assert_eq!(first.spec.scheme.to_string(), "normal(mean=0, std=0.02)");
/// assert_eq!(&*first.logical[0].rule.rule, "transformers/gpt2:17");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Assignment {
    /// The stored tensors, in the order of the tensors that the recipe was applied to.
    pub tensors: Vec<Assigned>,
    /// What the recipe itself says of the tensors, and which of its entries did nothing: one line each.
    pub(super) said: Vec<String>,
}

/// A stored tensor with its law.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Assigned {
    /// What a plan takes.
    pub spec: TensorSpec,
    /// Whether `spec.dtype` holds whatever dtype is asked for.
    pub keeps_dtype: bool,
    /// The logical tensors: one for each part of `spec`, or one for the tensor itself where it has no parts.
    pub logical: Vec<Logical>,
}

/// What a recipe says of a logical tensor beside its law.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Logical {
    /// What the tensor does.
    pub role: Role,
    /// The layer it stands in, from 0.
    pub layer: Option<u64>,
    /// Its fans. A bias has those of its weight.
    pub fans: Option<Fans>,
    /// The width of its stack (`hidden`), where the model says it.
    pub hidden: Option<u64>,
    /// Which rule gave its scheme.
    pub rule: RuleOrigin,
    /// Every entry that had a part in its law, its rows of zeros, its dtype or its multipliers, in the order in which
    /// they were applied. `rule` is one of them.
    pub rules: Arc<[RulePart]>,
    /// The learning rate is the base rate times this.
    pub lr: f64,
    /// The weight decay is the base decay times this.
    pub weight_decay: f64,
    /// The model multiplies by this what the weight makes of its input.
    pub forward: f64,
}

/// A rule: where it stands, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleOrigin {
    /// The recipe's file or name, and the line of the rule: `llama:12`.
    pub rule: Arc<str>,
    /// The paper or the file that the rule follows.
    pub source: Arc<str>,
}

/// An entry of a recipe that had a part in what a tensor got.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RulePart {
    /// Where it stands, and where it comes from.
    pub origin: RuleOrigin,
    /// Its part.
    pub gave: Gave,
}
