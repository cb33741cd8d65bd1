//! The kernel table: bricks joined into modules, modules specialised into pipelines.

use super::scope::Scope;
use crate::gpu::lower::{Entry, GROUP_SIZE, ITEMS, KernelId};
use crate::{DType, Error, Result};
use std::collections::BTreeMap;

/// How a kernel multiplies two words into 64 bits. The bits are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MulWide {
    /// One 64-bit multiplication: needs [`wgpu::Features::SHADER_INT64`].
    U64,
    /// Four 16-bit products.
    U32,
}

/// How a kernel rounds `a * b + c` once. The bits are the same wherever the self-test passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tier {
    /// The device's own `fma`.
    NativeFma,
    /// In integers, for devices whose `fma` rounds twice.
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

/// The bricks of which a device has a choice.
pub(super) fn bricks(mul_wide: MulWide, tier: Tier) -> [&'static str; 2] {
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

/// The source of a kernel module: WGSL with the entries `fill_aligned`, `fill_rows`, `fill_boxed`, `fill_contiguous`,
/// `fill_general` and `fill_structured`.
#[must_use]
pub fn source(mul_wide: MulWide, tier: Tier, dtype: DType) -> String {
    let [mul_wide, fma] = bricks(mul_wide, tier);
    let bricks = [
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
    bricks.join("\n")
}

/// The layouts of kernels that bind storage buffers alone, from 0 on: whether each is only read.
pub(super) fn layouts(
    device: &wgpu::Device,
    label: &str,
    read_only: &[bool],
) -> (wgpu::BindGroupLayout, wgpu::PipelineLayout) {
    let storage = |(binding, &read_only): (u32, &bool)| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Storage { read_only },
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    };
    let entries: Vec<_> = (0..).zip(read_only).map(storage).collect();
    let bindings =
        device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(label), entries: &entries });
    let pipelines = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(label),
        bind_group_layouts: &[Some(&bindings)],
        immediate_size: 0,
    });
    (bindings, pipelines)
}

/// The pipelines of one device, tier and multiplication.
#[derive(Debug)]
pub(crate) struct Kernels {
    pub mul_wide: MulWide,
    pub tier: Tier,
    pub layout: wgpu::BindGroupLayout,
    pipelines: BTreeMap<KernelId, wgpu::ComputePipeline>,
}

impl Kernels {
    /// Compiles the pipelines.
    pub async fn new(
        device: &wgpu::Device,
        mul_wide: MulWide,
        tier: Tier,
        ids: &[KernelId],
        cache: Option<&wgpu::PipelineCache>,
    ) -> Result<Self> {
        let scope = Scope::begin(device);
        let (layout, pipeline_layout) = layouts(device, "seedbed", &[true, true, false, true]);
        let mut modules = BTreeMap::new();
        let mut pipelines = BTreeMap::new();
        for &(dtype, entry) in ids {
            let module = modules.entry(dtype).or_insert_with(|| {
                let desc = wgpu::ShaderModuleDescriptor {
                    label: Some("seedbed"),
                    source: wgpu::ShaderSource::Wgsl(source(mul_wide, tier, dtype).into()),
                };
                // SAFETY: no access leaves its array, and every loop ends, so that no check is needed. The tables are
                // src/window.rs' own: no segment list is empty, a segment's descriptors exist, its words lie in the binding
                // and a word is stored only below `words`; `axis_count` is at most 6, no axis steps by 0; lanes are taken
                // modulo 4; a table of positions lies in the binding, and a column's pair in the table. The loops run over
                // lanes, axes, descriptors, digits, rounds and items, or halve a range, or walk a permutation's cycle back to
                // the row where it began.
                unsafe { device.create_shader_module_trusted(desc, wgpu::ShaderRuntimeChecks::unchecked()) }
            });
            let (name, kind) = match entry {
                Entry::Aligned(kind) => ("fill_aligned", Some(kind)),
                Entry::Rows => ("fill_rows", None),
                Entry::Boxed => ("fill_boxed", None),
                Entry::Contiguous => ("fill_contiguous", None),
                Entry::General => ("fill_general", None),
                Entry::Structured => ("fill_structured", None),
            };
            let mut constants = vec![("GROUP_SIZE", f64::from(GROUP_SIZE)), ("ITEMS", f64::from(ITEMS))];
            if let Some(kind) = kind {
                constants.push(("KIND", f64::from(kind)));
            }
            let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some("seedbed"),
                layout: Some(&pipeline_layout),
                module,
                entry_point: Some(name),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &constants,
                    zero_initialize_workgroup_memory: false,
                },
                cache,
            });
            pipelines.insert((dtype, entry), pipeline);
        }
        scope.end("the kernels do not compile").await?;
        Ok(Self { mul_wide, tier, layout, pipelines })
    }

    pub fn get(&self, id: KernelId) -> Result<&wgpu::ComputePipeline> {
        self.pipelines.get(&id).ok_or_else(|| {
            Error::Device(format!("no kernel was built for {} {:?}: name the dtype when opening", id.0, id.1))
        })
    }

    pub fn ids(&self) -> impl Iterator<Item = KernelId> + '_ {
        self.pipelines.keys().copied()
    }
}
