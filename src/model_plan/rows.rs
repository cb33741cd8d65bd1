//! A plan as rows, one per logical tensor.

use super::{KeptRows, ModelPlan, NewRows};
use crate::model::Role;
use crate::plan::{PlannedPart, PlannedTensor};
use crate::recipe::{Assigned, Gave, Logical, RulePart};
use crate::value::shape::{Layout, Shape};
use crate::{DType, Rounding, Scheme};
use serde::{Deserialize, Serialize};

/// One logical tensor of a plan, as `init.json` lists it: what made it, and the numbers that an optimizer needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlanRow {
    /// The logical tensor's name: it is part of the key.
    pub name: String,
    /// The stored tensor that holds it.
    pub stored_in: String,
    /// What it does in the model: `attention.query`, `norm`, ..
    pub role: Role,
    /// The layer it stands in, from 0; absent outside layers.
    pub layer: Option<u64>,
    /// The logical shape.
    pub shape: Shape,
    /// The element type: `f32`, `f16`, `bf16`.
    pub dtype: DType,
    /// Which axes feed in and out.
    pub layout: Layout,
    /// Weights that meet in one output element; a bias has its weight's. Absent where the layout defines no fans.
    pub fan_in: Option<u64>,
    /// Output elements that one input element feeds; a bias has its weight's. Absent where the layout defines no fans.
    pub fan_out: Option<u64>,
    /// The recipe's rule that gave the scheme, with its line: `transformers/gpt2:9`.
    pub rule: String,
    /// The paper or the file that the rule follows.
    pub source: String,
    /// Every entry of the recipe that had a part, in the order in which they were applied: rules that scaled the law or
    /// said rows of zeros or a dtype, the rule that gave the law, which is `rule`, and the multipliers. Absent where
    /// `rule` alone gave everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleRow>,
    /// The scheme.
    pub scheme: Scheme,
    /// The law that the scheme gives this shape, with its numbers, for people to read; or that of new rows which follow
    /// from kept ones, beside which the scheme and the numbers below are those of a tensor drawn whole.
    pub law: String,
    /// The mean of the law.
    pub mean: f64,
    /// The standard deviation of the law, after truncation.
    pub std: f64,
    /// No element is below.
    pub min: f64,
    /// No element is above.
    pub max: f64,
    /// The learning rate is the base rate times this.
    pub lr_multiplier: f64,
    /// The weight decay is the base decay times this.
    pub weight_decay_multiplier: f64,
    /// The model multiplies the weight's output by this.
    pub forward_multiplier: f64,
    /// Rows (indices of the stored tensor's first axis) that are zero.
    pub zero_rows: Vec<u64>,
    /// The Philox key: 16 hexadecimal digits.
    pub key: String,
    /// Bytes of its elements.
    pub bytes: u64,
    /// How values are rounded to the element type: `nearest`, `stochastic`.
    pub rounding: Rounding,
    /// Which elements of the stored tensor it is; absent where it is all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<PartBox>,
    /// How many of the stored tensor's first rows are another checkpoint's; absent where none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_rows: Option<u64>,
    /// What the rows behind those are; absent where the law makes them.
    #[serde(default, skip_serializing_if = "NewRows::is_drawn")]
    pub new_rows: NewRows,
}

/// An entry of a recipe that had a part in what a tensor got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RuleRow {
    /// Its file or recipe, with its line: `residual-sqrt-n:12`.
    pub rule: String,
    /// The paper or the file that it follows.
    pub source: String,
    /// Its part: `law`, `scale`, `zero_rows`, `dtype`, `multipliers`.
    pub gave: Gave,
}

/// The elements of a part: `stored.reshape(view)[start : start + extent].permute(order)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PartBox {
    /// The stored tensor's shape.
    pub stored_shape: Shape,
    /// Its axes, split further.
    pub view: Vec<u64>,
    /// The box's first indices.
    pub start: Vec<u64>,
    /// The box's lengths.
    pub extent: Vec<u64>,
    /// The view's axes in the part's order.
    pub order: Vec<usize>,
}

impl ModelPlan {
    /// The rows of the table, in the plan's order, each made when it is asked for.
    pub fn rows(&self) -> impl Iterator<Item = PlanRow> + Clone + '_ {
        self.plan.tensors().iter().zip(&self.assignment.tensors).flat_map(|(tensor, assigned)| {
            let kept = self.kept.iter().find(|k| k.name == tensor.name());
            let parts = tensor.parts().iter().zip(&assigned.logical).enumerate();
            parts.map(move |(i, (part, logical))| row(tensor, part, assigned, i, logical, kept))
        })
    }
}

fn row(
    tensor: &PlannedTensor,
    part: &PlannedPart,
    assigned: &Assigned,
    index: usize,
    logical: &Logical,
    kept: Option<&KeptRows>,
) -> PlanRow {
    let (mut min, mut max) = part.law().range();
    if !tensor.zero_rows().is_empty() {
        (min, max) = (min.min(0.0), max.max(0.0));
    }
    let spec = &assigned.spec;
    let part_box = spec.parts.get(index).map(|part| PartBox {
        stored_shape: spec.shape.clone(),
        view: spec.view.clone(),
        start: part.slab.start.clone(),
        extent: part.slab.extent.clone(),
        order: part.order.clone(),
    });
    PlanRow {
        name: part.name().to_owned(),
        stored_in: tensor.name().to_owned(),
        role: logical.role,
        layer: logical.layer,
        shape: part.shape().clone(),
        dtype: tensor.dtype(),
        layout: part.layout().clone(),
        fan_in: logical.fans.map(|f| f.fan_in),
        fan_out: logical.fans.map(|f| f.fan_out),
        rule: logical.rule.rule.to_string(),
        source: logical.rule.source.to_string(),
        rules: rules(logical),
        scheme: spec.parts.get(index).map_or(spec.scheme, |p| p.scheme),
        law: match kept {
            Some(kept) if kept.new_rows == NewRows::Mean => {
                format!("mean of the first {} rows, with 1e-9 of their covariance", kept.rows)
            }
            _ => part.law().to_string(),
        },
        mean: part.law().mean(),
        std: part.law().std(),
        min,
        max,
        lr_multiplier: logical.lr,
        weight_decay_multiplier: logical.weight_decay,
        forward_multiplier: logical.forward,
        zero_rows: tensor.zero_rows().to_vec(),
        key: part.key().to_string(),
        bytes: part.shape().count() * tensor.dtype().size(),
        rounding: tensor.rounding(),
        part: part_box,
        kept_rows: kept.map(|k| k.rows),
        new_rows: kept.map(|k| k.new_rows).unwrap_or_default(),
    }
}

/// Every entry that had a part, where that is not the giving rule alone.
fn rules(logical: &Logical) -> Vec<RuleRow> {
    if logical.rules.len() < 2 {
        return Vec::new();
    }
    let row = |part: &RulePart| RuleRow {
        rule: part.origin.rule.to_string(),
        source: part.origin.source.to_string(),
        gave: part.gave,
    };
    logical.rules.iter().map(row).collect()
}
