//! The kernels of fills, compiled: one pipeline per entry point and what it is specialized for.

use super::kernel_id::KernelId;
use super::lower::{GROUP_SIZE, ITEMS};
use super::pipeline::PipelineBuilder;
use super::scope::Scope;
use super::source::{MulWide, Tier, source};
use crate::{DType, Error, Result};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The implementations that a kernel is compiled with.
pub(super) type Implementations = (MulWide, Tier);

/// The `override` constants of a kernel's pipeline, by name.
pub(super) fn constants(id: KernelId) -> Vec<(&'static str, f64)> {
    let mut constants = vec![("GROUP_SIZE", f64::from(GROUP_SIZE)), ("ITEMS", f64::from(ITEMS))];
    constants.extend(id.constants());
    constants
}

/// The pipelines that fill, of one device.
#[derive(Debug)]
pub(super) struct Kernels {
    device: wgpu::Device,
    builder: PipelineBuilder,
    modules: Mutex<BTreeMap<(Implementations, DType), wgpu::ShaderModule>>,
    prepared: Mutex<BTreeMap<KernelId, wgpu::ComputePipeline>>,
}

/// What a panicked thread has left is whole: a map gets its entries in one step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kernels {
    pub fn new(device: &wgpu::Device, cache: Option<&wgpu::PipelineCache>) -> Self {
        let builder = PipelineBuilder::new(device, cache, "seedbed", &[true, true, false, true]);
        Self { device: device.clone(), builder, modules: Mutex::default(), prepared: Mutex::default() }
    }

    /// What a bind group of these kernels holds: descriptors, segments, the destination, frequencies.
    pub fn bindings(&self) -> &wgpu::BindGroupLayout {
        self.builder.bindings()
    }

    /// The pipeline of a kernel that has been prepared.
    ///
    /// # Errors
    /// [`Error::Device`] where it has not been.
    pub fn get(&self, id: KernelId) -> Result<wgpu::ComputePipeline> {
        locked(&self.prepared).get(&id).cloned().ok_or_else(|| {
            Error::Device(format!(
                "the kernel {id} is not prepared: await Filler::prepare of the plan or the fill first"
            ))
        })
    }

    /// Keeps pipelines that have passed the self-test.
    pub fn keep(&self, passed: BTreeMap<KernelId, wgpu::ComputePipeline>) {
        locked(&self.prepared).extend(passed);
    }

    /// Those of `ids` that have not been prepared.
    pub fn missing(&self, ids: impl Iterator<Item = KernelId>) -> Vec<KernelId> {
        let prepared = locked(&self.prepared);
        ids.filter(|id| !prepared.contains_key(id)).collect()
    }

    /// Compiles kernels: each a pipeline, or the reason why there is none.
    pub async fn compile(
        &self,
        implementations: Implementations,
        ids: &[KernelId],
    ) -> Vec<(KernelId, Result<wgpu::ComputePipeline>)> {
        let mut compiled = Vec::new();
        for &id in ids {
            let scope = Scope::begin(&self.device);
            let module = self.module(implementations, id.dtype);
            let pipeline = self.builder.pipeline(&module, id.entry.name(), &constants(id));
            compiled.push((id, pipeline, scope.end("it does not compile")));
        }
        let mut results = Vec::new();
        for (id, pipeline, end) in compiled {
            results.push((id, end.await.map(|()| pipeline)));
        }
        results
    }

    fn module(&self, implementations: Implementations, dtype: DType) -> wgpu::ShaderModule {
        let make = || {
            let (mul_wide, tier) = implementations;
            let desc = wgpu::ShaderModuleDescriptor {
                label: Some("seedbed"),
                source: wgpu::ShaderSource::Wgsl(source(mul_wide, tier, dtype).into()),
            };
            // SAFETY: no access leaves its array and every loop ends, so that no run-time check is needed. What the
            // kernels index by comes from `lower::Lowered` alone: no list of segments is empty; a hint is the number of
            // a segment, and no stride is 0; a segment's descriptors exist; its words lie in the binding, and a word is
            // stored only below `words`; `axis_count` is at most 6, and no axis has a destination step of 0; lanes are
            // taken modulo 4; a sinusoidal table lies in the binding of frequencies, and a column's pair lies in the
            // table. The loops run over lanes, axes, descriptors, digits, rounds and items, or halve a range, or walk a
            // permutation's cycle until it is back at a row.
            unsafe { self.device.create_shader_module_trusted(desc, wgpu::ShaderRuntimeChecks::unchecked()) }
        };
        locked(&self.modules).entry((implementations, dtype)).or_insert_with(make).clone()
    }
}
