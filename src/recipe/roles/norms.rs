//! Batch norms and norms.

use super::modules::{Finding, Modules};
use super::names::{self, kind_of};
use crate::Result;
use crate::model::{Role, Told};
use std::collections::HashMap;

pub(super) const SCALES: [&str; 4] = ["weight", "scale", "gamma", "g"];
pub(super) const SHIFTS: [&str; 3] = ["bias", "beta", "b"];
const MEANS: [&str; 2] = ["running_mean", "moving_mean"];
const VARIANCES: [&str; 3] = ["running_var", "running_variance", "moving_variance"];

/// Finds batch norms, by their running statistics, and norms with a shift.
pub(super) fn find(modules: &mut Modules<'_>) -> Result<()> {
    let mut named: HashMap<String, Option<(Role, &'static str)>> = HashMap::new();
    for m in 0..modules.all.len() {
        let module = &modules.all[m];
        let (scale, shift) = (module.any(&SCALES), module.any(&SHIFTS));
        let statistics = [module.any(&MEANS), module.any(&VARIANCES)];
        if statistics.iter().any(Option::is_some) {
            batch_norm(modules, scale, shift, statistics)?;
        } else if let (Some(scale), Some(shift)) = (scale, shift) {
            norm(modules, m, scale, shift)?;
        } else if let Some(scale) = scale.filter(|&scale| modules.dims(scale).len() == 1) {
            // A vector without a shift may be many things: only its name tells a norm.
            let kind = kind_of(modules.name(scale));
            let told = named.entry(kind).or_insert_with(|| names::of_name(modules.name(scale), 1));
            if let Some((Role::Norm, glob)) = *told {
                modules.keep(scale, Finding { told: Told::Name(glob), ..Finding::by_neighbors(Role::Norm, "") });
            }
        }
    }
    Ok(())
}

fn batch_norm(
    modules: &mut Modules<'_>,
    scale: Option<usize>,
    shift: Option<usize>,
    [mean, variance]: [Option<usize>; 2],
) -> Result<()> {
    let how = "beside the running statistics of a batch norm";
    let roles = [Role::RunningMean, Role::RunningVar, Role::Norm, Role::NormBias];
    let parts = [mean, variance, scale, shift].into_iter().zip(roles);
    let parts: Vec<(usize, Role)> = parts.filter_map(|(at, role)| Some((at?, role))).collect();
    for &(at, role) in &parts {
        let first = parts[0].0;
        if modules.dims(at) != modules.dims(first) || modules.dims(at).len() != 1 {
            return modules.contradiction(at, first, "a batch norm has vectors of one length");
        }
        modules.keep(at, Finding::by_neighbors(role, how));
    }
    Ok(())
}

/// A scale and a shift without a matrix: a layer norm, or any other norm that scales its channels.
fn norm(modules: &mut Modules<'_>, m: usize, scale: usize, shift: usize) -> Result<()> {
    let (ours, other) = (modules.dims(scale), modules.dims(shift));
    // A norm over several axes has a shift of its own shape, and no linear layer has.
    let is_norm_of_axes = ours.len() > 1 && ours == other;
    if ours.len() != 1 && !is_norm_of_axes {
        return Ok(());
    }
    if other.len() == 1 && ours != other {
        return modules.contradiction(shift, scale, "it fits neither a norm nor a linear layer");
    }
    // Beside a matrix a vector may be anything; one number is no norm's, but an activation's.
    let is_matrix = |at: usize| at != scale && at != shift && modules.dims(at).len() > 1;
    let has_matrix = modules.all[m].leaves().any(|(_, at)| is_matrix(at));
    if ours != other || has_matrix || ours == [1] {
        return Ok(());
    }
    let how = "a scale with a shift of its shape and no matrix: a norm";
    modules.keep(shift, Finding::by_neighbors(Role::NormBias, how));
    // The weight of a response normalization (GRN) begins at zero.
    if !modules.all[m].last_piece().contains("grn") {
        modules.keep(scale, Finding::by_neighbors(Role::Norm, how));
    }
    Ok(())
}
