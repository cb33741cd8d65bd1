//! A GPU: fills of every size that its memory holds, beside its own clear and copy.

use super::clock::{Clock, Sample};
use super::laws::Measured;
use super::report::{Best, FillRow, HOST, ManyRow, Preparation, Report, Served};
use super::{Options, SMALL, host, reason, seconds};
use crate::terminal::signals;
use seedbed::gpu::{Gpu, PlacedFill, blocking, driver, is_software, wgpu};
use seedbed::plan::Plan;
use seedbed::{DType, Fill, Result, Rounding};

/// Elements of the fills, as far as memory allows.
const SIZES: [u64; 4] = [1 << 20, 1 << 24, 1 << 28, 1 << 32];

/// Elements of orthogonal matrices at most, unless a size is asked for: they take far longer than other laws.
const MATRICES: u64 = 1 << 24;

/// The sizes up to `cap`, and `cap` itself.
fn sizes(cap: u64) -> Vec<u64> {
    let mut sizes: Vec<u64> = SIZES.into_iter().filter(|&s| s < cap).collect();
    sizes.push(cap);
    sizes
}

pub(super) fn measure(
    gpu: &Gpu,
    options: &Options,
    plan: &Plan,
    report: &mut Report,
    progress: &mut dyn FnMut(String),
) -> Result<()> {
    let info = gpu.info();
    let software = is_software(info);
    report.device = Served {
        kind: "gpu",
        name: info.name.clone(),
        level: None,
        threads: seedbed::cpu::threads(),
        backend: Some(info.backend.to_string()),
        driver: Some(driver(info)),
        tier: Some(gpu.filler().tier().to_string()),
        multiply: Some(gpu.filler().mul_wide().to_string()),
        software,
        checked: !options.unchecked_native_fma,
    };
    let clock = Clock::new(gpu)?;
    report.timing = clock.describe().to_owned();
    let default = match (options.quick, software) {
        (true, _) => 1 << 18,
        (_, true) => 1 << 24,
        _ => 1 << 32,
    };
    let cap = options.elements.unwrap_or(default).max(1);
    // A software adapter takes the host's memory, for the fill and for its copy.
    let most = gpu.device().limits().max_buffer_size.min(if software { host::budget() / 2 } else { u64::MAX });
    for elements in sizes(cap) {
        for (law, dtype, rounding) in options.work() {
            let what = format!("{} {dtype}, {rounding}, {elements} elements", law.name);
            if elements.saturating_mul(dtype.size()) > most {
                report.notes.push(format!("{what} left out: a buffer holds {most} bytes here"));
                continue;
            }
            if law.is_orthogonal() && elements > MATRICES && options.elements.is_none() {
                report.notes.push(format!("{what} left out: --size measures it"));
                continue;
            }
            progress(what.clone());
            // The device makes whole matrices in f32; the others are made by the host.
            let by_host = law.is_orthogonal() && (software || options.unchecked_native_fma || dtype != DType::F32);
            let by = if by_host { HOST } else { "device" };
            let row = FillRow::new(law.name, dtype, rounding, law.shape(elements), by.to_owned());
            let measured = law.fill(dtype, rounding, elements).and_then(|fill| {
                report.preparation.extend(prepare(gpu, &format!("{} {dtype}, {rounding}", law.name), &fill)?);
                times(gpu, &clock, options, &fill, by_host)
            });
            match measured {
                Ok(Some((best, cold))) => report.fills.push(row.measured(best, Some(cold))),
                Ok(None) => report.notes.push(format!("{what} left out: no memory for it")),
                Err(error) => report.fills.push(FillRow { error: Some(reason(error)?), ..row }),
            }
        }
    }
    progress(format!("{} tensors of {SMALL} elements", plan.tensors().len()));
    report.many.extend(many(gpu, &clock, options, plan)?);
    if report.many.is_empty() {
        report.notes.push(format!("many tensors left out: no memory for {} bytes", plan.device_bytes()));
    }
    Ok(())
}

/// A buffer, unless the device has no memory for it.
fn alloc(gpu: &Gpu, size: u64, usage: wgpu::BufferUsages) -> Option<wgpu::Buffer> {
    if size > gpu.device().limits().max_buffer_size {
        return None;
    }
    let scope = gpu.device().push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: Some("seedbed bench"),
        size,
        usage,
        mapped_at_creation: false,
    });
    pollster::block_on(scope.pop()).is_none().then_some(buffer)
}

/// Prepares the kernels of a fill; none where they are there.
fn prepare(gpu: &Gpu, what: &str, fill: &Fill) -> Result<Option<Preparation>> {
    signals::check()?;
    if gpu.filler().is_prepared(fill) {
        return Ok(None);
    }
    let seconds = seconds(|| blocking::prepare(gpu.filler(), fill))?;
    Ok(Some(Preparation { what: what.to_owned(), seconds }))
}

/// The best rounds of one fill, and the seconds of the first; none where there is no memory. What the host makes is
/// made while it is recorded.
fn times(gpu: &Gpu, clock: &Clock<'_>, options: &Options, fill: &Fill, by_host: bool) -> Result<Option<(Best, f64)>> {
    use seedbed::gpu::wgpu::BufferUsages as U;
    let bytes = fill.device_bytes();
    let Some(out) = alloc(gpu, bytes, U::STORAGE | U::COPY_SRC | U::COPY_DST) else {
        return Ok(None);
    };
    let record = |encoder: &mut wgpu::CommandEncoder| gpu.filler().record(encoder, fill, &out, 0);
    let whole = |sample: Sample| sample.wall + if by_host { sample.record } else { 0.0 };
    let cold = whole(clock.time(record)?);
    let target = alloc(gpu, bytes, U::COPY_DST);
    let mut best = Best::NONE;
    options.pace().run(|| {
        let clear = clock.time(|encoder| {
            encoder.clear_buffer(&out, 0, None);
            Ok(())
        })?;
        best.clear = best.clear.min(clear.device);
        let filled = clock.time(record)?;
        best.fill = best.fill.min(if by_host { whole(filled) } else { filled.device });
        best.fill_wall = best.fill_wall.min(whole(filled));
        if let Some(target) = &target {
            let copy = clock.time(|encoder| {
                encoder.copy_buffer_to_buffer(&out, 0, target, 0, bytes);
                Ok(())
            })?;
            best.copy = best.copy.min(copy.device);
        }
        Ok(())
    })?;
    out.destroy();
    if let Some(target) = target {
        target.destroy();
    }
    Ok(Some((best, cold)))
}

/// Bytes of the pages that small tensors share in the memory of an engine.
const PAGE: u64 = 8 << 20;

/// The best rounds of many tensors: on the device, recording, and all of it.
#[derive(Clone, Copy)]
struct Many([f64; 3]);

impl Many {
    fn keep(&mut self, now: Sample) {
        for (best, now) in self.0.iter_mut().zip([now.device, now.record, now.record + now.wall]) {
            *best = best.min(now);
        }
    }
}

/// One recording of the whole plan, one of its tensors in pages, and one of a single tensor of the same size.
fn many(gpu: &Gpu, clock: &Clock<'_>, options: &Options, plan: &Plan) -> Result<Vec<ManyRow>> {
    let tensors = plan.tensors().len() as u64;
    let whole = Measured::normal().fill(DType::F32, Rounding::NearestEven, tensors * SMALL)?;
    let size = plan.device_bytes().max(whole.device_bytes());
    let each = 4 * SMALL;
    let pages = (0..(tensors * each).div_ceil(PAGE)).map(|_| alloc(gpu, PAGE, wgpu::BufferUsages::STORAGE)).collect();
    let (Some(arena), Some(pages)) = (alloc(gpu, size, wgpu::BufferUsages::STORAGE), pages) else {
        return Ok(Vec::new());
    };
    let pages: Vec<wgpu::Buffer> = pages;
    let fills: Vec<Fill> = plan.tensors().iter().map(|tensor| tensor.fill()).collect();
    let placed: Vec<PlacedFill<'_>> = (fills.iter().zip(0..))
        .map(|(fill, i): (_, u64)| {
            let at = i * each;
            PlacedFill { fill, buffer: &pages[(at / PAGE) as usize], offset: at % PAGE }
        })
        .collect();
    blocking::prepare(gpu.filler(), plan)?;
    blocking::prepare(gpu.filler(), &whole)?;
    let [mut as_plan, mut in_pages, mut one] = [Many([f64::INFINITY; 3]); 3];
    options.pace().run(|| {
        as_plan.keep(clock.time(|encoder| gpu.filler().record_plan(encoder, plan, &arena, 0))?);
        in_pages.keep(clock.time(|encoder| gpu.filler().record_all(encoder, &placed))?);
        one.keep(clock.time(|encoder| gpu.filler().record(encoder, &whole, &arena, 0))?);
        Ok(())
    })?;
    arena.destroy();
    pages.iter().for_each(wgpu::Buffer::destroy);
    let Many([one_seconds, _, one_wall]) = one;
    let row = |how, Many([seconds, record_seconds, wall]): Many| ManyRow {
        how,
        tensors,
        elements_each: SMALL,
        seconds,
        record_seconds,
        tensors_per_s: tensors as f64 / wall,
        one_seconds,
        of_one: one_seconds / seconds,
        of_one_wall: one_wall / wall,
    };
    Ok(vec![row("as one plan", as_plan), row("in pages of 8 MiB (record_all)", in_pages)])
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_end_at_the_cap() {
        assert_eq!(super::sizes(100), [100]);
        assert_eq!(super::sizes(1 << 20), [1 << 20]);
        assert_eq!(super::sizes(1 << 25), [1 << 20, 1 << 24, 1 << 25]);
        assert_eq!(super::sizes(1 << 32), super::SIZES);
    }
}
