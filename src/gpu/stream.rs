//! Bytes from the device in order: it fills the next ones while the host reads.

use super::device::Gpu;
use super::readback::read_mapped;
use super::record::Item;
use super::scope::Scope;
use crate::cpu::{self, RangeFiller};
use crate::plan::Fill;
use crate::{Error, Result};
use std::collections::VecDeque;
use std::ops::Range;

/// Bytes that one submit fills and reads back.
const CHUNK: u64 = 32 << 20;

/// Ranges of one submit at most: each has some 400 bytes of parameters.
const RANGES: usize = 1 << 14;

/// Submits under way at once: while the host reads one, the device works on the next.
const IN_FLIGHT: usize = 2;

/// The device's buffers and those that are mapped.
pub(crate) const WORKING_BYTES: u64 = 2 * IN_FLIGHT as u64 * CHUNK;

/// Where a submit fills, and where its bytes are read.
#[derive(Debug)]
pub(super) struct Scratch {
    output: wgpu::Buffer,
    staging: wgpu::Buffer,
}

/// A submit that is not yet read back.
#[derive(Debug)]
struct UnderWay {
    scratch: Scratch,
    index: wgpu::SubmissionIndex,
    size: u64,
    parts: Vec<Range<usize>>,
    /// The first tensor's.
    name: String,
}

impl Gpu {
    /// Fills on the device and reads back: the bytes `from..from + out.len()` of the fill.
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

    /// Fills ranges of bytes on the device, each `(fill, from, len)`, and hands them to `sink` in order, at most 32 MiB at once:
    /// while the sink works on some, the device fills and copies the next. After an error what is under way is dropped.
    ///
    /// # Errors
    /// [`Error::Buffer`] where a `from` is no multiple of 4 or a range leaves its fill; [`Error::Device`] where the device
    /// fails or has too little memory; whatever `sink` returns.
    pub async fn stream<'a>(
        &self,
        ranges: impl IntoIterator<Item = (&'a Fill, u64, u64)>,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut free = self.scratch.lock().map(|mut kept| std::mem::take(&mut *kept)).unwrap_or_default();
        while free.len() < IN_FLIGHT {
            free.push(self.scratch().await?);
        }
        let chunk = free[0].output.size();
        let mut under_way = VecDeque::new();
        let matrices = RangeFiller::new(cpu::Level::best());
        // What the next submit fills, and where in its buffer there is room.
        let (mut items, mut at) = (Vec::new(), 0);
        for (fill, from, len) in ranges {
            fill.check_range(from, len)?;
            let mut done = 0;
            while done < len {
                let here = (chunk - at).min(len - done);
                items.push(Item { fill, from: from + done, len: here, offset: at });
                done += here;
                // Where whole 16-byte steps are stored.
                at = (at + here).next_multiple_of(16);
                if at >= chunk || items.len() >= RANGES {
                    let scratch = self.free(&mut free, &mut under_way, sink).await?;
                    under_way.push_back(self.submit(&items, scratch, &matrices).await?);
                    items.clear();
                    at = 0;
                }
            }
        }
        if !items.is_empty() {
            let scratch = self.free(&mut free, &mut under_way, sink).await?;
            under_way.push_back(self.submit(&items, scratch, &matrices).await?);
        }
        while !under_way.is_empty() {
            free.push(self.finish(&mut under_way, sink).await?);
        }
        if let Ok(mut kept) = self.scratch.lock() {
            *kept = free;
        }
        Ok(())
    }

    /// Buffers for the next submit.
    async fn free(
        &self,
        free: &mut Vec<Scratch>,
        under_way: &mut VecDeque<UnderWay>,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<Scratch> {
        match free.pop() {
            Some(scratch) => Ok(scratch),
            None => self.finish(under_way, sink).await,
        }
    }

    /// Submits the fills of ranges and their copy.
    async fn submit(&self, items: &[Item<'_>], scratch: Scratch, matrices: &RangeFiller) -> Result<UnderWay> {
        let parts: Vec<Range<usize>> = items.iter().map(|i| i.offset as usize..(i.offset + i.len) as usize).collect();
        let size = parts.last().map_or(0, |part| part.end as u64).next_multiple_of(4);
        let whole: Vec<Item<'_>> = items.iter().map(|i| Item { len: i.len.next_multiple_of(4), ..*i }).collect();
        let scope = Scope::begin(&self.device);
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        self.filler.record_items(&mut encoder, &whole, &scratch.output, matrices)?;
        encoder.copy_buffer_to_buffer(&scratch.output, 0, &scratch.staging, 0, size);
        let index = self.queue.submit([encoder.finish()]);
        let name = items.first().map_or("", |i| i.fill.name()).to_owned();
        scope.end(&format!("{size} bytes were not submitted")).await.map_err(|e| e.in_tensor(&name))?;
        Ok(UnderWay { scratch, index, size, parts, name })
    }

    /// Waits for the oldest submit, hands its bytes over and frees its buffers.
    async fn finish(
        &self,
        under_way: &mut VecDeque<UnderWay>,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<Scratch> {
        let Some(UnderWay { scratch, index, size, parts, name }) = under_way.pop_front() else {
            return Err(Error::Device("no submit to wait for".to_owned()));
        };
        read_mapped(&self.device, &scratch.staging, size, Some(index), |bytes| {
            parts.into_iter().try_for_each(|part| sink(&bytes[part]))
        })
        .await
        .map_err(|e| e.in_tensor(&name))??;
        Ok(scratch)
    }

    async fn scratch(&self) -> Result<Scratch> {
        let size = CHUNK.min(self.device.limits().max_buffer_size) & !15;
        let scope = Scope::begin(&self.device);
        let buffer = |usage| {
            self.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("seedbed scratch"),
                size,
                usage,
                mapped_at_creation: false,
            })
        };
        let scratch = Scratch {
            output: buffer(wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST),
            staging: buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST),
        };
        scope.end(&format!("two buffers of {size} bytes")).await?;
        Ok(scratch)
    }
}
