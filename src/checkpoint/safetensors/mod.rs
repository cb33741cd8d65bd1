//! safetensors files in and out, streamed: memory use depends on the number of tensors, never on their size.
//!
//! A file is `N` (u64, little-endian), `N` bytes of JSON padded with spaces to a multiple of 8, then the bytes of the
//! tensors without holes. The format's own types come from the `safetensors` crate.
//!
//! - `file_dtype`: the element types of the format.
//! - `header`: a header that is to be written.
//! - `parse`: a header that was read, from memory.
//! - `read`: the reader.
//! - `write`: the writer, which alone uses `disk`: feature `checkpoint`.

mod file_dtype;
mod header;
mod parse;
mod read;
#[cfg(all(feature = "checkpoint", not(target_arch = "wasm32")))]
mod write;

pub use file_dtype::FileDType;
pub use header::{Header, HeaderEntry};
pub use parse::{StoredHeader, StoredTensor};
pub use read::{READ_BYTES, Reader};
#[cfg(all(feature = "checkpoint", not(target_arch = "wasm32")))]
pub use write::{CompleteFile, Writer};

/// The largest JSON header that the format allows, in bytes.
pub const MAX_HEADER: u64 = 100_000_000;

/// Bytes of the length field in front of the header.
const LENGTH_FIELD: u64 = 8;

/// The key under which the header keeps its string-to-string map: no tensor can have this name.
const METADATA_KEY: &str = "__metadata__";

#[cfg(test)]
#[cfg(feature = "checkpoint")]
mod tests;
