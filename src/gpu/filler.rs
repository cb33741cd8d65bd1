//! The filler: the kernels of one device. What it records stands in record.rs, how it is opened and how kernels are
//! prepared in open.rs.

use super::kernel_set::KernelSet;
use super::kernels::{Implementations, Kernels};
use super::orthogonal::{self, OrthogonalKernels};
use super::scope::Scope;
use super::source::{MulWide, Tier};
use crate::{Error, Result};
use std::sync::OnceLock;

/// What a [`Filler`] is built with. The default prepares no kernel and lets the self-test choose.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FillerOptions {
    /// The kernels to prepare at once, as by [`Filler::prepare`].
    pub kernels: KernelSet,
    /// The tier. `None`: for each kernel the first tier that passes the self-test, native `fma` before soft.
    pub tier: Option<Tier>,
    /// The multiplication. `None`: 64-bit where the device has [`wgpu::Features::SHADER_INT64`].
    pub mul_wide: Option<MulWide>,
    /// Where compiled kernels are looked up and kept: a cache of the engine's own, which the engine loads before and
    /// saves after. Needs [`wgpu::Features::PIPELINE_CACHE`]. `None`: only what the driver caches by itself.
    pub pipeline_cache: Option<wgpu::PipelineCache>,
    /// Whether the device makes orthogonal matrices where a whole f32 tensor of them is recorded. Otherwise, and for
    /// slabs, ranges and 16-bit dtypes, the host makes them and they are copied. The bytes are the same either way.
    pub orthogonal: bool,
    /// For tests: that every law is stored by 16-byte steps in the soft tier too, where constants alone are otherwise.
    /// Where a device has the soft tier alone, no other way leads through that kernel with bits that are checked.
    #[doc(hidden)]
    pub steps_in_soft_tier: bool,
}

impl FillerOptions {
    /// The implementations that may serve on this device, the preferred one first.
    ///
    /// # Errors
    /// [`Error::Device`] where the options ask for what the device lacks.
    pub(super) fn implementations_on(&self, device: &wgpu::Device) -> Result<Vec<Implementations>> {
        let has_u64 = device.features().contains(wgpu::Features::SHADER_INT64);
        let multiplications = match (self.mul_wide, has_u64) {
            (Some(MulWide::U64), false) => {
                let reason = "the device was opened without SHADER_INT64: take MulWide::U32";
                return Err(Error::Device(reason.to_owned()));
            }
            (Some(given), _) => vec![given],
            (None, true) => vec![MulWide::U64, MulWide::U32],
            (None, false) => vec![MulWide::U32],
        };
        let tiers = self.tier.map_or(vec![Tier::NativeFma, Tier::SoftFma], |tier| vec![tier]);
        let pairs = multiplications.into_iter().flat_map(|m| tiers.iter().map(move |&t| (m, t)));
        Ok(pairs.collect())
    }
}

/// The kernels of one device, each compiled and checked against the CPU twin when it is prepared.
#[derive(Debug)]
pub struct Filler {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) kernels: Kernels,
    /// Those of the probe, and what a kernel falls back to that does not pass with them.
    pub(super) implementations: Vec<Implementations>,
    /// Whether kernels are compared with the twin.
    pub(super) checked: bool,
    /// Whether the device is to make orthogonal matrices.
    pub(super) makes_matrices: bool,
    /// The kernels that do, once they are prepared.
    pub(super) orthogonal: OnceLock<OrthogonalKernels>,
    pub(super) pipeline_cache: Option<wgpu::PipelineCache>,
    /// [`FillerOptions::steps_in_soft_tier`].
    steps_in_soft_tier: bool,
    /// Bytes to which the start of a binding is aligned.
    pub(super) align: u64,
    /// Bytes of a binding at most.
    pub(super) max_binding: u64,
    /// Bytes of a buffer at most.
    pub(super) max_buffer: u64,
    /// Workgroups along one dimension of a dispatch at most.
    pub(super) max_groups: u32,
}

impl Filler {
    /// For benchmarks: prepares kernels without the self-test. **The bits may not be the stream's**, as where native
    /// `fma` is taken on a driver that rounds it twice: measure with it, never fill weights. Without a tier it takes
    /// native `fma`.
    ///
    /// # Errors
    /// [`Error::Device`] where the kernels do not compile.
    #[doc(hidden)]
    pub async fn unchecked(device: &wgpu::Device, queue: &wgpu::Queue, options: &FillerOptions) -> Result<Self> {
        let mut filler = Self::build(device, queue, options)?;
        filler.checked = false;
        filler.prepare(&options.kernels).await?;
        Ok(filler)
    }

    /// A filler that has compiled no kernel, and holds all implementations that may serve.
    ///
    /// # Errors
    /// [`Error::Device`] where the device takes no kernels.
    pub(super) fn build(device: &wgpu::Device, queue: &wgpu::Queue, options: &FillerOptions) -> Result<Self> {
        let implementations = options.implementations_on(device)?;
        check_limits(&device.limits())?;
        let limits = device.limits();
        let scope = Scope::begin(device);
        let kernels = Kernels::new(device, options.pipeline_cache.as_ref());
        scope.end_now("the device takes no kernels")?;
        Ok(Self {
            device: device.clone(),
            queue: queue.clone(),
            kernels,
            implementations,
            checked: true,
            makes_matrices: options.orthogonal && orthogonal::fits(&limits),
            orthogonal: OnceLock::new(),
            pipeline_cache: options.pipeline_cache.clone(),
            steps_in_soft_tier: options.steps_in_soft_tier,
            align: u64::from(limits.min_storage_buffer_offset_alignment.max(4)),
            max_binding: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size) & !3,
            max_buffer: limits.max_buffer_size,
            max_groups: limits.max_compute_workgroups_per_dimension,
        })
    }

    /// How `a * b + c` is rounded once on this device; single kernels may fall back to [`Tier::SoftFma`].
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.implementations[0].1
    }

    /// Whether `fill_aligned` serves every law. Where `fma` is computed in integers, stores of 16 bytes gain nothing,
    /// and a second kernel for the same law takes as long to compile: there constants alone use it.
    pub(super) fn by_steps(&self) -> bool {
        self.tier() == Tier::NativeFma || self.steps_in_soft_tier
    }

    /// How words are multiplied on this device; single kernels may fall back to [`MulWide::U32`].
    #[must_use]
    pub fn mul_wide(&self) -> MulWide {
        self.implementations[0].0
    }
}

/// # Errors
/// [`Error::Device`] where a limit of the device is below what every kernel takes.
fn check_limits(limits: &wgpu::Limits) -> Result<()> {
    let group = u64::from(super::lower::GROUP_SIZE);
    for (limit, has, needs) in [
        ("max_storage_buffers_per_shader_stage", u64::from(limits.max_storage_buffers_per_shader_stage), 4),
        ("max_bindings_per_bind_group", u64::from(limits.max_bindings_per_bind_group), 4),
        ("max_bind_groups", u64::from(limits.max_bind_groups), 1),
        ("max_compute_invocations_per_workgroup", u64::from(limits.max_compute_invocations_per_workgroup), group),
        ("max_compute_workgroup_size_x", u64::from(limits.max_compute_workgroup_size_x), group),
        ("max_compute_workgroups_per_dimension", u64::from(limits.max_compute_workgroups_per_dimension), 1),
        ("max_storage_buffer_binding_size", limits.max_storage_buffer_binding_size, 1 << 16),
        ("max_buffer_size", limits.max_buffer_size, 1 << 16),
    ] {
        if has < needs {
            return Err(Error::Device(format!("the device was opened with {limit} {has}: the kernels need {needs}")));
        }
    }
    Ok(())
}
