//! The kernels of one device: chosen, compiled and checked. What they record stands in record.rs.

use super::kernels::{Kernels, MulWide, Tier};
use super::orthogonal::Orthogonal;
use super::selftest;
use crate::gpu::lower::{Entry, KernelId};
use crate::value::params::kind;
use crate::{DType, Error, Result};

/// What a [`Filler`] is built with.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// The dtypes to build kernels for; none: all of them.
    pub dtypes: Vec<DType>,
    /// The tier; none: the first whose kernels pass the self-test, native `fma` before soft.
    pub tier: Option<Tier>,
    /// The multiplication; none: 64-bit where the device has [`wgpu::Features::SHADER_INT64`].
    pub mul_wide: Option<MulWide>,
    /// Where compiled kernels are looked up and kept: the engine's own, which loads it before and saves it after. Needs
    /// [`wgpu::Features::PIPELINE_CACHE`]. None: what the driver caches by itself.
    pub pipeline_cache: Option<wgpu::PipelineCache>,
    /// Whether the device shall make orthogonal matrices, where a whole f32 tensor of them is recorded; else, and for slabs, windows
    /// and 16 bits, the host makes them and they are copied. The bytes are the same.
    pub orthogonal: bool,
}

impl Options {
    fn mul_wide_on(&self, device: &wgpu::Device) -> Result<MulWide> {
        let has_u64 = device.features().contains(wgpu::Features::SHADER_INT64);
        match self.mul_wide.unwrap_or(if has_u64 { MulWide::U64 } else { MulWide::U32 }) {
            MulWide::U64 if !has_u64 => {
                Err(Error::Device("the device was opened without SHADER_INT64: take MulWide::U32".to_owned()))
            }
            mul_wide => Ok(mul_wide),
        }
    }

    fn kernel_ids(&self) -> Vec<KernelId> {
        let dtypes = if self.dtypes.is_empty() { DType::ALL.to_vec() } else { self.dtypes.clone() };
        dtypes.into_iter().flat_map(|d| Entry::ALL.map(|e| (d, e))).collect()
    }
}

/// The kernels of one device, compiled and checked against the CPU twin. Cheap to keep, costly to build.
#[derive(Debug)]
pub struct Filler {
    pub(super) device: wgpu::Device,
    pub(super) kernels: Kernels,
    pub(super) align: u64,
    pub(super) max_binding: u64,
    pub(super) orthogonal: Option<Orthogonal>,
}

impl Filler {
    /// Compiles the kernels on an engine's own device, and runs each once against the CPU twin (a few thousand elements).
    ///
    /// Though `async`, on native devices it polls the device until the self-test is read back: some milliseconds of work, and
    /// whatever the queue held before. Call it while loading, not in a frame.
    ///
    /// # Errors
    /// [`Error::Device`] where no tier gives the twin's bits, or the device is lost.
    pub async fn new(device: &wgpu::Device, queue: &wgpu::Queue, options: &Options) -> Result<Self> {
        let mut bricks = vec![options.mul_wide_on(device)?];
        if options.mul_wide.is_none() && bricks[0] == MulWide::U64 {
            bricks.push(MulWide::U32);
        }
        let tiers = options.tier.map_or(vec![Tier::NativeFma, Tier::SoftFma], |tier| vec![tier]);
        let mut failed = Vec::new();
        for mul_wide in bricks {
            for &tier in &tiers {
                match Self::checked(device, queue, mul_wide, tier, options).await {
                    Ok(filler) => return Ok(filler),
                    Err(e) => failed.push(format!("{tier}, {mul_wide}: {e}")),
                }
            }
        }
        Err(Error::Device(format!("no kernels give the CPU's bits ({}); use the CPU", failed.join("; "))))
    }

    /// The kernels of one choice of bricks, where they give the twin's bits.
    async fn checked(
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        mul_wide: MulWide,
        tier: Tier,
        options: &Options,
    ) -> Result<Self> {
        // One small kernel tells a device that rounds twice; the others are only compiled where it passes.
        let probe = [(DType::F32, Entry::Aligned(kind::NORMAL))];
        let mut filler = None;
        for ids in [&probe[..], &options.kernel_ids()] {
            let built = Self::build(device, mul_wide, tier, ids, options).await?;
            let differing = selftest::differing_words(&built, device, queue).await?;
            if differing != 0 {
                return Err(Error::Device(format!("{differing} words differ")));
            }
            filler = Some(built);
        }
        let mut filler = filler.ok_or_else(|| Error::Device("no kernels were asked for".to_owned()))?;
        if options.orthogonal {
            filler.orthogonal = Some(Orthogonal::new(device, mul_wide, tier).await?);
            let differing = selftest::differing_matrices(&filler, device, queue).await?;
            if differing != 0 {
                return Err(Error::Device(format!("{differing} words of orthogonal matrices differ")));
            }
        }
        Ok(filler)
    }

    /// For benchmarks: compiles the kernels and skips the self-test. **The bits may not be the stream's**, as where native
    /// `fma` is taken on a driver that rounds it twice: measure with it, never fill weights. Without a tier it takes native `fma`.
    ///
    /// # Errors
    /// [`Error::Device`] where the kernels do not compile.
    #[doc(hidden)]
    pub async fn unchecked(device: &wgpu::Device, options: &Options) -> Result<Self> {
        let tier = options.tier.unwrap_or(Tier::NativeFma);
        Self::build(device, options.mul_wide_on(device)?, tier, &options.kernel_ids(), options).await
    }

    async fn build(
        device: &wgpu::Device,
        mul_wide: MulWide,
        tier: Tier,
        ids: &[KernelId],
        options: &Options,
    ) -> Result<Self> {
        let limits = device.limits();
        Ok(Self {
            device: device.clone(),
            kernels: Kernels::new(device, mul_wide, tier, ids, options.pipeline_cache.as_ref()).await?,
            align: u64::from(limits.min_storage_buffer_offset_alignment.max(4)),
            max_binding: limits.max_storage_buffer_binding_size & !3,
            orthogonal: None,
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

    pub(super) fn kernel_ids(&self) -> impl Iterator<Item = KernelId> + '_ {
        self.kernels.ids()
    }
}
