//! Recording: fills become dispatches in the engine's encoder, as many at once as one binding reaches.

use super::filler::Filler;
use super::lower::Lowered;
use super::pipeline::{BoundRange, bind_group};
use super::range::{FillRange, check_buffer};
use super::scope::Scope;
use super::source::Tier;
use super::upload::buffer_of;
use crate::cpu::{self, RangeFiller};
use crate::plan::{Fill, Plan};
use crate::{Error, Result};

/// Words that the dispatches of one binding write at most. 32-bit element indices stay below 2^31; and no dispatch runs
/// into the watchdog of a display driver, two seconds on some systems, though the soft tier is twenty times slower.
fn binding_words(tier: Tier) -> u64 {
    match tier {
        Tier::NativeFma => 1 << 29,
        Tier::SoftFma => 1 << 24,
    }
}

impl Filler {
    /// Records the whole fill into `encoder`: [`Fill::device_bytes`] bytes of `buffer` from byte `offset`.
    ///
    /// Nothing is submitted, waited for or read back. The recording owns its parameters: any number of fills can be
    /// recorded before one submit.
    ///
    /// # Errors
    /// [`Error::Buffer`] where `offset` is no multiple of 4, or the buffer is too small or lacks
    /// [`wgpu::BufferUsages::STORAGE`]; [`Error::Device`] where no kernel was built for the dtype. Orthogonal matrices
    /// that the host makes need [`wgpu::BufferUsages::COPY_DST`] too.
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

    /// Records the bytes `from..from + len` of a fill, as where a tensor is too large for one buffer.
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
        fill.check_range(from, len)?;
        check_buffer(buffer, offset, len).map_err(|e| e.in_tensor(fill.name()))?;
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

    /// Records ranges of fills, in ascending order of offset: as many as one binding reaches are dispatched together.
    pub(super) fn record_ranges(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        ranges: &[FillRange<'_>],
        buffer: &wgpu::Buffer,
        matrices: &RangeFiller,
    ) -> Result<()> {
        let reach = self.max_binding.min(4 * binding_words(self.tier()));
        let mut lowered = Lowered::new(self.tier());
        // The binding that `lowered` is for: its first byte, and the end of what it holds.
        let (mut start, mut end) = (0, 0);
        for range in ranges {
            if range.fill.has_matrices() {
                if !lowered.dispatches.is_empty() {
                    let bound = BoundRange { buffer, start, size: end - start };
                    self.record_lowered(encoder, &std::mem::replace(&mut lowered, Lowered::new(self.tier())), bound)?;
                }
                if !self.record_matrices(encoder, range, buffer)? {
                    self.record_copy(encoder, range, buffer, matrices)?;
                }
                continue;
            }
            let mut done = 0;
            while done < range.len {
                let at = range.offset + done;
                if !lowered.dispatches.is_empty() && at >= start + reach {
                    let bound = BoundRange { buffer, start, size: end - start };
                    self.record_lowered(encoder, &std::mem::replace(&mut lowered, Lowered::new(self.tier())), bound)?;
                }
                if lowered.dispatches.is_empty() {
                    start = at - at % self.align;
                }
                let len = (range.len - done).min(start + reach - at);
                let first = (range.from + done) / 4;
                lowered.add_range(range.fill, first, first + len / 4, ((at - start) / 4) as u32);
                end = at + len;
                done += len;
            }
        }
        if lowered.dispatches.is_empty() {
            return Ok(());
        }
        self.record_lowered(encoder, &lowered, BoundRange { buffer, start, size: end - start })
    }

    /// Records the dispatches of one binding of the destination.
    fn record_lowered(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        lowered: &Lowered,
        destination: BoundRange<'_>,
    ) -> Result<()> {
        // The parameters, in one buffer: the descriptors, the segments of each dispatch, the frequencies; each of them
        // aligned for a binding of its own.
        let mut bytes = bytemuck::cast_slice(&lowered.descriptors).to_vec();
        let descriptors_size = bytes.len() as u64;
        let mut dispatches = Vec::new();
        for dispatch in &lowered.dispatches {
            bytes.resize(bytes.len().next_multiple_of(self.align as usize), 0);
            let at = bytes.len() as u64;
            bytes.extend_from_slice(bytemuck::cast_slice(&dispatch.segments));
            let size = bytes.len() as u64 - at;
            dispatches.push((self.kernels.get(dispatch.kernel)?, dispatch.size(), at, size));
        }
        // A binding cannot be empty: where there are no frequencies, the descriptors are bound in their place.
        bytes.resize(bytes.len().next_multiple_of(self.align as usize), 0);
        let frequencies_at = bytes.len() as u64;
        bytes.extend_from_slice(bytemuck::cast_slice(&lowered.frequencies));
        let (frequencies_at, frequencies_size) = match bytes.len() as u64 - frequencies_at {
            0 => (0, descriptors_size),
            size => (frequencies_at, size),
        };
        if bytes.len() as u64 > self.max_binding {
            return Err(Error::Placement(format!(
                "{} descriptors recorded at once take {} bytes, the device binds {}; record fewer tensors at once",
                lowered.descriptors.len(),
                bytes.len(),
                self.max_binding
            )));
        }
        let parameters = buffer_of(&self.device, "parameters", wgpu::BufferUsages::STORAGE, &bytes)?;
        let scope = Scope::begin(&self.device);
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        let parameters = |start, size| BoundRange { buffer: &parameters, start, size };
        for (pipeline, (x, y), segments_at, segments_size) in dispatches {
            let ranges = [
                parameters(0, descriptors_size),
                parameters(segments_at, segments_size),
                destination,
                parameters(frequencies_at, frequencies_size),
            ];
            let group = bind_group(&self.device, "seedbed", self.kernels.bindings(), &ranges);
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(x, y, 1);
        }
        drop(pass);
        scope.end_now("the fill cannot be recorded")
    }
}
