//! The device against the CPU twin on demand, over as many elements as are asked for.

use super::device::Gpu;
use super::readback::read_mapped;
use super::scope::Scope;
use super::selftest::{POISON, SEED};
use crate::plan::{Fill, Plan, TensorSpec};
use crate::value::key::StreamVersion;
use crate::value::scheme::Scheme;
use crate::{DType, Result, cpu};

/// [`compare_fill`] of one law over a single axis of `elements`.
///
/// # Errors
/// Those of [`Plan::push`], as where the law does not fit the dtype, and of [`compare_fill`].
///
/// # Example
/// ```no_run
/// use seedbed::gpu::{self, Gpu};
/// use seedbed::{DType, Scheme};
///
/// # async fn example(gpu: &Gpu) -> seedbed::Result<()> {
/// let differing = gpu::compare(gpu, Scheme::normal(0.0, 0.02), DType::BF16, 1 << 20, 1 << 24, &mut |_| Ok(())).await?;
/// assert_eq!(differing, 0);
/// # Ok(())
/// # }
/// ```
pub async fn compare(
    gpu: &Gpu,
    scheme: Scheme,
    dtype: DType,
    elements: u64,
    chunk: u64,
    progress: &mut (impl FnMut(u64) -> Result<()> + ?Sized),
) -> Result<u64> {
    let spec = TensorSpec::new(format!("selftest {scheme}"), [elements], scheme)?.dtype(dtype);
    let fill = Plan::new(StreamVersion::V1, SEED).push(&spec)?.fill();
    compare_fill(gpu, &fill, chunk, progress).await
}

/// Makes a fill on the device and on the CPU, and counts the 32-bit words that differ.
///
/// Its kernels are prepared where they are not yet. The fill is compared `chunk` bytes at a time, with a guard word
/// before and after each chunk. `progress` is told the bytes done so far, and can end the comparison with an error of
/// its own. A fill of whole orthogonal matrices that the device is to make must fit into one chunk: ranges of it are
/// made by the host.
///
/// # Errors
/// Those of [`super::Filler::prepare`] and [`super::Filler::record`]; [`crate::Error::Device`] where the device fails;
/// whatever `progress` returns.
///
/// # Example
/// ```no_run
/// use seedbed::DType;
/// use seedbed::gpu::{self, Gpu};
///
/// # async fn example(gpu: &Gpu) -> seedbed::Result<()> {
/// for case in gpu::cases() {
///     for dtype in case.dtypes() {
///         let fill = case.fill(100_000, dtype, 0)?;
///         assert_eq!(gpu::compare_fill(gpu, &fill, 1 << 24, &mut |_| Ok(())).await?, 0, "{} {dtype}", case.name);
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub async fn compare_fill(
    gpu: &Gpu,
    fill: &Fill,
    chunk: u64,
    progress: &mut (impl FnMut(u64) -> Result<()> + ?Sized),
) -> Result<u64> {
    gpu.filler().prepare(fill).await?;
    let (device, queue) = (gpu.device(), gpu.queue());
    let chunk = chunk.min(fill.device_bytes()).min(device.limits().max_buffer_size - 8).max(4) & !3;
    let buffer = |usage| {
        device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("seedbed self-test"),
            size: chunk + 8,
            usage,
            mapped_at_creation: false,
        })
    };
    let scope = Scope::begin(device);
    let output = buffer(wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST);
    let staging = buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
    scope.end(&format!("two buffers of {} bytes", chunk + 8)).await?;
    let poison = POISON.to_le_bytes().repeat(chunk as usize / 4 + 2);
    let mut wanted = poison.clone();
    let (mut at, mut differing) = (0, 0);
    while at < fill.device_bytes() {
        let len = chunk.min(fill.device_bytes() - at);
        // The last chunk is shorter: behind it, the twin's words of the chunk before give way to guard words.
        wanted[len as usize + 4..].copy_from_slice(&poison[len as usize + 4..]);
        cpu::fill_range(fill, cpu::Level::best(), at, &mut wanted[4..len as usize + 4])?;
        let scope = Scope::begin(device);
        queue.write_buffer(&output, 0, &poison);
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        gpu.filler().record_range(&mut encoder, fill, at, len, &output, 4)?;
        encoder.copy_buffer_to_buffer(&output, 0, &staging, 0, chunk + 8);
        queue.submit([encoder.finish()]);
        scope.end(&format!("{chunk} bytes were not submitted")).await?;
        differing += read_mapped(device, &staging, chunk + 8, None, |got| {
            if got == wanted {
                return 0;
            }
            got.chunks_exact(4).zip(wanted.chunks_exact(4)).filter(|(got, wanted)| got != wanted).count() as u64
        })
        .await?;
        at += len;
        progress(at)?;
    }
    Ok(differing)
}
