//! What a kernel reads beside the law: the structs of `shaders/descriptor.wgsl`, whose fields are documented here.

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
