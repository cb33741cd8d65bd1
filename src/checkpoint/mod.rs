//! Checkpoints: safetensors files, whole models in them, what they hold and whether it is what it should be.
//!
//! What a user calls: `write_model` writes a model's directory; `write_safetensors` and `write_raw` write single
//! tensors; `verify` recomputes what a checkpoint holds; [`inspect()`] measures it. [`Weights`] opens a checkpoint,
//! [`Reader`] and `Writer` one file. Each call takes a `Backend` where it fills, and a [`Progress`] where it takes
//! long.
//!
//! The files, each of which uses only the ones before it:
//!
//! - `disk`: places on the disk that are written to: temporary files, directories, free space, renames.
//! - `lfs`: pointers of Git LFS in the place of files.
//! - `safetensors`: the format: a header, a reader, and over `disk` a writer.
//! - `names`: the names of the files in a model's directory.
//! - `convert`: planned values in the dtype of a copy.
//! - `text_file`: config, recipe and table files.
//! - `adapter`: the files of PEFT's adapters.
//! - `weights`: a checkpoint to be read, of one file or of several.
//! - `provenance`: what a file's metadata says of what made it.
//! - `table`: an `init.json` beside weights.
//! - `model_paths`: the files that a plan of a model is made of.
//! - `memory`: how much memory a call may use.
//! - `inspect`: what is in a checkpoint, whoever wrote it.
//! - `verify`: whether a checkpoint's bytes are what its metadata says.
//! - `write`: fills into files, and whole models.
//!
//! `write`, `disk` and the writer of `safetensors` alone use the crates that writing needs: they are there with feature
//! `checkpoint`, all others with feature `safetensors`, which also compiles for `wasm32-unknown-unknown`. There
//! [`StoredHeader`] reads a header from bytes, [`Weights::from_readers`] takes files that are in memory,
//! [`expected_by_text`] says what they should hold, and [`Comparison`] compares bytes with it.

#[cfg(all(feature = "checkpoint", not(target_arch = "wasm32")))]
mod disk;
mod lfs;
mod memory;
mod names;
mod provenance;
mod safetensors;
mod convert;
mod text_file;
mod table;
mod adapter;
mod weights;
mod inspect;
mod model_paths;
mod verify;
#[cfg(all(feature = "checkpoint", not(target_arch = "wasm32")))]
mod write;

pub use inspect::{Agreement, InspectRow, PlannedLaws, inspect};
pub use memory::DEFAULT_MEMORY;
pub use model_paths::ModelPaths;
pub use provenance::{Provenance, SingleTensor};
#[cfg(all(feature = "checkpoint", not(target_arch = "wasm32")))]
pub use safetensors::{CompleteFile, Writer};
pub use safetensors::{FileDType, Header, HeaderEntry, MAX_HEADER, READ_BYTES, Reader, StoredHeader, StoredTensor};
pub use text_file::read_config;
#[cfg(not(target_arch = "wasm32"))]
pub use verify::verify;
pub use verify::{
    Comparison, Expected, ExpectedTensor, Verdict, VerifyRow, expected_by_text, expected_tensors, plan_source,
};
pub use weights::Weights;
#[cfg(all(feature = "checkpoint", not(target_arch = "wasm32")))]
pub use write::{ModelFiles, ModelWriter, WriteOptions, check_target, write_model, write_raw, write_safetensors};

use crate::Result;

#[cfg(test)]
#[cfg(feature = "checkpoint")]
mod tests;

/// Told the bytes done so far, in all; an error that it returns ends the call, which then leaves nothing half-written.
pub type Progress<'a> = &'a mut dyn FnMut(u64) -> Result<()>;
