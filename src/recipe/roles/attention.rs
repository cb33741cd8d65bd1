//! torch's `MultiheadAttention`: its input matrices are parameters of its own, and its biases begin at zero.

use super::modules::{Finding, Modules};
use crate::Result;
use crate::model::Role;
use crate::value::shape::Layout;

const HOW: &str = "a parameter of torch's MultiheadAttention";

/// Finds `in_proj_weight` or its three parts, their bias, and the output that stands beneath them.
pub(super) fn find(modules: &mut Modules<'_>) -> Result<()> {
    for m in 0..modules.all.len() {
        let module = &modules.all[m];
        let fused = module.get("in_proj_weight");
        let parts = [("q_proj_weight", Role::Query), ("k_proj_weight", Role::Key), ("v_proj_weight", Role::Value)];
        let parts: Vec<(usize, Role)> =
            parts.iter().filter_map(|(leaf, role)| Some((module.get(leaf)?, *role))).collect();
        let weight = match (fused, &*parts) {
            (Some(fused), []) => fused,
            (None, [(query, _), _, _]) => *query,
            _ => continue,
        };
        let &[rows, width] = modules.dims(weight) else { continue };
        let width = if fused.is_some() { width } else { rows };
        if fused.is_some() && rows != 3 * width {
            continue;
        }
        let dot = if module.prefix.is_empty() { "" } else { "." };
        let of_output = |leaf: &str| modules.tensor(&format!("{}{dot}out_proj.{leaf}", module.prefix));
        let (output, output_bias) = (of_output("weight"), of_output("bias"));
        let bias = module.get("in_proj_bias");
        if let Some(bias) = bias.filter(|&bias| *modules.dims(bias) != [3 * width]) {
            return modules.contradiction(bias, weight, "it has a bias for each of queries, keys and values");
        }
        let fans = Layout::OutIn.fans(&modules.tensors[weight].shape).ok();
        if let Some(fused) = fused {
            modules.replace(fused, Finding::by_neighbors(Role::Qkv, HOW));
        }
        for (part, role) in parts {
            modules.replace(part, Finding::by_neighbors(role, HOW));
        }
        for bias in [bias, output_bias].into_iter().flatten() {
            modules.replace(bias, Finding::by_neighbors(Role::AttentionBias, HOW).fans(fans));
        }
        if let Some(output) = output {
            modules.replace(output, Finding::by_neighbors(Role::AttentionOutput, HOW));
        }
    }
    Ok(())
}
