//! What a plan will do, a row a logical tensor.

use super::missing::Kept;
use crate::plan::{Plan, PlannedPart, PlannedTensor};
use crate::recipe::{Assigned, Assignment, Logical};
use serde::{Deserialize, Serialize};

/// One logical tensor of a plan. Fans are absent where the layout defines none and no weight is known that it goes with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlanRow {
    /// The logical tensor's name: it is part of the key.
    pub name: String,
    /// The stored tensor that holds it.
    pub stored_in: String,
    /// What it does in the model: `attention.query`, `norm`, ..
    pub role: String,
    /// The layer it stands in, from 0.
    pub layer: Option<u64>,
    /// The logical shape.
    pub shape: Vec<u64>,
    /// The element type: `f32`, `f16`, `bf16`.
    pub dtype: String,
    /// Which axes feed in and out.
    pub layout: String,
    /// Weights that meet in one output element; a bias has its weight's.
    pub fan_in: Option<u64>,
    /// Output elements that one input element feeds; a bias has its weight's.
    pub fan_out: Option<u64>,
    /// The recipe's rule that gave the scheme, with its line: `transformers/gpt2:9`.
    pub rule: String,
    /// The paper or the file that the rule follows.
    pub source: String,
    /// The scheme, in the text form that is read back.
    pub scheme: String,
    /// The law, with its numbers.
    pub law: String,
    /// The mean of the law.
    pub mean: f64,
    /// The std of the law, after truncation.
    pub std: f64,
    /// No element is below.
    pub min: f64,
    /// No element is above.
    pub max: f64,
    /// The learning rate is the base rate times this.
    pub lr_multiplier: f64,
    /// The weight decay is the base decay times this.
    pub weight_decay_multiplier: f64,
    /// The model multiplies by this what the weight makes.
    pub forward_multiplier: f64,
    /// Rows that are zero.
    pub zero_rows: Vec<u64>,
    /// The Philox key: 16 hexadecimal digits.
    pub key: String,
    /// Bytes of its elements.
    pub bytes: u64,
    /// How values are rounded to the element type: `nearest`, `stochastic`.
    pub rounding: String,
    /// Where it stands in the stored tensor, where it is a part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<PartPlace>,
    /// The rows of the stored tensor that are not drawn but another checkpoint's: its first ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_rows: Option<u64>,
}

/// The box of a part: `stored.reshape(view)[start : start + extent].permute(order)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PartPlace {
    /// The stored tensor's shape.
    pub stored_shape: Vec<u64>,
    /// Its axes, split further.
    pub view: Vec<u64>,
    /// The box's first indices.
    pub start: Vec<u64>,
    /// The box's lengths.
    pub extent: Vec<u64>,
    /// The view's axes in the part's order.
    pub order: Vec<usize>,
}

/// The rows of a plan, in its order, with what the recipe says of each tensor: `assignment` is what `plan` was made of.
pub fn describe<'a>(
    plan: &'a Plan,
    assignment: &'a Assignment,
    kept: &'a [Kept],
) -> impl Iterator<Item = PlanRow> + Clone + 'a {
    plan.tensors().iter().zip(&assignment.tensors).flat_map(move |(tensor, assigned)| {
        let kept = kept.iter().find(|k| k.name == tensor.name()).map(|k| k.rows);
        let parts = tensor.parts().iter().zip(&assigned.logical).enumerate();
        parts.map(move |(i, (part, logical))| row(tensor, part, assigned, i, logical, kept))
    })
}

fn row(
    tensor: &PlannedTensor,
    part: &PlannedPart,
    assigned: &Assigned,
    index: usize,
    logical: &Logical,
    kept_rows: Option<u64>,
) -> PlanRow {
    let (mut min, mut max) = part.law().range();
    if !tensor.zero_rows().is_empty() {
        (min, max) = (min.min(0.0), max.max(0.0));
    }
    let spec = &assigned.spec;
    let place = spec.parts.get(index).map(|part| PartPlace {
        stored_shape: spec.shape.dims().to_vec(),
        view: spec.view.clone(),
        start: part.slab.start.clone(),
        extent: part.slab.extent.clone(),
        order: part.order.clone(),
    });
    PlanRow {
        name: part.name().to_owned(),
        stored_in: tensor.name().to_owned(),
        role: logical.role.to_string(),
        layer: logical.layer,
        shape: part.shape().dims().to_vec(),
        dtype: tensor.dtype().to_string(),
        layout: part.layout().to_string(),
        fan_in: logical.fans.map(|f| f.fan_in),
        fan_out: logical.fans.map(|f| f.fan_out),
        rule: logical.rule.rule.to_string(),
        source: logical.rule.source.to_string(),
        scheme: spec.parts.get(index).map_or(spec.scheme, |p| p.scheme).to_string(),
        law: part.law().to_string(),
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
        rounding: tensor.rounding().to_string(),
        part: place,
        kept_rows,
    }
}
