//! Recording: fills become dispatches in the engine's encoder, as many at once as one binding reaches.

use super::filler::Filler;
use super::range::{FillRange, check_buffer};
use super::recording::Recording;
use crate::cpu::{self, RangeFiller};
use crate::plan::{Fill, Plan};
use crate::{Error, Result};
use std::collections::BTreeMap;

/// A fill, and where it goes: [`Fill::device_bytes`] bytes of a buffer from byte `offset` on.
#[derive(Clone, Copy, Debug)]
pub struct PlacedFill<'a> {
    /// What to write.
    pub fill: &'a Fill,
    /// The buffer, with [`wgpu::BufferUsages::STORAGE`].
    pub buffer: &'a wgpu::Buffer,
    /// The first byte: a multiple of 4.
    pub offset: u64,
}

impl Filler {
    /// Records the whole fill into `encoder`: [`Fill::device_bytes`] bytes of `buffer` from byte `offset`.
    ///
    /// Nothing is submitted, waited for, compiled or read back. The recording owns its parameters: any number of fills
    /// can be recorded before one submit.
    ///
    /// # In an engine
    /// The encoder is the engine's, and may hold work of its own before and after: passes that follow in it, and
    /// whatever is submitted later, see the weights; wgpu puts the barriers. No pass may be open. Buffers are the
    /// engine's too, of the same device, and are left as they are outside of the range: one may be a page that many
    /// tensors share, for which [`Filler::record_all`] is made. An offset that is a multiple of 16, as memory pools
    /// give them, lets kernels store 16 bytes at once; any multiple of 4 will do.
    ///
    /// A framework that gathers its own work before it submits has to do so first, or that work runs after the fill;
    /// and it must keep the tensor's memory from being given to another one until the fill has been submitted. In Burn
    /// 0.22, whose tensors lie at multiples of 16 in pages of 8 MiB, that is `device.flush()`, and the handle from
    /// which `get_resource` gave the buffer and its offset.
    ///
    /// # Errors
    /// [`Error::Buffer`] where `offset` is no multiple of 4, or the buffer is too small or lacks
    /// [`wgpu::BufferUsages::STORAGE`]; [`Error::Device`] where a kernel that the fill needs was not prepared
    /// ([`Filler::prepare`]). Orthogonal matrices that the host makes need [`wgpu::BufferUsages::COPY_DST`] too. After
    /// an error nothing is recorded.
    ///
    /// # Example
    /// ```no_run
    /// use seedbed::gpu::{Filler, wgpu};
    /// use seedbed::plan::{Plan, TensorSpec};
    /// use seedbed::{Scheme, StreamVersion};
    ///
    /// # fn example(
    /// #     filler: &Filler, encoder: &mut wgpu::CommandEncoder, buffer: &wgpu::Buffer,
    /// # ) -> seedbed::Result<()> {
    /// let mut plan = Plan::new(StreamVersion::V1, 42);
    /// let fill = plan.push(&TensorSpec::new("wte.weight", [50257, 768], Scheme::normal(0.0, 0.02))?)?.fill();
    /// // `filler.prepare(&fill).await?` or `filler.prepare(&plan).await?` came before, while loading.
    /// filler.record(encoder, &fill, buffer, 0)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn record(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        fill: &Fill,
        buffer: &wgpu::Buffer,
        offset: u64,
    ) -> Result<()> {
        self.record_range(encoder, fill, 0, fill.device_bytes(), buffer, offset)
    }

    /// Records the bytes `from..from + len` of a fill, as where a tensor is too large for one buffer: whole elements,
    /// the first of which may be an odd one of 16 bits.
    ///
    /// A device writes whole 32-bit words: `offset` is a multiple of 4, and where the elements fill half of the last
    /// word, its other half is written 0. Where `from` or `len` is no multiple of 4, prepare
    /// [`KernelSet::of_elements`](super::KernelSet::of_elements) of the fill.
    ///
    /// # Errors
    /// As [`Filler::record`]; also where `from` or `len` is no multiple of the dtype's size, or the range leaves the
    /// fill.
    pub fn record_range(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        fill: &Fill,
        from: u64,
        len: u64,
        buffer: &wgpu::Buffer,
        offset: u64,
    ) -> Result<()> {
        fill.check_range(from, len)?;
        check_buffer(buffer, offset, len.next_multiple_of(4)).map_err(|e| e.in_tensor(fill.name()))?;
        // From inside a word on there is no padding to write.
        let len = if from.is_multiple_of(4) { len } else { len.min(fill.bytes() - from) };
        self.record_ranges(
            encoder,
            &[FillRange { fill, from, len, offset }],
            buffer,
            &RangeFiller::new(cpu::Level::best()),
        )
    }

    /// Records every tensor of a plan, each at `offset` plus its own [`device_offset`]: [`Plan::device_bytes`] bytes in
    /// all.
    ///
    /// However many tensors there are, each kernel is dispatched once per binding of the buffer.
    ///
    /// # Errors
    /// As [`Filler::record`]: the whole plan must lie in the buffer.
    ///
    /// # Example
    /// ```no_run
    /// use seedbed::gpu::{Filler, wgpu};
    /// use seedbed::plan::Plan;
    ///
    /// # fn example(filler: &Filler, device: &wgpu::Device, queue: &wgpu::Queue, plan: &Plan) -> seedbed::Result<()> {
    /// let weights = device.create_buffer(&wgpu::BufferDescriptor {
    ///     label: Some("weights"),
    ///     size: plan.device_bytes(),
    ///     usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
    ///     mapped_at_creation: false,
    /// });
    /// let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    /// // After `filler.prepare(plan).await?`.
    /// filler.record_plan(&mut encoder, plan, &weights, 0)?;
    /// queue.submit([encoder.finish()]);
    /// # Ok(())
    /// # }
    /// ```
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

    /// Records the bytes `from..from + len` of a plan, as where several buffers hold a model between them. A tensor may
    /// lie across two buffers.
    ///
    /// # Errors
    /// As [`Filler::record`]; also where `from` or `len` is no multiple of 4, or the range leaves the plan.
    ///
    /// # Example
    /// ```no_run
    /// use seedbed::gpu::{Filler, wgpu};
    /// use seedbed::plan::Plan;
    ///
    /// # fn example(
    /// #     filler: &Filler, encoder: &mut wgpu::CommandEncoder, plan: &Plan, halves: [&wgpu::Buffer; 2],
    /// # ) -> seedbed::Result<()> {
    /// let cut = plan.device_bytes() / 8 * 4;
    /// filler.record_plan_range(encoder, plan, 0, cut, halves[0], 0)?;
    /// filler.record_plan_range(encoder, plan, cut, plan.device_bytes() - cut, halves[1], 0)?;
    /// # Ok(())
    /// # }
    /// ```
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
        let ranges: Vec<FillRange<'_>> = fills
            .iter()
            .map(|(at, fill)| {
                let (first, last) = (from.max(*at), end.min(at + fill.device_bytes()));
                FillRange { fill, from: first - at, len: last - first, offset: offset + (first - from) }
            })
            .collect();
        self.record_ranges(encoder, &ranges, buffer, &RangeFiller::new(cpu::Level::best()))
    }

    /// Records any number of fills, each whole, in any number of buffers and in any order: for engines whose tensors
    /// share pages of memory. The bytes are those of [`Filler::record`] for each.
    ///
    /// All of them share one compute pass, in which each kernel is dispatched once per binding of a buffer, and one
    /// buffer of parameters.
    ///
    /// # Errors
    /// As [`Filler::record`], for each; [`Error::Buffer`] where two of them overlap, with the names of both. Nothing is
    /// recorded unless all can be.
    ///
    /// # Example
    /// ```no_run
    /// use seedbed::gpu::{Filler, PlacedFill, wgpu};
    /// use seedbed::plan::Plan;
    ///
    /// # fn example(
    /// #     filler: &Filler, encoder: &mut wgpu::CommandEncoder, plan: &Plan, pages: &[(&wgpu::Buffer, u64)],
    /// # ) -> seedbed::Result<()> {
    /// // Where the engine has put each tensor: a page, and an offset in it.
    /// let fills: Vec<_> = plan.tensors().iter().map(|tensor| tensor.fill()).collect();
    /// let placed: Vec<_> =
    ///     fills.iter().zip(pages).map(|(fill, &(buffer, offset))| PlacedFill { fill, buffer, offset }).collect();
    /// filler.record_all(encoder, &placed)?;
    /// # Ok(())
    /// # }
    /// ```
    #[allow(clippy::mutable_key_type, reason = "a buffer is ordered by its identity, which nothing changes")]
    pub fn record_all(&self, encoder: &mut wgpu::CommandEncoder, fills: &[PlacedFill<'_>]) -> Result<()> {
        for placed in fills {
            check_buffer(placed.buffer, placed.offset, placed.fill.device_bytes())
                .map_err(|e| e.in_tensor(placed.fill.name()))?;
        }
        // Buffers in the order of their first fill, so that the recording does not depend on where they lie in memory.
        let mut pages: BTreeMap<&wgpu::Buffer, usize> = BTreeMap::new();
        let mut sorted = Vec::with_capacity(fills.len());
        for placed in fills {
            let next = pages.len();
            sorted.push((*pages.entry(placed.buffer).or_insert(next), placed));
        }
        sorted.sort_by_key(|(page, placed)| (*page, placed.offset));
        for pair in sorted.windows(2) {
            let [(page, a), (next, b)] = pair else { continue };
            let end = a.offset + a.fill.device_bytes();
            if page == next && end > b.offset {
                let (name, a_from, b_from) = (a.fill.name(), a.offset, b.offset);
                return Err(Error::Buffer(format!(
                    "its bytes from {b_from} on overlap those of tensor {name:?}, {a_from}..{end}: give each its own"
                ))
                .in_tensor(b.fill.name()));
            }
        }
        let mut recording = Recording::default();
        let matrices = RangeFiller::new(cpu::Level::best());
        for page in sorted.chunk_by(|a, b| a.0 == b.0) {
            let ranges: Vec<FillRange<'_>> = page
                .iter()
                .map(|(_, placed)| {
                    let len = placed.fill.device_bytes();
                    FillRange { fill: placed.fill, from: 0, len, offset: placed.offset }
                })
                .collect();
            self.lower_ranges(&mut recording, &ranges, page[0].1.buffer, &matrices)?;
        }
        self.emit(encoder, &recording)
    }

    /// Records ranges of fills, in ascending order of offset: as many as one binding reaches are dispatched together.
    pub(super) fn record_ranges(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        ranges: &[FillRange<'_>],
        buffer: &wgpu::Buffer,
        matrices: &RangeFiller,
    ) -> Result<()> {
        let mut recording = Recording::default();
        self.lower_ranges(&mut recording, ranges, buffer, matrices)?;
        self.emit(encoder, &recording)
    }
}
