//! Bytes from the host to the device.

use super::scope::{Scope, failure};
use crate::Result;

/// A new buffer that holds `bytes` from its creation on: no submit copies them. `what` says what the bytes are, in the
/// buffer's label and at the front of an error.
pub(super) fn buffer_of(
    device: &wgpu::Device,
    what: &str,
    usage: wgpu::BufferUsages,
    bytes: &[u8],
) -> Result<wgpu::Buffer> {
    let scope = Scope::begin(device);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(&format!("seedbed {what}")),
        size: bytes.len() as u64,
        usage,
        mapped_at_creation: true,
    });
    let mapped = buffer.get_mapped_range_mut(..).map(|mut view| view.copy_from_slice(bytes));
    // The scope knows the reason of a failure, except that a device was lost.
    scope.end_now(&format!("{what} of {} bytes", bytes.len()))?;
    mapped.map_err(|e| failure(device, &format!("{what} of {} bytes", bytes.len()), &e))?;
    buffer.unmap();
    Ok(buffer)
}
