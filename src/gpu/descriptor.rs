//! What a kernel reads beside the law: the boxes and segments of `shaders/descriptor.wgsl`.

use crate::value::params::LawParams;
use bytemuck::{Pod, Zeroable};

/// The ways of rounding, as `shaders/fill.wgsl` tells them apart.
pub mod rounding {
    /// To nearest even.
    pub const NEAREST: u32 = 0;
    /// By a word of Philox domain 3.
    pub const STOCHASTIC: u32 = 1;
}

/// One axis of a [`Descriptor`].
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct AxisSteps {
    /// How many steps.
    pub extent: u32,
    /// Elements of the destination a step.
    pub dst: u32,
    /// Elements of the logical tensor a step: a u64, low word first.
    pub src: [u32; 2],
}

/// A box of a logical tensor in one binding.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct Descriptor {
    /// The Philox key.
    pub key: [u32; 2],
    /// The logical index of the box's first element: a u64, low word first.
    pub src: [u32; 2],
    /// An element of the binding.
    pub dst: u32,
    /// How many elements before `dst` the box's first element lies.
    pub before: u32,
    /// How many of `axes` count.
    pub axis_count: u32,
    /// How 16-bit elements are rounded: one of [`rounding`].
    pub rounding: u32,
    /// The law.
    pub law: LawParams,
    /// The axes, outermost first.
    pub axes: [AxisSteps; 6],
}

/// Words of the binding, and the descriptors that have elements in them.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct SegmentEntry {
    /// The first workgroup that writes them.
    pub first_group: u32,
    /// The first word, in the binding.
    pub word: u32,
    /// How many words.
    pub words: u32,
    /// How many elements: one less than the words hold where the last half-word is padding.
    pub elements: u32,
    /// How many items (16-byte steps, blocks or words) its threads handle.
    pub items: u32,
    /// The first descriptor.
    pub first_descriptor: u32,
    /// How many descriptors.
    pub descriptor_count: u32,
}
