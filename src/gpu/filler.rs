//! Recording fills into an engine's own command encoder and buffer.

use super::kernels::{KernelId, Kernels, MulWide, Tier};
use super::selftest;
use crate::fill::Fill;
use crate::window::{Entry, Tables};
use crate::{DType, Error, Result};

/// Words of one window at most: 32-bit element indices stay below 2^31.
const MAX_WINDOW_WORDS: u64 = 1 << 29;

/// What a [`Filler`] is built with.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// The dtypes to build kernels for; none: all of them.
    pub dtypes: Vec<DType>,
    /// The tier; none: the first whose kernels pass the self-test, native `fma` before soft.
    pub tier: Option<Tier>,
    /// The multiplication; none: 64-bit where the device has [`wgpu::Features::SHADER_INT64`].
    pub mul_wide: Option<MulWide>,
}

/// The kernels of one device, compiled and checked against the CPU twin. Cheap to keep, costly to build.
#[derive(Debug)]
pub struct Filler {
    device: wgpu::Device,
    kernels: Kernels,
    align: u64,
    max_binding: u64,
}

impl Filler {
    /// Compiles the kernels on an engine's own device, and runs each once against the CPU twin (a few thousand elements).
    ///
    /// # Errors
    /// [`Error::Device`] where no tier gives the twin's bits, or the device is lost.
    pub async fn new(device: &wgpu::Device, queue: &wgpu::Queue, options: &Options) -> Result<Self> {
        let has_u64 = device.features().contains(wgpu::Features::SHADER_INT64);
        let mul_wide = options.mul_wide.unwrap_or(if has_u64 { MulWide::U64 } else { MulWide::U32 });
        if mul_wide == MulWide::U64 && !has_u64 {
            return Err(Error::Device("the device was opened without SHADER_INT64: take MulWide::U32".to_owned()));
        }
        let tiers = options.tier.map_or(vec![Tier::NativeFma, Tier::SoftFma], |tier| vec![tier]);
        let mut failed = Vec::new();
        for tier in tiers {
            // One small kernel tells a device that rounds twice; the others are only compiled where it passes.
            let probe =
                Self::build(device, mul_wide, tier, [(DType::F32, Entry::Contiguous(crate::descriptor::kind::NORMAL))])
                    .await?;
            let mut differing = selftest::differing_words(&probe, device, queue).await?;
            if differing == 0 {
                let dtypes = if options.dtypes.is_empty() { DType::ALL.to_vec() } else { options.dtypes.clone() };
                let ids = dtypes.iter().flat_map(|&d| Entry::ALL.map(|e| (d, e)));
                let filler = Self::build(device, mul_wide, tier, ids).await?;
                differing = selftest::differing_words(&filler, device, queue).await?;
                if differing == 0 {
                    return Ok(filler);
                }
            }
            failed.push(format!("{differing} words differ with {tier}"));
        }
        Err(Error::Device(format!("the kernels do not give the CPU's bits: {}; use the CPU", failed.join(", "))))
    }

    async fn build(
        device: &wgpu::Device,
        mul_wide: MulWide,
        tier: Tier,
        ids: impl IntoIterator<Item = KernelId>,
    ) -> Result<Self> {
        let limits = device.limits();
        Ok(Self {
            device: device.clone(),
            kernels: Kernels::new(device, mul_wide, tier, ids).await?,
            align: u64::from(limits.min_storage_buffer_offset_alignment.max(4)),
            max_binding: limits.max_storage_buffer_binding_size & !3,
        })
    }

    /// How `a * b + c` is rounded once on this device.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.kernels.tier
    }

    /// How words are multiplied on this device.
    #[must_use]
    pub fn mul_wide(&self) -> MulWide {
        self.kernels.mul_wide
    }

    pub(super) fn kernel_ids(&self) -> impl Iterator<Item = KernelId> + '_ {
        self.kernels.ids()
    }

    /// Records the whole fill into `encoder`: [`Fill::device_bytes`] bytes of `buffer` from byte `offset`.
    ///
    /// Nothing is submitted, waited for or read back. The recording owns its parameters: any number of fills can be
    /// recorded before one submit.
    ///
    /// # Errors
    /// [`Error::Buffer`] where `offset` is no multiple of 4, or the buffer is too small or lacks
    /// [`wgpu::BufferUsages::STORAGE`]; [`Error::Device`] where no kernel was built for the dtype.
    pub fn record(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        fill: &Fill,
        buffer: &wgpu::Buffer,
        offset: u64,
    ) -> Result<()> {
        self.record_range(encoder, fill, 0, fill.device_bytes(), buffer, offset)
    }

    /// Records the bytes `from..from + len` of a fill: a window of a tensor too large for one buffer.
    ///
    /// # Errors
    /// As [`Filler::record`]; also where `from` or `len` is no multiple of 4 or the range leaves the fill.
    pub fn record_range(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        fill: &Fill,
        from: u64,
        len: u64,
        buffer: &wgpu::Buffer,
        offset: u64,
    ) -> Result<()> {
        fill.check_range(from, len)?;
        if !len.is_multiple_of(4) {
            return Err(Error::Buffer(format!("{len} bytes are no multiple of 4")).in_tensor(fill.name()));
        }
        check_buffer(buffer, offset, len).map_err(|e| e.in_tensor(fill.name()))?;
        let mut done = 0;
        while done < len {
            let at = offset + done;
            let bind_start = at - at % self.align;
            let lead = (at - bind_start) / 4;
            let words = ((len - done) / 4).min(self.max_binding / 4 - lead).min(MAX_WINDOW_WORDS);
            let first = (from + done) / 4;
            let mut tables = Tables::default();
            tables.add(fill, first, first + words, lead as u32);
            self.record_tables(encoder, fill, &tables, (buffer, bind_start, (lead + words) * 4))?;
            done += words * 4;
        }
        Ok(())
    }

    fn record_tables(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        fill: &Fill,
        tables: &Tables,
        (buffer, start, size): (&wgpu::Buffer, u64, u64),
    ) -> Result<()> {
        // The parameters: the descriptors, then each dispatch's segments, each part aligned for a binding of its own.
        let mut bytes = bytemuck::cast_slice(&tables.descriptors).to_vec();
        let descriptors_size = bytes.len() as u64;
        let mut parts = Vec::new();
        for dispatch in &tables.dispatches {
            bytes.resize(bytes.len().next_multiple_of(self.align as usize), 0);
            let at = bytes.len() as u64;
            bytes.extend_from_slice(bytemuck::cast_slice(&dispatch.segments));
            parts.push((dispatch, at, bytes.len() as u64 - at));
        }
        if descriptors_size.max(parts.iter().map(|p| p.2).max().unwrap_or(0)) > self.max_binding {
            return Err(Error::Placement(format!(
                "{} descriptors in one window exceed the device's binding limit of {} bytes; fill a smaller range",
                tables.descriptors.len(),
                self.max_binding
            ))
            .in_tensor(fill.name()));
        }
        let parameters = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("seedbed parameters"),
            size: bytes.len() as u64,
            usage: wgpu::BufferUsages::STORAGE,
            mapped_at_creation: true,
        });
        parameters
            .get_mapped_range_mut(..)
            .map_err(|e| Error::Device(format!("parameters of {} bytes: {e}", bytes.len())))?
            .copy_from_slice(&bytes);
        parameters.unmap();
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for (dispatch, at, part_size) in parts {
            let bind = |binding: u32, buffer, offset, size| wgpu::BindGroupEntry {
                binding,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer,
                    offset,
                    size: std::num::NonZeroU64::new(size),
                }),
            };
            let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("seedbed"),
                layout: &self.kernels.layout,
                entries: &[
                    bind(0, &parameters, 0, descriptors_size),
                    bind(1, &parameters, at, part_size),
                    bind(2, buffer, start, size),
                ],
            });
            pass.set_pipeline(self.kernels.get((fill.dtype(), dispatch.entry))?);
            pass.set_bind_group(0, &group, &[]);
            let (x, y) = dispatch.size();
            pass.dispatch_workgroups(x, y, 1);
        }
        Ok(())
    }
}

fn check_buffer(buffer: &wgpu::Buffer, offset: u64, len: u64) -> Result<()> {
    if !buffer.usage().contains(wgpu::BufferUsages::STORAGE) {
        return Err(Error::Buffer(format!("usage {:?} lacks STORAGE", buffer.usage())));
    }
    if !offset.is_multiple_of(4) {
        return Err(Error::Buffer(format!("offset {offset} is no multiple of 4")));
    }
    if offset.checked_add(len).is_none_or(|end| end > buffer.size()) {
        return Err(Error::Buffer(format!("{len} bytes at offset {offset} exceed its {} bytes", buffer.size())));
    }
    Ok(())
}
