//! How long the device takes for what is recorded: by its own timestamps or, without them, by the host's clock.

use seedbed::gpu::{Gpu, wgpu};
use seedbed::{Error, Result};
use std::time::Instant;

/// Seconds of one submission.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// On the device by its timestamps; without them, as long as the host waited.
    pub device: f64,
    /// From the submission until the host knows that it is done.
    pub wall: f64,
    /// What the host took to record it.
    pub record: f64,
}

/// Times submissions.
pub(super) struct Clock<'a> {
    gpu: &'a Gpu,
    stamps: Option<Stamps>,
}

struct Stamps {
    set: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    staging: wgpu::Buffer,
    /// Seconds of one tick.
    period: f64,
}

impl<'a> Clock<'a> {
    /// A clock with timestamps where the device has them and they can be believed.
    pub fn new(gpu: &'a Gpu) -> Result<Self> {
        let device = gpu.device();
        if !device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Ok(Self { gpu, stamps: None });
        }
        let buffer = |usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("seedbed timestamps"),
                size: 16,
                usage,
                mapped_at_creation: false,
            })
        };
        let stamps = Stamps {
            set: device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("seedbed timestamps"),
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            }),
            resolved: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC),
            staging: buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST),
            period: f64::from(gpu.queue().get_timestamp_period()) * 1e-9,
        };
        let mut clock = Self { gpu, stamps: Some(stamps) };
        let trial = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("seedbed trial"),
            size: 1 << 20,
            usage: wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let sample = clock.time(|encoder| {
            encoder.clear_buffer(&trial, 0, None);
            Ok(())
        })?;
        // A driver whose ticks stand still, or run faster than the host's clock, tells nothing.
        if !(sample.device > 0.0 && sample.device <= sample.wall) {
            clock.stamps = None;
        }
        Ok(clock)
    }

    /// What the figures are, for the report.
    pub fn describe(&self) -> &'static str {
        match self.stamps {
            Some(_) => "GPU timestamps; cold and wall figures around submit and wait",
            None => "no usable GPU timestamps: wall time around submit and wait",
        }
    }

    /// Records, submits and waits.
    pub fn time(&self, record: impl FnOnce(&mut wgpu::CommandEncoder) -> Result<()>) -> Result<Sample> {
        let (device, queue) = (self.gpu.device(), self.gpu.queue());
        let start = Instant::now();
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        self.mark(&mut encoder, 0);
        record(&mut encoder)?;
        self.mark(&mut encoder, 1);
        if let Some(s) = &self.stamps {
            encoder.resolve_query_set(&s.set, 0..2, &s.resolved, 0);
            encoder.copy_buffer_to_buffer(&s.resolved, 0, &s.staging, 0, 16);
        }
        let commands = encoder.finish();
        let record = start.elapsed().as_secs_f64();
        let start = Instant::now();
        queue.submit([commands]);
        device
            .poll(wgpu::PollType::wait_indefinitely())
            .map_err(|e| Error::Device(format!("waiting for the device failed: {e}")))?;
        let wall = start.elapsed().as_secs_f64();
        let Some(s) = &self.stamps else {
            return Ok(Sample { device: wall, wall, record });
        };
        let failed = |e: &dyn std::fmt::Display| Error::Device(format!("reading back timestamps failed: {e}"));
        let (sender, mapped) = std::sync::mpsc::channel();
        s.staging.map_async(wgpu::MapMode::Read, .., move |result| {
            // The receiver waits below.
            let _ = sender.send(result);
        });
        device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| failed(&e))?;
        mapped.recv().map_err(|e| failed(&e))?.map_err(|e| failed(&e))?;
        let stamps: Vec<u64> = {
            let view = s.staging.get_mapped_range(..).map_err(|e| failed(&e))?;
            view.chunks_exact(8).map(|c| u64::from_le_bytes(c.try_into().expect("8 bytes"))).collect()
        };
        s.staging.unmap();
        let ticks = stamps[1].saturating_sub(stamps[0]);
        Ok(Sample { device: ticks as f64 * s.period, wall, record })
    }

    /// An empty pass that writes one timestamp, once all before it is done: it needs no more than the feature that
    /// [`Gpu`] opens every device with, and takes in clears and copies too, which are in no pass.
    fn mark(&self, encoder: &mut wgpu::CommandEncoder, index: u32) {
        if let Some(s) = &self.stamps {
            encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                    query_set: &s.set,
                    beginning_of_pass_write_index: Some(index),
                    end_of_pass_write_index: None,
                }),
            });
        }
    }
}
