//! The self-test of a filler: every pipeline, as it was specialized, against the CPU twin.

use super::filler::Filler;
use super::kernel_id::KernelId;
use super::lower::Lowered;
use super::readback::read_mapped;
use super::scope::Scope;
use super::upload::buffer_of;
use crate::plan::{Fill, Part, Plan, Slab, TensorSpec};
use crate::value::key::StreamVersion;
use crate::value::scheme::{Bounds, Scheme, SinusoidalLayout, StdOf};
use crate::{DType, Error, Result, Rounding, cpu};
use std::collections::BTreeSet;

/// The seed of what the device is compared with.
pub(super) const SEED: u64 = 0x5eed;

/// What fills destinations beforehand: the device must overwrite it inside its range, and leave it alone outside.
pub(super) const POISON: u32 = 0xdead_beef;

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

/// The structured laws that the self-test draws from, each with its shape: small ones, of odd sides.
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
        ("linspace", Scheme::linspace(-0.3, 5.0), vec![3, 17, 21]),
        ("log of uniform", Scheme::log_of_uniform(0.01, 16.0), vec![1023]),
        ("dt bias", Scheme::dt_bias(0.001, 0.1, 1e-4), vec![1025]),
    ]
}

/// Fills that need every kernel of a dtype, for every law: a vector of odd length, rows of whole 16-byte steps and a
/// box of them, indices beyond 2^34, and a tensor in columns whose parts share 16-bit words.
fn fills(dtype: DType) -> Result<Vec<Fill>> {
    let mut plan = Plan::new(StreamVersion::V1, SEED);
    let mut fills = Vec::new();
    let mut columns = Vec::new();
    let mut width = 0;
    for (name, scheme) in schemes() {
        let odd = TensorSpec::new(name, [4099], scheme)?.dtype(dtype);
        fills.push(plan.push(&odd)?.fill());
        let rows = plan.push(&TensorSpec::new(format!("{name} rows"), [40, 64], scheme)?.dtype(dtype))?;
        fills.push(rows.fill());
        fills.push(rows.fill_slab(&Slab::new([3, 16], [35, 40]))?);
        // Across 2^34, where the low word of the block's number overflows into the high one; from inside a block.
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

/// Fills with stochastic rounding: of odd length, which `fill_general` writes, and of even length, across the carry at
/// 2^34 too, which `fill_boxed` writes.
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

/// Runs these kernels against the twin, on all fills that need no other. Returns how many words differ, guard words
/// included.
pub(super) async fn differing_words(
    filler: &Filler,
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    ids: &BTreeSet<KernelId>,
) -> Result<u64> {
    let mut wanted: Vec<u32> = vec![POISON];
    let mut work = Vec::new();
    let dtypes: BTreeSet<DType> = ids.iter().map(|id| id.dtype).collect();
    for dtype in dtypes {
        for fill in fills(dtype)? {
            // At a multiple of 16 bytes, where whole 16-byte steps are stored, and one word after it, where single
            // words are.
            for shift in [0, 1] {
                let mut lowered = Lowered::new(filler.tier());
                lowered.add_range(&fill, 0, fill.device_bytes() / 4, shift);
                if lowered.dispatches.iter().any(|d| !ids.contains(&d.kernel)) {
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

/// [`differing_words`] of the pipelines that make orthogonal matrices.
pub(super) async fn differing_matrices(filler: &Filler, device: &wgpu::Device, queue: &wgpu::Queue) -> Result<u64> {
    let mut plan = Plan::new(StreamVersion::V1, SEED);
    let mut wanted: Vec<u32> = vec![POISON];
    let mut work = Vec::new();
    // Tall and wide, one block of reflectors and two, rows beyond one chunk, several matrices at once.
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

/// Runs fills at their offsets in one buffer. Returns how many words of the buffer are not those wanted.
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
