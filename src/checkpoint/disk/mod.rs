//! Places on the disk that are written to.
//!
//! - `temp`: temporary files beside their targets, and names that have reached the disk.
//! - `write_at`: bytes at an offset of a file, from any thread.
//! - `ahead`: bytes on their way to the disk while others are written.
//! - `space`: free space, asked for before it is used.
//! - `dirs`: directories that are made for a result.
//! - `commit`: several files that get their names together, or not at all.

mod ahead;
mod dirs;
mod space;
mod temp;
mod commit;
mod write_at;

pub(super) use ahead::Ahead;
pub(super) use commit::Commit;
pub(super) use dirs::MadeDirs;
pub(super) use space::check_space;
pub(super) use temp::{directory, new_temp, sync_directory, without_temp_path};
pub(super) use write_at::{WRITES_AT_OFFSETS, write_all_at};
