//! Fills into files, and whole models.
//!
//! - `options`: how files are written.
//! - `carried`: tensors without a law.
//! - `pipeline`: fills and writes at the same time, in order.
//! - `in_place`: fills by all cores straight into a file.
//! - `queue`: several files, one after the other.
//! - `tensors`: single tensors.
//! - `shards`: which tensor goes to which file.
//! - `mean_rows`: new rows from the mean and the covariance of old ones, with feature `mean-rows`.
//! - `kept`: rows that are copied from another checkpoint, and the new rows that follow from them.
//! - `stored`: what stands in a model's files.
//! - `model`: a model's directory.

mod options;
mod carried;
#[cfg(feature = "mean-rows")]
mod mean_rows;
mod kept;
mod pipeline;
mod in_place;
mod queue;
mod shards;
mod stored;
mod model;
mod tensors;

pub use model::{ModelFiles, ModelWriter, write_model};
pub use options::{WriteOptions, check_target};
pub use tensors::{write_raw, write_safetensors};
