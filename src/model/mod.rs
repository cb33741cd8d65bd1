//! Where a model's tensors come from: a Hugging Face `config.json` becomes the tensors that `save_pretrained` of
//! `transformers` writes for it, with the same names and shapes, each with the role it plays. What is in the tensors is
//! not decided here: a recipe gives roles their laws.
//!
//! The files of this folder, in the order in which they build on each other: each imports from files above it alone.
//!
//! 1. `role`: what a tensor does in its model, such as `attention.query`.
//! 2. `tensor`: a tensor before it has a law.
//! 3. `serde_text`: how the types of a plan stand in JSON.
//! 4. `config_text`: the text of a config, which is JSON and what Python makes of it.
//! 5. `fields`: a config's fields, each read by its name.
//! 6. `build`: the list of a model's tensors while it grows.
//! 7. `family`: what the `model_type` of a config names.
//! 8. `families`: those that are known, a file each.
//! 9. `model`: [`Model`], a whole config.
//!
//! The tests compare with fixtures that `tests/data/models/make.py` makes from `transformers` itself.

mod build;
mod config_text;
mod families;
mod family;
mod fields;
#[expect(clippy::module_inception, reason = "the type Model is found in the file of its name")]
mod model;
mod role;
mod serde_text;
mod tensor;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use config_text::clip;
pub use config_text::config_with_dtype;
pub use family::Family;
pub use fields::numbers_of_config;
pub use model::Model;
pub use role::Role;
pub use tensor::{ModelTensor, Variables};
