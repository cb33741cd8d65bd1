//! The device against the twin: at opening, of every pipeline as it was specialised, and on demand over many elements.

use super::device::Gpu;
use super::filler::Filler;
use super::readback::read_mapped;
use super::scope::Scope;
use super::upload::buffer_of;
use crate::gpu::lower::Tables;
use crate::plan::Fill;
use crate::plan::Slab;
use crate::plan::{Part, Plan, TensorSpec};
use crate::value::key::StreamVersion;
use crate::value::scheme::{Bounds, Scheme, SinusoidalLayout, StdOf};
use crate::{DType, Error, Result, Rounding, cpu};

/// What the device must not leave behind, nor write beyond its range.
const POISON: u32 = 0xdead_beef;

/// The laws that the self-test draws from: every kind, and every mode of the truncated normal.
#[must_use]
pub fn schemes() -> Vec<(&'static str, Scheme)> {
    let window = |mean, std, lo, hi| Scheme::truncated_normal(mean, std, Bounds::Sigma(lo, hi), StdOf::Parent);
    vec![
        ("constant", Scheme::constant(0.7)),
        ("uniform", Scheme::uniform(-0.1, 0.3)),
        ("normal", Scheme::normal(0.01, 0.02)),
        ("truncated [-2, 2]", window(0.0, 0.02, -2.0, 2.0)),
        ("truncated [0, inf)", window(0.0, 1.0, 0.0, f64::INFINITY)),
        ("truncated [-0.5, 4]", window(1.0, 0.5, -0.5, 4.0)),
        ("truncated [5, inf)", window(0.0, 1.0, 5.0, f64::INFINITY)),
        ("truncated [-6, -5]", window(0.0, 1.0, -6.0, -5.0)),
        ("truncated [0.1, 0.1001]", window(0.0, 1.0, 0.1, 0.1001)),
        ("truncated [0.1, 0.125]", window(0.0, 1.0, 0.1, 0.125)),
        ("truncated [-100, 100]", window(0.0, 0.02, -100.0, 100.0)),
    ]
}

/// The laws of places that the opening self-test fills, with the shape of each: small ones, of odd sides.
#[must_use]
pub fn structured_schemes() -> Vec<(&'static str, Scheme, Vec<u64>)> {
    vec![
        ("identity", Scheme::identity(0.7), vec![37, 29]),
        ("dirac", Scheme::dirac(3), vec![9, 5, 3, 4]),
        ("near identity", Scheme::near_identity(1.0, 0.02), vec![23, 45]),
        ("block diagonal", Scheme::block_diagonal(3, 0.5), vec![33, 15]),
        ("sparse", Scheme::sparse(0.4, 0.01), vec![37, 29]),
        ("sinusoidal", Scheme::sinusoidal(10_000.0, SinusoidalLayout::Interleaved), vec![51, 22]),
        ("sinusoidal halves", Scheme::sinusoidal(100.0, SinusoidalLayout::Halves), vec![51, 22]),
        ("sinusoidal halves to end", Scheme::sinusoidal(10_000.0, SinusoidalLayout::HalvesToEnd), vec![21, 10]),
        ("log range", Scheme::log_range(), vec![3, 17, 21]),
        ("dt bias", Scheme::dt_bias(0.001, 0.1, 1e-4), vec![1025]),
    ]
}

/// Fills for every kernel of a dtype and every law: of odd length, in whole steps, a box in whole steps, far indices, and a
/// tensor of columns whose 16-bit words are shared.
fn fills(dtype: DType) -> Result<Vec<Fill>> {
    let mut plan = Plan::new(StreamVersion::V1, 0x5eed);
    let mut fills = Vec::new();
    let mut columns = Vec::new();
    let mut width = 0;
    for (name, scheme) in schemes() {
        let odd = TensorSpec::new(name, [4099], scheme)?.dtype(dtype);
        // A narrow window may hold no 16-bit value: then there is nothing to test.
        if scheme.law(&odd.shape, &odd.layout)?.check_fits(dtype).is_err() {
            continue;
        }
        fills.push(plan.push(&odd)?.fill());
        let rows = plan.push(&TensorSpec::new(format!("{name} rows"), [40, 64], scheme)?.dtype(dtype))?;
        fills.push(rows.fill());
        fills.push(rows.fill_slab(&Slab::new([3, 16], [35, 40]))?);
        // Across the carry of the 64-bit index, from inside a block on.
        let far = plan.push(&TensorSpec::new(format!("{name} far"), [1 << 35], scheme)?.dtype(dtype))?;
        for start in [(1 << 34) - 510, (1 << 34) - 509] {
            fills.push(far.fill_slab(&Slab::new([start], [1029]))?);
        }
        let dims = [31, 2 * columns.len() as u64 + 1];
        columns.push(Part::new(format!("{name} columns"), dims, scheme, Slab::new([0, width], dims))?);
        width += dims[1];
    }
    for (name, scheme, dims) in structured_schemes() {
        let tensor = plan.push(&TensorSpec::new(name, dims.clone(), scheme)?.dtype(dtype))?;
        fills.push(tensor.fill());
        if let [rows, cols] = dims[..] {
            fills.push(tensor.fill_slab(&Slab::new([rows / 3, 1], [rows / 2, cols - 2]))?);
        }
    }
    // Far beyond 2^32 elements.
    let far = TensorSpec::new("sparse far", [1 << 20, (1 << 20) + 1], Scheme::sparse(0.5, 1.0))?.dtype(dtype);
    fills.push(plan.push(&far)?.fill_slab(&Slab::new([1_000_000, 12_345], [3, 67]))?);
    if dtype != DType::F32 {
        fills.extend(stochastic(&mut plan, dtype)?);
    }
    fills.push(plan.push(&TensorSpec::with_parts("columns", [31, width], [31, width], columns)?.dtype(dtype))?.fill());
    Ok(fills)
}

/// Rounded by words: of odd length, which one entry serves, and of even length, across the carry too, which another does.
fn stochastic(plan: &mut Plan, dtype: DType) -> Result<Vec<Fill>> {
    let mut fills = Vec::new();
    for (name, scheme) in schemes().into_iter().take(4) {
        let spec = |what: &str, dims: &[u64]| {
            let spec = TensorSpec::new(format!("{name} {what}"), dims, scheme)?;
            Ok(spec.dtype(dtype).rounding(Rounding::Stochastic))
        };
        fills.push(plan.push(&spec("odd, stochastic", &[1029])?)?.fill());
        let far = plan.push(&spec("far, stochastic", &[1 << 35])?)?;
        fills.push(far.fill_slab(&Slab::new([(1 << 34) - 509], [1030]))?);
    }
    Ok(fills)
}

/// Runs every pipeline of the filler against the twin; how many words differ, guards included.
pub(super) async fn differing_words(filler: &Filler, device: &wgpu::Device, queue: &wgpu::Queue) -> Result<u64> {
    let mut wanted: Vec<u32> = vec![POISON];
    let mut work = Vec::new();
    for dtype in DType::ALL {
        let ids: Vec<_> = filler.kernel_ids().filter(|id| id.0 == dtype).collect();
        if ids.is_empty() {
            continue;
        }
        for fill in fills(dtype)? {
            // At a multiple of 16 bytes, where whole steps are stored, and one word after it, where they are not.
            for shift in [0, 1] {
                let mut tables = Tables::default();
                tables.add(&fill, 0, fill.device_bytes() / 4, shift);
                if tables.dispatches.iter().any(|d| !ids.contains(&d.kernel)) {
                    continue;
                }
                wanted.resize((wanted.len() + 1).next_multiple_of(4) + shift as usize, POISON);
                work.push((fill.clone(), 4 * wanted.len() as u64));
                let mut bytes = vec![0; fill.device_bytes() as usize];
                cpu::fill(&fill, &mut bytes)?;
                wanted.extend(bytes.chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])));
                wanted.push(POISON);
            }
        }
    }
    if work.is_empty() {
        return Err(Error::Device("no self-test fits the kernels that were built".to_owned()));
    }
    run(filler, device, queue, &wanted, &work).await
}

/// The same of the pipelines that make orthogonal matrices.
pub(super) async fn differing_matrices(filler: &Filler, device: &wgpu::Device, queue: &wgpu::Queue) -> Result<u64> {
    let mut plan = Plan::new(StreamVersion::V1, 0x5eed);
    let mut wanted: Vec<u32> = vec![POISON];
    let mut work = Vec::new();
    // One block and two, tall and wide, a chunk's end, several at once.
    for (name, dims) in [("tall", &[300u64, 70][..]), ("wide", &[33, 65]), ("several", &[3, 20, 20]), ("one", &[1, 1])]
    {
        let scheme = Scheme::orthogonal(1.5, dims.len() as u64 - 2);
        let fill = plan.push(&TensorSpec::new(name, dims, scheme)?)?.fill();
        let mut bytes = vec![0; fill.device_bytes() as usize];
        cpu::fill(&fill, &mut bytes)?;
        work.push((fill, 4 * wanted.len() as u64));
        wanted.extend(bytes.chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])));
        wanted.push(POISON);
    }
    run(filler, device, queue, &wanted, &work).await
}

/// Runs fills at their offsets in one buffer; how many of its words are not those wanted.
async fn run(
    filler: &Filler,
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    wanted: &[u32],
    work: &[(Fill, u64)],
) -> Result<u64> {
    let size = 4 * wanted.len() as u64;
    let scope = Scope::begin(device);
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
    let buffer = buffer_of(device, "self-test words", usage, bytemuck::cast_slice(&vec![POISON; wanted.len()]))?;
    let staging = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("seedbed self-test"),
        size,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    for (fill, offset) in work {
        filler.record(&mut encoder, fill, &buffer, *offset)?;
    }
    encoder.copy_buffer_to_buffer(&buffer, 0, &staging, 0, size);
    queue.submit([encoder.finish()]);
    scope.end("the self-test does not run").await?;
    read_mapped(device, &staging, size, None, |bytes| {
        let got = bytes.chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]]));
        got.zip(wanted).filter(|(got, wanted)| got != *wanted).count() as u64
    })
    .await
}

/// Fills `elements` of one law on the device and on the CPU, `chunk` bytes at a time, and counts the 32-bit words that
/// differ, a guard word on either side included. `progress` is told the bytes done so far, and can end the comparison by
/// an error.
///
/// # Errors
/// Those of [`Plan::push`], as where the law does not fit the dtype; those of [`Filler::record`];
/// [`crate::Error::Device`] where the device fails; whatever `progress` returns.
pub async fn compare(
    gpu: &Gpu,
    scheme: Scheme,
    dtype: DType,
    elements: u64,
    chunk: u64,
    progress: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<u64> {
    let mut plan = Plan::new(StreamVersion::V1, 0x5eed);
    let spec = TensorSpec::new(format!("selftest {scheme}"), [elements], scheme)?.dtype(dtype);
    let fill = plan.push(&spec)?.fill();
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
        // The last chunk leaves words of the one before behind its own: they are guards again.
        wanted[len as usize + 4..].copy_from_slice(&poison[len as usize + 4..]);
        cpu::fill_range(&fill, cpu::Level::best(), at, &mut wanted[4..len as usize + 4])?;
        queue.write_buffer(&output, 0, &poison);
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        gpu.filler().record_range(&mut encoder, &fill, at, len, &output, 4)?;
        encoder.copy_buffer_to_buffer(&output, 0, &staging, 0, chunk + 8);
        queue.submit([encoder.finish()]);
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
