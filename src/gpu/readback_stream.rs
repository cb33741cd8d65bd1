//! Streaming readback: the host gets the bytes of fills in order, while the device fills the next ones.

use super::device::{Gpu, TransferBuffers};
use super::kernel_set::KernelSet;
use super::range::FillRange;
use super::readback::read_mapped;
use super::scope::Scope;
use crate::cpu::{self, RangeFiller};
use crate::plan::Fill;
use crate::{Error, Result};
use std::collections::VecDeque;
use std::ops::Range;

/// Bytes that one submit fills and reads back at most.
const SUBMIT_BYTES: u64 = 32 << 20;

/// Ranges of one submit at most: each takes about 400 bytes of parameters.
const SUBMIT_RANGES: usize = 1 << 14;

/// Submits in flight: while the host reads one, the device works on the next.
const IN_FLIGHT: usize = 2;

/// Bytes of all transfer buffers: each submit in flight has one to fill and one that the host reads.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) const WORKING_BYTES: u64 = 2 * IN_FLIGHT as u64 * SUBMIT_BYTES;

/// A submit that has not yet been read back.
#[derive(Debug)]
struct InFlight {
    buffers: TransferBuffers,
    index: wgpu::SubmissionIndex,
    /// The bytes to read back.
    size: u64,
    /// Where in them the bytes of each range lie.
    ranges: Vec<Range<usize>>,
    /// The name of the first tensor, for errors.
    name: String,
}

impl Gpu {
    /// Fills the bytes `from..from + out.len()` of a fill on the device, and reads them back into `out`.
    ///
    /// # Errors
    /// As [`Gpu::stream`].
    pub async fn fill_range(&self, fill: &Fill, from: u64, out: &mut [u8]) -> Result<()> {
        let mut done = 0;
        self.stream([(fill, from, out.len() as u64)], &mut |bytes| {
            out[done..done + bytes.len()].copy_from_slice(bytes);
            done += bytes.len();
            Ok(())
        })
        .await
    }

    /// Fills ranges of bytes on the device, each `(fill, from, len)`, and hands the bytes to `sink` in order.
    ///
    /// Kernels are prepared where they are not yet. The sink gets at most 32 MiB at once; while it works on them, the
    /// device fills and copies the next bytes. After an error the submits in flight are dropped.
    ///
    /// # Errors
    /// [`Error::Buffer`] where a range does not hold whole elements or leaves its fill; [`Error::Device`] where the
    /// device fails or has too little memory; whatever `sink` returns.
    ///
    /// # Example
    /// ```no_run
    /// use seedbed::gpu::Gpu;
    /// use seedbed::plan::Plan;
    ///
    /// # async fn example(gpu: &Gpu, plan: &Plan) -> seedbed::Result<()> {
    /// let fills: Vec<_> = plan.tensors().iter().map(|tensor| tensor.fill()).collect();
    /// let mut file = Vec::new();
    /// gpu.stream(fills.iter().map(|fill| (fill, 0, fill.bytes())), &mut |bytes| {
    ///     file.extend_from_slice(bytes);
    ///     Ok(())
    /// })
    /// .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stream<'a>(
        &self,
        ranges: impl IntoIterator<Item = (&'a Fill, u64, u64)>,
        sink: &mut (impl FnMut(&[u8]) -> Result<()> + ?Sized),
    ) -> Result<()> {
        let mut free = self.transfer_buffers.lock().map(|mut kept| std::mem::take(&mut *kept)).unwrap_or_default();
        while free.len() < IN_FLIGHT {
            free.push(self.new_transfer_buffers().await?);
        }
        let submit_bytes = free[0].output.size();
        let mut in_flight = VecDeque::new();
        let matrices = RangeFiller::new(cpu::Level::best());
        // What the next submit fills, and where in its buffer the next range begins.
        let (mut together, mut at) = (Vec::new(), 0);
        for (fill, from, len) in ranges {
            fill.check_range(from, len)?;
            let mut done = 0;
            while done < len {
                let here = (submit_bytes - at).min(len - done);
                together.push(FillRange { fill, from: from + done, len: here, offset: at });
                done += here;
                // At a multiple of 16 bytes kernels can store whole 16-byte steps.
                at = (at + here).next_multiple_of(16);
                if at >= submit_bytes || together.len() >= SUBMIT_RANGES {
                    let buffers = self.next_buffers(&mut free, &mut in_flight, sink).await?;
                    in_flight.push_back(self.submit(&together, buffers, &matrices).await?);
                    together.clear();
                    at = 0;
                }
            }
        }
        if !together.is_empty() {
            let buffers = self.next_buffers(&mut free, &mut in_flight, sink).await?;
            in_flight.push_back(self.submit(&together, buffers, &matrices).await?);
        }
        while !in_flight.is_empty() {
            free.push(self.finish_oldest(&mut in_flight, sink).await?);
        }
        if let Ok(mut kept) = self.transfer_buffers.lock() {
            *kept = free;
        }
        Ok(())
    }

    /// Buffers for the next submit: free ones, else those of the oldest submit in flight, once the sink has its bytes.
    async fn next_buffers(
        &self,
        free: &mut Vec<TransferBuffers>,
        in_flight: &mut VecDeque<InFlight>,
        sink: &mut (impl FnMut(&[u8]) -> Result<()> + ?Sized),
    ) -> Result<TransferBuffers> {
        match free.pop() {
            Some(buffers) => Ok(buffers),
            None => self.finish_oldest(in_flight, sink).await,
        }
    }

    /// Submits the fills of these ranges, and the copy that the host will read.
    async fn submit(
        &self,
        together: &[FillRange<'_>],
        buffers: TransferBuffers,
        matrices: &RangeFiller,
    ) -> Result<InFlight> {
        let ranges: Vec<_> = together.iter().map(|r| r.offset as usize..(r.offset + r.len) as usize).collect();
        let size = ranges.last().map_or(0, |range| range.end as u64).next_multiple_of(4);
        // Kernels write whole words.
        let whole: Vec<_> = together.iter().map(|&r| FillRange { len: r.len.next_multiple_of(4), ..r }).collect();
        let mut kernels = KernelSet::default();
        for range in &whole {
            match range.from.is_multiple_of(4) {
                true => kernels.add(range.fill),
                false => kernels.add(&range.part()?),
            }
        }
        self.filler.prepare(kernels).await?;
        let scope = Scope::begin(&self.device);
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        self.filler.record_ranges(&mut encoder, &whole, &buffers.output, matrices)?;
        encoder.copy_buffer_to_buffer(&buffers.output, 0, &buffers.staging, 0, size);
        let index = self.queue.submit([encoder.finish()]);
        let name = together.first().map_or("", |r| r.fill.name()).to_owned();
        scope.end(&format!("{size} bytes were not submitted")).await.map_err(|e| e.in_tensor(&name))?;
        Ok(InFlight { buffers, index, size, ranges, name })
    }

    /// Waits for the oldest submit in flight, hands its bytes to the sink and returns its buffers.
    async fn finish_oldest(
        &self,
        in_flight: &mut VecDeque<InFlight>,
        sink: &mut (impl FnMut(&[u8]) -> Result<()> + ?Sized),
    ) -> Result<TransferBuffers> {
        let Some(InFlight { buffers, index, size, ranges, name }) = in_flight.pop_front() else {
            return Err(Error::Device("no submit to wait for".to_owned()));
        };
        read_mapped(&self.device, &buffers.staging, size, Some(index), |bytes| {
            ranges.into_iter().try_for_each(|range| sink(&bytes[range]))
        })
        .await
        .map_err(|e| e.in_tensor(&name))??;
        Ok(buffers)
    }

    async fn new_transfer_buffers(&self) -> Result<TransferBuffers> {
        let size = SUBMIT_BYTES.min(self.device.limits().max_buffer_size) & !15;
        let scope = Scope::begin(&self.device);
        let buffer = |usage| {
            self.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("seedbed transfer"),
                size,
                usage,
                mapped_at_creation: false,
            })
        };
        let buffers = TransferBuffers {
            output: buffer(wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST),
            staging: buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST),
        };
        scope.end(&format!("two buffers of {size} bytes")).await?;
        Ok(buffers)
    }
}
