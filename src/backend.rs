//! The backend of a fill: the CPU twin or an opened GPU, behind one call. Native only: it waits for the GPU.

use crate::Result;
use crate::cpu::{self, Level};
#[cfg(feature = "gpu")]
use crate::gpu::{self, Choice, FillerOptions, Gpu, KernelSet};
use crate::plan::Fill;

/// The CPU or a GPU: the same bytes either way.
///
/// ```
/// use seedbed::backend::Backend;
/// use seedbed::plan::{Plan, TensorSpec};
/// use seedbed::{Scheme, StreamVersion};
///
/// let fill = Plan::new(StreamVersion::V1, 42).push(&TensorSpec::new("w", [1000], Scheme::normal(0.0, 1.0))?)?.fill();
/// let backend = Backend::cpu();
/// let mut whole = vec![0; 4000];
/// backend.fill_range(&fill, 0, &mut whole)?;
/// // Any range of the fill has the same bytes.
/// let mut end = vec![0; 400];
/// backend.fill_range(&fill, 3600, &mut end)?;
/// assert_eq!(end, whole[3600..]);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Backend {
    /// The CPU twin, with the code of one level.
    Cpu(Level),
    /// An adapter and its kernels.
    #[cfg(feature = "gpu")]
    Gpu(Box<Gpu>),
}

impl Backend {
    /// The CPU twin with the fastest code that this processor has.
    #[must_use]
    pub fn cpu() -> Self {
        Self::Cpu(Level::best())
    }

    /// Opens what `choice` names, and prepares these kernels on it: those of all that will be filled, so that
    /// [`Choice::Auto`] takes the CPU where the GPU cannot run them. Others are prepared when they are first needed.
    ///
    /// What the user should know, as why [`Choice::Auto`] fell back to the CPU, is handed to `notice`.
    ///
    /// # Errors
    /// [`crate::Error::Device`], as [`Gpu::open`].
    ///
    /// # Example
    /// ```
    /// use seedbed::backend::Backend;
    /// use seedbed::gpu::{Choice, KernelSet};
    /// use seedbed::{DType, Scheme};
    ///
    /// let kernels = KernelSet::of_schemes(&[Scheme::normal(0.0, 0.02)], &[DType::BF16])?;
    /// let backend = Backend::open(Choice::Cpu, kernels, &mut |notice| eprintln!("{notice}"))?;
    /// assert!(backend.to_string().starts_with("CPU, "));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[cfg(feature = "gpu")]
    pub fn open(choice: Choice, kernels: KernelSet, notice: &mut dyn FnMut(String)) -> Result<Self> {
        let options = FillerOptions { kernels, orthogonal: true, ..FillerOptions::default() };
        Ok(match gpu::blocking::open(choice, &options, notice)? {
            Some(gpu) => Self::Gpu(Box::new(gpu)),
            None => Self::cpu(),
        })
    }

    /// Bytes of memory that the backend takes while it fills, beside the output. What is read back from a GPU passes
    /// through four buffers, all of which lie in the host's memory where the GPU is a software one.
    #[must_use]
    pub fn working_bytes(&self) -> u64 {
        match self {
            Self::Cpu(_) => 0,
            #[cfg(feature = "gpu")]
            Self::Gpu(_) => gpu::WORKING_BYTES,
        }
    }

    /// What fills ranges on the CPU where this backend is the CPU: hand it to each [`Backend::fill_next`].
    #[cfg(feature = "safetensors")]
    pub(crate) fn range_filler(&self) -> cpu::RangeFiller {
        cpu::RangeFiller::new(match self {
            Self::Cpu(level) => *level,
            #[cfg(feature = "gpu")]
            Self::Gpu(_) => Level::best(),
        })
    }

    /// [`Backend::fill_range`] for a tensor that is filled range by range: `ranges` keeps what the next one is copied
    /// from.
    #[cfg(feature = "safetensors")]
    pub(crate) fn fill_next(&self, fill: &Fill, from: u64, out: &mut [u8], ranges: &cpu::RangeFiller) -> Result<()> {
        match self {
            Self::Cpu(_) => ranges.fill(fill, from, out),
            // The filler of a GPU keeps its own.
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu::blocking::fill_range(gpu, fill, from, out),
        }
    }

    /// Writes the bytes `from..from + out.len()` of a fill.
    ///
    /// # Errors
    /// [`crate::Error::Buffer`] where the range does not hold whole elements or leaves the fill;
    /// [`crate::Error::Device`] where the device fails.
    pub fn fill_range(&self, fill: &Fill, from: u64, out: &mut [u8]) -> Result<()> {
        match self {
            Self::Cpu(level) => cpu::fill_range(fill, *level, from, out),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu::blocking::fill_range(gpu, fill, from, out),
        }
    }
}

impl std::fmt::Display for Backend {
    /// One line: the CPU's level and threads, or the adapter, backend, driver, tier and multiplication.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cpu(level) => {
                let n = cpu::threads();
                write!(f, "CPU, {level}, {n} thread{}", if n == 1 { "" } else { "s" })
            }
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => write!(f, "{gpu}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Plan, TensorSpec};
    use crate::{DType, Scheme, StreamVersion};

    #[test]
    fn the_cpu_serves_ranges_of_a_fill() {
        let mut plan = Plan::new(StreamVersion::V1, 1);
        let spec = TensorSpec::new("w", [1001], Scheme::normal(0.0, 1.0)).unwrap().dtype(DType::BF16);
        let fill = plan.push(&spec).unwrap().fill();
        let (mut whole, mut tail) = (vec![0; 2002], vec![0; 1002]);
        Backend::cpu().fill_range(&fill, 0, &mut whole).unwrap();
        Backend::cpu().fill_range(&fill, 1000, &mut tail).unwrap();
        assert_eq!(whole[1000..], tail);
        // From an odd element on, and not from inside of one.
        Backend::cpu().fill_range(&fill, 1002, &mut tail[..1000]).unwrap();
        assert_eq!(whole[1002..], tail[..1000]);
        assert!(Backend::cpu().fill_range(&fill, 1001, &mut tail[..1000]).is_err());
        assert!(Backend::cpu().to_string().starts_with("CPU, "));
    }
}
