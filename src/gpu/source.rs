//! The kernels' text: WGSL joined from the files of `shaders/`, and the implementations that may stand in it.

use crate::DType;

/// How a kernel multiplies two 32-bit words into 64 bits. Both ways give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MulWide {
    /// One 64-bit multiplication: needs [`wgpu::Features::SHADER_INT64`].
    U64,
    /// Four 16-bit products and their carries: for devices without 64-bit integers.
    U32,
}

/// How a kernel computes `a * b + c` with a single rounding. Both ways give the same bits wherever the self-test
/// passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Tier {
    /// The device's own `fma`.
    NativeFma,
    /// In 32-bit integers: for devices whose `fma` rounds twice. On such devices it is about twenty times slower than
    /// floats.
    SoftFma,
}

impl std::fmt::Display for Tier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::NativeFma => "native fma",
            Self::SoftFma => "soft fma",
        })
    }
}

impl std::fmt::Display for MulWide {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::U64 => "64-bit multiply",
            Self::U32 => "16-bit split multiply",
        })
    }
}

/// The functions that have two interchangeable implementations: `mul_wide` and `fused`. The self-test picks the first
/// that is exact.
pub(super) fn implementations(mul_wide: MulWide, tier: Tier) -> [&'static str; 2] {
    let mul_wide = match mul_wide {
        MulWide::U64 => include_str!("../../shaders/mulwide_u64.wgsl"),
        MulWide::U32 => include_str!("../../shaders/mulwide_u32.wgsl"),
    };
    let fma = match tier {
        Tier::NativeFma => include_str!("../../shaders/fma_native.wgsl"),
        Tier::SoftFma => include_str!("../../shaders/fma_soft.wgsl"),
    };
    [mul_wide, fma]
}

/// The WGSL of the kernels that fill one dtype: entry points `fill_aligned`, `fill_rows`, `fill_boxed`,
/// `fill_contiguous` and `fill_general`.
#[must_use]
pub fn source(mul_wide: MulWide, tier: Tier, dtype: DType) -> String {
    let [mul_wide, fma] = implementations(mul_wide, tier);
    let files = [
        include_str!("../../shaders/descriptor.wgsl"),
        mul_wide,
        fma,
        include_str!("../../shaders/philox.wgsl"),
        include_str!("../../shaders/math.wgsl"),
        include_str!("../../shaders/sample.wgsl"),
        include_str!("../../shaders/structured.wgsl"),
        match dtype {
            DType::F32 => include_str!("../../shaders/store_f32.wgsl"),
            DType::F16 => include_str!("../../shaders/store_f16.wgsl"),
            DType::BF16 => include_str!("../../shaders/store_bf16.wgsl"),
        },
        include_str!("../../shaders/fill.wgsl"),
    ];
    files.join("\n")
}
