//! Opening a filler, and preparing kernels: compiled and compared with the CPU twin.

use super::filler::{Filler, FillerOptions};
use super::kernel_id::{EntryPoint, KernelId, KernelLaw};
use super::kernel_set::KernelSet;
use super::kernels::Implementations;
use super::orthogonal::OrthogonalKernels;
use super::selftest;
use crate::value::params::{kind, mask};
use crate::{DType, Error, Result};
use std::collections::BTreeMap;

/// The kernel that finds out how a device computes: a small one.
const PROBE: KernelId = KernelId {
    dtype: DType::F32,
    entry: EntryPoint::Contiguous,
    law: KernelLaw::One { kind: kind::UNIFORM, mask: mask::NONE },
    stochastic: false,
};

impl Filler {
    /// A filler on an engine's own device. One small kernel finds out which tier and multiplication give the CPU twin's
    /// bits; of the others only [`FillerOptions::kernels`] are prepared, as by [`Filler::prepare`].
    ///
    /// The filler keeps a clone of the queue for self-tests; what is recorded is the engine's to submit, to the same
    /// queue or another of the device.
    ///
    /// # Errors
    /// [`Error::Device`] where no tier gives the twin's bits, a limit of the device is too low, or the device is lost.
    ///
    /// # Example
    /// ```no_run
    /// use seedbed::gpu::{Filler, FillerOptions, wgpu};
    /// use seedbed::plan::Plan;
    ///
    /// # async fn example(device: &wgpu::Device, queue: &wgpu::Queue, plan: &Plan) -> seedbed::Result<()> {
    /// let filler = Filler::new(device, queue, &FillerOptions::default()).await?;
    /// println!("{}, {}", filler.tier(), filler.mul_wide());
    /// filler.prepare(plan).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn new(device: &wgpu::Device, queue: &wgpu::Queue, options: &FillerOptions) -> Result<Self> {
        let mut filler = Self::build(device, queue, options)?;
        let mut failed = Vec::new();
        while let Some(&(mul_wide, tier)) = filler.implementations.first() {
            match filler.try_kernels((mul_wide, tier), &[PROBE]).await?.remove(0).1 {
                None => {
                    filler.prepare(&options.kernels).await?;
                    return Ok(filler);
                }
                Some(reason) => failed.push(format!("{tier}, {mul_wide}: {reason}")),
            }
            filler.implementations.remove(0);
        }
        Err(no_bits("kernels", &failed))
    }

    /// Compiles what is missing of the kernels that a plan, a fill or a [`KernelSet`] needs, and runs each once against
    /// the CPU twin (some thousand elements). Recording what was not prepared is an error; nothing is ever compiled
    /// while recording. What a plan or a fill needs is what any range of it at multiples of 4 bytes takes: for
    /// [`Filler::record_range`] from any 16-bit element on prepare [`KernelSet::of_elements`].
    ///
    /// Where all is there it costs no more than looking at the plan. A kernel whose bits are not the twin's falls back
    /// to the next tier by itself. Though it is `async`, on native devices it polls the device until the self-test is
    /// read back: some milliseconds of work, and whatever the queue held before. Call it while loading, not in a frame.
    /// Several threads may prepare at the same time.
    ///
    /// # Errors
    /// [`Error::Device`] where no tier gives the twin's bits, with the kernel, or the device is lost.
    ///
    /// # Example
    /// ```no_run
    /// use seedbed::gpu::{Filler, KernelSet};
    /// use seedbed::plan::Plan;
    /// use seedbed::{DType, Scheme};
    ///
    /// # async fn example(filler: &Filler, plan: &Plan) -> seedbed::Result<()> {
    /// filler.prepare(plan).await?;
    /// // What tensors of one law will need, before there is a plan.
    /// filler.prepare(KernelSet::of_schemes(&[Scheme::zeros()], &[DType::F32, DType::BF16])?).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn prepare(&self, what: impl Into<KernelSet>) -> Result<()> {
        self.prepare_set(what.into()).await
    }

    /// Whether [`Filler::prepare`] of the same would find everything there.
    #[must_use]
    pub fn is_prepared(&self, what: impl Into<KernelSet>) -> bool {
        let set = what.into();
        self.missing(&set).is_empty() && !self.lacks_matrices(&set)
    }

    fn missing(&self, set: &KernelSet) -> Vec<KernelId> {
        self.kernels.missing(set.ids.iter().copied().filter(|id| id.is_used(self.by_steps())))
    }

    fn lacks_matrices(&self, set: &KernelSet) -> bool {
        set.matrices && self.makes_matrices && self.orthogonal.get().is_none()
    }

    async fn prepare_set(&self, set: KernelSet) -> Result<()> {
        let mut missing = self.missing(&set);
        let mut failed: BTreeMap<KernelId, Vec<String>> = BTreeMap::new();
        for &(mul_wide, tier) in &self.implementations {
            if missing.is_empty() {
                break;
            }
            let mut left = Vec::new();
            for (id, reason) in self.try_kernels((mul_wide, tier), &missing).await? {
                if let Some(reason) = reason {
                    failed.entry(id).or_default().push(format!("{tier}, {mul_wide}: {reason}"));
                    left.push(id);
                }
            }
            missing = left;
        }
        if let Some(id) = missing.first() {
            return Err(no_bits(&format!("implementations of {id}"), &failed[id]));
        }
        if self.lacks_matrices(&set) { self.prepare_matrices().await } else { Ok(()) }
    }

    /// Compiles kernels, compares them with the twin and keeps those that pass. Returns what is wrong with each.
    ///
    /// # Errors
    /// [`Error::Device`] where the self-test does not run.
    async fn try_kernels(
        &self,
        implementations: Implementations,
        ids: &[KernelId],
    ) -> Result<Vec<(KernelId, Option<String>)>> {
        let mut compiled = BTreeMap::new();
        let mut found = Vec::new();
        for (id, pipeline) in self.kernels.compile(implementations, ids).await {
            match pipeline {
                Ok(pipeline) => {
                    compiled.insert(id, pipeline);
                }
                Err(e) => found.push((id, Some(e.to_string()))),
            }
        }
        let differing = match self.checked {
            true => selftest::differing_words(self, &compiled).await?,
            false => compiled.keys().map(|&id| (id, 0)).collect(),
        };
        for (id, words) in differing {
            let reason = (words > 0).then(|| format!("{words} words differ"));
            if reason.is_some() {
                compiled.remove(&id);
            }
            found.push((id, reason));
        }
        self.kernels.keep(compiled);
        Ok(found)
    }

    /// Prepares the kernels that make orthogonal matrices.
    async fn prepare_matrices(&self) -> Result<()> {
        let mut failed = Vec::new();
        for &(mul_wide, tier) in &self.implementations {
            let cache = self.pipeline_cache.as_ref();
            let tried = match OrthogonalKernels::new(&self.device, mul_wide, tier, cache).await {
                Ok(kernels) if self.checked => {
                    let differing = selftest::differing_matrices(self, &kernels).await?;
                    if differing == 0 { Ok(kernels) } else { Err(format!("{differing} words differ")) }
                }
                Ok(kernels) => Ok(kernels),
                Err(e) => Err(e.to_string()),
            };
            match tried {
                Ok(kernels) => {
                    // Another thread may have been faster: its kernels give the same bits.
                    self.orthogonal.get_or_init(|| kernels);
                    return Ok(());
                }
                Err(reason) => failed.push(format!("{tier}, {mul_wide}: {reason}")),
            }
        }
        Err(no_bits("kernels of orthogonal matrices", &failed))
    }
}

fn no_bits(what: &str, failed: &[String]) -> Error {
    Error::Device(format!("no {what} give the CPU's bits ({}); use the CPU", failed.join("; ")))
}
