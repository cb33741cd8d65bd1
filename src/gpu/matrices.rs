//! Recording of orthogonal matrices: made by the device where it can, else made by the host and copied.

use super::filler::Filler;
use super::orthogonal;
use super::range::FillRange;
use super::scope::Scope;
use super::upload::buffer_of;
use crate::cpu::RangeFiller;
use crate::{Error, Result};

/// Bytes of workspace at most, unless a single matrix needs more: many small matrices share it.
const WORKSPACE_BYTES: u64 = 64 << 20;

/// Bytes of one copy from the host at most.
const COPY_BYTES: u64 = 64 << 20;

impl Filler {
    /// Records matrices that the device makes. Returns false, and records nothing, where the host has to make them.
    pub(super) fn record_matrices(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        range: &FillRange<'_>,
        buffer: &wgpu::Buffer,
    ) -> Result<bool> {
        let (Some(kernels), Some(batch)) = (&self.orthogonal, range.fill.batch()) else { return Ok(false) };
        if (range.from, range.len) != (0, range.fill.device_bytes()) {
            return Ok(false);
        }
        let room = self.device.limits().max_buffer_size.min(self.max_binding).min(WORKSPACE_BYTES);
        let each = orthogonal::workspace_bytes(&batch);
        if each > self.device.limits().max_buffer_size.min(self.max_binding) {
            return Ok(false);
        }
        let scope = Scope::begin(&self.device);
        let workspace = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("seedbed workspace"),
            size: each.max((room / each).min(u64::from(batch.count)) * each),
            usage: wgpu::BufferUsages::STORAGE,
            mapped_at_creation: false,
        });
        scope.end_now("a workspace for orthogonal matrices").map_err(|e| e.in_tensor(range.fill.name()))?;
        let recorded = kernels.record(encoder, &batch, buffer, range.offset, &workspace);
        recorded.map_err(|e| e.in_tensor(range.fill.name()))
    }

    /// Records copies of orthogonal matrices that the host makes: no GPU thread can make an element of a matrix by
    /// itself.
    pub(super) fn record_copy(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        range: &FillRange<'_>,
        buffer: &wgpu::Buffer,
        matrices: &RangeFiller,
    ) -> Result<()> {
        let name = range.fill.name();
        if !buffer.usage().contains(wgpu::BufferUsages::COPY_DST) {
            let reason = format!("usage {:?} lacks COPY_DST, orthogonal matrices are copied into it", buffer.usage());
            return Err(Error::Buffer(reason).in_tensor(name));
        }
        let most = COPY_BYTES.min(self.device.limits().max_buffer_size) & !3;
        let mut done = 0;
        while done < range.len {
            let len = most.min(range.len - done);
            let mut bytes = vec![0; len as usize];
            matrices.fill(range.fill, range.from + done, &mut bytes)?;
            let staging = buffer_of(&self.device, "matrices", wgpu::BufferUsages::COPY_SRC, &bytes)
                .map_err(|e| e.in_tensor(name))?;
            encoder.copy_buffer_to_buffer(&staging, 0, buffer, range.offset + done, len);
            done += len;
        }
        Ok(())
    }
}
