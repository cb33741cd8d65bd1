//! The kernels of fills, compiled: one pipeline per entry point and what it is specialized for.

use super::kernel_id::KernelId;
use super::lower::{GROUP_SIZE, ITEMS};
use super::pipeline::PipelineBuilder;
use super::scope::Scope;
use super::source::{MulWide, Tier, source};
use crate::{DType, Result};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The pipelines that fill, of one device, tier and multiplication: each is made when it is first asked for.
#[derive(Debug)]
pub(crate) struct Kernels {
    pub mul_wide: MulWide,
    pub tier: Tier,
    device: wgpu::Device,
    builder: PipelineBuilder,
    made: Mutex<Made>,
}

#[derive(Debug, Default)]
struct Made {
    modules: BTreeMap<DType, wgpu::ShaderModule>,
    pipelines: BTreeMap<KernelId, wgpu::ComputePipeline>,
}

impl Kernels {
    pub fn new(device: &wgpu::Device, mul_wide: MulWide, tier: Tier, cache: Option<&wgpu::PipelineCache>) -> Self {
        let builder = PipelineBuilder::new(device, cache, "seedbed", &[true, true, false, true]);
        Self { mul_wide, tier, device: device.clone(), builder, made: Mutex::default() }
    }

    /// What a bind group of these kernels holds: descriptors, segments, the destination, frequencies.
    pub fn bindings(&self) -> &wgpu::BindGroupLayout {
        self.builder.bindings()
    }

    /// The pipeline of a kernel.
    ///
    /// # Errors
    /// [`crate::Error::Device`] where it does not compile.
    pub fn get(&self, id: KernelId) -> Result<wgpu::ComputePipeline> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let Made { modules, pipelines } = &mut *made;
        if let Some(pipeline) = pipelines.get(&id) {
            return Ok(pipeline.clone());
        }
        let scope = Scope::begin(&self.device);
        let module = modules.entry(id.dtype).or_insert_with(|| self.module(id.dtype));
        let mut constants = vec![("GROUP_SIZE", f64::from(GROUP_SIZE)), ("ITEMS", f64::from(ITEMS))];
        constants.extend(id.constants());
        let pipeline = self.builder.pipeline(module, id.entry.name(), &constants);
        scope.end_now(&format!("the kernel {id} does not compile"))?;
        pipelines.insert(id, pipeline.clone());
        Ok(pipeline)
    }

    fn module(&self, dtype: DType) -> wgpu::ShaderModule {
        let desc = wgpu::ShaderModuleDescriptor {
            label: Some("seedbed"),
            source: wgpu::ShaderSource::Wgsl(source(self.mul_wide, self.tier, dtype).into()),
        };
        // SAFETY: no access leaves its array and every loop ends, so that no run-time check is needed. What the kernels
        // index by comes from `lower::Lowered` alone: no list of segments is empty; a hint is the number of a segment,
        // and no stride is 0; a segment's descriptors exist; its
        // words lie in the binding, and a word is stored only below `words`; `axis_count` is at most 6, and no axis has
        // a destination step of 0; lanes are taken modulo 4; a sinusoidal table lies in the binding of frequencies, and
        // a column's pair lies in the table. The loops run over lanes, axes, descriptors, digits, rounds and items, or
        // halve a range, or walk a permutation's cycle until it is back at a row.
        unsafe { self.device.create_shader_module_trusted(desc, wgpu::ShaderRuntimeChecks::unchecked()) }
    }
}
