//! Getting bytes back from the device.

use super::scope::described;
use crate::{Error, Result};

/// Maps the first `size` bytes of `staging` once the queue has done the submit `index`, or all its work, and hands them to `read`.
pub(crate) async fn read_mapped<T>(
    device: &wgpu::Device,
    staging: &wgpu::Buffer,
    size: u64,
    index: Option<wgpu::SubmissionIndex>,
    read: impl FnOnce(&[u8]) -> T,
) -> Result<T> {
    let (sender, receiver) = futures_channel::oneshot::channel();
    staging.map_async(wgpu::MapMode::Read, ..size, move |result| {
        // A receiver that is gone has stopped waiting.
        let _ = sender.send(result);
    });
    // In a browser the event loop polls.
    #[cfg(not(target_arch = "wasm32"))]
    device
        .poll(wgpu::PollType::Wait { submission_index: index, timeout: None })
        .map_err(|e| described("waiting for the device failed", &e))?;
    #[cfg(target_arch = "wasm32")]
    let _ = (device, index);
    match receiver.await {
        Ok(Ok(())) => {}
        Ok(Err(e)) => return Err(described(&format!("reading back {size} bytes failed"), &e)),
        Err(_) => return Err(Error::Device(format!("reading back {size} bytes was dropped: the device was lost"))),
    }
    let result = match staging.get_mapped_range(..size) {
        Ok(view) => Ok(read(&view)),
        Err(e) => Err(described(&format!("reading back {size} bytes failed"), &e)),
    };
    staging.unmap();
    result
}
