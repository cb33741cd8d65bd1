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

// Where parts of a work run.
mod threads;

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

/// Writes the whole fill, on all cores where the feature `parallel` is on: on the rayon pool that the caller is in, so
/// that `pool.install(|| cpu::fill(..))` fills on a pool of the caller's, else on rayon's global one. It may be called
/// by any thread of a pool, from inside other parallel work too. [`fill_on_this_thread`] leaves rayon alone.
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
    check_len(fill, out)?;
    fill_range(fill, level, 0, out)
}

/// [`fill`] on the calling thread alone. Rayon is not touched, whose pools do not survive a `fork`: a child process may
/// call this whatever its parent has filled, and a host with threads of its own may share the tensors out to them.
///
/// ```
/// use seedbed::plan::{Plan, TensorSpec};
/// use seedbed::{Scheme, StreamVersion, cpu};
///
/// let mut plan = Plan::new(StreamVersion::V1, 42);
/// for layer in 0..8 {
///     plan.push(&TensorSpec::new(format!("layer.{layer}"), [64, 64], Scheme::orthogonal(1.0, 0))?)?;
/// }
/// let mut bytes = vec![0; 8 * 64 * 64 * 4];
/// std::thread::scope(|scope| {
///     for (tensor, out) in plan.tensors().iter().zip(bytes.chunks_mut(64 * 64 * 4)) {
///         scope.spawn(move || cpu::fill_on_this_thread(&tensor.fill(), out).expect("as many bytes as it has"));
///     }
/// });
/// assert!(bytes.iter().any(|&byte| byte != 0));
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// As [`fill`].
pub fn fill_on_this_thread(fill: &Fill, out: &mut [u8]) -> Result<()> {
    check_len(fill, out)?;
    fill_range_on_this_thread(fill, Level::best(), 0, out)
}

fn check_len(fill: &Fill, out: &[u8]) -> Result<()> {
    let given = out.len() as u64;
    if given != fill.bytes() && given != fill.device_bytes() {
        return Err(Error::Buffer(format!("{given} bytes given, {} are needed", fill.bytes())).in_tensor(fill.name()));
    }
    Ok(())
}

/// Writes the bytes `from..from + out.len()` of a fill: for tensors that are too large for memory, for files that are
/// written in pieces, and for flat shards, which may begin and end at any element.
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
/// // Elements 2001 to 2063, of two bytes each.
/// let mut part = [0; 126];
/// cpu::fill_range(&fill, cpu::Level::best(), 4002, &mut part)?;
/// assert_eq!(part, whole[4002..4128]);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::Buffer`] where the range begins or ends inside an element or leaves the fill; [`Error::Device`] where this
/// processor lacks the level.
pub fn fill_range(fill: &Fill, level: Level, from: u64, out: &mut [u8]) -> Result<()> {
    RangeFiller::new(level).fill(fill, from, out)
}

/// [`fill_range`] on the calling thread alone, as [`fill_on_this_thread`].
///
/// # Errors
/// As [`fill_range`].
pub fn fill_range_on_this_thread(fill: &Fill, level: Level, from: u64, out: &mut [u8]) -> Result<()> {
    RangeFiller::alone(level).fill(fill, from, out)
}
