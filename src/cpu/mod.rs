//! The twin: what the kernels of `shaders/` compute, computed on the CPU, with the same bits.
//!
//! The arithmetic is the same on both sides: `X.rs` here and `shaders/X.wgsl` have functions of the same names, in the
//! same order, with the same operations and constants. Who walks over the elements is not: a thread of a kernel finds
//! its own elements, the twin goes over ranges, runs and tiles of blocks, which a compiler can vectorize.
//! `tests/it/twins.rs` lists each pair of functions, and each function that only one side has.
//!
//! | shader | twin |
//! |---|---|
//! | mulwide, fma, philox, math, sample, store, normalize | the file of the same name |
//! | structured | `structured.rs`; `placed.rs`, `sparse.rs` and `pattern.rs` walk over the elements of a run |
//! | fill | `fill.rs`: words and values; `gather.rs`, `constant.rs` and `runs.rs` walk over runs, `range.rs` over a fill |
//! | orthogonal | `orthogonal/`: a file for each of the shader's steps |
//!
//! The modules below stand in an order in which each imports those above it alone.

// Multiplication of 32-bit words, and the generator.
mod mulwide;
mod philox;

// Multiply-adds that are rounded once, how an element is stored, and the code of each level of a processor's
// instructions.
pub(crate) mod fma;
mod store;
mod level;

// Functions of one number, values of one word, values of structured laws.
mod math;
pub(crate) mod sample;
mod structured;

// Tiles of blocks of drawn laws, runs that are gathered in tiles, runs of one value.
mod fill;
mod gather;
mod constant;

// Runs of structured laws: values by place, the zeros of sparse columns, patterns; and those of any law.
mod placed;
mod sparse;
mod pattern;
mod runs;

// Orthogonal matrices.
#[doc(hidden)]
pub mod orthogonal;

// Orthogonal matrices on their way into a fill.
mod matrices;

// Ranges of fills.
mod range;

// The Frobenius norm of tensors, brought to a wanted number.
mod normalize;

use crate::plan::Fill;
use crate::{Error, Result};
#[cfg(feature = "rand_core")]
pub(crate) use philox::philox;

pub use level::Level;
#[cfg(feature = "gpu")]
pub(crate) use normalize::checked;
pub use normalize::{normalize, normalize_pair};
pub(crate) use range::RangeFiller;

/// The threads that fills run on: 1 without the feature `parallel`.
#[must_use]
pub fn threads() -> usize {
    #[cfg(feature = "parallel")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "parallel"))]
    return 1;
}

/// Writes the whole fill, on all cores where the feature `parallel` is on.
///
/// `out` takes the elements without padding ([`Fill::bytes`]) or with it ([`Fill::device_bytes`]), little-endian.
///
/// ```
/// use seedbed::plan::{Plan, TensorSpec};
/// use seedbed::{Scheme, StreamVersion, cpu};
///
/// let mut plan = Plan::new(StreamVersion::V1, 42);
/// let fill = plan.push(&TensorSpec::new("head.weight", [4, 3], Scheme::normal(0.0, 0.02))?)?.fill();
/// let mut bytes = vec![0; fill.bytes() as usize];
/// cpu::fill(&fill, &mut bytes)?;
/// let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
/// assert!(values.iter().all(|v| v.abs() < 0.14));
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::Buffer`] where `out` has another length.
pub fn fill(fill: &Fill, out: &mut [u8]) -> Result<()> {
    fill_at(fill, Level::best(), out)
}

/// Writes the whole fill with the code of one level: the same bytes as with any other.
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

/// Writes the bytes `from..from + out.len()` of a fill: for tensors that are too large for memory, and for files that
/// are written in pieces.
///
/// ```
/// use seedbed::plan::{Plan, TensorSpec};
/// use seedbed::{DType, Scheme, StreamVersion, cpu};
///
/// let mut plan = Plan::new(StreamVersion::V1, 42);
/// let spec = TensorSpec::new("head.weight", [1000, 3], Scheme::normal(0.0, 0.02))?.dtype(DType::BF16);
/// let fill = plan.push(&spec)?.fill();
/// let mut whole = vec![0; fill.bytes() as usize];
/// cpu::fill(&fill, &mut whole)?;
/// let mut part = [0; 128];
/// cpu::fill_range(&fill, cpu::Level::best(), 4000, &mut part)?;
/// assert_eq!(part, whole[4000..4128]);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::Buffer`] where `from` is no multiple of 4, `out` ends inside an element or the range leaves the fill;
/// [`Error::Device`] where this processor lacks the level.
pub fn fill_range(fill: &Fill, level: Level, from: u64, out: &mut [u8]) -> Result<()> {
    RangeFiller::new(level).fill(fill, from, out)
}
