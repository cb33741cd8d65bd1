//! Recipes: which law each tensor of a model gets, and the numbers that go with it. Recipes are data: TOML files.
//!
//! A [`Recipe`] is an ordered list of rules. For each tensor the first rule that matches its name, role and rank gives
//! the scheme, whose arguments may be expressions over the model's numbers; [`Recipe::assign`] does that for a whole
//! model. docs/recipes.md describes the format and the built-in recipes.
//!
//! The files of this folder, in the order in which they build on each other: each imports from files above it alone.
//!
//! 1. `expression`: arithmetic over named numbers, `sigma / sqrt(2 * layers)`, and which names are a tensor's own.
//! 2. `pattern`: which tensors a rule is about: globs on names, roles, ranks, a condition.
//! 3. `raw`: a recipe file as TOML has it, before anything in it is understood.
//! 4. `rule`, `parts`, `manifest`: one entry each of `[[rule]]` and `[[multipliers]]`, `[[parts]]`, `[[tensor]]`.
//! 5. `file`: one recipe file, understood.
//! 6. `named_numbers`: what the names in an expression mean, for one tensor and several files.
//! 7. `builtin`: the recipes that come with seedbed, by name and by family of models.
//! 8. `role_names`: the role that a tensor's usual name tells, for tensors that come without a role.
//! 9. `recipe`: [`Recipe`], one file or several, with the values that were set.
//! 10. `assignment`: what a recipe makes of tensors, an [`Assignment`].
//! 11. `assign`: [`Recipe::assign`], the rules applied.
//! 12. `warn`: what looks like a mistake in an assignment.

mod assign;
mod assignment;
mod builtin;
mod expression;
mod file;
mod manifest;
mod named_numbers;
mod parts;
mod pattern;
mod raw;
#[expect(clippy::module_inception, reason = "the type Recipe is found in the file of its name")]
mod recipe;
mod role_names;
mod rule;
#[cfg(test)]
mod tests;
mod warn;

pub use assignment::{Assigned, Assignment, Logical, RuleOrigin};
pub use builtin::{BuiltIn, builtins};
pub use file::About;
#[cfg(feature = "checkpoint")]
pub(crate) use pattern::glob_set;
pub use recipe::Recipe;
