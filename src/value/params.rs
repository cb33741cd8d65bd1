//! A law as a kernel reads it: `LawParams` of `shaders/descriptor.wgsl`, each number an f64 of the host rounded once.

use crate::value::law::truncated::Window;
use crate::value::law::{Law, SinusoidalLayout};
use crate::{DType, Result};
use bytemuck::{Pod, Zeroable};

/// Numbers that a kernel knows by the same names.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $value:literal,)*) => {
        $($(#[$doc])* pub const $name: u32 = $value;)*
        /// All of them, by name.
        #[doc(hidden)]
        pub const NAMES: &[(&str, u32)] = &[$((stringify!($name), $value)),*];
    };
}

/// The kinds of law, as `shaders/sample.wgsl` and `shaders/structured.wgsl` tell them apart.
pub mod kind {
    codes! {
        /// Every element `center`.
        CONSTANT = 0,
        /// Uniform on an interval.
        UNIFORM = 1,
        /// Normal.
        NORMAL = 2,
        /// Normal on a window.
        TRUNCATED = 3,
        /// A table of positions.
        SINUSOIDAL = 4,
        /// A logarithmic range.
        LOG_RANGE = 5,
        /// The bias of a Mamba block's step.
        DT_BIAS = 6,
        /// The logarithm of a uniform.
        LOG_OF_UNIFORM = 7,
        /// Evenly spaced values.
        LINSPACE = 8,
    }
}

/// How the values of a law of another kind are cut, as `shaders/structured.wgsl` tells it.
pub mod mask {
    codes! {
        /// Not at all.
        NONE = 0,
        /// 0 off a pattern.
        PATTERN = 1,
        /// `center` is 0 off a pattern.
        CENTERED = 2,
        /// 0 in some rows of each column.
        SPARSE = 3,
    }
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
    /// Truncated: words below this belong to the left half (`T`). Sparse: zeros in a column.
    pub threshold: u32,
    /// Uniform: the half-width times 2^-24, exactly. Normal: the std. Truncated: the signed std (`sigma`).
    pub scale: f32,
    /// Value, midpoint, mean, (mode H) the near edge, or (even steps) the value halfway.
    pub center: f32,
    /// Smallest value stored: f32(lo), or rounded inward to the dtype where the law is truncated.
    pub lo: f32,
    /// Largest value stored.
    pub hi: f32,
    /// Truncated: probability of one word (`s`). Log of a uniform: the uniform's step from word
    /// to word. Even steps: the step.
    pub step: f32,
    /// Truncated: `off`. Log of a uniform: the uniform's least value.
    pub offset: f32,
    /// Truncated: `rl`, the tail probability at the left end, plus half a step. Even steps: the first value.
    pub left: f32,
    /// Truncated: `rr`, the tail probability at the right end, plus or minus half a step. Even steps: the last value.
    pub right: f32,
    /// Truncated: the left edge's probability without the half step, for `refine`.
    pub left_edge: f32,
    /// Truncated: the right edge's probability without the half step, for `refine`.
    pub right_edge: f32,
    /// Truncated, mode H: -1/em.
    pub inverse: f32,
    /// Truncated, mode H: the polynomial of the window, lowest degree first.
    pub poly: [f32; 9],
    /// Step bias: `poly`, continued.
    pub more: [f32; 3],
    /// One of [`mask`].
    pub mask: u32,
    /// Pattern: elements of a kernel.
    pub inner: u32,
    /// Pattern: the element of the kernel. Table of positions: 1 where sines and cosines are halves.
    pub spot: u32,
    /// Elements of the last axis (pattern: of the inputs).
    pub cols: u32,
    /// Rows. Pattern: outputs per group; the diagonal begins again with each group.
    pub rows: u32,
    /// Pattern: rows of a block.
    pub block_rows: u32,
    /// Pattern: columns of a block.
    pub block_cols: u32,
    /// Table of positions: its first frequency among those that are bound.
    pub table: u32,
    /// 0.
    pub unused: u32,
}

impl LawParams {
    /// Every element 0, in any dtype.
    #[must_use]
    pub fn zero() -> Self {
        Self::zeroed()
    }

    /// Whether a value depends on more than the word that its element draws: on where in its tensor the element lies.
    #[must_use]
    #[cfg(feature = "gpu")]
    pub(crate) fn depends_on_index(&self) -> bool {
        self.mask != mask::NONE || matches!(self.kind, kind::SINUSOIDAL | kind::LOG_RANGE | kind::LINSPACE)
    }

    /// The same law, uncut.
    #[must_use]
    pub(crate) fn unmasked(&self) -> Self {
        Self { mask: mask::NONE, ..*self }
    }

    fn normal(&mut self, mean: f64, std: f64) {
        self.kind = kind::NORMAL;
        self.scale = std as f32;
        self.center = positive_zero(mean);
    }

    /// The pattern: of each kernel of a convolution only element `spot`, and of the pairs (output modulo `rows`, input)
    /// only those inside a block of the diagonal.
    fn pattern(&mut self, mask: u32, [inner, spot]: [u64; 2], [rows, cols]: [u64; 2], blocks: [u64; 2]) {
        self.mask = mask;
        // The law has checked that they fit.
        [self.inner, self.spot, self.rows, self.cols] = [inner, spot, rows, cols].map(|n| n as u32);
        [self.block_rows, self.block_cols] = blocks.map(|n| n as u32);
    }

    /// The parameters of `law` for elements stored as `dtype`.
    ///
    /// # Errors
    /// [`crate::Error::Law`] where the law's values do not fit the dtype.
    pub fn new(law: &Law, dtype: DType) -> Result<Self> {
        law.check_fits(dtype)?;
        let mut p = Self::zeroed();
        match law {
            Law::Constant(law) => {
                p.kind = kind::CONSTANT;
                p.center = positive_zero(law.value());
            }
            Law::Uniform(law) => {
                let (lo, hi) = (law.lo(), law.hi());
                p.kind = kind::UNIFORM;
                // The uniform number is an odd integer times 2^-24. The law's half-width is at least 2^-76.
                p.scale = ((hi - lo) / 2.0) as f32 / 16_777_216.0;
                p.center = positive_zero((lo + hi) / 2.0);
                (p.lo, p.hi) = (positive_zero(lo), positive_zero(hi));
            }
            Law::Normal(law) => p.normal(law.mean(), law.std()),
            Law::TruncatedNormal(law) => {
                p = Self::truncated(law.window());
                let (lo, hi) = law.bounds(dtype);
                (p.lo, p.hi) = (lo + 0.0, hi + 0.0);
            }
            Law::Identity(law) => {
                p.center = positive_zero(law.gain());
                p.pattern(mask::PATTERN, [1, 0], [law.rows(), law.cols()], [1, 1]);
            }
            Law::Dirac(law) => {
                let rows = law.out() / law.groups();
                p.center = 1.0;
                p.pattern(mask::PATTERN, [law.kernel(), law.spot()], [rows, law.inputs()], [1, 1]);
            }
            Law::NearIdentity(law) => {
                p.normal(law.alpha(), law.std());
                p.pattern(mask::CENTERED, [1, 0], [law.rows(), law.cols()], [1, 1]);
            }
            Law::BlockDiagonal(law) => {
                let (rows, cols) = (law.rows(), law.cols());
                p.normal(0.0, law.std());
                p.pattern(mask::PATTERN, [1, 0], [rows, cols], [rows / law.blocks(), cols / law.blocks()]);
            }
            Law::Sparse(law) => {
                p.normal(0.0, law.std());
                p.mask = mask::SPARSE;
                [p.rows, p.cols, p.threshold] = [law.rows(), law.cols(), law.zeros()].map(|n| n as u32);
            }
            Law::Sinusoidal(law) => {
                p.kind = kind::SINUSOIDAL;
                p.cols = law.width() as u32;
                p.spot = u32::from(law.layout() != SinusoidalLayout::Interleaved);
            }
            Law::LogRange(law) => {
                p.kind = kind::LOG_RANGE;
                p.cols = law.length() as u32;
            }
            Law::Linspace(law) => {
                p.kind = kind::LINSPACE;
                p.cols = law.length() as u32;
                p.step = positive_zero(law.step());
                p.center = positive_zero(law.middle());
                (p.left, p.right) = (positive_zero(law.first()), positive_zero(law.last()));
            }
            Law::LogOfUniform(uniform) => {
                let (lo, hi) = (uniform.lo(), uniform.hi());
                p.kind = kind::LOG_OF_UNIFORM;
                p.step = ((hi - lo) / 16_777_216.0) as f32;
                p.offset = (lo + (hi - lo) / 33_554_432.0) as f32;
                let (lo, hi) = law.range();
                (p.lo, p.hi) = (positive_zero(lo), positive_zero(hi));
            }
            Law::DtBias(bias) => {
                p.kind = kind::DT_BIAS;
                let (low, high) = bias.polynomial().split_at(p.poly.len());
                p.poly.copy_from_slice(low);
                p.more.copy_from_slice(high);
                let (lo, hi) = law.range();
                (p.lo, p.hi) = (positive_zero(lo), positive_zero(hi));
            }
            // Its elements come from matrices, which no fill kernel makes: src/plan/matrices.rs.
            Law::Orthogonal(_) => {}
        }
        Ok(p)
    }

    /// The constants of a window, each rounded once. `lo` and `hi` depend on the dtype: the caller sets them.
    pub(crate) fn truncated(window: &Window) -> Self {
        Self {
            kind: kind::TRUNCATED,
            tail: u32::from(window.tail),
            refine: u32::from(window.refine),
            threshold: window.threshold,
            scale: flushed(window.scale),
            center: flushed(window.center),
            step: flushed(window.step),
            offset: flushed(window.offset),
            left: flushed(window.left),
            right: flushed(window.right),
            left_edge: flushed(window.left_edge),
            right_edge: flushed(window.right_edge),
            inverse: flushed(window.inverse),
            poly: window.poly.map(flushed),
            ..Self::zeroed()
        }
    }
}

/// The nearest f32, -0 as +0.
fn positive_zero(x: f64) -> f32 {
    x as f32 + 0.0
}

/// The nearest f32; +0 where that is subnormal or -0, since devices may or may not flush those.
fn flushed(x: f64) -> f32 {
    let y = x as f32;
    if y.abs() < f32::MIN_POSITIVE { 0.0 } else { y }
}
