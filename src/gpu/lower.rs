//! A window of one or many fills, as the kernels read it: descriptors and segments with 32-bit indices, one dispatch a kernel.

use super::descriptor::{AxisSteps, Descriptor, SegmentEntry, rounding};
use crate::plan::Fill;
use crate::plan::placement::Placement;
use crate::value::params::{LawParams, kind};
use crate::{DType, Rounding};
use bytemuck::Zeroable;
use std::sync::Arc;

/// Threads of a workgroup.
pub(crate) const GROUP_SIZE: u32 = 64;
/// Items (blocks, or words) that a thread handles.
pub(crate) const ITEMS: u32 = 8;
/// Workgroups along one dimension of a dispatch.
pub(crate) const MAX_GROUPS: u32 = 65535;

/// Which entry of `shaders/fill.wgsl` serves a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Entry {
    /// `fill_aligned`, specialised for one [`kind`] of law.
    Aligned(u32),
    /// `fill_rows`.
    Rows,
    /// `fill_boxed`.
    Boxed,
    /// `fill_contiguous`.
    Contiguous,
    /// `fill_general`.
    General,
    /// `fill_structured`.
    Structured,
}

impl Entry {
    pub const ALL: [Self; 9] = [
        Self::Aligned(kind::CONSTANT),
        Self::Aligned(kind::UNIFORM),
        Self::Aligned(kind::NORMAL),
        Self::Aligned(kind::TRUNCATED),
        Self::Rows,
        Self::Boxed,
        Self::Contiguous,
        Self::General,
        Self::Structured,
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
        // The fewest rows, then rows as even as can be: few groups beyond those that have work.
        let y = self.groups.div_ceil(MAX_GROUPS);
        (self.groups.div_ceil(y), y)
    }
}

/// What is bound for one window.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tables {
    pub descriptors: Vec<Descriptor>,
    pub dispatches: Vec<Dispatch>,
    /// Frequencies of tables of positions, and whose they are: the tensors' own, one after another.
    pub frequencies: Vec<u64>,
    tables: Vec<(Arc<[u64]>, u32)>,
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
                piece.placement.in_range(elements.0, elements.1, &mut found);
                let mut law = piece.law;
                if let (Some(table), false) = (&piece.table, found.is_empty()) {
                    law.table = self.table(table);
                }
                self.descriptors.extend(
                    found
                        .iter()
                        .map(|p| descriptor((piece.key, piece.rounding), law, p, from * per_word, at, per_word)),
                );
            }
            let descriptor_count = self.descriptors.len() as u32 - first_descriptor;
            let whole = SegmentEntry {
                first_group: 0,
                word: at + (from_here - from) as u32,
                words: (to_here - from_here) as u32,
                elements: (elements.1 - elements.0) as u32,
                items: 0,
                first_descriptor,
                descriptor_count,
            };
            let added = self.descriptors[first_descriptor as usize..].to_vec();
            if added.iter().any(|d| d.law.is_structured()) {
                self.push((fill.dtype, Entry::Structured), whole, whole.words);
            } else if segment.pieces.len() == 1 && added.len() == 1 && added[0].axis_count == 1 {
                self.add_run(fill.dtype, &added[0], whole);
            } else if added.iter().all(|d| owns_words(d, per_word as u32)) {
                for (k, d) in added.iter().enumerate() {
                    let one =
                        SegmentEntry { first_descriptor: first_descriptor + k as u32, descriptor_count: 1, ..whole };
                    let step = 4 * per_word as u32;
                    if by_blocks(d)
                        && holds_blocks(d, step)
                        && one.word.is_multiple_of(4)
                        && one.words.is_multiple_of(4)
                    {
                        self.push((fill.dtype, Entry::Rows), one, units(d, step));
                    } else {
                        self.push((fill.dtype, Entry::Boxed), one, units(d, per_word as u32));
                    }
                }
            } else {
                self.push((fill.dtype, Entry::General), whole, whole.words);
            }
        }
    }

    /// Adds the one descriptor of a segment, with a single axis: whole 16-byte steps as far as they go, then the rest.
    fn add_run(&mut self, dtype: DType, d: &Descriptor, whole: SegmentEntry) {
        let per_word = dtype.per_word() as u32;
        let step = 4 * per_word;
        let together = by_blocks(d) && d.axes[0].dst == 1 && d.axes[0].src == [1, 0];
        // Blocks come every 4 elements: a 16-bit step holds two, wherever the first lies.
        let from = (whole.word * per_word).wrapping_sub(d.dst).wrapping_add(d.before).wrapping_add(d.src[0]);
        let mut rest = whole;
        if together && from.is_multiple_of(4) && whole.word.is_multiple_of(4) && whole.elements >= step {
            let steps = whole.elements / step;
            let aligned = SegmentEntry { words: 4 * steps, elements: step * steps, ..whole };
            self.push((dtype, Entry::Aligned(d.law.kind)), aligned, steps);
            rest.word += aligned.words;
            rest.words -= aligned.words;
            rest.elements -= aligned.elements;
        }
        if rest.words == 0 {
            return;
        }
        if together && from.is_multiple_of(per_word) {
            // The steps before hold whole blocks: the phase is that of the segment's start.
            self.push((dtype, Entry::Contiguous), rest, (rest.elements + from % 4).div_ceil(4));
        } else if owns_words(d, per_word) {
            self.push((dtype, Entry::Boxed), rest, units(d, per_word));
        } else {
            self.push((dtype, Entry::General), rest, rest.words);
        }
    }

    /// Where a table of positions begins among the frequencies.
    fn table(&mut self, table: &Arc<[u64]>) -> u32 {
        if let Some((_, at)) = self.tables.iter().find(|(known, _)| Arc::ptr_eq(known, table)) {
            return *at;
        }
        let at = self.frequencies.len() as u32;
        self.frequencies.extend_from_slice(table);
        self.tables.push((table.clone(), at));
        at
    }

    /// Adds a segment of so many items to its kernel's dispatch.
    fn push(&mut self, kernel: KernelId, segment: SegmentEntry, items: u32) {
        let dispatch = self.dispatch(kernel);
        dispatch.segments.push(SegmentEntry { first_group: dispatch.groups, items, ..segment });
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

/// The innermost axis, and the others.
fn split(d: &Descriptor) -> (AxisSteps, &[AxisSteps]) {
    let (outer, inner) = d.axes[..d.axis_count as usize].split_at(d.axis_count as usize - 1);
    (inner[0], outer)
}

/// Whether the kernels that go by blocks serve it: a word for each element's rounding is drawn by the others alone, so that these
/// stay small.
fn by_blocks(d: &Descriptor) -> bool {
    d.rounding == rounding::NEAREST
}

/// Whether no other descriptor can have an element in this one's words, and the box's steps fit 32 bits.
fn owns_words(d: &Descriptor, per_word: u32) -> bool {
    let (inner, outer) = split(d);
    let span: u64 = d.axes[..d.axis_count as usize].iter().map(|a| u64::from(a.extent - 1) * u64::from(a.dst)).sum();
    let whole = per_word == 1
        || inner.dst == 1
            && inner.src == [1, 0]
            && inner.extent.is_multiple_of(per_word)
            && d.dst.wrapping_sub(d.before).is_multiple_of(per_word)
            && outer.iter().all(|a| a.dst.is_multiple_of(per_word));
    whole && span + u64::from(d.dst) < 1 << 32
}

/// Whether every row of the box begins and ends with a 16-byte step of `step` elements, and each step holds whole blocks.
fn holds_blocks(d: &Descriptor, step: u32) -> bool {
    let (inner, outer) = split(d);
    inner.dst == 1
        && inner.src == [1, 0]
        && inner.extent.is_multiple_of(step)
        && d.src[0].is_multiple_of(4)
        && d.dst.wrapping_sub(d.before).is_multiple_of(step)
        && outer.iter().all(|a| a.dst.is_multiple_of(step) && a.src[0].is_multiple_of(4))
}

/// How many units of `unit` elements of the innermost axis the box has.
fn units(d: &Descriptor, unit: u32) -> u32 {
    let (inner, outer) = split(d);
    outer.iter().map(|a| a.extent).product::<u32>() * (inner.extent / unit)
}

fn descriptor(
    (key, rounded): ([u32; 2], Rounding),
    law: LawParams,
    p: &Placement,
    from: u64,
    at: u32,
    per_word: u64,
) -> Descriptor {
    let words = |x: u64| [x as u32, (x >> 32) as u32];
    let mut d = Descriptor {
        key,
        src: words(p.src),
        dst: at * per_word as u32 + p.dst.saturating_sub(from) as u32,
        before: from.saturating_sub(p.dst) as u32,
        axis_count: p.axes.len() as u32,
        rounding: match rounded {
            Rounding::NearestEven => rounding::NEAREST,
            Rounding::Stochastic => rounding::STOCHASTIC,
        },
        law,
        axes: [AxisSteps::zeroed(); 6],
    };
    for (steps, axis) in d.axes.iter_mut().zip(&p.axes) {
        *steps = AxisSteps { extent: axis.extent as u32, dst: axis.dst as u32, src: words(axis.src) };
    }
    d
}
