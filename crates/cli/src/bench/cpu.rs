//! The CPU: all threads, one thread, and the levels below the best.

use super::laws::Measured;
use super::report::{Best, FillRow, ManyRow, Report, Served};
use super::{Options, SMALL, host, reason, seconds};
use rayon::prelude::*;
use seedbed::cpu::{self, Level};
use seedbed::plan::Plan;
use seedbed::{DType, Error, Fill, Result, Rounding};
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
    report.timing = "wall time of each fill".to_owned();
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .map_err(|e| Error::Device(format!("a pool of one thread: {e}")))?;
    let default = if options.quick { 1 << 18 } else { ELEMENTS };
    let elements = options.elements.unwrap_or(default).min(host::budget() / 4).max(1);
    for (law, dtype, rounding) in options.work() {
        let rows = Rows { options, law, dtype, rounding, elements };
        progress(rows.describe());
        match rows.measure(threads, &one) {
            Ok(rows) => report.fills.extend(rows),
            Err(error) => {
                let row = rows.row(Level::best(), elements, threads);
                report.fills.push(FillRow { error: Some(reason(error)?), ..row });
            }
        }
    }
    progress(format!("{} tensors of {SMALL} elements", plan.tensors().len()));
    report.many.push(many(options, plan)?);
    Ok(())
}

/// What is measured of one law, dtype and rounding.
struct Rows<'a> {
    options: &'a Options,
    law: Measured,
    dtype: DType,
    rounding: Rounding,
    elements: u64,
}

impl Rows<'_> {
    fn describe(&self) -> String {
        let Self { law, dtype, rounding, elements, .. } = self;
        format!("{} {dtype}, {rounding}, {elements} elements", law.name)
    }

    /// A row without figures.
    fn row(&self, level: Level, elements: u64, threads: usize) -> FillRow {
        let shape = self.law.shape(elements);
        let row = FillRow::new(self.law.name, self.dtype, self.rounding, shape, level.to_string());
        FillRow { threads: Some(threads), ..row }
    }

    /// All cores and one thread at the best level, and all cores at the others.
    fn measure(&self, threads: usize, one: &rayon::ThreadPool) -> Result<Vec<FillRow>> {
        let (best, pace) = (Level::best(), self.options.pace());
        let fill = self.law.fill(self.dtype, self.rounding, self.elements)?;
        let mut out = vec![0; fill.bytes() as usize];
        // A large vector of zeros is not mapped yet: the first fill pays for it.
        let cold = seconds(|| cpu::fill(&fill, &mut out))?;
        let (mut all, mut single) = (Best::NONE, Best::NONE);
        pace.run(|| {
            round(&fill, best, &mut out, &mut all)?;
            if threads > 1 { one.install(|| round(&fill, best, &mut out, &mut single)) } else { Ok(()) }
        })?;
        let mut rows = vec![self.row(best, self.elements, threads).measured(all, Some(cold))];
        if threads > 1 {
            rows.push(self.row(best, self.elements, 1).measured(single, None));
        }
        let elements = self.elements.min(LOWER_LEVELS);
        let fill = self.law.fill(self.dtype, self.rounding, elements)?;
        for level in Level::available().into_iter().filter(|&l| l != best) {
            let mut found = Best::NONE;
            pace.run(|| round(&fill, level, &mut out[..fill.bytes() as usize], &mut found))?;
            rows.push(self.row(level, elements, threads).measured(found, None));
        }
        Ok(rows)
    }
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
    let whole = Measured::normal().fill(DType::F32, Rounding::NearestEven, tensors * SMALL)?;
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
        how: "a fill each",
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
