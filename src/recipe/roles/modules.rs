//! The tensors of a checkpoint as modules, and what is found about each tensor.

use super::names::layer_prefix;
use crate::model::{ModelTensor, Role, Told, Variables};
use crate::value::shape::{Fans, Layout};
use crate::{Error, Result};
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// The tensors with one prefix.
#[derive(Debug)]
pub(super) struct Module<'a> {
    /// The name of each of its tensors up to the last dot; empty at the top.
    pub prefix: &'a str,
    /// The last piece of each name, and the tensor's number.
    leaves: Vec<(&'a str, usize)>,
}

impl<'a> Module<'a> {
    /// The tensor whose last piece is the first of these that there is.
    pub fn any(&self, leaves: &[&str]) -> Option<usize> {
        leaves.iter().find_map(|leaf| self.get(leaf))
    }

    pub fn get(&self, leaf: &str) -> Option<usize> {
        self.leaves.iter().find(|(own, _)| *own == leaf).map(|&(_, at)| at)
    }

    pub fn leaves(&self) -> impl Iterator<Item = (&'a str, usize)> + '_ {
        self.leaves.iter().copied()
    }

    /// The last piece of the prefix.
    pub fn last_piece(&self) -> &'a str {
        last_piece(self.prefix)
    }
}

/// What is found about a tensor.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub role: Role,
    pub told: Told,
    pub layout: Option<Layout>,
    /// The fans of a bias's weight.
    pub fans: Option<Fans>,
    /// The numbers of a recurrent cell's tensors.
    pub variables: Option<Arc<Variables>>,
}

impl Finding {
    pub fn by_neighbors(role: Role, how: &'static str) -> Self {
        Self { role, told: Told::Neighbors(how), layout: None, fans: None, variables: None }
    }

    pub fn fans(mut self, fans: Option<Fans>) -> Self {
        self.fans = fans;
        self
    }

    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = Some(layout);
        self
    }

    /// Gives a tensor what it lacks.
    pub fn give(self, tensor: &mut ModelTensor) {
        let is_open = super::is_open(tensor);
        // A bias that has its role already, from a list or a `[[role]]` entry, still lacks its weight's fans.
        if tensor.fans.is_none() && (is_open || tensor.role == Role::Bias) {
            tensor.fans = self.fans;
        }
        // A `[[role]]` entry says the role alone.
        let has_layout = tensor.layout != Layout::default();
        if let Some(layout) = self.layout
            && !has_layout
            && (is_open || matches!(tensor.told, Told::Entry(_)))
        {
            tensor.layout = layout;
        }
        if let Some(variables) = self.variables {
            tensor.variables = variables;
        }
        if is_open {
            (tensor.role, tensor.told) = (self.role, self.told);
        }
    }
}

/// All tensors, as modules.
pub(super) struct Modules<'a> {
    pub tensors: &'a [ModelTensor],
    /// In the order of their first tensors.
    pub all: Vec<Module<'a>>,
    by_prefix: HashMap<&'a str, usize>,
    /// The prefixes above modules, and of those the modules directly beneath.
    above: HashSet<&'a str>,
    children: HashMap<&'a str, Vec<usize>>,
    pub found: Vec<Option<Finding>>,
    /// The most common length of norms: the model's width, where it has one.
    width: OnceCell<Option<u64>>,
}

impl<'a> Modules<'a> {
    pub fn new(tensors: &'a [ModelTensor]) -> Self {
        let mut all: Vec<Module<'a>> = Vec::new();
        let mut by_prefix: HashMap<&str, usize> = HashMap::new();
        for (at, tensor) in tensors.iter().enumerate() {
            let (prefix, leaf) = split(&tensor.name);
            let module = *by_prefix.entry(prefix).or_insert_with(|| {
                all.push(Module { prefix, leaves: Vec::new() });
                all.len() - 1
            });
            all[module].leaves.push((leaf, at));
        }
        let mut above = HashSet::new();
        let mut children: HashMap<&str, Vec<usize>> = HashMap::new();
        for (m, module) in all.iter().enumerate() {
            let mut prefix = module.prefix;
            children.entry(split(prefix).0).or_default().push(m);
            while let Some((parent, _)) = prefix.rsplit_once('.') {
                if !above.insert(parent) {
                    break;
                }
                prefix = parent;
            }
        }
        Self { tensors, all, by_prefix, above, children, found: vec![None; tensors.len()], width: OnceCell::new() }
    }

    pub fn dims(&self, at: usize) -> &'a [u64] {
        self.tensors[at].shape.dims()
    }

    pub fn name(&self, at: usize) -> &'a str {
        &self.tensors[at].name
    }

    /// The module of this prefix.
    pub fn module(&self, prefix: &str) -> Option<&Module<'a>> {
        self.by_prefix.get(prefix).map(|&at| &self.all[at])
    }

    /// The tensor of this name.
    pub fn tensor(&self, name: &str) -> Option<usize> {
        let (prefix, leaf) = split(name);
        self.module(prefix)?.get(leaf)
    }

    /// Whether a module of this prefix, or beneath it, holds tensors.
    pub fn stands_above(&self, prefix: &str) -> bool {
        self.by_prefix.contains_key(prefix) || self.above.contains(prefix)
    }

    /// Whether a matrix beneath `parent` stands beside the module `own` there.
    pub fn has_matrix_beside(&self, parent: &str, own: &str) -> bool {
        self.children.get(parent).into_iter().flatten().any(|&m| {
            let module = &self.all[m];
            module.last_piece() != own && module.leaves().any(|(_, at)| self.dims(at).len() > 1)
        })
    }

    /// The role of a tensor as far as it is known.
    pub fn role(&self, at: usize) -> Role {
        match &self.found[at] {
            Some(finding) if super::is_open(&self.tensors[at]) => finding.role,
            Some(_) | None => self.tensors[at].role,
        }
    }

    /// Keeps what is found; what was found before holds.
    pub fn keep(&mut self, at: usize, finding: Finding) {
        self.found[at].get_or_insert(finding);
    }

    /// Keeps this in place of what was found before.
    pub fn replace(&mut self, at: usize, finding: Finding) {
        self.found[at] = Some(finding);
    }

    /// Keeps this role in place of a class; layout and fans that were found before stay.
    pub fn refine(&mut self, at: usize, finding: Finding) {
        let before = self.found[at].take();
        let (layout, fans) = before.map_or((None, None), |before| (before.layout, before.fans));
        self.found[at] = Some(Finding { layout: finding.layout.or(layout), fans: finding.fans.or(fans), ..finding });
    }

    /// The lengths of the norms that stand in the layer of `name` itself, not deeper: its width. Where there is none,
    /// the config's `hidden`.
    pub fn widths(&self, of_layers: &HashMap<&'a str, Vec<u64>>, at: usize) -> Vec<u64> {
        let tensor = &self.tensors[at];
        if let Some(&hidden) = tensor.variables.get("hidden") {
            return vec![hidden as u64];
        }
        layer_prefix(&tensor.name).and_then(|layer| of_layers.get(layer)).cloned().unwrap_or_default()
    }

    /// The most common length of norms, the greatest of several: the model's width. To be asked once norms are found.
    pub fn most_common_norm(&self) -> Option<u64> {
        *self.width.get_or_init(|| {
            let mut lengths: BTreeMap<u64, usize> = BTreeMap::new();
            for at in (0..self.tensors.len()).filter(|&at| self.role(at) == Role::Norm) {
                *lengths.entry(self.tensors[at].shape.count()).or_default() += 1;
            }
            lengths.into_iter().max_by_key(|&(length, count)| (count, length)).map(|(length, _)| length)
        })
    }

    /// For each layer, by its prefix, the lengths of its own norms.
    pub fn norms_of_layers(&self) -> HashMap<&'a str, Vec<u64>> {
        let mut lengths: HashMap<&str, Vec<u64>> = HashMap::new();
        for at in (0..self.tensors.len()).filter(|&at| matches!(self.role(at), Role::Norm | Role::NormOffset)) {
            let name = self.name(at);
            let Some(layer) = layer_prefix(name) else { continue };
            let is_own = split(name).0.len() > layer.len() && !split(name).0[layer.len() + 1..].contains('.');
            if let ([length], true) = (self.dims(at), is_own) {
                let lengths = lengths.entry(layer).or_default();
                if !lengths.contains(length) {
                    lengths.push(*length);
                }
            }
        }
        lengths
    }

    /// An error about a tensor that contradicts the one beside it.
    pub fn contradiction(&self, at: usize, other: usize, what: &str) -> Result<()> {
        let reason =
            format!("shape {:?}, but {} has shape {:?}: {what}", self.dims(at), self.name(other), self.dims(other));
        Err(Error::Model(reason).in_tensor(self.name(at)))
    }
}

/// A name's prefix and its last piece.
pub(super) fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// The last piece of a prefix.
pub(super) fn last_piece(prefix: &str) -> &str {
    split(prefix).1
}
