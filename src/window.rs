//! A window of one or many fills, as the kernels read it: descriptors and segments with 32-bit indices, one dispatch a kernel.

use crate::DType;
use crate::descriptor::{AxisSteps, Descriptor, SegmentEntry, kind};
use crate::fill::{Fill, Piece};
use crate::placement::Placement;
use bytemuck::Zeroable;

/// Threads of a workgroup.
pub(crate) const GROUP_SIZE: u32 = 64;
/// Items (blocks, or words) that a thread handles.
pub(crate) const ITEMS: u32 = 4;
/// Workgroups along one dimension of a dispatch.
pub(crate) const MAX_GROUPS: u32 = 65535;

/// Which entry of `shaders/fill.wgsl` serves a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Entry {
    /// `fill_aligned`, specialised for one [`kind`] of law.
    Aligned(u32),
    /// `fill_contiguous`.
    Contiguous,
    /// `fill_general`.
    General,
}

impl Entry {
    pub const ALL: [Self; 6] = [
        Self::Aligned(kind::CONSTANT),
        Self::Aligned(kind::UNIFORM),
        Self::Aligned(kind::NORMAL),
        Self::Aligned(kind::TRUNCATED),
        Self::Contiguous,
        Self::General,
    ];
}

/// A kernel: its stored type, and its entry.
pub(crate) type KernelId = (DType, Entry);

/// One dispatch: its segments, and how many workgroups they take.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dispatch {
    pub kernel: KernelId,
    pub segments: Vec<SegmentEntry>,
    pub groups: u32,
}

impl Dispatch {
    /// The dispatch's size along x and y: at least `groups` in all, none above the limit.
    pub fn size(&self) -> (u32, u32) {
        let x = self.groups.min(MAX_GROUPS);
        (x, self.groups.div_ceil(x))
    }
}

/// What is bound for one window.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tables {
    pub descriptors: Vec<Descriptor>,
    pub dispatches: Vec<Dispatch>,
}

impl Tables {
    /// Adds the words `from..to` of the fill, the first of which is word `at` of the binding.
    pub fn add(&mut self, fill: &Fill, from: u64, to: u64, at: u32) {
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
                let mut found = Vec::new();
                piece.placement.in_window(elements.0, elements.1, &mut found);
                self.descriptors.extend(found.iter().map(|p| descriptor(piece, p, from * per_word, at, per_word)));
            }
            let descriptor_count = self.descriptors.len() as u32 - first_descriptor;
            let whole = SegmentEntry {
                first_group: 0,
                word: at + (from_here - from) as u32,
                words: (to_here - from_here) as u32,
                elements: (elements.1 - elements.0) as u32,
                first_descriptor,
                descriptor_count,
            };
            let one = match self.descriptors[first_descriptor as usize..] {
                [one] if segment.pieces.len() == 1 => Some(one),
                _ => None,
            };
            let steps = one.map_or(0, |d| aligned_steps(&d, &whole, per_word as u32));
            let mut rest = whole;
            if steps > 0 {
                let words = 4 * steps;
                let aligned = SegmentEntry { words, elements: words * per_word as u32, ..whole };
                self.push((fill.dtype, Entry::Aligned(one.map_or(0, |d| d.law.kind))), aligned, steps);
                rest.word += words;
                rest.words -= words;
                rest.elements -= aligned.elements;
            }
            if rest.words == 0 {
                continue;
            }
            match one {
                Some(d) if runs_together(&d, per_word as u32) => {
                    let inside = (rest.word * per_word as u32).wrapping_sub(d.dst).wrapping_add(d.before);
                    let phase = d.src[0].wrapping_add(inside) % 4;
                    self.push((fill.dtype, Entry::Contiguous), rest, (rest.elements + phase).div_ceil(4));
                }
                _ => self.push((fill.dtype, Entry::General), rest, rest.words),
            }
        }
    }

    /// Adds a segment of so many items to its kernel's dispatch.
    fn push(&mut self, kernel: KernelId, segment: SegmentEntry, items: u32) {
        let dispatch = self.dispatch(kernel);
        dispatch.segments.push(SegmentEntry { first_group: dispatch.groups, ..segment });
        dispatch.groups += items.div_ceil(GROUP_SIZE * ITEMS);
    }

    fn dispatch(&mut self, kernel: KernelId) -> &mut Dispatch {
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

/// Whether source and destination run without gaps, and blocks of the logical tensor are whole words of the destination.
fn runs_together(d: &Descriptor, per_word: u32) -> bool {
    let shift = d.src[0].wrapping_sub(d.dst).wrapping_add(d.before);
    d.axis_count == 1 && d.axes[0].dst == 1 && d.axes[0].src == [1, 0] && shift.is_multiple_of(per_word)
}

/// How many 16-byte steps from the segment's first word on hold whole blocks of the logical tensor: all that fit, or none.
fn aligned_steps(d: &Descriptor, s: &SegmentEntry, per_word: u32) -> u32 {
    let step = 4 * per_word;
    let axes = &d.axes[..d.axis_count as usize];
    let Some((inner, outer)) = axes.split_last() else { return 0 };
    let in_blocks = if outer.is_empty() {
        // Blocks come every 4 elements: a 16-bit step holds two, wherever the first lies.
        d.src[0].wrapping_sub(d.dst).wrapping_add(d.before).is_multiple_of(4)
    } else {
        // Every row of the box begins and ends with a step.
        d.src[0].is_multiple_of(4)
            && d.before.wrapping_sub(d.dst).is_multiple_of(step)
            && inner.extent.is_multiple_of(step)
            && outer.iter().all(|a| a.dst.is_multiple_of(step) && a.src[0].is_multiple_of(4))
    };
    let together = inner.dst == 1 && inner.src == [1, 0] && s.word.is_multiple_of(4);
    // The rows of a box may lie apart: then the words between them are not this descriptor's to write.
    let gapless = outer.is_empty() || dense(axes);
    if in_blocks && together && gapless { s.elements / step } else { 0 }
}

/// Whether the axes' steps in the destination leave no gap.
fn dense(axes: &[AxisSteps]) -> bool {
    axes.windows(2).all(|pair| pair[0].dst == pair[1].dst * pair[1].extent)
}

fn descriptor(piece: &Piece, p: &Placement, from: u64, at: u32, per_word: u64) -> Descriptor {
    let words = |x: u64| [x as u32, (x >> 32) as u32];
    let mut d = Descriptor {
        key: piece.key,
        src: words(p.src),
        dst: at * per_word as u32 + p.dst.saturating_sub(from) as u32,
        before: from.saturating_sub(p.dst) as u32,
        axis_count: p.axes.len() as u32,
        pad: 0,
        law: piece.law,
        axes: [AxisSteps::zeroed(); 6],
    };
    for (steps, axis) in d.axes.iter_mut().zip(&p.axes) {
        *steps = AxisSteps { extent: axis.extent as u32, dst: axis.dst as u32, src: words(axis.src) };
    }
    d
}
