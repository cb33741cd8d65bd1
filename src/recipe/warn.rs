//! What is not wrong in an assignment, but looks like a mistake.

use super::assignment::{Assignment, Logical};
use crate::model::Role;
use crate::plan::{Plan, PlannedPart};
use crate::value::law::{Law, MAX_NORMAL};
use crate::value::text::and_more;
use std::collections::BTreeMap;

impl Assignment {
    /// What the recipe's own `[[warning]]` entries say, which of its entries did nothing, and laws that do nothing or
    /// look like mistakes: a line for each rule and kind of mistake, with the first tensor and how many more there are.
    ///
    /// `plan` holds the tensors of this assignment, in order.
    #[must_use]
    pub fn warnings(&self, plan: &Plan) -> Vec<String> {
        let mut found: BTreeMap<(String, &'static str), (String, String, usize)> = BTreeMap::new();
        for (assigned, planned) in self.tensors.iter().zip(plan.tensors()) {
            for (logical, part) in assigned.logical.iter().zip(planned.parts()) {
                let warnings = [constant(logical, part), bounds(part), fans(logical, part)];
                for (kind, detail) in warnings.into_iter().flatten() {
                    let entry = found.entry((logical.rule.rule.to_string(), kind));
                    entry.or_insert_with(|| (part.name().to_owned(), detail, 0)).2 += 1;
                }
            }
        }
        let found = found.into_iter().map(|((rule, _), (name, detail, count))| {
            let more = and_more(count - 1);
            format!("{name}{more}: {detail} ({rule})")
        });
        self.said.iter().cloned().chain(found).collect()
    }
}

/// A kind of mistake, and what is said of the tensor.
type Warning = (&'static str, String);

/// Bounds so far out that nothing is ever cut: often absolute numbers that were meant as multiples of the std.
fn bounds(part: &PlannedPart) -> Option<Warning> {
    let Law::TruncatedNormal(law) = part.law() else { return None };
    let (mean, std, lo, hi) = (law.mean(), law.std(), law.lo(), law.hi());
    // No value of the stream lies farther from the mean than MAX_NORMAL sigmas: bounds beyond it cut nothing.
    let is_never_cut = (lo - mean) / std < -MAX_NORMAL && (hi - mean) / std > MAX_NORMAL;
    let sigmas = ((hi - mean) / std).min((mean - lo) / std);
    is_never_cut.then(|| ("bounds", format!("the bounds stand at {sigmas:.4} sigma: nothing is ever cut")))
}

/// A constant matrix inside a residual branch. Zero at the end of a branch is a practice, a constant inside is not.
fn constant(logical: &Logical, part: &PlannedPart) -> Option<Warning> {
    let Law::Constant(law) = part.law() else { return None };
    let value = law.value();
    let is_mistake = part.shape().rank() >= 2 && INSIDE_BRANCHES.contains(&logical.role);
    is_mistake.then(|| ("constant", format!("a matrix whose elements are all {value}, std 0: its units stay alike")))
}

/// Fans that change places, as those of a matrix that is stored `[in, out]` and read as `[out, in]`.
fn fans(logical: &Logical, part: &PlannedPart) -> Option<Warning> {
    let (fans, hidden) = (logical.fans?, logical.hidden?);
    let (of_stream, other) = if FROM_STREAM.contains(&logical.role) {
        (fans.fan_in, fans.fan_out)
    } else if TO_STREAM.contains(&logical.role) {
        (fans.fan_out, fans.fan_in)
    } else {
        return None;
    };
    let is_swapped = part.shape().rank() >= 2 && of_stream != hidden && other == hidden;
    is_swapped.then(|| {
        let detail = format!(
            "fan_in {} and fan_out {} look swapped for {} in a model of width {hidden}: give the rule a layout",
            fans.fan_in, fans.fan_out, logical.role
        );
        ("fans", detail)
    })
}

/// Matrices whose fan_in is the width of the residual stream.
const FROM_STREAM: [Role; 6] = [Role::Query, Role::Key, Role::Value, Role::MlpIn, Role::MlpGate, Role::Qkv];

/// Matrices whose fan_out is the width of the residual stream.
const TO_STREAM: [Role; 2] = [Role::AttentionOutput, Role::MlpOut];

/// Matrices inside a residual branch, or before all of them.
const INSIDE_BRANCHES: [Role; 12] = [
    Role::Key,
    Role::Value,
    Role::Qkv,
    Role::KeyValue,
    Role::MlpIn,
    Role::MlpGate,
    Role::MlpGateIn,
    Role::ExpertIn,
    Role::ExpertGate,
    Role::ExpertGateIn,
    Role::SsmIn,
    Role::Embedding,
];
