//! What of a recipe has no effect: most likely a mistake, so that it is never silent.

use super::file::RecipeFile;
use super::finished::FinishedRecipe;
use super::found::{EntryId, Found, List};
use super::pattern::Pattern;
use crate::model::{ModelTensor, Role, Told};
use crate::{Error, Result};
use std::sync::Arc;

/// An entry of a file that is matched against tensors: its list, its number there, its line, and what it is about.
type Entry<'a> = (List, usize, usize, &'a Pattern);

fn entries(file: &RecipeFile) -> impl Iterator<Item = Entry<'_>> {
    let rules = file.rules.iter().enumerate().map(|(i, r)| (List::Rules, i, r.line, &r.pattern));
    let multipliers = file.multipliers.iter().enumerate().map(|(i, r)| (List::Multipliers, i, r.line, &r.pattern));
    let parts = file.parts.iter().enumerate().map(|(i, p)| (List::Parts, i, p.line, &p.pattern));
    rules.chain(multipliers).chain(parts)
}

impl FinishedRecipe {
    /// Refuses what cannot have been meant, and gives what is to be said of the rest: a line each.
    ///
    /// # Errors
    /// Where a glob on names in a user's own file matches no tensor; where a modifier or a user's own file that was
    /// named by whoever made this recipe has no effect.
    pub(super) fn check_effects(&self, tensors: &[ModelTensor], found: &Found) -> Result<Vec<String>> {
        self.check_globs(found)?;
        let mut said: Vec<String> = found.said.values().cloned().collect();
        for (f, file) in self.files.iter().enumerate() {
            if !self.chosen.iter().any(|chosen| Arc::ptr_eq(chosen, file)) || has_effect(f, file, tensors, found) {
                continue;
            }
            let reason = without_effect(file, tensors);
            // Behind other recipes, one that serves every tensor is there for what they leave, which may be nothing.
            if file.is_builtin && file.is_whole() && f > 0 {
                said.push(reason);
            } else {
                return Err(Error::Model(reason));
            }
        }
        said.extend(self.files.iter().enumerate().filter_map(|(f, file)| unreached(f, file, found)));
        said.extend(self.files.iter().filter_map(|file| roles_without_effect(file, tensors)));
        let reads = found.reads.borrow();
        let unread = self.set.keys().filter(|name| !reads.set.contains(*name) && !self.set_for_tensors.contains(*name));
        said.extend(unread.map(|name| format!("{name} is set, but nothing that any tensor gets depends on it")));
        let is = |role: Role| tensors.iter().any(|t| t.role == role);
        if reads.unknown_ties && is(Role::Embedding) && !is(Role::Unembedding) {
            let text = "no tensor is the head over the vocabulary, and nothing says whether the embedding serves as \
                        one: it is taken not to; set tied to 1 where it does";
            said.push(text.to_owned());
        }
        Ok(said)
    }

    /// A glob that matches nothing is a mistake, except in built-in recipes, which serve many models.
    fn check_globs(&self, found: &Found) -> Result<()> {
        for (f, file) in self.files.iter().enumerate().filter(|(_, file)| !file.is_builtin) {
            for (list, at, line, pattern) in entries(file) {
                let Some(names) = &pattern.names else { continue };
                if !found.matched.contains(&EntryId { file: f, list, at }) {
                    let reason = format!(
                        "name {} matches no tensor that comes to this rule: earlier rules may take them all",
                        names.texts()
                    );
                    return Err(file.error(line, reason));
                }
            }
        }
        Ok(())
    }
}

/// Whether a file gives a tensor something, or lists tensors or roles, or has parameters for the rules of others. A
/// file that only names other recipes has nothing that could be without effect.
fn has_effect(f: usize, file: &RecipeFile, tensors: &[ModelTensor], found: &Found) -> bool {
    found.reached.iter().any(|entry| entry.file == f)
        || !file.manifest.is_empty()
        || file.roles.iter().any(|(line, ..)| tells(file, *line, tensors))
        || found.reads.borrow().lenders.contains(&f)
        || (entries(file).next().is_none() && file.parameters.is_empty() && file.roles.is_empty())
}

/// That a recipe has no effect, and why.
fn without_effect(file: &RecipeFile, tensors: &[ModelTensor]) -> String {
    let name = &file.name;
    if entries(file).next().is_none() && !file.roles.is_empty() {
        return format!("no [[role]] of {name} tells a role: every tensor has one without it");
    }
    if entries(file).next().is_none() {
        return format!("{name} has no rule, and no rule of another recipe reads its parameters");
    }
    let is_about = |pattern: &Pattern| tensors.iter().any(|t| pattern.may_serve(&t.name, t.role, t.shape.rank()));
    let why = if entries(file).any(|(.., pattern)| is_about(pattern)) {
        "the recipes before it take every tensor that its rules are about: put it before them, or leave it out"
    } else {
        "its rules are about no tensor here: leave it out"
    };
    format!("no rule of {name} was reached: {why}")
}

/// Whether a tensor has its role from the `[[role]]` entry of this line.
fn tells(file: &RecipeFile, line: usize, tensors: &[ModelTensor]) -> bool {
    let entry = format!("{}:{line}", file.name);
    tensors.iter().any(|t| matches!(&t.told, Told::Entry(at) if **at == *entry))
}

/// The `[[role]]` entries of a user's own file that told no role, in one line.
fn roles_without_effect(file: &RecipeFile, tensors: &[ModelTensor]) -> Option<String> {
    if file.is_builtin {
        return None;
    }
    let idle = file.roles.iter().map(|(line, ..)| *line).filter(|line| !tells(file, *line, tensors));
    let lines = listed(idle.collect())?;
    let name = &file.name;
    Some(format!(
        "{name}: no tensor has its role from {lines}: each has one without it, by the config, a list or an earlier \
                  entry"
    ))
}

/// These lines in words.
fn listed(mut lines: Vec<usize>) -> Option<String> {
    lines.sort_unstable();
    let (last, first) = lines.split_last()?;
    let first: Vec<String> = first.iter().map(usize::to_string).collect();
    Some(match &first[..] {
        [] => format!("line {last}"),
        first => format!("lines {} and {last}", first.join(", ")),
    })
}

/// The rules of a user's own file that gave no tensor anything, in one line.
fn unreached(f: usize, file: &RecipeFile, found: &Found) -> Option<String> {
    if file.is_builtin {
        return None;
    }
    let idle = entries(file).filter(|&(list, at, ..)| !found.reached.contains(&EntryId { file: f, list, at }));
    let lines = listed(idle.map(|(_, _, line, _)| line).collect())?;
    let name = &file.name;
    Some(format!(
        "{name}: no tensor reaches what stands in {lines}: earlier rules take it, or there is none that it is about"
    ))
}
