//! What the kernels cost, by the compilers of drivers: every pipeline of the library made on RADV's null device, for
//! GPUs that are not there, and its machine code counted. `tests/run.sh --compilers` runs it.

mod bounds;
mod device;
mod isa;
mod table;
mod tools;
mod translate;

use bounds::Bounds;
use seedbed::gpu::{MulWide, Tier};
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

const USAGE: &str = "usage: compilers [--json] [--check | --write-bounds] [--keep DIRECTORY]

Makes every pipeline of the library on RADV's null device and prints what each costs.

  --json            the figures as JSON instead of tables
  --check           fails where a pipeline costs more than bounds.toml says, or has no bound there
  --write-bounds    writes bounds.toml anew
  --keep DIRECTORY  leaves SPIR-V, HLSL, MSL, WGSL and machine code there";

/// A GPU by the names that versions of Mesa have for it, and the tiers that are compiled for it: the tier that it takes
/// comes first.
const GPUS: [(&str, &[&str], &[Tier]); 3] = [
    ("polaris10", &["polaris10"], &[Tier::SoftFma, Tier::NativeFma]),
    ("navi21", &["navi21"], &[Tier::NativeFma]),
    ("gfx1100", &["gfx1100", "navi31"], &[Tier::NativeFma]),
];

/// All pipelines of one tier on one GPU.
#[derive(Debug, Serialize)]
pub struct Costs {
    pub gpu: &'static str,
    pub device: String,
    pub driver: String,
    pub tier: &'static str,
    pub pipelines: Vec<Cost>,
}

/// What one pipeline costs.
#[derive(Debug, Serialize)]
pub struct Cost {
    pub label: String,
    /// The values that the counted instructions make; none where the whole program of one thread is counted.
    pub values: Option<u32>,
    /// The item loop's instructions, or the whole program's.
    pub counts: isa::Counts,
    /// Whether a loop within runs as often as data say: it is counted once.
    pub by_data: bool,
    pub vgprs: u32,
    pub sgprs: u32,
    pub spilled: u32,
    /// ACO's estimates of the whole program, in clocks.
    pub latency: u64,
    pub inverse_throughput: u64,
    pub milliseconds: f64,
}

impl Cost {
    fn per_value(&self, instructions: u32) -> f64 {
        f64::from(instructions) / f64::from(self.values.unwrap_or(1))
    }

    fn of(translated: &translate::Translated, compiled: &device::Compiled) -> Result<Self, String> {
        let label = translated.label.clone();
        let statistic = |name: &str| {
            let found = compiled.statistics.get(name);
            found.copied().ok_or_else(|| format!("{label}: the driver has no statistic \"{name}\""))
        };
        let work = translated.work;
        let counted = isa::count(&compiled.assembly, work.is_some()).map_err(|e| format!("{label}: {e}"))?;
        // Without a loop, all items stand one after another.
        let values = work.map(|work| if counted.is_loop { work.values } else { work.values * work.items });
        Ok(Self {
            values,
            counts: counted.counts,
            by_data: counted.by_data,
            vgprs: statistic("VGPRs")? as u32,
            sgprs: statistic("SGPRs")? as u32,
            spilled: (statistic("Spilled SGPRs")? + statistic("Spilled VGPRs")?) as u32,
            latency: statistic("Latency")? as u64,
            inverse_throughput: statistic("Inverse Throughput")? as u64,
            milliseconds: compiled.milliseconds,
            label,
        })
    }
}

#[derive(Debug, Default)]
struct Options {
    json: bool,
    check: bool,
    write_bounds: bool,
    keep: Option<std::path::PathBuf>,
}

fn options() -> Result<Options, String> {
    let mut options = Options::default();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" => options.json = true,
            "--check" => options.check = true,
            "--write-bounds" => options.write_bounds = true,
            "--keep" => options.keep = Some(args.next().ok_or(USAGE)?.into()),
            _ => return Err(USAGE.to_owned()),
        }
    }
    if options.check && options.write_bounds { Err(USAGE.to_owned()) } else { Ok(options) }
}

fn main() -> ExitCode {
    if std::env::var_os(device::CHILD).is_some() {
        device::child();
    }
    match options().and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn tier_name(tier: Tier) -> &'static str {
    match tier {
        Tier::NativeFma => "native",
        _ => "soft",
    }
}

fn run(options: &Options) -> Result<(), String> {
    same_naga()?;
    let manifest = device::manifest().ok_or("no RADV: apt-get install mesa-vulkan-drivers")?;
    let temporary = tempfile::tempdir().map_err(|e| e.to_string())?;
    let root = options.keep.as_deref().unwrap_or(temporary.path());
    let mut translated = Vec::new();
    for mul_wide in [MulWide::U64, MulWide::U32] {
        for tier in [Tier::NativeFma, Tier::SoftFma] {
            let name = format!("{}_{}", if mul_wide == MulWide::U64 { "u64" } else { "u32" }, tier_name(tier));
            let all = translate::every_pipeline(mul_wide, tier, &root.join(&name))?;
            translated.push((mul_wide, tier, all));
        }
    }
    let every: Vec<_> = translated.iter().flat_map(|(_, _, all)| all).collect();
    for line in tools::check(&every)? {
        eprintln!("{line}");
    }

    let jobs = GPUS.iter().flat_map(|&(gpu, names, tiers)| tiers.iter().map(move |&tier| (gpu, names, tier)));
    let cost = |(gpu, names, tier): (&'static str, &[&str], Tier)| {
        // RADV has 64-bit integers on every GPU.
        let found = translated.iter().find(|(m, t, _)| *m == MulWide::U64 && *t == tier);
        let (_, _, list) = found.ok_or("a tier that was not translated")?;
        let files: Vec<&Path> = list.iter().map(|t| t.spirv.as_path()).collect();
        let report = device::compile(&manifest, names, &files)?;
        if let Some(directory) = &options.keep {
            keep(&directory.join(format!("isa_{gpu}_{}", tier_name(tier))), list, &report)?;
        }
        let pipelines = list.iter().zip(&report.pipelines).map(|(t, c)| Cost::of(t, c));
        let pipelines = pipelines.collect::<Result<_, _>>().map_err(|e| format!("{gpu}: {e}"))?;
        Ok(Costs { gpu, device: report.device, driver: report.driver, tier: tier_name(tier), pipelines })
    };
    let all = in_parallel(jobs.collect(), cost)?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&all).map_err(|e| e.to_string())?);
    } else {
        for costs in &all {
            table::print(costs);
        }
    }
    if options.write_bounds {
        return Bounds::of(&all)?.write();
    }
    if options.check {
        println!("{}", Bounds::read()?.check(&all)?);
    }
    Ok(())
}

/// Every job's result in order, by as many threads as there are cores.
fn in_parallel<J: Copy + Sync, R: Send>(
    jobs: Vec<J>,
    work: impl Fn(J) -> Result<R, String> + Sync,
) -> Result<Vec<R>, String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((i, &job)) = Some(next.fetch_add(1, Relaxed)).and_then(|i| Some((i, jobs.get(i)?))) {
                    let result = work(job);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((i, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, result)| result).collect()
}

fn keep(directory: &Path, list: &[translate::Translated], report: &device::Report) -> Result<(), String> {
    std::fs::create_dir_all(directory).map_err(|e| e.to_string())?;
    for (translated, compiled) in list.iter().zip(&report.pipelines) {
        let path = directory.join(format!("{}.s", translate::file_name(&translated.label)));
        std::fs::write(&path, &compiled.assembly).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

/// Both lock files have one naga: what is counted here is what the library's wgpu hands to drivers.
fn same_naga() -> Result<(), String> {
    let version = |lock: &'static str| {
        let after = lock.split("name = \"naga\"\nversion = \"").nth(1)?;
        after.split('"').next()
    };
    let (ours, library) = (version(include_str!("../Cargo.lock")), version(include_str!("../../../Cargo.lock")));
    if ours.is_some() && ours == library {
        Ok(())
    } else {
        Err(format!("naga is {ours:?} here and {library:?} in the library's Cargo.lock: cargo update -p naga"))
    }
}
