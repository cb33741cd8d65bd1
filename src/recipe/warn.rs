//! What is not wrong, but looks so.

use super::Assignment;
use crate::model::Role;
use crate::plan::Plan;
use crate::value::law::Law;
use std::collections::BTreeMap;

/// No value of stream version 1 lies farther from the mean, in sigmas: bounds beyond cut nothing.
const NEVER_CUT: f64 = crate::value::law::MAX_NORMAL;

impl Assignment {
    /// Laws that do nothing or look like mistakes: a line for each rule and kind, with the first tensor and how many more.
    ///
    /// `plan` holds the tensors of this assignment, in order.
    #[must_use]
    pub fn warnings(&self, plan: &Plan) -> Vec<String> {
        let mut found: BTreeMap<(String, &'static str), (String, String, usize)> = BTreeMap::new();
        for (assigned, planned) in self.tensors.iter().zip(plan.tensors()) {
            for (logical, part) in assigned.logical.iter().zip(planned.parts()) {
                let mut warn = |kind: &'static str, detail: String| {
                    let entry = found.entry((logical.rule.rule.to_string(), kind));
                    entry.or_insert_with(|| (part.name().to_owned(), detail, 0)).2 += 1;
                };
                let matrix = part.shape().rank() >= 2;
                match part.law() {
                    Law::TruncatedNormal(law)
                        if (law.lo() - law.mean()) / law.std() < -NEVER_CUT
                            && (law.hi() - law.mean()) / law.std() > NEVER_CUT =>
                    {
                        let sigmas = ((law.hi() - law.mean()) / law.std()).min((law.mean() - law.lo()) / law.std());
                        let detail = format!("the bounds stand at {sigmas:.4} sigma: nothing is ever cut");
                        warn("bounds", detail);
                    }
                    Law::Constant(law) if matrix && is_inner(logical.role) => {
                        let detail =
                            format!("a matrix whose elements are all {}, std 0: its units stay alike", law.value());
                        warn("constant", detail);
                    }
                    _ => {}
                }
                if let (Some(fans), Some(hidden), true) = (logical.fans, logical.hidden, matrix) {
                    let (is, other) = match logical.role {
                        Role::Query | Role::Key | Role::Value | Role::MlpIn | Role::MlpGate | Role::Qkv => {
                            (fans.fan_in, fans.fan_out)
                        }
                        Role::AttentionOutput | Role::MlpOut => (fans.fan_out, fans.fan_in),
                        _ => (hidden, hidden),
                    };
                    if is != hidden && other == hidden {
                        let detail = format!(
                            "fan_in {} and fan_out {} look swapped for {} in a model of width {hidden}: give the rule a layout",
                            fans.fan_in, fans.fan_out, logical.role
                        );
                        warn("fans", detail);
                    }
                }
            }
        }
        (found.into_iter())
            .map(|((rule, _), (name, detail, count))| {
                let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
                format!("{name}{more}: {detail} ({rule})")
            })
            .collect()
    }
}

/// Roles inside a residual branch: zero at its end is a practice, zero inside is not.
fn is_inner(role: Role) -> bool {
    matches!(
        role,
        Role::Key
            | Role::Value
            | Role::Qkv
            | Role::KeyValue
            | Role::MlpIn
            | Role::MlpGate
            | Role::MlpGateIn
            | Role::ExpertIn
            | Role::ExpertGate
            | Role::ExpertGateIn
            | Role::SsmIn
            | Role::Embedding
    )
}
