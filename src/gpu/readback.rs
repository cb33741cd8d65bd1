//! Bytes from the device to the host.

use super::scope::{LOST, failure};
use crate::{Error, Result};

/// Maps the first `size` bytes of `staging` and hands them to `read`, once the queue has done the submit `index`;
/// without an index, once it has done all its work.
pub(crate) async fn read_mapped<T>(
    device: &wgpu::Device,
    staging: &wgpu::Buffer,
    size: u64,
    index: Option<wgpu::SubmissionIndex>,
    read: impl FnOnce(&[u8]) -> T,
) -> Result<T> {
    let (sender, receiver) = futures_channel::oneshot::channel();
    staging.map_async(wgpu::MapMode::Read, ..size, move |result| {
        // An error here means that nobody waits any longer.
        let _ = sender.send(result);
    });
    // In a browser the event loop polls the device.
    #[cfg(not(target_arch = "wasm32"))]
    device
        .poll(wgpu::PollType::Wait { submission_index: index, timeout: None })
        .map_err(|e| failure(device, "waiting for the device failed", &e))?;
    #[cfg(target_arch = "wasm32")]
    let _ = index;
    match receiver.await {
        Ok(Ok(())) => {}
        Ok(Err(e)) => return Err(failure(device, &format!("reading back {size} bytes failed"), &e)),
        // wgpu drops what waits for a lost device.
        Err(_) => return Err(Error::Device(LOST.to_owned())),
    }
    let result = match staging.get_mapped_range(..size) {
        Ok(view) => Ok(read(&view)),
        Err(e) => Err(failure(device, &format!("reading back {size} bytes failed"), &e)),
    };
    staging.unmap();
    result
}
