//! Recipes: which law each tensor of a model gets, and the numbers that go with it. Recipes are data: TOML files.
//!
//! A [`Recipe`] is an ordered list of rules; finished, with all the recipes that it names, it is a [`FinishedRecipe`].
//! For each tensor the first rule that matches its name, role and rank gives the scheme, whose arguments may be
//! expressions over the model's numbers; [`FinishedRecipe::assign`] does that for a whole model. docs/recipes.md
//! describes the format and the built-in recipes.
//!
//! The modules below stand in the order in which they build on each other: each imports those above it alone.
//! tests/it/rooms reads the order here and checks it.

// Arithmetic over named numbers, `sigma / sqrt(2 * layers)`, and which names are a tensor's own.
mod expression;

// A recipe file as TOML has it, before anything in it is understood.
mod raw;

// Which tensors a rule is about: globs on names, roles, ranks, a condition.
mod pattern;

// Texts of schemes and layouts whose numbers are expressions.
mod text_with_numbers;

// Rows of zeros, as `zero_rows` says them.
mod zero_rows;

// One entry: of `[[rule]]` or `[[multipliers]]`, of `[[parts]]`, of `[[tensor]]`.
mod rule;

mod parts;

mod manifest;

// What a recipe tells whoever uses it: `[[warning]]`.
mod warning;

// One recipe file, understood.
mod file;

// What the names in an expression mean, for one tensor and several files.
mod named_numbers;

// The recipes that come with seedbed, by name and by family of models.
mod builtin;

// The roles of tensors that come without one, told by their shapes, neighbors and names.
mod roles;

// All files and the values that were set: a `FinishedRecipe`, with the tensors that it lists and the roles that it
// tells.
mod finished;

// One file or several, not yet complete: a `Recipe`.
#[expect(clippy::module_inception, reason = "the type Recipe is found in the file of its name")]
mod recipe;

// What a recipe makes of tensors: an `Assignment`.
mod assignment;

// The tensors that nobody knows, and the lines that settle them.
mod unknown;

// What applying it to one tensor after another shows.
mod found;

// What of it has no effect.
mod effects;

// The rules applied: `FinishedRecipe::assign`.
mod assign;

// What looks like a mistake in an assignment.
mod warn;

#[cfg(test)]
mod tests;

pub use assignment::{Assigned, Assignment, Logical, RuleOrigin, RulePart};
pub use builtin::{BuiltIn, builtins};
pub use file::About;
pub use finished::FinishedRecipe;
pub(crate) use pattern::glob_set;
pub use recipe::Recipe;
pub use rule::Gave;
pub use text_with_numbers::{layout_for, scheme_for};
