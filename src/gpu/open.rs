//! Opening a filler: the fastest kernels that give the CPU twin's bits on this device.

use super::filler::{Filler, FillerOptions};
use super::kernel_id::{EntryPoint, KernelId, KernelLaw};
use super::orthogonal::OrthogonalKernels;
use super::selftest;
use super::source::{MulWide, Tier};
use crate::value::params::{kind, mask};
use crate::{DType, Error, Result};

impl Filler {
    /// Compiles the kernels on an engine's own device, and runs each once against the CPU twin (a few thousand
    /// elements).
    ///
    /// Though it is `async`, on native devices it polls the device until the self-test is read back: some milliseconds
    /// of work, and whatever the queue held before. Call it while loading, not in a frame.
    ///
    /// # Errors
    /// [`Error::Device`] where no tier gives the twin's bits, or the device is lost.
    ///
    /// # Example
    /// ```no_run
    /// use seedbed::DType;
    /// use seedbed::gpu::{Filler, FillerOptions, wgpu};
    ///
    /// # async fn example(device: &wgpu::Device, queue: &wgpu::Queue) -> seedbed::Result<()> {
    /// let mut options = FillerOptions::default();
    /// options.dtypes = vec![DType::BF16];
    /// let filler = Filler::new(device, queue, &options).await?;
    /// println!("{}, {}", filler.tier(), filler.mul_wide());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn new(device: &wgpu::Device, queue: &wgpu::Queue, options: &FillerOptions) -> Result<Self> {
        let mut multiplications = vec![options.mul_wide_on(device)?];
        if options.mul_wide.is_none() && multiplications[0] == MulWide::U64 {
            multiplications.push(MulWide::U32);
        }
        let tiers = options.tier.map_or(vec![Tier::NativeFma, Tier::SoftFma], |tier| vec![tier]);
        let mut failed = Vec::new();
        for mul_wide in multiplications {
            for &tier in &tiers {
                match Self::checked(device, queue, mul_wide, tier, options).await {
                    Ok(filler) => return Ok(filler),
                    Err(e) => failed.push(format!("{tier}, {mul_wide}: {e}")),
                }
            }
        }
        Err(Error::Device(format!("no kernels give the CPU's bits ({}); use the CPU", failed.join("; "))))
    }

    /// The kernels of one choice of implementations, where they give the twin's bits.
    async fn checked(
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        mul_wide: MulWide,
        tier: Tier,
        options: &FillerOptions,
    ) -> Result<Self> {
        let mut filler = Self::build(device, mul_wide, tier, options)?;
        // One small kernel finds out a device that rounds twice.
        let probe = KernelId {
            dtype: DType::F32,
            entry: EntryPoint::Contiguous,
            law: KernelLaw::One { kind: kind::UNIFORM, mask: mask::NONE },
            stochastic: false,
        };
        let differing = selftest::differing_words(&filler, device, queue, &[probe].into()).await?;
        if differing != 0 {
            return Err(Error::Device(format!("{differing} words differ")));
        }
        if options.orthogonal {
            let cache = options.pipeline_cache.as_ref();
            filler.orthogonal = Some(OrthogonalKernels::new(device, mul_wide, tier, cache).await?);
            let differing = selftest::differing_matrices(&filler, device, queue).await?;
            if differing != 0 {
                return Err(Error::Device(format!("{differing} words of orthogonal matrices differ")));
            }
        }
        Ok(filler)
    }
}
