//! The Frobenius norm of tensors in the caller's buffers, brought to a wanted number: recording of
//! shaders/normalize.wgsl.

use super::filler::Filler;
use super::pipeline::{BoundRange, PipelineBuilder};
use super::range::check_buffer;
use super::readback::read_mapped;
use super::scope::Scope;
use super::source::{MulWide, Tier, implementations};
use super::upload::buffer_of;
use crate::{Error, Result, cpu};
use passes::{ENTRY_POINTS, FEW, Kernel, Parameters, PartialResults, Pass};

mod passes;

const LABEL: &str = "seedbed normalize";

/// The WGSL of the normalizer: entry points `largest`, `squares`, `sums`, `factor` and `scale`.
#[must_use]
pub fn normalize_source(mul_wide: MulWide, tier: Tier) -> String {
    let [mul_wide, fma] = implementations(mul_wide, tier);
    [mul_wide, fma, include_str!("../../shaders/math.wgsl"), include_str!("../../shaders/normalize.wgsl")].join("\n")
}

/// Its entry points.
pub(super) fn entry_points() -> &'static [&'static str] {
    &ENTRY_POINTS
}

/// An f32 tensor in a buffer.
#[derive(Clone, Copy, Debug)]
pub struct Region<'a> {
    /// The buffer, with [`wgpu::BufferUsages::STORAGE`].
    pub buffer: &'a wgpu::Buffer,
    /// The first byte, a multiple of 4.
    pub offset: u64,
    /// The number of elements, at most 2^32; where it is 0, nothing is scaled.
    pub elements: u64,
}

impl Region<'_> {
    /// The byte after the last element's.
    ///
    /// # Errors
    /// [`Error::Buffer`] where the region cannot be scaled.
    fn end(&self) -> Result<u64> {
        if self.elements > 1 << 32 {
            return Err(Error::Buffer(format!("{} elements: at most 2^32 are served", self.elements)));
        }
        check_buffer(self.buffer, self.offset, 4 * self.elements)?;
        Ok(self.offset + 4 * self.elements)
    }
}

/// Scales f32 tensors in place on the device: the bits of [`cpu::normalize`] and [`cpu::normalize_pair`].
///
/// A tensor is read twice and written once. 16-bit tensors are not served: normalize the f32 values, then round them.
///
/// # Example
/// ```no_run
/// use seedbed::gpu::{Filler, Normalizer, Region, wgpu};
///
/// # async fn example(
/// #     device: &wgpu::Device, queue: &wgpu::Queue, filler: &Filler, buffer: &wgpu::Buffer,
/// # ) -> seedbed::Result<()> {
/// let normalizer = Normalizer::new(filler, queue).await?;
/// let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
/// // The 512 x 256 elements at the front of the buffer get Frobenius norm 1.
/// let tensor = Region { buffer, offset: 0, elements: 512 * 256 };
/// normalizer.record(&mut encoder, tensor, 1.0)?;
/// queue.submit([encoder.finish()]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Normalizer {
    device: wgpu::Device,
    bindings: wgpu::BindGroupLayout,
    /// In the order of [`Kernel`].
    pipelines: Vec<wgpu::ComputePipeline>,
    align: u64,
    max_binding: u64,
}

impl Normalizer {
    /// Compiles the kernels on the filler's device, with the filler's tier, multiplication and pipeline cache, and runs
    /// each once against the CPU twin. Like [`Filler::new`] it waits for the device, except in a browser.
    ///
    /// # Errors
    /// [`Error::Device`] where the kernels do not compile or do not give the twin's bits.
    pub async fn new(filler: &Filler, queue: &wgpu::Queue) -> Result<Self> {
        let device = &filler.device;
        let scope = Scope::begin(device);
        let cache = filler.pipeline_cache.as_ref();
        let builder = PipelineBuilder::new(device, cache, LABEL, &[true, true, true, false]);
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(LABEL),
            source: wgpu::ShaderSource::Wgsl(normalize_source(filler.mul_wide(), filler.tier()).into()),
        });
        let pipelines = ENTRY_POINTS.map(|entry_point| builder.pipeline(&module, entry_point, &[])).into();
        scope.end("the normalizer does not compile").await?;
        let normalizer = Self {
            device: device.clone(),
            bindings: builder.into_bindings(),
            pipelines,
            align: filler.align,
            max_binding: filler.max_binding,
        };
        normalizer.check(queue).await?;
        Ok(normalizer)
    }

    /// Records the scaling of one tensor to the Frobenius norm `norm`, as [`cpu::normalize`] does it: a tensor that it
    /// leaves as it is, such as an empty one, is left as it is here too. Nothing is submitted or waited for; the
    /// recording owns its parameters.
    ///
    /// # Errors
    /// [`Error::Law`] where `norm` does not lie in [2^-76, 2^120]; [`Error::Buffer`] where the region does not lie in
    /// its buffer, its offset is no multiple of 4, it has more than 2^32 elements, or the buffer lacks
    /// [`wgpu::BufferUsages::STORAGE`].
    pub fn record(&self, encoder: &mut wgpu::CommandEncoder, tensor: Region<'_>, norm: f64) -> Result<()> {
        self.record_all(encoder, &[tensor], cpu::checked("norm", norm)?)
    }

    /// Records the scaling of two tensors by one factor, to norms whose product is `product`, as
    /// [`cpu::normalize_pair`] does it.
    ///
    /// # Errors
    /// As [`Normalizer::record`]; [`Error::Buffer`] where the regions overlap.
    pub fn record_pair(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        tensors: [Region<'_>; 2],
        product: f64,
    ) -> Result<()> {
        let [a, b] = tensors;
        let end = a.end()?.min(b.end()?);
        if a.buffer == b.buffer && a.offset.max(b.offset) < end {
            return Err(Error::Buffer(format!(
                "{} elements at offset {} and {} at {} overlap",
                a.elements, a.offset, b.elements, b.offset
            )));
        }
        self.record_all(encoder, &tensors, cpu::checked("product of norms", product)?)
    }

    fn record_all(&self, encoder: &mut wgpu::CommandEncoder, tensors: &[Region<'_>], wanted: f32) -> Result<()> {
        for t in tensors {
            t.end()?;
        }
        // A tensor without elements has no norm and, like one of zeros, no factor.
        if tensors.iter().any(|t| t.elements == 0) {
            return Ok(());
        }
        let scope = Scope::begin(&self.device);
        let partials = tensors.iter().map(|t| self.partials(t)).max().unwrap_or(0);
        let buffer = |words: u64| {
            self.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(LABEL),
                size: 4 * words,
                usage: wgpu::BufferUsages::STORAGE,
                mapped_at_creation: false,
            })
        };
        let partial = PartialResults {
            largest: [partials, FEW, 2].map(buffer),
            sums: [partials, FEW, 2].map(|n| buffer(3 * n)),
            factor: buffer(2),
        };
        let count = tensors.len() as u32;
        let mut passes = Vec::new();
        for (slot, t) in tensors.iter().enumerate() {
            self.measure(t, slot as u32, &partial, &mut passes);
        }
        let wanted = wanted.to_bits();
        passes.push(Pass {
            kernel: Kernel::Factor,
            parameters: Parameters { threads: 1, tensors: count, wanted, ..Default::default() },
            source: Some(BoundRange::whole(&partial.sums[2])),
            found: Some(&partial.largest[2]),
            result: BoundRange::whole(&partial.factor),
        });
        for t in tensors {
            for (range, parameters) in self.ranges(t) {
                passes.push(Pass {
                    kernel: Kernel::Scale,
                    parameters,
                    source: None,
                    found: Some(&partial.factor),
                    result: range,
                });
            }
        }
        self.encode(encoder, &passes)?;
        scope.end_now("normalize")
    }

    /// Scales a single tensor and a pair, at offsets that no binding can begin at, and compares them with the twin.
    async fn check(&self, queue: &wgpu::Queue) -> Result<()> {
        const N: usize = 4099;
        // Elements of all magnitudes, subnormals among them: the words of a fixed sequence, without infinities and NaN.
        let words = (0..3 * N as u32).map(|i| i.wrapping_add(1).wrapping_mul(0x9e37_79b9) & 0xbfff_ffff);
        let mut wanted: Vec<f32> = words.map(f32::from_bits).collect();
        let scope = Scope::begin(&self.device);
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        let weights = buffer_of(&self.device, "self-test words", usage, bytemuck::cast_slice(&wanted))?;
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("seedbed self-test"),
            size: weights.size(),
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let region = |i: usize| Region { buffer: &weights, offset: (4 * N * i) as u64, elements: N as u64 };
        self.record(&mut encoder, region(0), 0.7)?;
        self.record_pair(&mut encoder, [region(1), region(2)], 3.0)?;
        encoder.copy_buffer_to_buffer(&weights, 0, &staging, 0, weights.size());
        queue.submit([encoder.finish()]);
        scope.end("the self-test does not run").await?;
        let (one, pair) = wanted.split_at_mut(N);
        let (a, b) = pair.split_at_mut(N);
        cpu::normalize(one, 0.7)?;
        cpu::normalize_pair(a, b, 3.0)?;
        let differing = read_mapped(&self.device, &staging, weights.size(), None, |bytes| {
            let wanted: &[u8] = bytemuck::cast_slice(&wanted);
            bytes.chunks_exact(4).zip(wanted.chunks_exact(4)).filter(|(got, wanted)| got != wanted).count()
        })
        .await?;
        if differing == 0 {
            return Ok(());
        }
        Err(Error::Device(format!(
            "the normalizer: {differing} of {} words are not those of the CPU; use the CPU",
            wanted.len()
        )))
    }
}
