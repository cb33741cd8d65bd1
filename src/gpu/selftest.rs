//! The self-test: every pipeline that is prepared, as it was specialized, against the CPU twin.

use super::filler::Filler;
use super::kernel_id::{KernelId, KernelLaw};
use super::lower::{Dispatch, Lowered};
use super::orthogonal::OrthogonalKernels;
use super::pipeline::BoundRange;
use super::readback::read_mapped;
use super::scope::Scope;
use super::upload::buffer_of;
use crate::plan::{Fill, Part, Plan, Slab, TensorSpec};
use crate::value::key::StreamVersion;
use crate::value::scheme::{Bounds, Scheme, SinusoidalLayout, StdOf};
use crate::{Error, Result, Rounding, cpu};
use std::collections::BTreeMap;

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

/// Fills that need a kernel, among others that may not: of its laws, dtype and rounding, in every placement that the
/// entry points tell apart. A vector of odd length, rows of whole 16-byte steps and a box of them, indices beyond 2^34,
/// and a tensor in columns whose parts share 16-bit words.
fn fills(id: KernelId) -> Result<Vec<Fill>> {
    let mut plan = Plan::new(StreamVersion::V1, SEED);
    let rounding = if id.stochastic { Rounding::Stochastic } else { Rounding::NearestEven };
    let spec = |spec: TensorSpec| spec.dtype(id.dtype).rounding(rounding);
    let mut fills = Vec::new();
    let mut columns = Vec::new();
    let mut width = 0;
    let plain = schemes().into_iter().map(|(name, scheme)| (name, scheme, vec![4099]));
    for (name, scheme, dims) in plain.chain(structured_schemes()) {
        let tensor = plan.push(&spec(TensorSpec::new(name, dims.clone(), scheme)?))?.clone();
        let fill = tensor.fill();
        let law = KernelLaw::of(&fill.pieces[0].law);
        if law != id.law && id.law.join(law) != id.law {
            continue;
        }
        // Two columns of odd widths, or of even ones where the law asks for that: they share words with others.
        let mut added = 0;
        for even in [0, 0, 1] {
            let dims = [31, 2 * (columns.len() as u64 % 4) + 1 + even];
            let alone = spec(TensorSpec::new("column", dims, scheme)?);
            if added < 2 && Plan::new(StreamVersion::V1, SEED).push(&alone).is_ok() {
                columns.push(Part::new(format!("column {width}"), dims, scheme, Slab::new([0, width], dims))?);
                (added, width) = (added + 1, width + dims[1]);
            }
        }
        if law != id.law {
            continue;
        }
        if let [rows, cols] = dims[..] {
            fills.push(tensor.fill_slab(&Slab::new([rows / 3, 1], [rows / 2, cols - 2]))?);
        }
        fills.push(fill);
        if law.depends_on_index() {
            continue;
        }
        let rows = plan.push(&spec(TensorSpec::new(format!("{name} rows"), [40, 64], scheme)?))?;
        fills.push(rows.fill());
        fills.push(rows.fill_slab(&Slab::new([3, 16], [35, 40]))?);
        // Across 2^34, where the low word of the block's number overflows into the high one; from inside a block.
        let far = plan.push(&spec(TensorSpec::new(format!("{name} far"), [1 << 35], scheme)?))?;
        for (start, count) in [((1 << 34) - 510, 1029), ((1 << 34) - 509, 1029), ((1 << 34) - 509, 1030)] {
            fills.push(far.fill_slab(&Slab::new([start], [count]))?);
        }
    }
    // Far beyond 2^32 elements.
    let sparse = Scheme::sparse(0.5, 1.0);
    let far = plan.push(&spec(TensorSpec::new("sparse far", [1 << 20, (1 << 20) + 1], sparse)?))?;
    fills.push(far.fill_slab(&Slab::new([1_000_000, 12_345], [3, 67]))?);
    if !columns.is_empty() {
        fills.push(plan.push(&spec(TensorSpec::with_parts("columns", [31, width], [31, width], columns)?))?.fill());
    }
    Ok(fills)
}

/// Words of one binding of the self-test, from which on the next fill begins another: less than any device binds.
const BINDING_WORDS: usize = 1 << 13;

/// What one kernel writes in the self-test, in one binding.
pub(super) struct KernelTest {
    lowered: Lowered,
    /// What the binding holds before: the twin's words, except that those which the kernel writes are wrong, and guard
    /// words around.
    before: Vec<u32>,
    /// What it shall hold afterwards.
    wanted: Vec<u32>,
}

impl KernelTest {
    /// The tests of a kernel, among those that [`KernelId::is_used`].
    ///
    /// # Errors
    /// [`Error::Device`] where no fill of the self-test needs the kernel.
    pub fn all(id: KernelId, by_steps: bool) -> Result<Vec<Self>> {
        let mut tests: Vec<Self> = Vec::new();
        for fill in fills(id)? {
            // At a multiple of 16 bytes, where whole 16-byte steps are stored, and one word after it, where single
            // words are.
            for shift in [0, 1] {
                let words = fill.device_bytes() / 4;
                let mut alone = Lowered::new(by_steps);
                alone.add_range(&fill, 0, words, shift);
                if alone.dispatches.iter().all(|d| d.kernel != id) {
                    continue;
                }
                if tests.last().is_none_or(|test| test.wanted.len() > BINDING_WORDS) {
                    tests.push(Self { lowered: Lowered::new(by_steps), before: Vec::new(), wanted: vec![POISON] });
                }
                let Some(Self { lowered, wanted, .. }) = tests.last_mut() else { continue };
                wanted.resize((wanted.len() + 1).next_multiple_of(4) + shift as usize, POISON);
                lowered.add_range(&fill, 0, words, wanted.len() as u32);
                let mut bytes = vec![0; fill.device_bytes() as usize];
                cpu::fill(&fill, &mut bytes)?;
                wanted.extend(bytes.chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])));
                wanted.push(POISON);
            }
        }
        for Self { lowered, before, wanted } in &mut tests {
            lowered.dispatches.retain(|d| d.kernel == id);
            lowered.index_segments();
            before.clone_from(wanted);
            for word in written(lowered, &lowered.dispatches[0], id.dtype.per_word() as u32) {
                before[word as usize] = !wanted[word as usize];
            }
        }
        if tests.is_empty() { Err(Error::Device(format!("no self-test of {id}"))) } else { Ok(tests) }
    }

    /// How many words the kernel has to write.
    #[cfg(test)]
    pub fn overwritten(&self) -> usize {
        self.before.iter().zip(&self.wanted).filter(|(a, b)| a != b).count()
    }

    /// Records the kernel on a new buffer, which is returned.
    fn record(
        &self,
        filler: &Filler,
        encoder: &mut wgpu::CommandEncoder,
        pipeline: &wgpu::ComputePipeline,
    ) -> Result<wgpu::Buffer> {
        let device = &filler.device;
        let storage = wgpu::BufferUsages::STORAGE;
        let usage = storage | wgpu::BufferUsages::COPY_SRC;
        let buffer = buffer_of(device, "self-test words", usage, bytemuck::cast_slice(&self.before))?;
        let dispatch = &self.lowered.dispatches[0];
        let mut bytes = Vec::new();
        let places = filler.add_parameters(&mut bytes, &self.lowered);
        let parameters = buffer_of(device, "parameters", storage, &bytes)?;
        let group = filler.dispatch_group(&parameters, &places, 0, BoundRange::whole(&buffer));
        let (x, y) = dispatch.size(filler.max_groups)?;
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(x, y, 1);
        drop(pass);
        Ok(buffer)
    }
}

/// The words of the binding that a dispatch has to write.
fn written(lowered: &Lowered, dispatch: &Dispatch, per_word: u32) -> Vec<u32> {
    let mut words = Vec::new();
    for segment in &dispatch.segments {
        let first = segment.first_descriptor as usize;
        for d in &lowered.descriptors[first..first + segment.descriptor_count as usize] {
            let axes = &d.axes[..d.axis_count as usize];
            let mut offsets = vec![0u32];
            for axis in axes {
                offsets = offsets.iter().flat_map(|&at| (0..axis.extent).map(move |m| at + m * axis.dst)).collect();
            }
            let elements = offsets.into_iter().filter(|&offset| offset >= d.before).map(|o| d.dst + o - d.before);
            let of_segment = segment.word..segment.word + segment.words;
            words.extend(elements.map(|e| e / per_word).filter(|word| of_segment.contains(word)));
        }
    }
    words
}

/// A buffer that the host reads, after a copy.
fn staging(device: &wgpu::Device, size: u64) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("seedbed self-test"),
        size,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

/// Runs each of these pipelines against the twin, by itself. Returns how many words differ, guard words included.
pub(super) async fn differing_words(
    filler: &Filler,
    pipelines: &BTreeMap<KernelId, wgpu::ComputePipeline>,
) -> Result<BTreeMap<KernelId, u64>> {
    let device = &filler.device;
    let mut tests = Vec::new();
    let scope = Scope::begin(device);
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    for (&id, pipeline) in pipelines {
        for test in KernelTest::all(id, filler.by_steps())? {
            let buffer = test.record(filler, &mut encoder, pipeline)?;
            let staging = staging(device, buffer.size());
            encoder.copy_buffer_to_buffer(&buffer, 0, &staging, 0, buffer.size());
            tests.push((id, test.wanted, staging));
        }
    }
    filler.queue.submit([encoder.finish()]);
    scope.end("the self-test does not run").await?;
    let mut differing: BTreeMap<KernelId, u64> = pipelines.keys().map(|&id| (id, 0)).collect();
    for (id, wanted, staging) in tests {
        *differing.entry(id).or_default() += differing_in(device, &staging, &wanted).await?;
    }
    Ok(differing)
}

/// [`differing_words`] of the pipelines that make orthogonal matrices.
pub(super) async fn differing_matrices(filler: &Filler, kernels: &OrthogonalKernels) -> Result<u64> {
    let device = &filler.device;
    let mut plan = Plan::new(StreamVersion::V1, SEED);
    let mut wanted: Vec<u32> = vec![POISON];
    let mut work = Vec::new();
    // Tall and wide, one block of reflectors and two, rows beyond one chunk, several matrices at once.
    for (name, dims) in [("tall", &[300u64, 70][..]), ("wide", &[33, 65]), ("several", &[3, 20, 20]), ("one", &[1, 1])]
    {
        let scheme = Scheme::orthogonal(1.5, dims.len() as u64 - 2);
        let fill = plan.push(&TensorSpec::new(name, dims, scheme)?)?.fill();
        // What the device does not bind, the host makes.
        let Some(batch) = fill.batch().filter(|batch| kernels.takes(batch)) else { continue };
        let mut bytes = vec![0; fill.device_bytes() as usize];
        cpu::fill(&fill, &mut bytes)?;
        work.push((batch, 4 * wanted.len() as u64));
        wanted.extend(bytes.chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])));
        wanted.push(POISON);
    }
    let scope = Scope::begin(device);
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
    let buffer = buffer_of(device, "self-test words", usage, bytemuck::cast_slice(&vec![POISON; wanted.len()]))?;
    let staging = staging(device, buffer.size());
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    for (batch, offset) in work {
        let workspace = filler.workspace(&batch)?;
        kernels.record(&mut encoder, &batch, &buffer, offset, &workspace)?;
    }
    encoder.copy_buffer_to_buffer(&buffer, 0, &staging, 0, buffer.size());
    filler.queue.submit([encoder.finish()]);
    scope.end("the self-test does not run").await?;
    differing_in(device, &staging, &wanted).await
}

/// How many words of a buffer are not those wanted.
async fn differing_in(device: &wgpu::Device, staging: &wgpu::Buffer, wanted: &[u32]) -> Result<u64> {
    read_mapped(device, staging, 4 * wanted.len() as u64, None, |bytes| {
        let got = bytes.chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]]));
        got.zip(wanted).filter(|(got, wanted)| got != *wanted).count() as u64
    })
    .await
}
