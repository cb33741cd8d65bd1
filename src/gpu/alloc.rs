//! Buffers for whole plans, which wgpu does not clear first.

use super::device::Gpu;
use super::scope::Scope;
use crate::plan::Plan;
use crate::{Error, Result};

/// How a buffer of weights may be used: kernels read and write it, copies go in and out.
const USAGE: wgpu::BufferUsages =
    wgpu::BufferUsages::STORAGE.union(wgpu::BufferUsages::COPY_SRC).union(wgpu::BufferUsages::COPY_DST);

impl Gpu {
    /// A new buffer that holds the whole plan: [`Plan::device_bytes`] bytes, each tensor at its own offset, zeros
    /// between tensors.
    ///
    /// The kernels are prepared where they are not yet. The fill has been submitted when this returns: work that is
    /// submitted later sees every byte. wgpu clears other fresh buffers before their first use, a whole pass over
    /// memory; this one it does not clear.
    ///
    /// # Errors
    /// [`Error::Device`] where the device refuses the allocation, with the size; those of
    /// [`super::Filler::record_plan`].
    ///
    /// # Example
    /// ```no_run
    /// use seedbed::gpu::Gpu;
    /// use seedbed::plan::{Plan, TensorSpec};
    /// use seedbed::{Scheme, StreamVersion};
    ///
    /// # async fn example(gpu: &Gpu) -> seedbed::Result<()> {
    /// let mut plan = Plan::new(StreamVersion::V1, 42);
    /// plan.push(&TensorSpec::new("wte.weight", [50257, 768], Scheme::normal(0.0, 0.02))?)?;
    /// let weights = gpu.alloc(&plan).await?;
    /// assert_eq!(weights.size(), plan.device_bytes());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn alloc(&self, plan: &Plan) -> Result<wgpu::Buffer> {
        self.filler().prepare(plan).await?;
        // SAFETY: the fill and the clears below write every byte, in a submission before any that can read.
        let buffer = unsafe { self.alloc_uninitialized(plan.device_bytes()) }.await?;
        let scope = Scope::begin(self.device());
        let mut encoder = self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        self.filler().record_plan(&mut encoder, plan, &buffer, 0)?;
        let mut end = 0;
        for tensor in plan.tensors() {
            let offset = tensor.device_offset();
            if offset > end {
                encoder.clear_buffer(&buffer, end, Some(offset - end));
            }
            end = tensor.device_end();
        }
        self.queue().submit([encoder.finish()]);
        scope.end("the allocation was not filled").await?;
        Ok(buffer)
    }

    /// A buffer of `size` bytes for storage and copies that wgpu takes for initialized.
    ///
    /// On Vulkan it is allocated beneath wgpu, and may be larger than `max_buffer_size` where the driver grants that;
    /// elsewhere it is an ordinary buffer, which wgpu clears at its first use.
    ///
    /// # Safety
    /// The bytes hold whatever the memory held before. The caller must see to it that every byte is written before it
    /// is read by a kernel, by a copy or by the host.
    ///
    /// # Errors
    /// [`Error::Device`] where the device refuses the allocation, with the size; [`Error::Buffer`] for a size of 0 or
    /// one that is no multiple of 4.
    pub async unsafe fn alloc_uninitialized(&self, size: u64) -> Result<wgpu::Buffer> {
        if size == 0 || !size.is_multiple_of(4) {
            return Err(Error::Buffer(format!("{size} bytes: must be a positive multiple of 4")));
        }
        let desc = wgpu::BufferDescriptor { label: Some("weights"), size, usage: USAGE, mapped_at_creation: false };
        #[cfg(all(feature = "vulkan", any(target_os = "linux", target_os = "windows", target_os = "android")))]
        if let Some(buffer) = vulkan(self, &desc)? {
            return Ok(buffer);
        }
        let largest = self.device().limits().max_buffer_size;
        if size > largest {
            return Err(self.refused(size, &format!("takes {largest} in one buffer")));
        }
        let scope = Scope::begin(self.device());
        let buffer = self.device().create_buffer(&desc);
        scope.end(&format!("a buffer of {size} bytes")).await?;
        Ok(buffer)
    }

    /// Why there is no buffer of `size` bytes, and what to do.
    fn refused(&self, size: u64, why: &str) -> Error {
        let name = &self.info().name;
        Error::Device(format!("{size} bytes: {name} {why}; fill slabs or record ranges into several buffers"))
    }
}

/// The buffer from the Vulkan driver itself, which clears nothing; `None` where the device is not a Vulkan device.
#[cfg(all(feature = "vulkan", any(target_os = "linux", target_os = "windows", target_os = "android")))]
fn vulkan(gpu: &Gpu, desc: &wgpu::BufferDescriptor<'_>) -> Result<Option<wgpu::Buffer>> {
    use wgpu::hal::{self, Device as _, api::Vulkan};
    // SAFETY: the guard is dropped at the end of this function, and nothing here destroys the device.
    let Some(device) = (unsafe { gpu.device().as_hal::<Vulkan>() }) else { return Ok(None) };
    let uses = wgpu::wgt::BufferUses::STORAGE_READ_ONLY
        | wgpu::wgt::BufferUses::STORAGE_READ_WRITE
        | wgpu::wgt::BufferUses::COPY_SRC
        | wgpu::wgt::BufferUses::COPY_DST;
    let hal_desc = hal::BufferDescriptor {
        label: desc.label,
        size: desc.size,
        usage: uses,
        memory_flags: hal::MemoryFlags::empty(),
    };
    // SAFETY: the size is not 0, and the uses are those of `desc.usage`.
    let buffer = unsafe { device.create_buffer(&hal_desc) }
        .map_err(|e| gpu.refused(desc.size, &format!("refuses the allocation ({e})")))?;
    // SAFETY: this device has just made the buffer as `desc` says. That its bytes are written before they are read is
    // the duty of the caller of `alloc_uninitialized`, by that function's contract.
    Ok(Some(unsafe { gpu.device().create_buffer_from_hal::<Vulkan>(buffer, desc) }))
}
