//! A recording: ranges of fills in buffers, checked and lowered before any of it reaches the engine's encoder.

use super::filler::Filler;
use super::lower::Lowered;
use super::matrices::MatrixWork;
use super::pipeline::{BoundRange, bind_group};
use super::range::FillRange;
use super::scope::Scope;
use super::source::Tier;
use super::upload::buffer_of;
use crate::cpu::RangeFiller;
use crate::plan::Fill;
use crate::{Error, Result};

/// Words that the dispatches of one binding write at most. 32-bit element indices stay below 2^31; and no dispatch runs
/// into the watchdog of a display driver, two seconds on some systems, though the soft tier is twenty times slower.
fn binding_words(tier: Tier) -> u64 {
    match tier {
        Tier::NativeFma => 1 << 29,
        Tier::SoftFma => 1 << 24,
    }
}

/// What one binding of a buffer takes, lowered.
struct Bound<'a> {
    lowered: Lowered,
    destination: BoundRange<'a>,
    /// Its first tensor, for errors.
    name: String,
}

/// Work that has passed every check.
#[derive(Default)]
pub(super) struct Recording<'a> {
    bound: Vec<Bound<'a>>,
    matrices: Vec<MatrixWork<'a>>,
}

/// The binding that ranges are being lowered for.
struct Open {
    lowered: Lowered,
    start: u64,
    end: u64,
    name: String,
}

/// Where a bind group's parameters lie in their buffer: start and size.
pub(super) type Place = (u64, u64);

/// Ranges on their way into a recording: what they go into, and the binding that is open.
struct Lowering<'f, 'r, 'a> {
    filler: &'f Filler,
    recording: &'r mut Recording<'a>,
    buffer: &'a wgpu::Buffer,
    open: Option<Open>,
}

impl Lowering<'_, '_, '_> {
    /// Adds a range to the open binding, and to new ones where that one is full.
    fn add(&mut self, range: &FillRange<'_>) -> Result<()> {
        let filler = self.filler;
        let reach = filler.max_binding.min(4 * binding_words(filler.tier()));
        let mut done = 0;
        while done < range.len {
            let at = range.offset + done;
            if self.open.as_ref().is_some_and(|open| at >= open.start + reach) {
                self.close();
            }
            let now = self.open.get_or_insert_with(|| Open {
                lowered: Lowered::new(filler.by_steps()),
                start: at - at % filler.align,
                end: at,
                name: range.fill.name().to_owned(),
            });
            let len = (range.len - done).min(now.start + reach - at);
            let first = (range.from + done) / 4;
            let before = now.lowered.mark();
            now.lowered.add_range(range.fill, first, first + len / 4, ((at - now.start) / 4) as u32);
            // Where the number of workgroups passes 32 bits, it stands at the largest.
            let most = u64::from(filler.max_groups).pow(2).min(u64::from(u32::MAX) - 1);
            let fits = now.lowered.largest_binding() <= filler.max_binding
                && now.lowered.parameter_bytes(filler.align) <= filler.max_buffer
                && now.lowered.largest_dispatch() <= most;
            if !fits {
                now.lowered.undo(&before);
                if now.lowered.dispatches.is_empty() {
                    self.add_halves(&FillRange { from: range.from + done, len, offset: at, ..*range })?;
                    done += len;
                } else {
                    self.close();
                }
                continue;
            }
            for dispatch in &now.lowered.dispatches[before.dispatches()..] {
                filler.kernels.get(dispatch.kernel)?;
            }
            now.end = at + len;
            done += len;
        }
        Ok(())
    }

    /// Adds a range whose parameters one binding cannot hold, or that one dispatch cannot write, in halves.
    fn add_halves(&mut self, range: &FillRange<'_>) -> Result<()> {
        self.open = None;
        if range.len == 4 {
            return Err(Error::Placement(format!(
                "what one word of it is made of exceeds the {} bytes that the device binds, or the {max} by {max} \
                 workgroups that it takes",
                self.filler.max_binding,
                max = self.filler.max_groups
            )));
        }
        let half = (range.len / 2).next_multiple_of(4);
        for (from, len) in [(0, half), (half, range.len - half)] {
            self.add(&FillRange { from: range.from + from, len, offset: range.offset + from, ..*range })?;
            self.close();
        }
        Ok(())
    }

    /// Ends the open binding.
    fn close(&mut self) {
        let open = self.open.take().filter(|open| !open.lowered.dispatches.is_empty());
        if let Some(Open { mut lowered, start, end, name }) = open {
            lowered.index_segments();
            let destination = BoundRange { buffer: self.buffer, start, size: end - start };
            self.recording.bound.push(Bound { lowered, destination, name });
        }
    }
}

impl Filler {
    /// Adds ranges of fills, in ascending order of offset in one buffer: as many as one binding reaches share their
    /// dispatches. The buffer's size and usage as storage have been checked.
    ///
    /// # Errors
    /// Whatever would keep the ranges from being recorded, with the tensor's name.
    pub(super) fn lower_ranges<'a>(
        &self,
        recording: &mut Recording<'a>,
        ranges: &[FillRange<'_>],
        buffer: &'a wgpu::Buffer,
        matrices: &RangeFiller,
    ) -> Result<()> {
        let mut lowering = Lowering { filler: self, recording, buffer, open: None };
        for range in ranges.iter().filter(|r| r.len > 0) {
            let part;
            let range = if range.from.is_multiple_of(4) && range.len.is_multiple_of(4) {
                *range
            } else {
                part = range.part()?;
                FillRange { fill: &part, from: 0, len: part.device_bytes(), offset: range.offset }
            };
            let added = if range.fill.has_matrices() {
                let work = self.matrix_work(&range, buffer, matrices);
                work.map(|work| lowering.recording.matrices.push(work))
            } else {
                lowering.add(&range)
            };
            added.map_err(|e| e.in_tensor(range.fill.name()))?;
        }
        lowering.close();
        Ok(())
    }

    /// Records what was lowered: one compute pass for all dispatches, then the matrices.
    pub(super) fn emit(&self, encoder: &mut wgpu::CommandEncoder, recording: &Recording<'_>) -> Result<()> {
        let mut groups = Vec::new();
        let mut rest = &recording.bound[..];
        while let Some(first) = rest.first() {
            // The parameters of as many bindings as one buffer holds.
            let mut bytes = Vec::new();
            let mut places = Vec::new();
            while let Some(bound) = rest.get(places.len()) {
                let before = bytes.len();
                let of_bound = self.add_parameters(&mut bytes, &bound.lowered);
                if bytes.len() as u64 > self.max_buffer && !places.is_empty() {
                    bytes.truncate(before);
                    break;
                }
                places.push(of_bound);
            }
            let named = |e: Error| e.in_tensor(&first.name);
            let parameters =
                buffer_of(&self.device, "parameters", wgpu::BufferUsages::STORAGE, &bytes).map_err(named)?;
            let (now, later) = rest.split_at(places.len());
            for (bound, places) in now.iter().zip(&places) {
                self.bind(&mut groups, bound, &parameters, places).map_err(|e| e.in_tensor(&bound.name))?;
            }
            rest = later;
        }
        let scope = Scope::begin(&self.device);
        if !groups.is_empty() {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for (pipeline, group, (x, y)) in groups {
                pass.set_pipeline(&pipeline);
                pass.set_bind_group(0, &group, &[]);
                pass.dispatch_workgroups(x, y, 1);
            }
        }
        recording.matrices.iter().try_for_each(|work| self.emit_matrices(encoder, work))?;
        scope.end_now("the fill cannot be recorded")
    }

    /// Adds the parameters of one binding: descriptors, frequencies, the segments of each dispatch; each of them
    /// aligned for a binding of its own. Returns where they lie, in this order.
    pub(super) fn add_parameters(&self, bytes: &mut Vec<u8>, lowered: &Lowered) -> Vec<Place> {
        let mut add = |of_binding: &[u8]| {
            bytes.resize(bytes.len().next_multiple_of(self.align as usize), 0);
            bytes.extend_from_slice(of_binding);
            ((bytes.len() - of_binding.len()) as u64, of_binding.len() as u64)
        };
        let descriptors = add(bytemuck::cast_slice(&lowered.descriptors));
        // A binding cannot be empty: where there are no frequencies, the descriptors are bound in their place.
        let frequencies = match &lowered.frequencies[..] {
            [] => descriptors,
            frequencies => add(bytemuck::cast_slice(frequencies)),
        };
        let segments = lowered.dispatches.iter().map(|dispatch| add(bytemuck::cast_slice(&dispatch.segments)));
        [descriptors, frequencies].into_iter().chain(segments).collect()
    }

    /// Makes the bind groups of one binding's dispatches.
    fn bind(
        &self,
        groups: &mut Vec<(wgpu::ComputePipeline, wgpu::BindGroup, (u32, u32))>,
        bound: &Bound<'_>,
        parameters: &wgpu::Buffer,
        places: &[Place],
    ) -> Result<()> {
        let scope = Scope::begin(&self.device);
        for (k, dispatch) in bound.lowered.dispatches.iter().enumerate() {
            let group = self.dispatch_group(parameters, places, k, bound.destination);
            groups.push((self.kernels.get(dispatch.kernel)?, group, dispatch.size(self.max_groups)?));
        }
        scope.end_now("the fill cannot be recorded")
    }

    /// The bind group of dispatch `k`; the parameters lie where [`Filler::add_parameters`] says.
    pub(super) fn dispatch_group(
        &self,
        parameters: &wgpu::Buffer,
        places: &[Place],
        k: usize,
        destination: BoundRange<'_>,
    ) -> wgpu::BindGroup {
        let of = |(start, size): Place| BoundRange { buffer: parameters, start, size };
        let ranges = [of(places[0]), of(places[2 + k]), destination, of(places[1])];
        bind_group(&self.device, "seedbed", self.kernels.bindings(), &ranges)
    }
}

impl FillRange<'_> {
    /// The elements of the range, without what lies beyond the last one, as a fill of their own.
    pub fn part(&self) -> Result<Fill> {
        let size = self.fill.dtype().size();
        self.fill.range(self.from / size..((self.from + self.len) / size).min(self.fill.elements()))
    }
}
