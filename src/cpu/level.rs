//! The instruction sets that the twin is compiled for, and the one place that chooses between them.

use super::fma::{Fma, Native, Wide};
use crate::{Error, Result};

/// The instruction sets that the twin is compiled for. All of them give the same bits.
///
/// ```
/// use seedbed::cpu::Level;
///
/// let levels = Level::available();
/// assert_eq!(levels[0], Level::Baseline);
/// assert_eq!(levels.last(), Some(&Level::best()));
/// println!("fills run with {}", Level::best());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Level {
    /// What the build target guarantees.
    Baseline,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL, AVX2 and FMA.
    Avx512,
}

impl Level {
    /// The levels that this processor has, slowest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        [Self::Baseline, Self::Avx2, Self::Avx512].into_iter().filter(|level| level.is_available()).collect()
    }

    #[cfg(target_arch = "x86_64")]
    fn is_available(self) -> bool {
        match self {
            Self::Baseline => true,
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Self::Avx512 => {
                Self::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_available(self) -> bool {
        self == Self::Baseline
    }

    /// The fastest level that this processor has.
    #[must_use]
    pub fn best() -> Self {
        static BEST: std::sync::OnceLock<Level> = std::sync::OnceLock::new();
        *BEST.get_or_init(|| Self::available().pop().unwrap_or(Self::Baseline))
    }

    /// The level as one whose code may run here.
    ///
    /// # Errors
    /// [`Error::Device`] where this processor lacks the level.
    pub(super) fn checked(self) -> Result<Available> {
        if self.is_available() {
            return Ok(Available(self));
        }
        let here: Vec<String> = Self::available().iter().map(Self::to_string).collect();
        Err(Error::Device(format!("this processor has no {self}: {} can run here", here.join(", "))))
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Baseline => "baseline",
            Self::Avx2 => "AVX2",
            Self::Avx512 => "AVX-512",
        })
    }
}

/// Work whose code is compiled once for each level.
///
/// `run` and all that it calls must be `#[inline(always)]`: only then is it compiled with the level's instructions.
pub(super) trait Work {
    /// Does the work with the level's fused multiply-add. `NR` suits the level's registers: so many f32 results side by
    /// side, of four rows, stay in them.
    fn run<A: Fma, const NR: usize>(self);
}

/// A level that this processor has: made by [`Level::checked`] alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Available(Level);

impl Available {
    /// Does the work with the code of the level.
    #[inline]
    pub fn run(self, work: impl Work) {
        match self.0 {
            Level::Baseline => baseline(work),
            // SAFETY: `Level::checked` has asked the processor for these features.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2(work) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512(work) },
            // `Level::checked` lets neither through.
            #[cfg(not(target_arch = "x86_64"))]
            Level::Avx2 | Level::Avx512 => baseline(work),
        }
    }
}

fn baseline<W: Work>(work: W) {
    // Whether the build target itself has a fused multiply-add.
    if cfg!(target_feature = "fma") || cfg!(target_arch = "aarch64") {
        work.run::<Native, 16>();
    } else {
        work.run::<Wide, 16>();
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<W: Work>(work: W) {
    work.run::<Native, 16>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512<W: Work>(work: W) {
    work.run::<Native, 32>();
}
