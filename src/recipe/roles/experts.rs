//! Experts whose matrices are stacked on the first axis: `[experts, in, out]`, or `[experts, out, in]`.

use super::modules::{Finding, Modules, split};
use super::names;
use crate::Result;
use crate::model::{Role, Told};
use crate::value::shape::Layout;

/// Finds stacks of experts. The axis as long as the layer's norm, or the config's `hidden`, is the residual stream's:
/// what comes in of all but the last matrix. Where both or neither are, which one feeds in is not known.
pub(super) fn find(modules: &mut Modules<'_>) -> Result<()> {
    let norms = modules.norms_of_layers();
    for at in 0..modules.tensors.len() {
        if !modules.name(at).contains("expert") && !modules.name(at).contains("_linear") {
            continue;
        }
        let &[experts, second, third] = modules.dims(at) else { continue };
        let Some((role, glob)) = names::of_name(modules.name(at), 3) else { continue };
        if !matches!(role, Role::ExpertIn | Role::ExpertGate | Role::ExpertGateIn | Role::ExpertOut) {
            continue;
        }
        let widths = modules.widths(&norms, at);
        let is_stream = [second, third].map(|length| widths.contains(&length));
        let stream = match is_stream {
            [true, false] => 1,
            [false, true] => 2,
            // Both or neither: a law of fans is not certain, and a guess would be silent.
            _ => {
                modules.replace(at, Finding { told: Told::Unknown, ..Finding::by_neighbors(Role::Other, "") });
                continue;
            }
        };
        let other = 3 - stream;
        let (input, output) = if role == Role::ExpertOut { (other, stream) } else { (stream, other) };
        let layout = Layout::axes([input as i64], [output as i64], [0]);
        let tensor = &modules.tensors[at];
        let layout = if tensor.layout == Layout::default() { layout } else { tensor.layout.clone() };
        let fans = layout.fans(&tensor.shape).ok();
        let outputs = modules.dims(at)[output];
        let (prefix, leaf) = split(modules.name(at));
        let names = [format!("{prefix}.{leaf}_bias"), format!("{prefix}.bias"), format!("{}.bias", modules.name(at))];
        let biases: Vec<usize> = names.iter().filter_map(|name| modules.tensor(name)).collect();
        for bias in biases {
            if *modules.dims(bias) != [experts, outputs] {
                return modules.contradiction(bias, at, "a bias has the outputs of each expert");
            }
            modules.replace(bias, Finding::by_neighbors(Role::Bias, "the biases of the experts beside it").fans(fans));
        }
        modules.replace(at, Finding { told: Told::Name(glob), ..Finding::by_neighbors(role, "") }.layout(layout));
    }
    Ok(())
}
