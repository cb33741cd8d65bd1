//! Recording of orthogonal matrices: made by the device where it can, else made by the host and copied.

use super::filler::Filler;
use super::orthogonal;
use super::pipeline::{BoundRange, bind_group};
use super::range::FillRange;
use super::scope::Scope;
use super::upload::buffer_of;
use crate::cpu::RangeFiller;
use crate::plan::matrices::Batch;
use crate::{Error, Result};

/// Bytes of workspace at most, unless a single matrix needs more: many small matrices share it.
const WORKSPACE_BYTES: u64 = 64 << 20;

/// Bytes of one copy from the host at most.
const COPY_BYTES: u64 = 64 << 20;

/// Matrices that are to be recorded, with all the memory that they take beside the destination.
pub(super) enum MatrixWork<'a> {
    /// The device makes them, in this workspace.
    Made { name: String, batch: Batch, buffer: &'a wgpu::Buffer, offset: u64, workspace: wgpu::Buffer },
    /// The host has made them: each buffer is copied to its offset.
    Copied { buffer: &'a wgpu::Buffer, copies: Vec<(wgpu::Buffer, u64)> },
}

impl Filler {
    /// What the matrices of a range take: no GPU thread can make an element of a matrix by itself.
    ///
    /// # Errors
    /// [`Error::Buffer`] where the host has to make them and the buffer takes no copies; [`Error::Device`] where there
    /// is no memory.
    pub(super) fn matrix_work<'a>(
        &self,
        range: &FillRange<'_>,
        buffer: &'a wgpu::Buffer,
        matrices: &RangeFiller,
    ) -> Result<MatrixWork<'a>> {
        let made = self.batch_on_device(range);
        if made.is_none() && !buffer.usage().contains(wgpu::BufferUsages::COPY_DST) {
            let reason = format!("usage {:?} lacks COPY_DST, orthogonal matrices are copied into it", buffer.usage());
            return Err(Error::Buffer(reason));
        }
        self.check_owner(buffer)?;
        if let Some(batch) = made {
            let workspace = self.workspace(&batch)?;
            let name = range.fill.name().to_owned();
            return Ok(MatrixWork::Made { name, batch, buffer, offset: range.offset, workspace });
        }
        let most = COPY_BYTES.min(self.max_buffer) & !3;
        let mut copies = Vec::new();
        let mut done = 0;
        while done < range.len {
            let len = most.min(range.len - done);
            let mut bytes = vec![0; len as usize];
            matrices.fill(range.fill, range.from + done, &mut bytes)?;
            let staging = buffer_of(&self.device, "matrices", wgpu::BufferUsages::COPY_SRC, &bytes)?;
            copies.push((staging, range.offset + done));
            done += len;
        }
        Ok(MatrixWork::Copied { buffer, copies })
    }

    /// Memory beside the destination for as many matrices of a batch as are made at the same time, one at least.
    pub(super) fn workspace(&self, batch: &Batch) -> Result<wgpu::Buffer> {
        let each = orthogonal::workspace_bytes(batch);
        let together = self.max_binding.min(WORKSPACE_BYTES) / each;
        let scope = Scope::begin(&self.device);
        let workspace = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("seedbed workspace"),
            size: together.min(u64::from(batch.count)).max(1) * each,
            usage: wgpu::BufferUsages::STORAGE,
            mapped_at_creation: false,
        });
        scope.end_now("a workspace for orthogonal matrices")?;
        Ok(workspace)
    }

    /// # Errors
    /// [`Error::Device`] where the buffer is another device's, or destroyed: a copy into it, or a pass that has it
    /// bound, would spoil the engine's encoder; making a bind group of it spoils nothing.
    fn check_owner(&self, buffer: &wgpu::Buffer) -> Result<()> {
        let scope = Scope::begin(&self.device);
        let word = BoundRange { buffer, start: 0, size: 4 };
        bind_group(&self.device, "seedbed probe", self.kernels.bindings(), &[word; 4]);
        scope.end_now("the matrices cannot be recorded")
    }

    /// The matrices of a range, where they are such that the device makes them.
    fn batch_on_device(&self, range: &FillRange<'_>) -> Option<Batch> {
        let kernels = self.orthogonal.get()?;
        let batch = range.fill.batch()?;
        let whole = (range.from, range.len) == (0, range.fill.device_bytes());
        (whole && kernels.takes(&batch)).then_some(batch)
    }

    /// Records them.
    pub(super) fn emit_matrices(&self, encoder: &mut wgpu::CommandEncoder, work: &MatrixWork<'_>) -> Result<()> {
        match work {
            MatrixWork::Made { name, batch, buffer, offset, workspace } => {
                let Some(kernels) = self.orthogonal.get() else { return Ok(()) };
                let made = kernels.record(encoder, batch, buffer, *offset, workspace).map_err(|e| e.in_tensor(name))?;
                debug_assert!(made, "the kernels take the batch");
            }
            MatrixWork::Copied { buffer, copies } => {
                for (staging, offset) in copies {
                    encoder.copy_buffer_to_buffer(staging, 0, buffer, *offset, staging.size());
                }
            }
        }
        Ok(())
    }
}
