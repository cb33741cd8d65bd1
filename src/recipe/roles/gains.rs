//! Scales that are no norm's: gains of standardized convolutions, temperatures of attention, and the shift that a fused
//! matrix's queries and values have apart.

use super::modules::{Finding, Modules, split};
use crate::model::Role;

/// Finds what multiplies by 1, or adds 0, before any training.
pub(super) fn find(modules: &mut Modules<'_>) {
    for m in 0..modules.all.len() {
        gain(modules, m);
        affine(modules, m);
        temperature(modules, m);
        query_and_value(modules, m);
    }
}

/// Whether a shape has one axis that is longer than 1, or none.
fn is_vector(dims: &[u64]) -> bool {
    dims.iter().filter(|&&d| d > 1).count() <= 1
}

/// `gain [out, 1, 1, 1]` beside a kernel `weight [out, ..]`: a standardized convolution's scale of each channel.
fn gain(modules: &mut Modules<'_>, m: usize) {
    let module = &modules.all[m];
    let (Some(gain), Some(weight)) = (module.get("gain"), module.get("weight")) else { return };
    let (dims, kernel) = (modules.dims(gain), modules.dims(weight));
    if kernel.len() > 2 && dims.len() == kernel.len() && dims[0] == kernel[0] && is_vector(dims) {
        modules.keep(gain, Finding::by_neighbors(Role::Scale, "one gain for each channel of the kernel beside it"));
    }
}

/// `alpha` and `beta` of one vector's shape and nothing else: ResMLP's norm, which only scales and shifts.
fn affine(modules: &mut Modules<'_>, m: usize) {
    let module = &modules.all[m];
    let (Some(alpha), Some(beta)) = (module.get("alpha"), module.get("beta")) else { return };
    let dims = modules.dims(alpha);
    if module.leaves().count() == 2 && dims == modules.dims(beta) && is_vector(dims) {
        let how = "alpha and beta of one length and nothing else: a scale and a shift";
        modules.keep(alpha, Finding::by_neighbors(Role::Norm, how));
        modules.keep(beta, Finding::by_neighbors(Role::NormBias, how));
    }
}

/// One number for each head, beside the fused matrix of attention: `temperature` begins at 1, and `logit_scale` at
/// ln 10, which recipes tell from CLIP's by its rank.
fn temperature(modules: &mut Modules<'_>, m: usize) {
    let module = &modules.all[m];
    let dot = if module.prefix.is_empty() { "" } else { "." };
    let Some(fused) = modules.tensor(&format!("{}{dot}qkv.weight", module.prefix)) else { return };
    let &[rows, _] = modules.dims(fused) else { return };
    for leaf in ["temperature", "logit_scale"] {
        let Some(at) = modules.all[m].get(leaf) else { continue };
        if let &[heads, 1, 1] = modules.dims(at)
            && rows % (3 * heads) == 0
        {
            modules.keep(at, Finding::by_neighbors(Role::Scale, "one number for each head beside queries and keys"));
        }
    }
}

/// `q_bias` and `v_bias` beside a fused matrix without a bias, as BEiT has them: keys have none. They begin at zero.
fn query_and_value(modules: &mut Modules<'_>, m: usize) {
    let module = &modules.all[m];
    let (Some(query), Some(value)) = (module.get("q_bias"), module.get("v_bias")) else { return };
    let dot = if module.prefix.is_empty() { "" } else { "." };
    let Some(fused) = modules.tensor(&format!("{}{dot}qkv.weight", module.prefix)) else { return };
    let &[rows, _] = modules.dims(fused) else { return };
    let is_third = |at: usize| *modules.dims(at) == [rows / 3];
    if rows % 3 == 0 && is_third(query) && is_third(value) && split(modules.name(fused)).0 != module.prefix {
        for at in [query, value] {
            let how = "a bias of queries or of values beside their fused matrix";
            modules.keep(at, Finding::by_neighbors(Role::AttentionBias, how));
        }
    }
}
