//! What a plan will do, a row a logical tensor.

use crate::plan::{Plan, PlannedPart, PlannedTensor};
use serde::Serialize;

/// One logical tensor of a plan. Fans are absent where the layout defines none, as for a bias.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PlanRow {
    /// The logical tensor's name: it is part of the key.
    pub name: String,
    /// The stored tensor that holds it.
    pub stored_in: String,
    /// The logical shape.
    pub shape: Vec<u64>,
    /// The element type: `f32`, `f16`, `bf16`.
    pub dtype: String,
    /// Which axes feed in and out.
    pub layout: String,
    /// Weights that meet in one output element.
    pub fan_in: Option<u64>,
    /// Output elements that one input element feeds.
    pub fan_out: Option<u64>,
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
    /// Rows that are zero.
    pub zero_rows: Vec<u64>,
    /// The Philox key: 16 hexadecimal digits.
    pub key: String,
    /// Bytes of its elements.
    pub bytes: u64,
    /// How values are rounded to the element type: `nearest`, `stochastic`.
    pub rounding: String,
}

/// The rows of a plan, in its order.
#[must_use]
pub fn describe(plan: &Plan) -> Vec<PlanRow> {
    plan.tensors().iter().flat_map(|t| t.parts().iter().map(move |p| row(t, p))).collect()
}

fn row(tensor: &PlannedTensor, part: &PlannedPart) -> PlanRow {
    let fans = part.layout().fans(part.shape()).ok();
    let (mut min, mut max) = part.law().range();
    if !tensor.zero_rows().is_empty() {
        (min, max) = (min.min(0.0), max.max(0.0));
    }
    PlanRow {
        name: part.name().to_owned(),
        stored_in: tensor.name().to_owned(),
        shape: part.shape().dims().to_vec(),
        dtype: tensor.dtype().to_string(),
        layout: part.layout().to_string(),
        fan_in: fans.map(|f| f.fan_in),
        fan_out: fans.map(|f| f.fan_out),
        law: part.law().to_string(),
        mean: part.law().mean(),
        std: part.law().std(),
        min,
        max,
        zero_rows: tensor.zero_rows().to_vec(),
        key: part.key().to_string(),
        bytes: part.shape().count() * tensor.dtype().size(),
        rounding: tensor.rounding().to_string(),
    }
}
