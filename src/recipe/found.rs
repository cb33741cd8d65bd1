//! What applying a recipe to one tensor after another shows.

use super::assignment::{RuleOrigin, RulePart};
use super::named_numbers::Reads;
use super::rule::Given;
use super::unknown::Unknown;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// An entry of a recipe: the number of its file, its list there, and its number in the list.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct EntryId {
    pub file: usize,
    pub list: List,
    pub at: usize,
}

/// The lists of a recipe file whose entries are matched against tensors.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum List {
    Rules,
    Multipliers,
    Parts,
}

/// What earlier tensors have shown, so that 70,000 tensors cost little more than their few kinds, and so that what has
/// no effect is found at the end.
#[derive(Default)]
pub(super) struct Found {
    /// What an entry gives where its variables have these values, as bits.
    pub given: HashMap<(EntryId, Vec<u64>), Given>,
    pub origins: HashMap<EntryId, RuleOrigin>,
    /// What the table says of these entries, in this order.
    pub rules: HashMap<Vec<EntryId>, Arc<[RulePart]>>,
    /// Entries whose globs on names have matched a tensor.
    pub matched: HashSet<EntryId>,
    /// Entries that gave a tensor something.
    pub reached: HashSet<EntryId>,
    /// What expressions have read.
    pub reads: RefCell<Reads>,
    /// What the `[[warning]]` entries say, each by its file and its number there.
    pub said: BTreeMap<(usize, usize), String>,
    /// The tensors that get no law, because nothing says for certain what they are.
    pub unknown: Unknown,
}
