//! Recording fills into an engine's own command encoder and buffer.

use super::kernels::{Kernels, MulWide, Tier};
use super::scope::Scope;
use super::selftest;
use crate::descriptor::kind;
use crate::fill::Fill;
use crate::plan::Plan;
use crate::window::{Entry, KernelId, Tables};
use crate::{DType, Error, Result};

/// Words of one dispatch at most. 32-bit element indices stay below 2^31; and a display driver's watchdog, two seconds on some
/// systems, must not end a dispatch: the soft tier is twenty times slower.
fn window_words(tier: Tier) -> u64 {
    match tier {
        Tier::NativeFma => 1 << 29,
        Tier::SoftFma => 1 << 24,
    }
}

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

impl Options {
    fn mul_wide_on(&self, device: &wgpu::Device) -> Result<MulWide> {
        let has_u64 = device.features().contains(wgpu::Features::SHADER_INT64);
        match self.mul_wide.unwrap_or(if has_u64 { MulWide::U64 } else { MulWide::U32 }) {
            MulWide::U64 if !has_u64 => {
                Err(Error::Device("the device was opened without SHADER_INT64: take MulWide::U32".to_owned()))
            }
            mul_wide => Ok(mul_wide),
        }
    }

    fn kernel_ids(&self) -> Vec<KernelId> {
        let dtypes = if self.dtypes.is_empty() { DType::ALL.to_vec() } else { self.dtypes.clone() };
        dtypes.into_iter().flat_map(|d| Entry::ALL.map(|e| (d, e))).collect()
    }
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
    /// Though `async`, on native devices it polls the device until the self-test is read back: some milliseconds of work, and
    /// whatever the queue held before. Call it while loading, not in a frame.
    ///
    /// # Errors
    /// [`Error::Device`] where no tier gives the twin's bits, or the device is lost.
    pub async fn new(device: &wgpu::Device, queue: &wgpu::Queue, options: &Options) -> Result<Self> {
        let mut bricks = vec![options.mul_wide_on(device)?];
        if options.mul_wide.is_none() && bricks[0] == MulWide::U64 {
            bricks.push(MulWide::U32);
        }
        let tiers = options.tier.map_or(vec![Tier::NativeFma, Tier::SoftFma], |tier| vec![tier]);
        let mut failed = Vec::new();
        for mul_wide in bricks {
            for &tier in &tiers {
                match Self::checked(device, queue, mul_wide, tier, &options.kernel_ids()).await {
                    Ok(filler) => return Ok(filler),
                    Err(e) => failed.push(format!("{tier}, {mul_wide}: {e}")),
                }
            }
        }
        Err(Error::Device(format!("no kernels give the CPU's bits ({}); use the CPU", failed.join("; "))))
    }

    /// The kernels of one choice of bricks, where they give the twin's bits.
    async fn checked(
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        mul_wide: MulWide,
        tier: Tier,
        ids: &[KernelId],
    ) -> Result<Self> {
        // One small kernel tells a device that rounds twice; the others are only compiled where it passes.
        let probe = [(DType::F32, Entry::Aligned(kind::NORMAL))];
        let mut filler = None;
        for ids in [&probe, ids] {
            let built = Self::build(device, mul_wide, tier, ids.iter().copied()).await?;
            let differing = selftest::differing_words(&built, device, queue).await?;
            if differing != 0 {
                return Err(Error::Device(format!("{differing} words differ")));
            }
            filler = Some(built);
        }
        filler.ok_or_else(|| Error::Device("no kernels were asked for".to_owned()))
    }

    /// For benchmarks: compiles the kernels and skips the self-test. **The bits may not be the stream's**, as where native
    /// `fma` is taken on a driver that rounds it twice: measure with it, never fill weights. Without a tier it takes native `fma`.
    ///
    /// # Errors
    /// [`Error::Device`] where the kernels do not compile.
    #[doc(hidden)]
    pub async fn unchecked(device: &wgpu::Device, options: &Options) -> Result<Self> {
        let tier = options.tier.unwrap_or(Tier::NativeFma);
        Self::build(device, options.mul_wide_on(device)?, tier, options.kernel_ids()).await
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
        let item = Item { fill, from, len, offset };
        self.check(&item, buffer)?;
        self.record_items(encoder, &[item], buffer)
    }

    /// Records every tensor of a plan, each at `offset` plus its own [`device_offset`]: [`Plan::device_bytes`] bytes in all. One
    /// dispatch a kind of kernel, however many tensors there are.
    ///
    /// # Errors
    /// As [`Filler::record`]; the offset must keep the plan's bytes inside the buffer.
    ///
    /// [`device_offset`]: crate::plan::PlannedTensor::device_offset
    pub fn record_plan(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        plan: &Plan,
        buffer: &wgpu::Buffer,
        offset: u64,
    ) -> Result<()> {
        self.record_plan_range(encoder, plan, 0, plan.device_bytes(), buffer, offset)
    }

    /// Records the bytes `from..from + len` of a plan's arena: one of several buffers that hold a model between them, each its own
    /// stretch. A tensor may lie across two of them.
    ///
    /// # Errors
    /// As [`Filler::record`]; also where `from` or `len` is no multiple of 4, or the range leaves the plan.
    pub fn record_plan_range(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        plan: &Plan,
        from: u64,
        len: u64,
        buffer: &wgpu::Buffer,
        offset: u64,
    ) -> Result<()> {
        let end = from.checked_add(len).filter(|&end| end <= plan.device_bytes());
        let (true, true, Some(end)) = (from.is_multiple_of(4), len.is_multiple_of(4), end) else {
            return Err(Error::Buffer(format!(
                "bytes {from} + {len} of a plan: multiples of 4 that end by {} are needed",
                plan.device_bytes()
            )));
        };
        check_buffer(buffer, offset, len)?;
        let reached = plan.tensors().partition_point(|t| t.device_offset() < end);
        let fills: Vec<(u64, Fill)> = plan.tensors()[..reached]
            .iter()
            .filter(|t| t.device_end() > from)
            .map(|t| (t.device_offset(), t.fill()))
            .collect();
        let items: Vec<Item<'_>> = fills
            .iter()
            .map(|(at, fill)| {
                let (first, last) = (from.max(*at), end.min(at + fill.device_bytes()));
                Item { fill, from: first - at, len: last - first, offset: offset + (first - from) }
            })
            .collect();
        self.record_items(encoder, &items, buffer)
    }

    fn check(&self, item: &Item<'_>, buffer: &wgpu::Buffer) -> Result<()> {
        item.fill.check_range(item.from, item.len)?;
        check_buffer(buffer, item.offset, item.len).map_err(|e| e.in_tensor(item.fill.name()))
    }

    /// Records items in ascending order of offset: as many as one binding reaches go into one window.
    fn record_items(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        items: &[Item<'_>],
        buffer: &wgpu::Buffer,
    ) -> Result<()> {
        let reach = self.max_binding.min(4 * window_words(self.tier()));
        let mut tables = Tables::default();
        // The binding that is being filled up: its first byte, and the end of what it holds.
        let (mut start, mut end) = (0, 0);
        for item in items {
            let mut done = 0;
            while done < item.len {
                let at = item.offset + done;
                if !tables.dispatches.is_empty() && at >= start + reach {
                    self.record_tables(encoder, &std::mem::take(&mut tables), (buffer, start, end - start))?;
                }
                if tables.dispatches.is_empty() {
                    start = at - at % self.align;
                }
                let len = (item.len - done).min(start + reach - at);
                let first = (item.from + done) / 4;
                tables.add(item.fill, first, first + len / 4, ((at - start) / 4) as u32);
                end = at + len;
                done += len;
            }
        }
        if tables.dispatches.is_empty() {
            return Ok(());
        }
        self.record_tables(encoder, &tables, (buffer, start, end - start))
    }

    fn record_tables(
        &self,
        encoder: &mut wgpu::CommandEncoder,
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
            let size = bytes.len() as u64 - at;
            parts.push((self.kernels.get(dispatch.kernel)?, dispatch.size(), at, size));
        }
        if bytes.len() as u64 > self.max_binding {
            return Err(Error::Placement(format!(
                "{} descriptors in one window take {} bytes, the device binds {}; record fewer tensors at once",
                tables.descriptors.len(),
                bytes.len(),
                self.max_binding
            )));
        }
        let scope = Scope::begin(&self.device);
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
        for (pipeline, (x, y), at, part_size) in parts {
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
            pass.set_pipeline(pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(x, y, 1);
        }
        drop(pass);
        scope.end_now("the fill cannot be recorded")
    }
}

/// Bytes `from..from + len` of a fill, to be written from byte `offset` of a buffer.
#[derive(Clone, Copy, Debug)]
struct Item<'a> {
    fill: &'a Fill,
    from: u64,
    len: u64,
    offset: u64,
}

fn check_buffer(buffer: &wgpu::Buffer, offset: u64, len: u64) -> Result<()> {
    if !buffer.usage().contains(wgpu::BufferUsages::STORAGE) {
        return Err(Error::Buffer(format!("usage {:?} lacks STORAGE", buffer.usage())));
    }
    if !offset.is_multiple_of(4) || !len.is_multiple_of(4) {
        return Err(Error::Buffer(format!("offset {offset} and length {len} must be multiples of 4")));
    }
    if offset.checked_add(len).is_none_or(|end| end > buffer.size()) {
        return Err(Error::Buffer(format!("{len} bytes at offset {offset} exceed its {} bytes", buffer.size())));
    }
    Ok(())
}
