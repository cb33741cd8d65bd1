//! Recording: from fills to dispatches in the engine's encoder, window by window.

use super::filler::Filler;
use super::kernels::Tier;
use super::orthogonal;
use super::scope::Scope;
use super::upload::buffer_of;
use crate::cpu::{self, RangeFiller};
use crate::gpu::lower::Tables;
use crate::plan::Fill;
use crate::plan::Plan;
use crate::{Error, Result};

/// Words of one dispatch at most. 32-bit element indices stay below 2^31; and a display driver's watchdog, two seconds on some
/// systems, must not end a dispatch: the soft tier is twenty times slower.
fn window_words(tier: Tier) -> u64 {
    match tier {
        Tier::NativeFma => 1 << 29,
        Tier::SoftFma => 1 << 24,
    }
}

/// Bytes of workspace that many small matrices share.
const WORKSPACE: u64 = 64 << 20;

/// Bytes of one copy from the host.
const COPIED: u64 = 64 << 20;

impl Filler {
    /// Records the whole fill into `encoder`: [`Fill::device_bytes`] bytes of `buffer` from byte `offset`.
    ///
    /// Nothing is submitted, waited for or read back. The recording owns its parameters: any number of fills can be
    /// recorded before one submit.
    ///
    /// # Errors
    /// [`Error::Buffer`] where `offset` is no multiple of 4, or the buffer is too small or lacks
    /// [`wgpu::BufferUsages::STORAGE`]; [`Error::Device`] where no kernel was built for the dtype.
    pub fn record(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        fill: &Fill,
        buffer: &wgpu::Buffer,
        offset: u64,
    ) -> Result<()> {
        self.record_range(encoder, fill, 0, fill.device_bytes(), buffer, offset)
    }

    /// Records the bytes `from..from + len` of a fill: a window of a tensor too large for one buffer.
    ///
    /// # Errors
    /// As [`Filler::record`]; also where `from` or `len` is no multiple of 4 or the range leaves the fill.
    pub fn record_range(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        fill: &Fill,
        from: u64,
        len: u64,
        buffer: &wgpu::Buffer,
        offset: u64,
    ) -> Result<()> {
        let item = Item { fill, from, len, offset };
        self.check(&item, buffer)?;
        self.record_items(encoder, &[item], buffer, &RangeFiller::new(cpu::Level::best()))
    }

    /// Records every tensor of a plan, each at `offset` plus its own [`device_offset`]: [`Plan::device_bytes`] bytes in all. One
    /// dispatch a kind of kernel, however many tensors there are.
    ///
    /// # Errors
    /// As [`Filler::record`]; the offset must keep the plan's bytes inside the buffer.
    ///
    /// [`device_offset`]: crate::plan::PlannedTensor::device_offset
    pub fn record_plan(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        plan: &Plan,
        buffer: &wgpu::Buffer,
        offset: u64,
    ) -> Result<()> {
        self.record_plan_range(encoder, plan, 0, plan.device_bytes(), buffer, offset)
    }

    /// Records the bytes `from..from + len` of a plan's arena: one of several buffers that hold a model between them, each its own
    /// stretch. A tensor may lie across two of them.
    ///
    /// # Errors
    /// As [`Filler::record`]; also where `from` or `len` is no multiple of 4, or the range leaves the plan.
    pub fn record_plan_range(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        plan: &Plan,
        from: u64,
        len: u64,
        buffer: &wgpu::Buffer,
        offset: u64,
    ) -> Result<()> {
        let end = from.checked_add(len).filter(|&end| end <= plan.device_bytes());
        let (true, true, Some(end)) = (from.is_multiple_of(4), len.is_multiple_of(4), end) else {
            return Err(Error::Buffer(format!(
                "bytes {from} + {len} of a plan: multiples of 4 that end by {} are needed",
                plan.device_bytes()
            )));
        };
        check_buffer(buffer, offset, len)?;
        let reached = plan.tensors().partition_point(|t| t.device_offset() < end);
        let fills: Vec<(u64, Fill)> = plan.tensors()[..reached]
            .iter()
            .filter(|t| t.device_end() > from)
            .map(|t| (t.device_offset(), t.fill()))
            .collect();
        let items: Vec<Item<'_>> = fills
            .iter()
            .map(|(at, fill)| {
                let (first, last) = (from.max(*at), end.min(at + fill.device_bytes()));
                Item { fill, from: first - at, len: last - first, offset: offset + (first - from) }
            })
            .collect();
        self.record_items(encoder, &items, buffer, &RangeFiller::new(cpu::Level::best()))
    }

    fn check(&self, item: &Item<'_>, buffer: &wgpu::Buffer) -> Result<()> {
        item.fill.check_range(item.from, item.len)?;
        check_buffer(buffer, item.offset, item.len).map_err(|e| e.in_tensor(item.fill.name()))
    }

    /// Records items in ascending order of offset: as many as one binding reaches go into one window.
    pub(super) fn record_items(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        items: &[Item<'_>],
        buffer: &wgpu::Buffer,
        matrices: &RangeFiller,
    ) -> Result<()> {
        let reach = self.max_binding.min(4 * window_words(self.tier()));
        let mut tables = Tables::default();
        // The binding that is being filled up: its first byte, and the end of what it holds.
        let (mut start, mut end) = (0, 0);
        for item in items {
            if item.fill.has_matrices() {
                if !tables.dispatches.is_empty() {
                    self.record_tables(encoder, &std::mem::take(&mut tables), (buffer, start, end - start))?;
                }
                if !self.record_matrices(encoder, item, buffer)? {
                    self.record_copy(encoder, item, buffer, matrices)?;
                }
                continue;
            }
            let mut done = 0;
            while done < item.len {
                let at = item.offset + done;
                if !tables.dispatches.is_empty() && at >= start + reach {
                    self.record_tables(encoder, &std::mem::take(&mut tables), (buffer, start, end - start))?;
                }
                if tables.dispatches.is_empty() {
                    start = at - at % self.align;
                }
                let len = (item.len - done).min(start + reach - at);
                let first = (item.from + done) / 4;
                tables.add(item.fill, first, first + len / 4, ((at - start) / 4) as u32);
                end = at + len;
                done += len;
            }
        }
        if tables.dispatches.is_empty() {
            return Ok(());
        }
        self.record_tables(encoder, &tables, (buffer, start, end - start))
    }

    /// Records matrices that the device makes, where it is to and can; whether it does.
    fn record_matrices(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        item: &Item<'_>,
        buffer: &wgpu::Buffer,
    ) -> Result<bool> {
        let (Some(kernels), Some(batch)) = (&self.orthogonal, item.fill.batch()) else { return Ok(false) };
        if (item.from, item.len) != (0, item.fill.device_bytes()) {
            return Ok(false);
        }
        let room = self.device.limits().max_buffer_size.min(self.max_binding).min(WORKSPACE);
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
        scope.end_now("a workspace for orthogonal matrices").map_err(|e| e.in_tensor(item.fill.name()))?;
        match kernels.record(encoder, &batch, buffer, item.offset, &workspace) {
            Ok(()) => Ok(true),
            // Beyond what the device binds: the host makes it.
            Err(Error::Placement(_)) => Ok(false),
            Err(e) => Err(e.in_tensor(item.fill.name())),
        }
    }

    /// Records the copy of bytes that the host makes: those of orthogonal matrices, which no thread can make for itself.
    fn record_copy(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        item: &Item<'_>,
        buffer: &wgpu::Buffer,
        matrices: &RangeFiller,
    ) -> Result<()> {
        let name = item.fill.name();
        if !buffer.usage().contains(wgpu::BufferUsages::COPY_DST) {
            let reason = format!("usage {:?} lacks COPY_DST, orthogonal matrices are copied into it", buffer.usage());
            return Err(Error::Buffer(reason).in_tensor(name));
        }
        let piece = COPIED.min(self.device.limits().max_buffer_size) & !3;
        let mut done = 0;
        while done < item.len {
            let len = piece.min(item.len - done);
            let mut bytes = vec![0; len as usize];
            matrices.fill(item.fill, item.from + done, &mut bytes)?;
            let staging = buffer_of(&self.device, "matrices", wgpu::BufferUsages::COPY_SRC, &bytes)
                .map_err(|e| e.in_tensor(name))?;
            encoder.copy_buffer_to_buffer(&staging, 0, buffer, item.offset + done, len);
            done += len;
        }
        Ok(())
    }

    fn record_tables(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        tables: &Tables,
        (buffer, start, size): (&wgpu::Buffer, u64, u64),
    ) -> Result<()> {
        // The parameters: the descriptors, each dispatch's segments, then tables, each part aligned for a binding of its own.
        let mut bytes = bytemuck::cast_slice(&tables.descriptors).to_vec();
        let descriptors_size = bytes.len() as u64;
        let mut parts = Vec::new();
        for dispatch in &tables.dispatches {
            bytes.resize(bytes.len().next_multiple_of(self.align as usize), 0);
            let at = bytes.len() as u64;
            bytes.extend_from_slice(bytemuck::cast_slice(&dispatch.segments));
            let size = bytes.len() as u64 - at;
            parts.push((self.kernels.get(dispatch.kernel)?, dispatch.size(), at, size));
        }
        // The frequencies last; where there are none, something must be bound all the same.
        bytes.resize(bytes.len().next_multiple_of(self.align as usize), 0);
        let frequencies_at = bytes.len() as u64;
        bytes.extend_from_slice(bytemuck::cast_slice(&tables.frequencies));
        let (frequencies_at, frequencies_size) = match bytes.len() as u64 - frequencies_at {
            0 => (0, descriptors_size),
            size => (frequencies_at, size),
        };
        if bytes.len() as u64 > self.max_binding {
            return Err(Error::Placement(format!(
                "{} descriptors in one window take {} bytes, the device binds {}; record fewer tensors at once",
                tables.descriptors.len(),
                bytes.len(),
                self.max_binding
            )));
        }
        let parameters = buffer_of(&self.device, "parameters", wgpu::BufferUsages::STORAGE, &bytes)?;
        let scope = Scope::begin(&self.device);
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for (pipeline, (x, y), at, part_size) in parts {
            let bind = |binding: u32, buffer, offset, size| wgpu::BindGroupEntry {
                binding,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer,
                    offset,
                    size: std::num::NonZeroU64::new(size),
                }),
            };
            let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("seedbed"),
                layout: &self.kernels.layout,
                entries: &[
                    bind(0, &parameters, 0, descriptors_size),
                    bind(1, &parameters, at, part_size),
                    bind(2, buffer, start, size),
                    bind(3, &parameters, frequencies_at, frequencies_size),
                ],
            });
            pass.set_pipeline(pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(x, y, 1);
        }
        drop(pass);
        scope.end_now("the fill cannot be recorded")
    }
}

/// Bytes `from..from + len` of a fill, to be written from byte `offset` of a buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    pub fill: &'a Fill,
    pub from: u64,
    pub len: u64,
    pub offset: u64,
}

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
