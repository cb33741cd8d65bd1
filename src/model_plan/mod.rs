//! Planning a whole model from memory: tensors and recipes become an [`Assignment`](crate::recipe::Assignment), a
//! [`Plan`](crate::plan::Plan) and the table that says what made each weight. No file is read, no device is used.
//!
//! [`ModelRequest`] says what is asked for and makes a [`ModelPlan`]. The files of this module, each of which uses only
//! the ones before it:
//!
//! - `text`: a text, and the name by which errors call it.
//! - `names`: globs that choose tensors by name.
//! - `unplanned`: tensors that are written without a law.
//! - `header`: what a checkpoint's header lists.
//! - `spelling`: tensors that a checkpoint has under another name.
//! - `existing`: what a model has beyond an existing checkpoint.
//! - `settings`: the recipes and the values that were set, as a file's metadata has them.
//! - `request`: the request.
//! - `source`: where the request's tensors come from, and the recipe that gives them laws.
//! - `library_laws`: where the laws are not those of `transformers`, for a type of the library without a recipe here.
//! - `explain`: how the role of each tensor was told.
//! - `planned`: from the request to the plan.
//! - `rows`: the plan as rows, one per logical tensor.
//! - `table`: those rows as the text of `init.json`, and a plan made of that text again.

mod names;
mod text;
mod unplanned;
mod header;
mod spelling;
mod existing;
mod settings;
mod request;
mod source;
mod library_laws;
mod explain;
mod planned;
mod rows;
mod table;
#[cfg(test)]
mod tests;

pub use existing::{KeptRows, NewRows};
pub use header::HeaderTensor;
pub use planned::ModelPlan;
pub use request::ModelRequest;
pub use rows::{PartBox, PlanRow, RuleRow};
pub use settings::{PlanSettings, RecipeText, TensorList};
pub use table::{INIT_JSON, InitTable};
pub use text::NamedText;
pub use unplanned::{Content, UnplannedTensor};
