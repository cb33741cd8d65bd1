//! What a kernel reads beside the law: the structs of `shaders/descriptor.wgsl`, whose fields are documented here.

use crate::Rounding;
use crate::plan::placement::Placement;
use crate::value::params::LawParams;
use bytemuck::{Pod, Zeroable};

/// The values of [`Descriptor::rounding`], as `shaders/fill.wgsl` knows them.
pub mod rounding {
    /// Nearest, ties to even.
    pub const NEAREST: u32 = 0;
    /// Stochastic: decided by a word of the element's own.
    pub const STOCHASTIC: u32 = 1;
}

/// One axis of a [`Descriptor`]: `Axis` in WGSL.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct AxisSteps {
    /// The number of steps.
    pub extent: u32,
    /// Elements of the destination per step.
    pub dst: u32,
    /// Elements of the logical tensor per step: a u64, low word first.
    pub src: [u32; 2],
}

/// A box of a logical tensor, and where it lies in one binding: `Descriptor` in WGSL.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct Descriptor {
    /// The Philox key.
    pub key: [u32; 2],
    /// The logical index of the box's first element: a u64, low word first.
    pub src: [u32; 2],
    /// An element of the binding: the box's first one, or the first of the recorded range where the box begins before
    /// it.
    pub dst: u32,
    /// How many elements before `dst` the box's first element lies.
    pub before: u32,
    /// How many of `axes` are used.
    pub axis_count: u32,
    /// How 16-bit elements are rounded: one of [`rounding`].
    pub rounding: u32,
    /// The law.
    pub law: LawParams,
    /// The axes, outermost first; the unused ones stand at the end.
    pub axes: [AxisSteps; 6],
    /// In a segment with a period: where the box begins in the period, counted from [`KernelSegment::base`].
    pub place: u32,
    /// Makes the size a multiple of 8.
    pub unused: u32,
}

impl Descriptor {
    /// A box of a piece with this key and rounding. The range begins at destination element `from`, which is the first
    /// element of word `at` of the binding.
    pub(super) fn of_box(
        (key, rounded): ([u32; 2], Rounding),
        law: LawParams,
        p: &Placement,
        from: u64,
        at: u32,
        per_word: u64,
    ) -> Self {
        let words = |x: u64| [x as u32, (x >> 32) as u32];
        let mut d = Self {
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
            place: 0,
            unused: 0,
        };
        for (steps, axis) in d.axes.iter_mut().zip(&p.axes) {
            *steps = AxisSteps { extent: axis.extent as u32, dst: axis.dst as u32, src: words(axis.src) };
        }
        d
    }

    /// The axes in use.
    fn used_axes(&self) -> &[AxisSteps] {
        &self.axes[..self.axis_count as usize]
    }

    /// The innermost axis, and the outer ones.
    fn split_axes(&self) -> (AxisSteps, &[AxisSteps]) {
        let (outer, inner) = self.used_axes().split_at(self.axis_count as usize - 1);
        (inner[0], outer)
    }

    /// Whether no other descriptor can have an element in the words of this box, and the box's destination indices fit
    /// 32 bits.
    pub(super) fn owns_words(&self, per_word: u32) -> bool {
        let (inner, outer) = self.split_axes();
        let span: u64 = self.used_axes().iter().map(|a| u64::from(a.extent - 1) * u64::from(a.dst)).sum();
        let whole = per_word == 1
            || inner.dst == 1
                && inner.src == [1, 0]
                && inner.extent.is_multiple_of(per_word)
                && self.dst.wrapping_sub(self.before).is_multiple_of(per_word)
                && outer.iter().all(|a| a.dst.is_multiple_of(per_word));
        whole && span + u64::from(self.dst) < 1 << 32
    }

    /// Whether every row of the box is whole 16-byte steps of `step` elements, and every step is whole blocks.
    pub(super) fn holds_blocks(&self, step: u32) -> bool {
        let (inner, outer) = self.split_axes();
        inner.dst == 1
            && inner.src == [1, 0]
            && inner.extent.is_multiple_of(step)
            && self.src[0].is_multiple_of(4)
            && self.dst.wrapping_sub(self.before).is_multiple_of(step)
            && outer.iter().all(|a| a.dst.is_multiple_of(step) && a.src[0].is_multiple_of(4))
    }

    /// The number of items in the box, where an item is `unit` elements of the innermost axis.
    pub(super) fn items(&self, unit: u32) -> u32 {
        let (inner, outer) = self.split_axes();
        outer.iter().map(|a| a.extent).product::<u32>() * (inner.extent / unit)
    }

    /// Where the box begins in a period that begins at element `base`.
    pub(super) fn place_in(&self, base: u32, period: u32) -> u32 {
        self.dst.wrapping_sub(self.before).wrapping_sub(base) % period
    }
}

/// A period of more than two boxes, and an element at which it begins: each box lies in it once, side by side with the
/// others, and again after whole periods alone.
pub(super) fn period_of(boxes: &[Descriptor]) -> Option<(u32, u32)> {
    let start = |d: &Descriptor| i64::from(d.dst) - i64::from(d.before);
    let (first, 3..) = (boxes.first()?, boxes.len()) else { return None };
    let base = boxes.iter().map(start).min()?;
    let is_period = |period: u32| {
        let mut places: Vec<(u64, u64)> = Vec::with_capacity(boxes.len());
        for d in boxes {
            let inner = d.used_axes().iter().filter(|a| !a.dst.is_multiple_of(period));
            let span = inner.map(|a| u64::from(a.extent - 1) * u64::from(a.dst)).sum::<u64>();
            places.push(((start(d) - base) as u64 % u64::from(period), span));
        }
        places.sort_unstable();
        let nexts = places.iter().skip(1).map(|&(place, _)| place).chain([u64::from(period)]);
        places.iter().zip(nexts).all(|(&(place, span), next)| place + span < next)
    };
    let period = first.used_axes().iter().map(|a| a.dst).find(|&period| period > 0 && is_period(period))?;
    Some((period, base as u32))
}

/// A range of words of the binding, and the descriptors that have elements in it: `Segment` in WGSL.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct KernelSegment {
    /// The first workgroup that writes the segment.
    pub first_group: u32,
    /// The first word, counted from the start of the binding.
    pub word: u32,
    /// The number of words.
    pub words: u32,
    /// The number of elements: one less than the words hold where the last half-word is padding.
    pub elements: u32,
    /// The number of items: 16-byte steps, blocks or words, as the entry point counts.
    pub items: u32,
    /// The first descriptor.
    pub first_descriptor: u32,
    /// The number of descriptors.
    pub descriptor_count: u32,
    /// After how many elements the descriptors repeat, side by side and in ascending order of [`Descriptor::place`]; 0
    /// where they do not.
    pub period: u32,
    /// An element, modulo 2^32, at which a period begins, before any of the segment.
    pub base: u32,
    /// How many workgroups one hint is for: the same in all segments of a dispatch.
    pub stride: u32,
    /// Of the dispatch's k-th segment: the segment that workgroup `k stride` writes.
    pub hint: u32,
}
