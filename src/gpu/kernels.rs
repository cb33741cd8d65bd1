//! The kernels of fills: WGSL joined from the files of `shaders/`, and compiled into one pipeline per dtype and entry
//! point.

use super::lower::{EntryPoint, GROUP_SIZE, ITEMS, KernelId};
use super::pipeline::PipelineBuilder;
use super::scope::Scope;
use crate::{DType, Error, Result};
use std::collections::BTreeMap;

/// How a kernel multiplies two 32-bit words into 64 bits. Both ways give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MulWide {
    /// One 64-bit multiplication: needs [`wgpu::Features::SHADER_INT64`].
    U64,
    /// Four 16-bit products and their carries: for devices without 64-bit integers.
    U32,
}

/// How a kernel computes `a * b + c` with a single rounding. Both ways give the same bits wherever the self-test
/// passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// The pipelines that fill, of one device, tier and multiplication.
#[derive(Debug)]
pub(crate) struct Kernels {
    pub mul_wide: MulWide,
    pub tier: Tier,
    /// What a bind group of these kernels holds: descriptors, segments, the destination, frequencies.
    pub bindings: wgpu::BindGroupLayout,
    pipelines: BTreeMap<KernelId, wgpu::ComputePipeline>,
}

impl Kernels {
    /// Compiles the kernels `ids`.
    pub async fn new(
        device: &wgpu::Device,
        mul_wide: MulWide,
        tier: Tier,
        ids: &[KernelId],
        cache: Option<&wgpu::PipelineCache>,
    ) -> Result<Self> {
        let scope = Scope::begin(device);
        let builder = PipelineBuilder::new(device, cache, "seedbed", &[true, true, false, true]);
        let mut modules = BTreeMap::new();
        let mut pipelines = BTreeMap::new();
        for &(dtype, entry_point) in ids {
            let module = modules.entry(dtype).or_insert_with(|| {
                let desc = wgpu::ShaderModuleDescriptor {
                    label: Some("seedbed"),
                    source: wgpu::ShaderSource::Wgsl(source(mul_wide, tier, dtype).into()),
                };
                // SAFETY: no access leaves its array and every loop ends, so that no run-time check is needed. What the
                // kernels index by comes from `lower::Lowered` alone: no list of segments is empty; a segment's
                // descriptors exist; its words lie in the binding, and a word is stored only below `words`;
                // `axis_count` is at most 6, and no axis has a destination step of 0; lanes are taken modulo 4; a
                // sinusoidal table lies in the binding of frequencies, and a column's pair lies in the table. The loops
                // run over lanes, axes, descriptors, digits, rounds and items, or halve a range, or walk a
                // permutation's cycle until it is back at a row.
                unsafe { device.create_shader_module_trusted(desc, wgpu::ShaderRuntimeChecks::unchecked()) }
            });
            let mut constants = vec![("GROUP_SIZE", f64::from(GROUP_SIZE)), ("ITEMS", f64::from(ITEMS))];
            let name = match entry_point {
                EntryPoint::Aligned(kind) => {
                    constants.push(("KIND", f64::from(kind)));
                    "fill_aligned"
                }
                EntryPoint::Rows => "fill_rows",
                EntryPoint::Boxed => "fill_boxed",
                EntryPoint::Contiguous => "fill_contiguous",
                EntryPoint::General => "fill_general",
                EntryPoint::Structured => {
                    constants.push(("STRUCTURED", 1.0));
                    "fill_general"
                }
            };
            pipelines.insert((dtype, entry_point), builder.pipeline(module, name, &constants));
        }
        scope.end("the kernels do not compile").await?;
        Ok(Self { mul_wide, tier, bindings: builder.into_bindings(), pipelines })
    }

    pub fn get(&self, (dtype, entry_point): KernelId) -> Result<&wgpu::ComputePipeline> {
        self.pipelines.get(&(dtype, entry_point)).ok_or_else(|| {
            Error::Device(format!("no kernel was built for {dtype}: name {dtype} in FillerOptions::dtypes"))
        })
    }

    pub fn ids(&self) -> impl Iterator<Item = KernelId> + '_ {
        self.pipelines.keys().copied()
    }
}
