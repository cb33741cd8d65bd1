//! The dispatches of a recording: which ranges of a tensor, what is bound, and what the kernel is told.

use super::{LABEL, Normalizer, Region};
use crate::Result;
use crate::gpu::pipeline::{BoundRange, bind_group};
use crate::gpu::upload::buffer_of;
use bytemuck::{Pod, Zeroable};

/// Threads of a workgroup, as the shader says.
const GROUP_SIZE: u64 = 64;
/// Items that a thread shall have at least, where a tensor has enough of them.
const ITEMS_PER_THREAD: u64 = 16;
/// Workgroups of a dispatch over a range at most.
const MAX_GROUPS: u64 = 1024;
/// The first reduction leaves at most this many partial results; the second, one.
pub(super) const FEW: u64 = 256;
/// Words of a range at most: 32-bit indices of items stay far below 2^32.
const RANGE_WORDS: u64 = 1 << 29;

/// What a dispatch is told: `Parameters` of shaders/normalize.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub(super) struct Parameters {
    /// The first word of the binding that belongs to the tensor.
    pub first: u32,
    /// The number of items: elements of the range, or partial results.
    pub items: u32,
    /// Where the results of the dispatch begin, counted in results.
    pub at: u32,
    /// The number of threads that share the items.
    pub threads: u32,
    /// The number of this tensor in its pair; 0 where it is alone.
    pub slot: u32,
    /// The number of tensors: 1, or 2 for a pair.
    pub tensors: u32,
    /// The bits of the wanted norm, or of the wanted product of norms.
    pub wanted: u32,
}

/// The kernels of shaders/normalize.wgsl.
#[derive(Clone, Copy)]
pub(super) enum Kernel {
    Largest,
    Squares,
    Sums,
    Factor,
    Scale,
}

/// Their entry points, in the order of [`Kernel`].
pub(super) const ENTRY_POINTS: [&str; 5] = ["largest", "squares", "sums", "factor", "scale"];

/// A dispatch, and what is bound beside its parameters.
pub(super) struct Pass<'a> {
    pub kernel: Kernel,
    pub parameters: Parameters,
    /// What the kernel reads: elements, or partial results.
    pub source: Option<BoundRange<'a>>,
    /// What an earlier kernel found: the largest magnitudes, or the factor.
    pub found: Option<&'a wgpu::Buffer>,
    /// What the kernel writes.
    pub result: BoundRange<'a>,
}

/// The buffers that one recording takes beside the tensors: partial results, and the factor.
pub(super) struct PartialResults {
    /// Largest magnitudes: of each thread, then of the few that the first reduction leaves, then of each tensor.
    pub largest: [wgpu::Buffer; 3],
    /// Sums of squares, likewise.
    pub sums: [wgpu::Buffer; 3],
    pub factor: wgpu::Buffer,
}

impl Normalizer {
    /// The ranges in which a tensor is bound, each with the parameters that say which of its words belong to the tensor
    /// and how many threads share them.
    pub(super) fn ranges<'a>(&self, t: &Region<'a>) -> Vec<(BoundRange<'a>, Parameters)> {
        let mut ranges = Vec::new();
        let (mut done, mut at) = (0, 0);
        while done < t.elements {
            let byte = t.offset + 4 * done;
            let start = byte - byte % self.align;
            let items = (t.elements - done).min((self.max_binding - (byte - start)) / 4).min(RANGE_WORDS);
            let threads = GROUP_SIZE * items.div_ceil(ITEMS_PER_THREAD * GROUP_SIZE).min(MAX_GROUPS);
            let parameters = Parameters {
                first: ((byte - start) / 4) as u32,
                items: items as u32,
                at,
                threads: threads as u32,
                ..Default::default()
            };
            let size = byte - start + 4 * items;
            ranges.push((BoundRange { buffer: t.buffer, start, size }, parameters));
            done += items;
            at += threads as u32;
        }
        ranges
    }

    /// The number of partial results of a tensor: one per thread.
    pub(super) fn partials(&self, t: &Region<'_>) -> u64 {
        self.ranges(t).iter().map(|(_, p)| u64::from(p.threads)).sum()
    }

    /// Adds the passes that find a tensor's largest magnitude, then those that find its sum of squares: of each thread,
    /// then of few partial results, then of the tensor.
    pub(super) fn measure<'a>(
        &self,
        t: &Region<'a>,
        slot: u32,
        partial: &'a PartialResults,
        passes: &mut Vec<Pass<'a>>,
    ) {
        let partials = self.partials(t) as u32;
        let few = partials.min(FEW as u32);
        let reductions = [(partials, few, 0), (few, 1, slot)];
        let reduced = reductions.map(|(items, threads, at)| Parameters { items, threads, at, ..Default::default() });
        let ranges = self.ranges(t);
        for (first, again, buffers, found) in [
            (Kernel::Largest, Kernel::Largest, &partial.largest, None),
            (Kernel::Squares, Kernel::Sums, &partial.sums, Some(&partial.largest[2])),
        ] {
            passes.extend(ranges.iter().map(|&(range, parameters)| Pass {
                kernel: first,
                parameters: Parameters { slot, ..parameters },
                source: Some(range),
                found,
                result: BoundRange::whole(&buffers[0]),
            }));
            passes.extend(reduced.iter().enumerate().map(|(i, &parameters)| Pass {
                kernel: again,
                parameters,
                source: Some(BoundRange::whole(&buffers[i])),
                found: None,
                result: BoundRange::whole(&buffers[i + 1]),
            }));
        }
    }

    /// Records the passes, in their order.
    pub(super) fn encode(&self, encoder: &mut wgpu::CommandEncoder, passes: &[Pass<'_>]) -> Result<()> {
        let stride = self.align.max(32);
        let mut bytes = vec![0; passes.len() * stride as usize];
        for (pass, at) in passes.iter().zip(bytes.chunks_exact_mut(stride as usize)) {
            at[..size_of::<Parameters>()].copy_from_slice(bytemuck::bytes_of(&pass.parameters));
        }
        let parameters = buffer_of(&self.device, "parameters", wgpu::BufferUsages::STORAGE, &bytes)?;
        let mut compute = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for (i, pass) in passes.iter().enumerate() {
            let own = BoundRange { buffer: &parameters, start: i as u64 * stride, size: 32 };
            // A kernel that does not read a binding gets its parameters there: something has to be bound.
            let found = pass.found.map_or(own, BoundRange::whole);
            let ranges = [own, pass.source.unwrap_or(own), found, pass.result];
            compute.set_pipeline(&self.pipelines[pass.kernel as usize]);
            compute.set_bind_group(0, &bind_group(&self.device, LABEL, &self.bindings, &ranges), &[]);
            compute.dispatch_workgroups(pass.parameters.threads.div_ceil(GROUP_SIZE as u32), 1, 1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MulWide, Tier, normalize_source};
    use super::*;
    use std::mem::offset_of;

    #[test]
    fn the_parameters_have_the_shader_s_layout() {
        let module = naga::front::wgsl::parse_str(&normalize_source(MulWide::U32, Tier::SoftFma)).unwrap();
        let (_, ty) = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some("Parameters")).unwrap();
        let naga::TypeInner::Struct { members, span } = &ty.inner else { panic!() };
        let host = [
            ("first", offset_of!(Parameters, first)),
            ("items", offset_of!(Parameters, items)),
            ("at", offset_of!(Parameters, at)),
            ("threads", offset_of!(Parameters, threads)),
            ("slot", offset_of!(Parameters, slot)),
            ("tensors", offset_of!(Parameters, tensors)),
            ("wanted", offset_of!(Parameters, wanted)),
        ];
        let kernel: Vec<_> = members.iter().map(|m| (m.name.as_deref().unwrap(), m.offset as usize)).collect();
        assert_eq!((kernel.as_slice(), *span as usize), (&host[..], size_of::<Parameters>()));
    }
}
