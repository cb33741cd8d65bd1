//! The instruction sets that the twin is compiled for, and the one place that chooses between them.

use super::fma::{Fma, Native, Wide};
use super::store::f16_bits;
use crate::{Error, Result};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64 as x86;

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
    /// x86-64 with AVX2, FMA and F16C.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL, and all of [`Level::Avx2`].
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
            Self::Avx2 => {
                is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
            }
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

/// What the code of a level is made of: a fused multiply-add, and the conversion of many numbers at once.
pub(super) trait Arithmetic: Fma {
    /// The bits of [`f16_bits`] of as many numbers: a multiple of 16.
    fn f16s<const N: usize>(values: &[f32; N]) -> [u16; N];
}

impl Arithmetic for Native {
    #[inline(always)]
    fn f16s<const N: usize>(values: &[f32; N]) -> [u16; N] {
        std::array::from_fn(|i| f16_bits(values[i]))
    }
}

impl Arithmetic for Wide {
    #[inline(always)]
    fn f16s<const N: usize>(values: &[f32; N]) -> [u16; N] {
        std::array::from_fn(|i| f16_bits(values[i]))
    }
}

/// The instructions of a level of x86-64: named by the function of the level alone.
///
/// The conversion rounds as its own operand says, to nearest even, whatever mode the thread has set, and makes
/// subnormal f16s even where the thread flushes others. `f16_bits` has the same bits for every f32 whose f16 is finite.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct X86<const WIDE: bool>;

#[cfg(target_arch = "x86_64")]
impl<const WIDE: bool> Fma for X86<WIDE> {
    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        Native::fma(a, b, c)
    }
}

#[cfg(target_arch = "x86_64")]
impl<const WIDE: bool> Arithmetic for X86<WIDE> {
    #[inline(always)]
    fn f16s<const N: usize>(values: &[f32; N]) -> [u16; N] {
        const NEAREST: i32 = x86::_MM_FROUND_TO_NEAREST_INT;
        const { assert!(N.is_multiple_of(16)) };
        let mut bits = [0; N];
        for (bits, values) in bits.as_chunks_mut::<16>().0.iter_mut().zip(values.as_chunks::<16>().0) {
            let (bits, values) = (bits.as_mut_ptr(), values.as_ptr());
            // SAFETY: `X86` is named in `avx2` and `avx512` below alone, which run where `Level::checked` has asked the
            // processor for f16c, and for avx512f where `WIDE`. 16 values are read and as many bits written, unaligned.
            unsafe {
                if WIDE {
                    let halves = x86::_mm512_cvtps_ph::<NEAREST>(x86::_mm512_loadu_ps(values));
                    x86::_mm256_storeu_si256(bits.cast(), halves);
                } else {
                    let halves = |at| x86::_mm256_cvtps_ph::<NEAREST>(x86::_mm256_loadu_ps(values.add(at)));
                    x86::_mm_storeu_si128(bits.cast(), halves(0));
                    x86::_mm_storeu_si128(bits.add(8).cast(), halves(8));
                }
            }
        }
        bits
    }
}

/// Work whose code is compiled once for each level.
///
/// `run` and all that it calls must be `#[inline(always)]`: only then is it compiled with the level's instructions.
pub(super) trait Work {
    /// Does the work with the level's arithmetic. `NR` suits the level's registers: so many f32 results side by
    /// side, of four rows, stay in them.
    fn run<A: Arithmetic, const NR: usize>(self);
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
#[target_feature(enable = "avx2,fma,f16c")]
fn avx2<W: Work>(work: W) {
    work.run::<X86<false>, 16>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
fn avx512<W: Work>(work: W) {
    work.run::<X86<true>, 32>();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The f16s of 4096 numbers by a level, and by the formula.
    struct Halves<'a>(&'a [f32; 4096], &'a mut [u16; 4096]);

    impl Work for Halves<'_> {
        #[inline(always)]
        fn run<A: Arithmetic, const NR: usize>(self) {
            *self.1 = A::f16s(self.0);
        }
    }

    /// Every `stride`-th f32 whose f16 is finite, 0 and all subnormals among them, of both signs, on two threads.
    fn check_every(stride: usize) {
        // Below 65520, halfway from the largest f16 to the next power of two.
        let largest = 65519.996f32;
        assert_eq!((f16_bits(largest), largest.to_bits() + 1), (0x7bff, 65520f32.to_bits()));
        let on = |level: Level, sign: u32| {
            let (level, mut compared) = (level.checked().unwrap(), 0u64);
            let mut rest = (0..=largest.to_bits()).step_by(stride).chain([largest.to_bits()]).peekable();
            while rest.peek().is_some() {
                let values = std::array::from_fn(|_| f32::from_bits(rest.next().unwrap_or_default() | sign));
                let mut halves = [0; 4096];
                level.run(Halves(&values, &mut halves));
                for (&value, half) in values.iter().zip(halves) {
                    assert_eq!(half, f16_bits(value), "{value:e} {:08x}", value.to_bits());
                }
                compared += 4096;
            }
            compared
        };
        for level in Level::available() {
            let compared = std::thread::scope(|scope| {
                let other = scope.spawn(|| on(level, 0x8000_0000));
                on(level, 0) + other.join().unwrap()
            });
            println!("{level}: {compared} numbers");
        }
    }

    #[test]
    fn every_level_s_f16s_are_those_of_the_formula_on_every_1021st_number() {
        check_every(1021);
    }

    #[test]
    #[ignore = "long: all 2.4 10^9 numbers that fit, by each level"]
    fn every_level_s_f16s_are_those_of_the_formula_on_every_number() {
        check_every(1);
    }

    /// Ties, and their neighbors, everywhere: between normal f16s, between subnormal ones, at both ends.
    #[test]
    fn every_level_rounds_ties_to_even() {
        let mut values = [0.0; 4096];
        let halfway = (0..0x7bffu16).step_by(47).flat_map(|bits| {
            let [low, high] = [bits, bits + 1].map(|b| half::f16::from_bits(b).to_f32());
            let tie = ((low + high) / 2.0).to_bits();
            [tie - 1, tie, tie + 1].map(f32::from_bits).into_iter().flat_map(|x| [x, -x])
        });
        let mut count = 0;
        for (value, x) in values.iter_mut().zip(halfway) {
            (*value, count) = (x, count + 1);
        }
        assert!(count > 4000, "{count}");
        let expected = values.map(|x| half::f16::from_f32(x).to_bits());
        for level in Level::available() {
            let mut halves = [0; 4096];
            level.checked().unwrap().run(Halves(&values, &mut halves));
            assert_eq!(halves, expected, "{level}");
        }
    }
}
