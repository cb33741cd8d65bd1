//! Where a model's tensors come from: a Hugging Face `config.json` becomes the tensors that `save_pretrained` of
//! `transformers` writes for it, with the same names and shapes, each with the role it plays. What is in the tensors is
//! not decided here: a recipe gives roles their laws.
//!
//! The modules below stand in the order in which they build on each other: each imports those above it alone.
//! tests/it/rooms reads the order here and checks it.
//!
//! The tests compare with fixtures that `tests/data/models/make.py` makes from `transformers` itself.

// What a tensor does in its model, such as `attention.query`.
mod role;

// How that was told.
mod told;

// A tensor before it has a law.
mod tensor;

// How the types of a plan stand in JSON.
mod serde_text;

// The text of a config: JSON, and what Python writes beyond it.
mod config_text;

// A config's fields, each read by its name.
mod fields;

// What the library does in a model type that no name tells.
mod library;

// The list of a model's tensors while it grows.
mod build;

// What the `model_type` of a config names, and the families that are known, a file each.
mod family;

mod families;

// A whole config: a `Model`.
#[expect(clippy::module_inception, reason = "the type Model is found in the file of its name")]
mod model;

#[cfg(test)]
pub(crate) mod tests;

pub use config_text::config_with_dtype;
pub use family::Family;
pub use fields::numbers_of_config;
pub use library::LibraryType;
pub use model::Model;
pub use role::Role;
pub use tensor::{ModelTensor, Variables};
pub use told::Told;
