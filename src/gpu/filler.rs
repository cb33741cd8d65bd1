//! The filler: the compiled kernels of one device. What it records stands in record.rs, how it is opened and checked in
//! open.rs.

use super::kernels::Kernels;
use super::orthogonal::OrthogonalKernels;
use super::scope::Scope;
use super::source::{MulWide, Tier};
use crate::{DType, Error, Result};

/// What a [`Filler`] is built with. The default builds every kernel and lets the self-test choose.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FillerOptions {
    /// The dtypes to build kernels for. Empty: all dtypes.
    pub dtypes: Vec<DType>,
    /// The tier. `None`: the first tier whose kernels pass the self-test, native `fma` before soft.
    pub tier: Option<Tier>,
    /// The multiplication. `None`: 64-bit where the device has [`wgpu::Features::SHADER_INT64`].
    pub mul_wide: Option<MulWide>,
    /// Where compiled kernels are looked up and kept: a cache of the engine's own, which the engine loads before and
    /// saves after. Needs [`wgpu::Features::PIPELINE_CACHE`]. `None`: only what the driver caches by itself.
    pub pipeline_cache: Option<wgpu::PipelineCache>,
    /// Whether the device makes orthogonal matrices where a whole f32 tensor of them is recorded. Otherwise, and for
    /// slabs, ranges and 16-bit dtypes, the host makes them and they are copied. The bytes are the same either way.
    pub orthogonal: bool,
}

impl FillerOptions {
    /// The multiplication on this device.
    pub(super) fn mul_wide_on(&self, device: &wgpu::Device) -> Result<MulWide> {
        let has_u64 = device.features().contains(wgpu::Features::SHADER_INT64);
        match self.mul_wide.unwrap_or(if has_u64 { MulWide::U64 } else { MulWide::U32 }) {
            MulWide::U64 if !has_u64 => {
                Err(Error::Device("the device was opened without SHADER_INT64: take MulWide::U32".to_owned()))
            }
            mul_wide => Ok(mul_wide),
        }
    }
}

/// The kernels of one device, compiled and checked against the CPU twin. Cheap to keep, costly to build.
#[derive(Debug)]
pub struct Filler {
    pub(super) device: wgpu::Device,
    pub(super) kernels: Kernels,
    pub(super) orthogonal: Option<OrthogonalKernels>,
    pub(super) pipeline_cache: Option<wgpu::PipelineCache>,
    /// Bytes to which the start of a binding is aligned.
    pub(super) align: u64,
    /// Bytes of a binding at most.
    pub(super) max_binding: u64,
}

impl Filler {
    /// For benchmarks: compiles the kernels and skips the self-test. **The bits may not be the stream's**, as where
    /// native `fma` is taken on a driver that rounds it twice: measure with it, never fill weights. Without a tier it
    /// takes native `fma`.
    ///
    /// # Errors
    /// [`Error::Device`] where the kernels do not compile.
    #[doc(hidden)]
    pub fn unchecked(device: &wgpu::Device, options: &FillerOptions) -> Result<Self> {
        let tier = options.tier.unwrap_or(Tier::NativeFma);
        Self::build(device, options.mul_wide_on(device)?, tier, options)
    }

    /// A filler that has compiled no kernel.
    ///
    /// # Errors
    /// [`Error::Device`] where the device takes no kernels.
    pub(super) fn build(device: &wgpu::Device, mul_wide: MulWide, tier: Tier, options: &FillerOptions) -> Result<Self> {
        let limits = device.limits();
        let scope = Scope::begin(device);
        let kernels = Kernels::new(device, mul_wide, tier, options.pipeline_cache.as_ref());
        scope.end_now("the device takes no kernels")?;
        Ok(Self {
            device: device.clone(),
            kernels,
            orthogonal: None,
            pipeline_cache: options.pipeline_cache.clone(),
            align: u64::from(limits.min_storage_buffer_offset_alignment.max(4)),
            max_binding: limits.max_storage_buffer_binding_size & !3,
        })
    }

    /// How `a * b + c` is rounded once on this device.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.kernels.tier
    }

    /// How words are multiplied on this device.
    #[must_use]
    pub fn mul_wide(&self) -> MulWide {
        self.kernels.mul_wide
    }
}
