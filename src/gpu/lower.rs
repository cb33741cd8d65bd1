//! Lowering: ranges of fills become descriptors and segments with 32-bit indices, and one dispatch per kernel.

use super::descriptor::{Descriptor, KernelSegment, period_of, rounding};
use super::kernel_id::{EntryPoint, KernelId, KernelLaw, may_draw_blocks, shared_code, stores_steps};
use crate::plan::Fill;
use crate::{Error, Result, Rounding};
use bytemuck::Zeroable;
use std::sync::Arc;

/// Threads of a workgroup.
pub(crate) const GROUP_SIZE: u32 = 64;
/// Items per thread.
pub(crate) const ITEMS: u32 = 8;

/// One dispatch of one kernel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dispatch {
    pub kernel: KernelId,
    pub segments: Vec<KernelSegment>,
    /// The number of workgroups that its segments take.
    pub groups: u32,
}

impl Dispatch {
    /// The dispatch's size along x and y, on a device that takes at most `most` workgroups along each: at least
    /// `groups` in all.
    ///
    /// # Errors
    /// [`Error::Device`] where the device takes fewer.
    pub fn size(&self, most: u32) -> Result<(u32, u32)> {
        // As few rows as possible, all of one length: few workgroups are added that have no segment.
        let y = self.groups.div_ceil(most);
        if y > most {
            return Err(Error::Device(format!(
                "{} workgroups at once: the device takes {most} by {most}; record smaller ranges",
                self.groups
            )));
        }
        Ok((self.groups.div_ceil(y.max(1)), y))
    }
}

/// Ranges of fills, lowered for one binding of the destination.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lowered {
    /// Whether `fill_aligned` serves every law, or constants alone.
    by_steps: bool,
    pub descriptors: Vec<Descriptor>,
    pub dispatches: Vec<Dispatch>,
    /// The frequencies of all sinusoidal tables, one table after another.
    pub frequencies: Vec<u64>,
    /// The tables that `frequencies` holds, and where each begins.
    tables: Vec<(Arc<[u64]>, u32)>,
}

/// How much a [`Lowered`] held at some time: lengths, and of each dispatch its segments and workgroups.
pub(crate) struct Mark {
    descriptors: usize,
    dispatches: Vec<(usize, u32)>,
    tables: usize,
}

impl Mark {
    /// The number of dispatches.
    pub fn dispatches(&self) -> usize {
        self.dispatches.len()
    }
}

impl Lowered {
    pub fn new(by_steps: bool) -> Self {
        Self { by_steps, descriptors: Vec::new(), dispatches: Vec::new(), frequencies: Vec::new(), tables: Vec::new() }
    }

    /// Adds the words `from..to` of a fill; the first of them is word `at` of the binding.
    pub fn add_range(&mut self, fill: &Fill, from: u64, to: u64, at: u32) {
        let per_word = fill.dtype.per_word();
        let first = fill.segments.partition_point(|s| s.words.end <= from);
        for segment in &fill.segments[first..] {
            let (from_here, to_here) = (from.max(segment.words.start), to.min(segment.words.end));
            if from_here >= to_here {
                break;
            }
            let first_descriptor = self.descriptors.len() as u32;
            let elements = (from_here * per_word, (to_here * per_word).min(fill.elements));
            for &piece in &segment.pieces {
                let piece = &fill.pieces[piece];
                let mut boxes = Vec::new();
                piece.placement.in_range(elements.0, elements.1, &mut boxes);
                let mut law = piece.law;
                if let (Some(table), false) = (&piece.table, boxes.is_empty()) {
                    law.table = self.table_start(table);
                }
                self.descriptors.extend(
                    boxes.iter().map(|p| {
                        Descriptor::of_box((piece.key, piece.rounding), law, p, from * per_word, at, per_word)
                    }),
                );
            }
            let descriptor_count = self.descriptors.len() as u32 - first_descriptor;
            let whole = KernelSegment {
                first_group: 0,
                word: at + (from_here - from) as u32,
                words: (to_here - from_here) as u32,
                elements: (elements.1 - elements.0) as u32,
                items: 0,
                first_descriptor,
                descriptor_count,
                ..KernelSegment::zeroed()
            };
            let added = self.descriptors[first_descriptor as usize..].to_vec();
            let (law, stochastic) = shared_code(fill, segment);
            let general = KernelId { dtype: fill.dtype, entry: EntryPoint::General, law, stochastic };
            if added.iter().any(|d| d.law.depends_on_index()) {
                self.push_general(general, whole);
            } else if segment.pieces.len() == 1 && added.len() == 1 && added[0].axis_count == 1 {
                self.add_run(general, &added[0], whole);
            } else if added.iter().all(|d| d.owns_words(per_word as u32)) {
                for (k, d) in added.iter().enumerate() {
                    let one =
                        KernelSegment { first_descriptor: first_descriptor + k as u32, descriptor_count: 1, ..whole };
                    let step = 4 * per_word as u32;
                    if draws_blocks(d)
                        && d.holds_blocks(step)
                        && one.word.is_multiple_of(4)
                        && one.words.is_multiple_of(4)
                    {
                        self.push_segment(kernel_of(general, EntryPoint::Rows, d), one, d.items(step));
                    } else {
                        let kernel = kernel_of(general, EntryPoint::Boxed, d);
                        self.push_segment(kernel, one, d.items(per_word as u32));
                    }
                }
            } else {
                self.push_general(general, whole);
            }
        }
    }

    /// Adds a segment that `fill_general` writes. Where its boxes repeat with a period, they are sorted by their place
    /// in it: then the time for an element grows with the logarithm of their number alone.
    fn push_general(&mut self, general: KernelId, mut segment: KernelSegment) {
        let first = segment.first_descriptor as usize;
        let boxes = &mut self.descriptors[first..];
        if let Some((period, base)) = period_of(boxes) {
            (segment.period, segment.base) = (period, base);
            boxes.iter_mut().for_each(|d| d.place = d.place_in(base, period));
            boxes.sort_unstable_by_key(|d| d.place);
        }
        self.push_segment(general, segment, segment.words);
    }

    /// Gives the segments their hints; to be called when all have been added.
    pub fn index_segments(&mut self) {
        for dispatch in &mut self.dispatches {
            let count = dispatch.segments.len();
            let stride = dispatch.groups.div_ceil(count as u32).max(1);
            let mut hint = 0;
            for k in 0..count {
                while hint + 1 < count && dispatch.segments[hint + 1].first_group <= k as u32 * stride {
                    hint += 1;
                }
                (dispatch.segments[k].stride, dispatch.segments[k].hint) = (stride, hint as u32);
            }
        }
    }

    /// The bytes of the largest binding that holds a part of it.
    pub fn largest_binding(&self) -> u64 {
        let segments = self.dispatches.iter().map(|d| size_of_val(&d.segments[..])).max().unwrap_or(0);
        segments.max(size_of_val(&self.descriptors[..])).max(size_of_val(&self.frequencies[..])) as u64
    }

    /// The bytes of all its parameters, where each binding of them begins at a multiple of `align`.
    pub fn parameter_bytes(&self, align: u64) -> u64 {
        let segments = self.dispatches.iter().map(|d| size_of_val(&d.segments[..]));
        let parts = [size_of_val(&self.descriptors[..]), size_of_val(&self.frequencies[..])];
        parts.into_iter().chain(segments).map(|bytes| (bytes as u64).next_multiple_of(align)).sum()
    }

    /// The workgroups of the largest dispatch.
    pub fn largest_dispatch(&self) -> u64 {
        self.dispatches.iter().map(|d| u64::from(d.groups)).max().unwrap_or(0)
    }

    /// What it holds now, for [`Lowered::undo`].
    pub fn mark(&self) -> Mark {
        Mark {
            descriptors: self.descriptors.len(),
            dispatches: self.dispatches.iter().map(|d| (d.segments.len(), d.groups)).collect(),
            tables: self.tables.len(),
        }
    }

    /// Takes back what has been added since the mark.
    pub fn undo(&mut self, mark: &Mark) {
        self.descriptors.truncate(mark.descriptors);
        self.dispatches.truncate(mark.dispatches.len());
        for (dispatch, (segments, groups)) in self.dispatches.iter_mut().zip(&mark.dispatches) {
            dispatch.segments.truncate(*segments);
            dispatch.groups = *groups;
        }
        if let Some((_, at)) = self.tables.get(mark.tables) {
            self.frequencies.truncate(*at as usize);
            self.tables.truncate(mark.tables);
        }
    }

    /// Adds a segment that has one descriptor, of a single axis: first the whole 16-byte steps, then what is left.
    /// `general` is the kernel that serves it where no other does.
    fn add_run(&mut self, general: KernelId, d: &Descriptor, whole: KernelSegment) {
        let per_word = general.dtype.per_word() as u32;
        let step = 4 * per_word;
        let consecutive = draws_blocks(d) && d.axes[0].dst == 1 && d.axes[0].src == [1, 0];
        // The logical index of the segment's first element, and modulo 2^32. Blocks begin at multiples of 4, and a
        // 16-byte step of 16-bit elements holds two of them: a step needs a multiple of 4 only.
        let inside = (whole.word * per_word).wrapping_sub(d.dst).wrapping_add(d.before);
        let first = (u64::from(d.src[1]) << 32 | u64::from(d.src[0])) + u64::from(inside);
        let from = first as u32;
        let mut rest = whole;
        // `fill_aligned` has one high word of the block counter for the whole run: it carries every 2^34 elements.
        let carries = first >> 34 != (first + u64::from(whole.elements)) >> 34;
        let by_steps = consecutive && !carries && stores_steps(self.by_steps, d.law.kind);
        if by_steps && from.is_multiple_of(4) && whole.word.is_multiple_of(4) && whole.elements >= step {
            let steps = whole.elements / step;
            let aligned = KernelSegment { words: 4 * steps, elements: step * steps, ..whole };
            self.push_segment(kernel_of(general, EntryPoint::Aligned, d), aligned, steps);
            rest.word += aligned.words;
            rest.words -= aligned.words;
            rest.elements -= aligned.elements;
        }
        if rest.words == 0 {
            return;
        }
        if consecutive && from.is_multiple_of(per_word) {
            // The 16-byte steps above hold whole blocks: what is left begins at the same position in its block as the
            // segment.
            let kernel = kernel_of(general, EntryPoint::Contiguous, d);
            self.push_segment(kernel, rest, (rest.elements + from % 4).div_ceil(4));
        } else if d.owns_words(per_word) {
            self.push_segment(kernel_of(general, EntryPoint::Boxed, d), rest, d.items(per_word));
        } else {
            self.push_segment(general, rest, rest.words);
        }
    }

    /// Where a sinusoidal table begins among the frequencies; a new table is added.
    fn table_start(&mut self, table: &Arc<[u64]>) -> u32 {
        if let Some((_, at)) = self.tables.iter().find(|(known, _)| Arc::ptr_eq(known, table)) {
            return *at;
        }
        let at = self.frequencies.len() as u32;
        self.frequencies.extend_from_slice(table);
        self.tables.push((table.clone(), at));
        at
    }

    /// Adds a segment of `items` items to its kernel's dispatch.
    fn push_segment(&mut self, kernel: KernelId, segment: KernelSegment, items: u32) {
        let dispatch = self.dispatch_of(kernel);
        dispatch.segments.push(KernelSegment { first_group: dispatch.groups, items, ..segment });
        // Far more than any device takes at once: `largest_dispatch` tells, and the segment is taken back.
        dispatch.groups = dispatch.groups.saturating_add(items.div_ceil(GROUP_SIZE * ITEMS));
    }

    fn dispatch_of(&mut self, kernel: KernelId) -> &mut Dispatch {
        let at = match self.dispatches.iter().position(|d| d.kernel == kernel) {
            Some(at) => at,
            None => {
                self.dispatches.push(Dispatch { kernel, segments: Vec::new(), groups: 0 });
                self.dispatches.len() - 1
            }
        };
        &mut self.dispatches[at]
    }
}

/// The kernel of an entry point that serves this descriptor alone, among others of the dtype of `general`.
fn kernel_of(general: KernelId, entry: EntryPoint, d: &Descriptor) -> KernelId {
    let (law, stochastic) = (KernelLaw::of(&d.law), d.rounding == rounding::STOCHASTIC);
    KernelId { entry, law, stochastic, ..general }
}

/// [`may_draw_blocks`] of a descriptor.
fn draws_blocks(d: &Descriptor) -> bool {
    may_draw_blocks(&d.law, if d.rounding == rounding::NEAREST { Rounding::NearestEven } else { Rounding::Stochastic })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Part, Plan, Slab, TensorSpec};
    use crate::value::key::StreamVersion;
    use crate::{DType, Scheme};

    /// What `find_segment` of the shader finds, and how many segments it looks at.
    fn found(segments: &[KernelSegment], group: u32) -> (usize, usize) {
        let (mut lo, mut hi, mut looks) = (0, segments.len(), 0);
        if hi > 1 {
            let slot = ((group / segments[0].stride) as usize).min(hi - 1);
            lo = segments[slot].hint as usize;
            hi = segments.get(slot + 1).map_or(hi, |next| next.hint as usize + 1);
            looks = 3;
        }
        while hi - lo > 1 {
            let mid = usize::midpoint(lo, hi);
            looks += 1;
            if segments[mid].first_group <= group { lo = mid } else { hi = mid }
        }
        (lo, looks)
    }

    /// Many tensors of one size, of mixed sizes, and one among them that is larger than all others together.
    #[test]
    fn every_workgroup_finds_its_segment_by_its_hint() {
        let sizes: [fn(u64) -> u64; 4] =
            [|_| 4096, |k| 1 + k * 7919 % 40_000, |k| if k == 300 { 1 << 26 } else { 4 }, |k| 4 << (k % 20)];
        for size in sizes {
            for tensors in [1, 2, 3, 1000] {
                let mut plan = Plan::new(StreamVersion::V1, 1);
                let mut lowered = Lowered::new(true);
                let mut at = 0;
                for k in 0..tensors {
                    let spec = TensorSpec::new(format!("{k}"), [size(k)], Scheme::normal(0.0, 1.0)).unwrap();
                    let fill = plan.push(&spec).unwrap().fill();
                    let words = fill.device_bytes() / 4;
                    lowered.add_range(&fill, 0, words, at);
                    at += words as u32;
                }
                lowered.index_segments();
                for dispatch in &lowered.dispatches {
                    let mut looks = 0;
                    for group in 0..dispatch.groups {
                        let (segment, here) = found(&dispatch.segments, group);
                        let next = dispatch.segments.get(segment + 1).map_or(dispatch.groups, |s| s.first_group);
                        assert!((dispatch.segments[segment].first_group..next).contains(&group));
                        looks += here;
                    }
                    // On average, workgroups past the last one included, they are few.
                    assert!(looks as f64 <= 6.0 * f64::from(dispatch.groups), "{looks} of {}", dispatch.groups);
                    let (last, _) = found(&dispatch.segments, dispatch.groups + 70_000);
                    assert_eq!(last, dispatch.segments.len() - 1);
                }
            }
        }
    }

    /// Single words of a box with rows of nearly 2^30 elements: a kernel runs over the whole row for each of them.
    #[test]
    fn workgroups_beyond_32_bits_are_more_than_any_device_takes() {
        let spec = TensorSpec::new("w", [4, 1 << 30], Scheme::normal(0.0, 1.0)).unwrap();
        let mut plan = Plan::new(StreamVersion::V1, 1);
        let fill = plan.push(&spec).unwrap().fill_slab(&Slab::new([0, 0], [4, (1 << 30) - 4])).unwrap();
        let mut lowered = Lowered::new(true);
        let mut largest = 0;
        for at in 0..3000 {
            lowered.add_range(&fill, at, at + 1, at as u32);
            assert!(lowered.largest_dispatch() >= largest, "{at} words: {}", lowered.largest_dispatch());
            largest = lowered.largest_dispatch();
        }
        assert_eq!(largest, u64::from(u32::MAX));
    }

    /// Parts by columns of widths that are odd: their boxes repeat with the row, wherever the range begins.
    #[test]
    fn parts_by_columns_have_the_row_as_their_period() {
        let mut width = 0;
        let parts: Vec<_> = (0..50)
            .map(|k| {
                let dims = [11, 1 + k % 3 * 2];
                let part = Part::new(format!("{k}"), dims, Scheme::zeros(), Slab::new([0, width], dims)).unwrap();
                width += dims[1];
                part
            })
            .collect();
        let spec = TensorSpec::with_parts("w", [11, width], [11, width], parts).unwrap().dtype(DType::BF16);
        let fill = Plan::new(StreamVersion::V1, 1).push(&spec).unwrap().fill();
        for from in [0, 1, 70, 71, 200] {
            let mut lowered = Lowered::new(true);
            lowered.add_range(&fill, from, fill.device_bytes() / 4 - 3, 0);
            let general = lowered.dispatches.iter().flat_map(|d| &d.segments).find(|s| s.descriptor_count > 2).unwrap();
            assert_eq!(u64::from(general.period), width, "from word {from}");
            let first = general.first_descriptor as usize;
            let boxes = &lowered.descriptors[first..first + general.descriptor_count as usize];
            assert!(boxes.windows(2).all(|pair| pair[0].place < pair[1].place));
        }
    }
}
