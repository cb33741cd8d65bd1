//! Pipelines and bind groups of kernels that bind storage buffers alone: the one place that makes either.

/// Makes the pipelines that share one list of bindings, and serves the engine's pipeline cache to all of them.
#[derive(Debug)]
pub(super) struct PipelineBuilder {
    device: wgpu::Device,
    cache: Option<wgpu::PipelineCache>,
    label: &'static str,
    bindings: wgpu::BindGroupLayout,
    layout: wgpu::PipelineLayout,
}

impl PipelineBuilder {
    /// `read_only` says of each binding, from 0 on, whether the kernels only read it.
    pub fn new(
        device: &wgpu::Device,
        cache: Option<&wgpu::PipelineCache>,
        label: &'static str,
        read_only: &[bool],
    ) -> Self {
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
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(label),
            bind_group_layouts: &[Some(&bindings)],
            immediate_size: 0,
        });
        Self { device: device.clone(), cache: cache.cloned(), label, bindings, layout }
    }

    /// The pipeline of one entry point, with its `override` constants by name.
    pub fn pipeline(
        &self,
        module: &wgpu::ShaderModule,
        entry_point: &str,
        constants: &[(&str, f64)],
    ) -> wgpu::ComputePipeline {
        self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(self.label),
            layout: Some(&self.layout),
            module,
            entry_point: Some(entry_point),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants,
                // No kernel reads workgroup memory that it has not written.
                zero_initialize_workgroup_memory: false,
            },
            cache: self.cache.as_ref(),
        })
    }

    /// The layout of the bind groups that these pipelines take.
    pub fn bindings(&self) -> &wgpu::BindGroupLayout {
        &self.bindings
    }

    /// [`PipelineBuilder::bindings`], where no pipeline is to follow.
    pub fn into_bindings(self) -> wgpu::BindGroupLayout {
        self.bindings
    }
}

/// A range of bytes of a buffer, as a kernel binds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct BoundRange<'a> {
    pub buffer: &'a wgpu::Buffer,
    pub start: u64,
    pub size: u64,
}

impl<'a> BoundRange<'a> {
    /// All bytes of a buffer.
    pub fn whole(buffer: &'a wgpu::Buffer) -> Self {
        Self { buffer, start: 0, size: buffer.size() }
    }
}

/// A bind group of these ranges, at bindings 0, 1, ..
pub(super) fn bind_group(
    device: &wgpu::Device,
    label: &str,
    layout: &wgpu::BindGroupLayout,
    ranges: &[BoundRange<'_>],
) -> wgpu::BindGroup {
    let entries: Vec<_> = (0..)
        .zip(ranges)
        .map(|(binding, range)| wgpu::BindGroupEntry {
            binding,
            resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: range.buffer,
                offset: range.start,
                size: std::num::NonZeroU64::new(range.size),
            }),
        })
        .collect();
    device.create_bind_group(&wgpu::BindGroupDescriptor { label: Some(label), layout, entries: &entries })
}
