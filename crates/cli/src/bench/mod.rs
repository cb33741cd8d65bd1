//! How fast fills are, beside what the device can do at best with the same bytes in the same run: its own clear and
//! copy on a GPU, memset on the CPU.
//!
//! What is compared is interleaved (clear, fill, copy, clear and so on), and each keeps its best round: other work on
//! the machine slows rounds down, it never speeds one up. A figure is bytes written per second, for a copy too.

pub mod laws;
mod clock;
mod host;
mod report;
mod cpu;
mod gpu;
pub mod text;

use crate::terminal::signals;
use host::Load;
use laws::Measured;
pub use report::Report;
use report::{FirstByte, Preparation};

use seedbed::gpu::{Choice, FillerOptions, Gpu, KernelSet, blocking, is_software};
use seedbed::plan::{Plan, TensorSpec};
use seedbed::scheme::Scheme;
use seedbed::{DType, Error, Result, Rounding, StreamVersion};
use std::time::{Duration, Instant};

/// Elements of each of the many small tensors.
pub const SMALL: u64 = 4096;

/// What to measure.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Only to see that it works: small sizes, two rounds.
    pub quick: bool,
    /// The largest number of elements of one fill; where none is given, 4 Gi on a hardware GPU, else 16 Mi.
    pub elements: Option<u64>,
    /// Names among [`laws::names`]; the usual ones where the list is empty.
    pub laws: Vec<&'static str>,
    /// The dtypes; all of them where the list is empty.
    pub dtypes: Vec<DType>,
    /// How values are rounded; to nearest where the list is empty.
    pub roundings: Vec<Rounding>,
    /// Runs the kernels with native `fma` even where they fail the self-test: their speed is of interest, their bits
    /// are not.
    pub unchecked_native_fma: bool,
}

impl Options {
    fn dtypes(&self) -> Vec<DType> {
        if self.dtypes.is_empty() { DType::ALL.to_vec() } else { self.dtypes.clone() }
    }

    /// What is measured at each size.
    fn work(&self) -> Vec<(Measured, DType, Rounding)> {
        let roundings = if self.roundings.is_empty() { vec![Rounding::NearestEven] } else { self.roundings.clone() };
        let mut work = Vec::new();
        for dtype in self.dtypes() {
            for law in laws::named(&self.laws) {
                work.extend(roundings.iter().map(|&rounding| (law, dtype, rounding)));
            }
        }
        work
    }

    fn pace(&self) -> Pace {
        if self.quick {
            Pace { least: 2, most: 2, budget: Duration::ZERO }
        } else {
            Pace { least: 5, most: 50, budget: Duration::from_millis(500) }
        }
    }

    /// How many small tensors a plan holds.
    fn tensors(&self) -> u64 {
        let most = self.elements.map_or(u64::MAX, |n| (n / SMALL).max(1));
        let held = host::budget() / (4 * SMALL);
        most.min(held).min(if self.quick { 100 } else { 10_000 })
    }
}

/// How many rounds: at least `least`, then more until there are `most` or the time is spent.
#[derive(Clone, Copy)]
struct Pace {
    least: u32,
    most: u32,
    budget: Duration,
}

impl Pace {
    fn run(self, mut round: impl FnMut() -> Result<()>) -> Result<()> {
        let start = Instant::now();
        let mut done = 0;
        while done < self.least || done < self.most && start.elapsed() < self.budget {
            round()?;
            signals::check()?;
            done += 1;
        }
        Ok(())
    }
}

/// Seconds that `work` takes.
fn seconds(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

/// Why a tensor cannot be planned, which a row then says; other errors end the run.
fn reason(error: Error) -> Result<String> {
    match error {
        Error::Tensor { source, .. } if matches!(*source, Error::Law(_) | Error::Shape { .. }) => {
            Ok(source.to_string())
        }
        other => Err(other),
    }
}

/// Many small tensors, and how many microseconds each took to plan.
fn plan_many(tensors: u64) -> Result<(Plan, f64)> {
    let mut best = f64::INFINITY;
    let mut plan = Plan::new(StreamVersion::V1, 1);
    for _ in 0..5 {
        plan = Plan::new(StreamVersion::V1, 1);
        best = best.min(seconds(|| {
            for i in 0..tensors {
                plan.push(&TensorSpec::new(
                    format!("layers.{i}.weight"),
                    [64, SMALL / 64],
                    Scheme::normal(0.0, 0.02),
                )?)?;
            }
            Ok(())
        })?);
    }
    Ok((plan, best * 1e6 / tensors as f64))
}

/// Measures what `choice` names. `started` is when the process began; `notice` is told what the user should know,
/// `progress` what is being measured.
///
/// # Errors
/// [`Error::Device`] where the device cannot be opened, fails or is lost; [`Error::Io`] once a signal has come.
pub fn bench(
    choice: Choice,
    options: &Options,
    started: Instant,
    notice: &mut dyn FnMut(String),
    progress: &mut dyn FnMut(String),
) -> Result<Report> {
    let mut load = Load::begin();
    load.warnings.iter().for_each(|text| notice(text.clone()));
    let told = load.warnings.len();
    let open_start = Instant::now();
    let mut f32_alone = FillerOptions::default();
    f32_alone.kernels = KernelSet::of_schemes(&[Scheme::normal(0.0, 0.02)], &[DType::F32])?;
    let opened = blocking::open(choice, &f32_alone, notice)?;
    let open_seconds = open_start.elapsed().as_secs_f64();
    signals::check()?;
    let first = Measured::normal().fill(DType::F32, Rounding::NearestEven, 1 << 20)?;
    let mut bytes = vec![0; first.bytes() as usize];
    let fill_seconds = seconds(|| match &opened {
        Some(gpu) => blocking::fill_range(gpu, &first, 0, &mut bytes),
        None => seedbed::cpu::fill(&first, &mut bytes),
    })?;
    let total_seconds = started.elapsed().as_secs_f64();
    drop(bytes);
    let first_byte = FirstByte { open_seconds, fill_seconds, total_seconds };
    let mut report = Report::new(options.quick, first_byte, load.clone());
    let tensors = options.tensors();
    progress(format!("planning {tensors} tensors"));
    let (plan, planning) = plan_many(tensors)?;
    report.planning_us = planning;
    match opened {
        Some(gpu) => {
            gpu::measure(&unprepared(&gpu, options, &mut report.notes)?, options, &plan, &mut report, progress)?;
            prepare_all(&gpu, options, &mut report, progress)?;
        }
        None if options.unchecked_native_fma => {
            return Err(Error::Device("the native-fma kernels need a GPU: give --device gpu or gpu:N".to_owned()));
        }
        None => cpu::measure(options, &plan, &mut report, progress)?,
    }
    // What computes on the host keeps all of its cores busy; what waits for a GPU one.
    load.end(if report.device.kind == "gpu" && !report.device.software { 1 } else { report.device.threads });
    load.warnings[told..].iter().for_each(|text| notice(text.clone()));
    report.load = load;
    Ok(report)
}

/// The same device with a filler that has prepared nothing yet, so that each law's kernels can be timed.
fn unprepared(gpu: &Gpu, options: &Options, notes: &mut Vec<String>) -> Result<Gpu> {
    let mut kernels = FillerOptions::default();
    kernels.orthogonal = !is_software(gpu.info());
    let (device, queue) = (gpu.device().clone(), gpu.queue().clone());
    let filler = if options.unchecked_native_fma {
        notes.push("native fma, unchecked: the bits may not be the stream's".to_owned());
        kernels.tier = Some(seedbed::gpu::Tier::NativeFma);
        blocking::filler_unchecked(&device, &queue, &kernels)?
    } else {
        blocking::filler(&device, &queue, &kernels)?
    };
    Ok(Gpu::from_parts(gpu.info().clone(), device, queue, filler))
}

/// Prepares every kernel that there is: on a software adapter, where that takes a minute or more, only where every law
/// is measured.
fn prepare_all(gpu: &Gpu, options: &Options, report: &mut Report, progress: &mut dyn FnMut(String)) -> Result<()> {
    if options.quick || is_software(gpu.info()) && !options.laws.contains(&laws::ALL) {
        return Ok(());
    }
    progress("every kernel".to_owned());
    let gpu = unprepared(gpu, options, &mut Vec::new())?;
    let seconds = seconds(|| blocking::prepare(gpu.filler(), KernelSet::all()))?;
    report.preparation.push(Preparation { what: "every kernel".to_owned(), seconds });
    Ok(())
}
