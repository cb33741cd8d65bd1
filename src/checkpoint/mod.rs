//! Checkpoints: safetensors files, whole models in them, what they hold and whether it is what it should be.
//!
//! Each call takes a [`crate::backend::Backend`] where it fills, and a [`Progress`] where it takes long.

mod agreement;
mod commit;
mod dirs;
mod in_place;
mod init_json;
mod inspect;
mod metadata;
mod missing;
mod pipeline;
mod plan_rows;
mod request;
mod safetensors;
mod shards;
mod sources;
mod space;
mod verify;
mod weights;
mod write;
mod write_model;

pub use init_json::{InitTable, TABLE};
pub use inspect::{Agreement, InspectRow, Laws, inspect};
pub use metadata::{Origin, SingleTensor};
pub use missing::Kept;
pub use pipeline::DEFAULT_MEMORY;
pub use plan_rows::{PartPlace, PlanRow};
pub use request::{ModelPlan, ModelRequest};
pub use safetensors::{CHUNK, Complete, Entry, Header, MAX_HEADER, Reader, StoredTensor, Writer};
pub(crate) use safetensors::{PLACES, directory, new_temp, sync_directory, write_all_at};
pub use sources::read_config;
pub use verify::{Expected, Verdict, VerifyRow, beside_weights, expected, verify};
pub use weights::Weights;
pub use write::{WriteOptions, check_target, write_raw, write_safetensors};
pub use write_model::{ModelFiles, Outputs};

use crate::Result;

/// Told the bytes done so far; an error ends the call, which leaves nothing half-written.
pub type Progress<'a> = &'a mut dyn FnMut(u64) -> Result<()>;
