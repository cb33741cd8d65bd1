//! The asynchronous functions of this module, which here wait on the calling thread. Native only: a browser cannot
//! wait.

use super::device::{Choice, Gpu};
use super::filler::{Filler, FillerOptions};
use super::kernel_set::KernelSet;
use super::normalize::Normalizer;
use crate::plan::Plan;
use crate::{DType, Fill, Result, Scheme};
use pollster::block_on;

/// [`super::adapters`].
#[must_use]
pub fn adapters() -> Vec<wgpu::Adapter> {
    block_on(super::adapters())
}

/// [`Gpu::open`].
///
/// # Errors
/// As there.
pub fn open(
    choice: Choice,
    options: &FillerOptions,
    notice: &mut (impl FnMut(String) + ?Sized),
) -> Result<Option<Gpu>> {
    block_on(Gpu::open(choice, options, notice))
}

/// [`Filler::new`].
///
/// # Errors
/// As there.
///
/// # Example
/// ```no_run
/// use seedbed::gpu::{FillerOptions, blocking, wgpu};
///
/// # fn example(device: &wgpu::Device, queue: &wgpu::Queue) -> seedbed::Result<()> {
/// let filler = blocking::filler(device, queue, &FillerOptions::default())?;
/// # Ok(())
/// # }
/// ```
pub fn filler(device: &wgpu::Device, queue: &wgpu::Queue, options: &FillerOptions) -> Result<Filler> {
    block_on(Filler::new(device, queue, options))
}

/// [`Filler::prepare`].
///
/// # Errors
/// As there.
pub fn prepare(filler: &Filler, what: impl Into<KernelSet>) -> Result<()> {
    block_on(filler.prepare(what))
}

/// [`Normalizer::new`].
///
/// # Errors
/// As there.
pub fn normalizer(filler: &Filler, queue: &wgpu::Queue) -> Result<Normalizer> {
    block_on(Normalizer::new(filler, queue))
}

/// [`Filler::unchecked`]: for benchmarks; the bits may not be the stream's.
///
/// # Errors
/// As there.
#[doc(hidden)]
pub fn filler_unchecked(device: &wgpu::Device, queue: &wgpu::Queue, options: &FillerOptions) -> Result<Filler> {
    block_on(Filler::unchecked(device, queue, options))
}

/// [`Gpu::fill_range`].
///
/// # Errors
/// As there.
pub fn fill_range(gpu: &Gpu, fill: &Fill, from: u64, out: &mut [u8]) -> Result<()> {
    block_on(gpu.fill_range(fill, from, out))
}

/// [`Gpu::stream`].
///
/// # Errors
/// As there.
pub fn stream<'a>(
    gpu: &Gpu,
    ranges: impl IntoIterator<Item = (&'a Fill, u64, u64)>,
    sink: &mut (impl FnMut(&[u8]) -> Result<()> + ?Sized),
) -> Result<()> {
    block_on(gpu.stream(ranges, sink))
}

/// [`super::compare`].
///
/// # Errors
/// As there.
pub fn compare(
    gpu: &Gpu,
    scheme: Scheme,
    dtype: DType,
    elements: u64,
    chunk: u64,
    progress: &mut (impl FnMut(u64) -> Result<()> + ?Sized),
) -> Result<u64> {
    block_on(super::compare(gpu, scheme, dtype, elements, chunk, progress))
}

/// [`super::compare_fill`].
///
/// # Errors
/// As there.
pub fn compare_fill(gpu: &Gpu, fill: &Fill, chunk: u64, progress: &mut dyn FnMut(u64) -> Result<()>) -> Result<u64> {
    block_on(super::compare_fill(gpu, fill, chunk, progress))
}

/// [`Gpu::alloc`].
///
/// # Errors
/// As there.
pub fn alloc(gpu: &Gpu, plan: &Plan) -> Result<wgpu::Buffer> {
    block_on(gpu.alloc(plan))
}
