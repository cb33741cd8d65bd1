//! The CPU: all threads, one thread, and the levels below the best.

use super::report::{Best, FillRow, ManyRow, Report, Served};
use super::{Options, SMALL, fill_of, host, seconds};
use rayon::prelude::*;
use seedbed::cpu::{self, Level};
use seedbed::plan::Plan;
use seedbed::{DType, Error, Fill, Result, Scheme};
use std::hint::black_box;

/// Elements of a fill: 64 MiB of f32 do not fit in the caches.
const ELEMENTS: u64 = 1 << 24;
/// The levels below the best are slower by up to 20 times: a smaller fill says as much about them.
const LOWER_LEVELS: u64 = 1 << 20;
/// Bytes that one task clears: as many as one task fills.
const TASK: usize = 256 << 10;

pub(super) fn measure(
    options: &Options,
    plan: &Plan,
    report: &mut Report,
    progress: &mut dyn FnMut(String),
) -> Result<()> {
    let threads = cpu::threads();
    report.device = Served {
        kind: "cpu",
        name: host::processor().unwrap_or_else(|| "CPU".to_owned()),
        level: Some(Level::best().to_string()),
        threads,
        checked: true,
        ..Served::default()
    };
    report.timing = "wall time of each fill; clear is memset on the same threads".to_owned();
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .map_err(|e| Error::Device(format!("a pool of one thread: {e}")))?;
    let default = if options.quick { 1 << 18 } else { ELEMENTS };
    let elements = options.elements.unwrap_or(default).min(host::budget() / 4).max(1);
    for dtype in options.dtypes() {
        for (law, scheme) in options.laws()? {
            progress(format!("{law} {dtype}, {elements} elements"));
            let fill = fill_of(scheme, dtype, elements)?;
            let mut out = vec![0; fill.bytes() as usize];
            // A large vector of zeros is not mapped yet: the first fill pays for it.
            let cold = seconds(|| cpu::fill(&fill, &mut out))?;
            let (mut all, mut single) = (Best::NONE, Best::NONE);
            let best = Level::best();
            options.pace().run(|| {
                round(&fill, best, &mut out, &mut all)?;
                if threads > 1 { one.install(|| round(&fill, best, &mut out, &mut single)) } else { Ok(()) }
            })?;
            let row = |level: Level, elements, threads, best| {
                let row = FillRow::new(law, dtype, elements, level.to_string(), best);
                FillRow { threads: Some(threads), ..row }
            };
            report.fills.push(FillRow { cold_seconds: Some(cold), ..row(best, elements, threads, all) });
            if threads > 1 {
                report.fills.push(row(best, elements, 1, single));
            }
            let elements = elements.min(LOWER_LEVELS);
            let fill = fill_of(scheme, dtype, elements)?;
            for level in Level::available().into_iter().filter(|&l| l != best) {
                let mut found = Best::NONE;
                options.pace().run(|| round(&fill, level, &mut out[..fill.bytes() as usize], &mut found))?;
                report.fills.push(row(level, elements, threads, found));
            }
        }
    }
    progress(format!("{} tensors of {SMALL} elements", plan.tensors().len()));
    report.many = Some(many(options, plan)?);
    Ok(())
}

/// A clear and a fill, on the threads of the current pool.
fn round(fill: &Fill, level: Level, out: &mut [u8], best: &mut Best) -> Result<()> {
    let clear = seconds(|| {
        out.par_chunks_mut(TASK).for_each(|part| part.fill(black_box(0x5a)));
        Ok(())
    })?;
    let filled = seconds(|| cpu::fill_at(fill, level, out))?;
    black_box(&out);
    best.clear = best.clear.min(clear);
    best.fill = best.fill.min(filled);
    best.fill_wall = best.fill;
    Ok(())
}

/// The tensors are shared out among the threads; each tensor is filled by one thread.
fn many(options: &Options, plan: &Plan) -> Result<ManyRow> {
    let tensors = plan.tensors().len() as u64;
    let mut out = vec![0; plan.device_bytes() as usize];
    let whole = fill_of(Scheme::normal(0.0, 0.02), DType::F32, tensors * SMALL)?;
    let (mut best, mut one) = (f64::INFINITY, f64::INFINITY);
    options.pace().run(|| {
        best = best.min(seconds(|| {
            let parts = out.par_chunks_mut(4 * SMALL as usize);
            parts.zip(plan.tensors()).try_for_each(|(out, tensor)| cpu::fill(&tensor.fill(), out))
        })?);
        one = one.min(seconds(|| cpu::fill(&whole, &mut out))?);
        Ok(())
    })?;
    Ok(ManyRow {
        tensors,
        elements_each: SMALL,
        seconds: best,
        record_seconds: 0.0,
        tensors_per_s: tensors as f64 / best,
        one_seconds: one,
        of_one: one / best,
        of_one_wall: one / best,
    })
}
