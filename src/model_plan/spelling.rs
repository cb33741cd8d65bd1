//! Tensors that a checkpoint has under another name than the model: drawn anew, they would replace trained weights in
//! silence.

use super::header::{Header, HeaderTensor};
use crate::recipe::Assigned;
use crate::{Error, Result};
use std::collections::{HashMap, HashSet};

/// Refuses a checkpoint that lacks a tensor of the model and has one of its shape under a name that differs by what
/// stands in front (`layers.0..` and `model.layers.0..`), by the last piece (`LayerNorm.gamma` and `LayerNorm.weight`),
/// or that the model ties to it. `names` are those of all the model's tensors, `ties` (name, the stored tensor's name).
///
/// # Errors
/// [`Error::Checkpoint`] with both names.
pub(super) fn check(
    old: &Header,
    tensors: &[Assigned],
    names: &HashSet<&str>,
    ties: &[(String, String)],
) -> Result<()> {
    let existing: HashSet<&str> = old.tensors.iter().map(|t| t.name.as_str()).collect();
    let others: Vec<&HeaderTensor> = old.tensors.iter().filter(|t| !names.contains(t.name.as_str())).collect();
    let mut by_name: HashMap<&str, &HeaderTensor> = HashMap::new();
    let mut by_end: HashMap<&str, &HeaderTensor> = HashMap::new();
    let mut by_module: HashMap<(&str, &[u64]), &HeaderTensor> = HashMap::new();
    for &other in &others {
        by_name.insert(&other.name, other);
        for end in ends(&other.name) {
            by_end.entry(end).or_insert(other);
        }
        if let Some((module, _)) = other.name.rsplit_once('.') {
            by_module.entry((module, &other.dims)).or_insert(other);
        }
    }
    let tied: HashMap<&str, &str> = ties.iter().map(|(name, stored)| (stored.as_str(), name.as_str())).collect();
    let found = |tensor: &Assigned| {
        let (name, dims) = (tensor.spec.name.as_str(), tensor.spec.shape.dims());
        let shorter = ends(name).find_map(|end| by_name.get(end));
        let beside = name.rsplit_once('.').and_then(|(module, _)| by_module.get(&(module, dims)));
        let alias = tied.get(name).and_then(|alias| by_name.get(alias));
        let found = [shorter, by_end.get(name), beside, alias].into_iter().flatten();
        found.copied().find(|other| other.dims == dims)
    };
    let missing = tensors.iter().filter(|t| !existing.contains(t.spec.name.as_str()));
    let mut found = missing.filter_map(|t| Some((t.spec.name.as_str(), found(t)?)));
    let Some((name, other)) = found.next() else { return Ok(()) };
    let more = match found.count() {
        0 => String::new(),
        n => format!(", and {n} more so"),
    };
    let reason = format!(
        "has no tensor {name:?}, but one of its shape under the name {:?}{more}: rename it there, or leave the model's \
         out",
        other.name
    );
    Err(Error::Checkpoint { path: old.name.clone(), reason })
}

/// What is left of a name where pieces in front are left out, two pieces at least.
fn ends(name: &str) -> impl Iterator<Item = &str> {
    let starts = name.match_indices('.').map(|(at, _)| at + 1);
    starts.map(|at| &name[at..]).filter(|end| end.contains('.'))
}
