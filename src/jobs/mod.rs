//! What the binary does, as calls: whole files from plans, files compared with what they should hold, tables of both.
//!
//! Each takes an [`crate::engine::Engine`] where it fills, and a [`Progress`] where it takes long.

#[cfg(all(feature = "gpu", feature = "parallel"))]
pub mod bench;
mod describe;
mod init;
mod inspect;
mod origin;
#[cfg(feature = "gpu")]
mod selftest;
mod verify;
mod write;

pub use describe::{PlanRow, describe};
pub use init::{ModelFiles, Outputs, plan_model, read_config};
pub use inspect::{InspectRow, inspect, model_file};
pub use origin::{Origin, SingleTensor};
#[cfg(feature = "gpu")]
pub use selftest::{SelftestRow, selftest, selftest_bytes};
pub use verify::{Verdict, VerifyRow, expected, verify};
pub use write::{check_target, write_raw, write_safetensors};

use crate::Result;

/// Bytes of one piece of work: what is filled, read or compared at once.
pub const CHUNK: u64 = 32 << 20;

/// Told the bytes done so far; an error ends the job, which leaves nothing half-written.
pub type Progress<'a> = &'a mut dyn FnMut(u64) -> Result<()>;
