//! What a kernel reads: the layout of `shaders/descriptor.wgsl`, and how a law becomes numbers in it.

use crate::law::Law;
use crate::truncated::Window;
use crate::{DType, Result};
use bytemuck::{Pod, Zeroable};

/// The kinds of law, as `shaders/sample.wgsl` tells them apart.
pub mod kind {
    /// Every element `center`.
    pub const CONSTANT: u32 = 0;
    /// Uniform on an interval.
    pub const UNIFORM: u32 = 1;
    /// Normal.
    pub const NORMAL: u32 = 2;
    /// Normal on a window.
    pub const TRUNCATED: u32 = 3;
}

/// The ways of rounding, as `shaders/fill.wgsl` tells them apart.
pub mod rounding {
    /// To nearest even.
    pub const NEAREST: u32 = 0;
    /// By a word of Philox domain 3.
    pub const STOCHASTIC: u32 = 1;
}

/// The parameters of a law, each an f64 of the host rounded once to f32.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct LawParams {
    /// One of [`kind`].
    pub kind: u32,
    /// Truncated: 1 where the window is thin or far (mode H), else 0 (mode C).
    pub tail: u32,
    /// Truncated: 1 where the far edge takes a second word (`refine`).
    pub refine: u32,
    /// Truncated: words below this belong to the left half (`T`).
    pub threshold: u32,
    /// Half-width, std, or signed std (`sigma`).
    pub scale: f32,
    /// Value, midpoint, mean, or (mode H) the near edge.
    pub center: f32,
    /// Smallest value stored: f32(lo), or rounded inward to the dtype where the law is truncated.
    pub lo: f32,
    /// Largest value stored.
    pub hi: f32,
    /// Truncated: probability of one word (`s`).
    pub step: f32,
    /// Truncated: `off`.
    pub offset: f32,
    /// Truncated: `rl`, the tail probability at the left end, plus half a step.
    pub left: f32,
    /// Truncated: `rr`, the tail probability at the right end, plus or minus half a step.
    pub right: f32,
    /// Truncated: the left edge's probability without the half step, for `refine`.
    pub left_edge: f32,
    /// Truncated: the right edge's probability without the half step, for `refine`.
    pub right_edge: f32,
    /// Truncated, mode H: -1/em.
    pub inverse: f32,
    /// Truncated, mode H: the polynomial of the window, lowest degree first.
    pub poly: [f32; 9],
}

impl LawParams {
    /// Every element 0, in any dtype.
    #[must_use]
    pub fn zero() -> Self {
        Self::zeroed()
    }

    /// The parameters of `law` for elements stored as `dtype`.
    ///
    /// # Errors
    /// [`crate::Error::Law`] where the law's values do not fit the dtype.
    pub fn new(law: &Law, dtype: DType) -> Result<Self> {
        law.check_fits(dtype)?;
        let mut p = Self::zeroed();
        match *law {
            Law::Constant { value } => {
                p.kind = kind::CONSTANT;
                p.center = value as f32 + 0.0;
            }
            Law::Uniform { lo, hi } => {
                p.kind = kind::UNIFORM;
                p.scale = ((hi - lo) / 2.0) as f32;
                p.center = ((lo + hi) / 2.0) as f32 + 0.0;
                p.lo = lo as f32 + 0.0;
                p.hi = hi as f32 + 0.0;
            }
            Law::Normal { mean, std } => {
                p.kind = kind::NORMAL;
                p.scale = std as f32;
                p.center = mean as f32 + 0.0;
            }
            Law::TruncatedNormal { mean, std, lo, hi } => {
                Window::new(mean, std, lo, hi)?.write(&mut p);
                p.kind = kind::TRUNCATED;
                p.lo = dtype.round_up(lo.max(-dtype.max())) + 0.0;
                p.hi = dtype.round_down(hi.min(dtype.max())) + 0.0;
            }
        }
        Ok(p)
    }
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
