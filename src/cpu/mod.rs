//! The twin: the kernels of `shaders/`, file for file and function for function, on the CPU.

mod fill;
mod fma;
mod math;
mod matrices;
mod mulwide;
mod normalize;
#[doc(hidden)]
pub mod orthogonal;
mod philox;
mod sample;
mod store;
mod structured;

use crate::plan::Fill;
use crate::plan::placement::Stretch;
use crate::{Error, Result};
#[cfg(feature = "rand_core")]
pub(crate) use philox::philox;

use fill::Run;
use fma::{Native, Wide};
pub(crate) use matrices::Memo;
use matrices::{Needed, Ready};
#[cfg(feature = "gpu")]
pub(crate) use normalize::checked;
pub use normalize::{normalize, normalize_pair};

/// The instruction sets that the twin is compiled for. All give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Level {
    /// What the build target guarantees.
    Baseline,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL.
    Avx512,
}

impl Level {
    /// The levels that this processor has, slowest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), allow(unused_mut, reason = "the only level there"))]
        let mut levels = vec![Self::Baseline];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                levels.push(Self::Avx2);
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                {
                    levels.push(Self::Avx512);
                }
            }
        }
        levels
    }

    /// The fastest level that this processor has.
    #[must_use]
    pub fn best() -> Self {
        static BEST: std::sync::OnceLock<Level> = std::sync::OnceLock::new();
        *BEST.get_or_init(|| Self::available().pop().unwrap_or(Self::Baseline))
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

/// The threads that fills run on: 1 without the feature `parallel`.
#[must_use]
pub fn threads() -> usize {
    #[cfg(feature = "parallel")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "parallel"))]
    return 1;
}

/// Bytes of the destination that one task fills: a multiple of every dtype's tile.
const TASK_BYTES: usize = 256 << 10;

/// Writes the whole fill, on all cores where the feature `parallel` is on.
///
/// `out` takes the elements without padding ([`Fill::bytes`]) or with it ([`Fill::device_bytes`]), little-endian.
///
/// # Errors
/// [`Error::Buffer`] where `out` has another length.
pub fn fill(fill: &Fill, out: &mut [u8]) -> Result<()> {
    fill_at(fill, Level::best(), out)
}

/// Writes the whole fill with the code of one level: the same bytes as any other.
///
/// # Errors
/// As [`fill`]; [`Error::Device`] where this processor lacks the level.
pub fn fill_at(fill: &Fill, level: Level, out: &mut [u8]) -> Result<()> {
    let given = out.len() as u64;
    if given != fill.bytes() && given != fill.device_bytes() {
        return Err(Error::Buffer(format!("{given} bytes given, {} are needed", fill.bytes())).in_tensor(fill.name()));
    }
    fill_range(fill, level, 0, out)
}

/// Writes the bytes `from..from + out.len()` of a fill: a window of a tensor too large for memory.
///
/// # Errors
/// [`Error::Buffer`] where `from` is no multiple of 4, `out` ends inside an element or the range leaves the fill;
/// [`Error::Device`] where this processor lacks the level.
pub fn fill_range(fill: &Fill, level: Level, from: u64, out: &mut [u8]) -> Result<()> {
    fill_window(fill, level, from, out, &Memo::default())
}

/// [`fill_range`], for callers that fill a tensor window by window: matrices of the window before are in `memo`. Not to be called
/// with one memo from several threads of the pool.
pub(crate) fn fill_window(fill: &Fill, level: Level, from: u64, out: &mut [u8], memo: &Memo) -> Result<()> {
    in_parts(fill, level, from, out, memo, &|from, out, ready| {
        let task = |(i, out): (usize, &mut [u8])| {
            let size = fill.dtype.size();
            fill_elements(fill, level, (from + (i * TASK_BYTES) as u64) / size, out, ready);
        };
        #[cfg(feature = "parallel")]
        {
            use rayon::prelude::*;
            if out.len() > TASK_BYTES {
                out.par_chunks_mut(TASK_BYTES).enumerate().for_each(task);
                return;
            }
        }
        out.chunks_mut(TASK_BYTES).enumerate().for_each(task);
    })
}

/// [`fill_window`] on the calling thread alone, but for matrices.
///
/// # Errors
/// As there.
#[cfg(feature = "checkpoint")]
pub(crate) fn fill_window_here(fill: &Fill, level: Level, from: u64, out: &mut [u8], memo: &Memo) -> Result<()> {
    in_parts(fill, level, from, out, memo, &|from, out, ready| {
        fill_elements(fill, level, from / fill.dtype.size(), out, ready);
    })
}

/// Checks a window and hands it to `work` with what its elements are copied from: whole, or cut where it needs more matrices than are
/// made at once.
fn in_parts(
    fill: &Fill,
    level: Level,
    from: u64,
    out: &mut [u8],
    memo: &Memo,
    work: &dyn Fn(u64, &mut [u8], &Ready),
) -> Result<()> {
    fill.check_range(from, out.len() as u64)?;
    if !Level::available().contains(&level) {
        return Err(Error::Device(format!("this processor has no {level:?}")));
    }
    let (size, first) = (fill.dtype.size(), from / fill.dtype.size());
    let end = (first + out.len() as u64 / size).min(fill.elements);
    let needed = Needed::of(fill, first, end);
    if out.len() > 4 && needed.too_many(fill) {
        let half = (out.len() / 2).next_multiple_of(4);
        let (head, tail) = out.split_at_mut(half);
        in_parts(fill, level, from, head, memo, work)?;
        return in_parts(fill, level, from + half as u64, tail, memo, work);
    }
    work(from, out, &Ready::new(fill, level, needed, memo)?);
    Ok(())
}

/// Writes the elements that begin at destination element `from`.
fn fill_elements(fill: &Fill, level: Level, from: u64, out: &mut [u8], ready: &Ready) {
    let (size, per_word) = (fill.dtype.size(), fill.dtype.per_word());
    let to = (from + out.len() as u64 / size).min(fill.elements);
    // The padding half-word of an odd 16-bit tensor.
    out[((to - from.min(to)) * size) as usize..].fill(0);
    let first = fill.segments.partition_point(|s| s.words.end * per_word <= from);
    for segment in &fill.segments[first..] {
        let (from_here, to_here) = (from.max(segment.words.start * per_word), to.min(segment.words.end * per_word));
        if from_here >= to_here {
            break;
        }
        for &index in &segment.pieces {
            let piece = &fill.pieces[index];
            piece.placement.runs(from_here, to_here, &mut |s: Stretch| {
                if piece.matrices.is_some() {
                    return ready.gather(fill, index, &s, from, out);
                }
                let run = Run {
                    law: &piece.law,
                    key: piece.key,
                    table: piece.table.as_deref().unwrap_or_default(),
                    src: s.src,
                    step: s.src_step,
                    dtype: fill.dtype,
                    rounding: piece.rounding,
                };
                scatter(level, &run, &s, from, out);
            });
        }
    }
}

/// Fills a stretch whose destination elements may lie apart.
fn scatter(level: Level, run: &Run<'_>, s: &Stretch, from: u64, out: &mut [u8]) {
    let size = run.dtype.size() as usize;
    let at = (s.dst - from) as usize * size;
    if s.dst_step == 1 {
        return fill_run(level, run, &mut out[at..at + s.count as usize * size]);
    }
    let mut buffer = [0; 4096];
    let mut done = 0;
    while done < s.count {
        let count = (s.count - done).min((buffer.len() / size) as u64);
        let part = Run { src: s.src.wrapping_add(done.wrapping_mul(s.src_step)), ..*run };
        let values = &mut buffer[..count as usize * size];
        fill_run(level, &part, values);
        for (k, value) in values.chunks_exact(size).enumerate() {
            let at = at + (done as usize + k) * s.dst_step as usize * size;
            out[at..at + size].copy_from_slice(value);
        }
        done += count;
    }
}

/// Whether the build target itself has a fused multiply-add.
const FUSED: bool = cfg!(target_feature = "fma") || cfg!(target_arch = "aarch64");

fn fill_run(level: Level, run: &Run<'_>, out: &mut [u8]) {
    if run.law.is_structured() {
        return structured::fill_structured(level, run, out);
    }
    match level {
        // SAFETY: a level above `Baseline` comes from `available`, which has asked the processor for these features.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { fill_avx2(run, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { fill_avx512(run, out) },
        _ if FUSED => fill::fill_run::<Native>(run, out),
        _ => fill::fill_run::<Wide>(run, out),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn fill_avx2(run: &Run<'_>, out: &mut [u8]) {
    fill::fill_run::<Native>(run, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn fill_avx512(run: &Run<'_>, out: &mut [u8]) {
    fill::fill_run::<Native>(run, out);
}
