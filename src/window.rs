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
    /// `fill_contiguous`, specialised for one [`kind`] of law.
    Contiguous(u32),
    /// `fill_general`.
    General,
}

impl Entry {
    pub const ALL: [Self; 5] = [
        Self::Contiguous(kind::CONSTANT),
        Self::Contiguous(kind::UNIFORM),
        Self::Contiguous(kind::NORMAL),
        Self::Contiguous(kind::TRUNCATED),
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
            let added = &self.descriptors[first_descriptor as usize..];
            let entry = match (segment.pieces.as_slice(), added) {
                (&[piece], [one]) if runs_together(&fill.pieces[piece].placement, per_word) => {
                    Entry::Contiguous(one.law.kind)
                }
                _ => Entry::General,
            };
            let phase = match entry {
                Entry::Contiguous(_) => (u64::from(added[0].src[0]) + u64::from(added[0].before)) % 4,
                Entry::General => 0,
            };
            let words = to_here - from_here;
            let items = match entry {
                Entry::Contiguous(_) => (elements.1 - elements.0 + phase).div_ceil(4),
                Entry::General => words,
            };
            let descriptor_count = added.len() as u32;
            let dispatch = self.dispatch((fill.dtype, entry));
            dispatch.segments.push(SegmentEntry {
                first_group: dispatch.groups,
                word: at + (from_here - from) as u32,
                words: words as u32,
                elements: (elements.1 - elements.0) as u32,
                first_descriptor,
                descriptor_count,
            });
            dispatch.groups += items.div_ceil(u64::from(GROUP_SIZE * ITEMS)) as u32;
        }
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

/// Whether blocks of the logical tensor are whole words of the destination, one after another.
fn runs_together(p: &Placement, per_word: u64) -> bool {
    p.is_contiguous() && p.src % per_word == p.dst % per_word
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
