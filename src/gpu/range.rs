//! Ranges of fills, and the buffers that take them.

use crate::plan::Fill;
use crate::{Error, Result};

/// Bytes `from..from + len` of a fill, to be written from byte `offset` of a buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct FillRange<'a> {
    pub fill: &'a Fill,
    pub from: u64,
    pub len: u64,
    pub offset: u64,
}

/// # Errors
/// [`Error::Buffer`] where a kernel cannot write `len` bytes from byte `offset` of the buffer.
pub(super) fn check_buffer(buffer: &wgpu::Buffer, offset: u64, len: u64) -> Result<()> {
    if !buffer.usage().contains(wgpu::BufferUsages::STORAGE) {
        return Err(Error::Buffer(format!("usage {:?} lacks STORAGE", buffer.usage())));
    }
    if !offset.is_multiple_of(4) || !len.is_multiple_of(4) {
        return Err(Error::Buffer(format!("offset {offset} and length {len} must be multiples of 4")));
    }
    if offset.checked_add(len).is_none_or(|end| end > buffer.size()) {
        return Err(Error::Buffer(format!("{len} bytes at offset {offset} exceed its {} bytes", buffer.size())));
    }
    Ok(())
}
