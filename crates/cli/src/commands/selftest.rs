//! `seedbed selftest`.

use crate::arguments::{
    device::explain,
    values::{self, Named},
};
use crate::outcome::{Failure, Outcome};
use crate::selftest::{self, Options, Row};
use crate::terminal::{print, progress::Bar, signals, table::table};
use seedbed::gpu::{Choice, FillerOptions, Gpu, MulWide, Tier, blocking, driver, is_software};
use seedbed::{DType, Error, Result};
use std::time::Instant;

/// Compare what a GPU fills with what the CPU fills, word for word, in every law and dtype
///
/// Every law with its modes, rounded to nearest and stochastically, and some of them transposed, interleaved with
/// others and in slabs. The exit code is 1 where a word differs.
///
/// The kernels are those that the device takes by itself, which have to pass a short test of their own. Those that
/// --tier or --mul-wide names are compared without that test, and the words that differ are counted.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed selftest
  seedbed selftest --elements 100000000 --device gpu:1 --json
  seedbed selftest --law normal,sparse --dtype bf16 --mul-wide u32")]
pub struct Args {
    /// How many elements to compare for each law and dtype at least, such as 1000000, 64Ki or 16Mi; a law whose shape
    /// does not have as many gets a few more
    #[arg(long, default_value = "1000000", value_name = "N", value_parser = values::parse_elements)]
    elements: u64,
    /// Compare only these laws
    #[arg(long = "law", value_name = "LAW,..", value_delimiter = ',', value_parser = laws())]
    laws: Vec<&'static str>,
    /// Compare only these dtypes
    #[arg(long = "dtype", value_name = "f32|f16|bf16,..", value_delimiter = ',', value_parser = values::dtype(),
        hide_possible_values = true)]
    dtypes: Vec<DType>,
    /// The GPU: any, a software one where there is no other (gpu), or the adapter N of `seedbed devices` (gpu:N)
    #[arg(long, default_value = "gpu", value_name = "gpu|gpu:N", value_parser = values::gpu(),
        hide_possible_values = true)]
    device: Choice,
    /// Take the kernels with the device's own fma, or those with fma in integers [default: the first that is exact]
    #[arg(long, value_name = "native|soft", value_parser = values::tier(), hide_possible_values = true)]
    tier: Option<Tier>,
    /// Take the kernels with 64-bit multiplication, or those without [default: u64 where the device has it]
    #[arg(long, value_name = "u64|u32", value_parser = values::mul_wide(), hide_possible_values = true)]
    mul_wide: Option<MulWide>,
    /// Have a software adapter, too, make orthogonal matrices by itself, whose kernels such adapters compile slowly
    #[arg(long)]
    orthogonal: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// Reads the name of a law.
fn laws() -> Named<&'static str> {
    Named::new(selftest::laws(), |text| {
        let laws = selftest::laws();
        laws.iter().copied().find(|law| *law == text).ok_or_else(|| Error::unknown("law", text, laws))
    })
}

pub fn run(args: &Args) -> Outcome {
    explain(args.device);
    let (gpu, device_matrices) = open(args)?;
    // Compiling kernels takes seconds on some drivers: a signal may have come meanwhile.
    signals::check()?;
    print::note("device", &gpu.to_string());
    if args.tier.is_some() || args.mul_wide.is_some() {
        print::note("notice", "these kernels are taken without the test that others pass when they are prepared");
    }
    let options =
        Options { elements: args.elements, laws: args.laws.clone(), dtypes: args.dtypes.clone(), device_matrices };
    let started = Instant::now();
    let bar = Bar::new(options.bytes());
    let rows = options.compare(&gpu, &mut |done| bar.at(done), &mut |row| {
        print::detail("compare", &format!("{} {}, {}, {}", row.case, row.dtype, row.rounding, row.storage));
    })?;
    drop(bar);
    let seconds = started.elapsed().as_secs_f64();
    print::time(&format!("{} compared", print::bytes(options.bytes())), started);
    let differing: u64 = rows.iter().map(|r| r.differing_words).sum();
    if args.json {
        print::json(&serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "device": gpu.info().name,
            "backend": gpu.info().backend.to_string(),
            "driver": driver(gpu.info()),
            "tier": gpu.filler().tier().to_string(),
            "multiply": gpu.filler().mul_wide().to_string(),
            "forced": args.tier.is_some() || args.mul_wide.is_some(),
            "orthogonal_on_device": options.device_matrices,
            "elements_asked_for": options.elements,
            "elements": rows.iter().map(|r| r.elements).sum::<u64>(),
            "seconds": seconds,
            "differing_words": differing,
            "laws": rows,
        }))?;
    } else {
        print::lines(text(&rows, differing))?;
    }
    if differing == 0 {
        return Ok(());
    }
    Err(Failure::Differs(format!("{}: {} words differ from the CPU's", gpu.info().name, print::count(differing))))
}

fn text(rows: &[Row], differing: u64) -> Vec<String> {
    let cells = |r: &Row| {
        let words = if r.elements == 0 { "no value".to_owned() } else { print::count(r.differing_words) };
        let storage = if r.made_by == "host" { "made by the host" } else { &r.storage };
        let texts = [r.case, &r.dtype, &r.rounding, storage];
        texts.map(str::to_owned).into_iter().chain([print::count(r.elements), words]).collect()
    };
    let heads = ["<law", "<dtype", "<rounding", "<storage", ">elements", ">differing words"];
    let mut lines = table(&heads, &rows.iter().map(cells).collect::<Vec<_>>());
    let elements: u128 = rows.iter().map(|r| u128::from(r.elements)).sum();
    lines.push(format!("{} differing words in {} elements", print::count(differing), print::count(elements)));
    lines
}

/// Opens the device, and says whether it makes whole orthogonal matrices. Kernels are prepared when they are compared.
fn open(args: &Args) -> Result<(Gpu, bool)> {
    let mut options = FillerOptions::default();
    options.orthogonal = true;
    let opened = blocking::open(args.device, &options, &mut |text| print::note("notice", &text))?;
    let Some(gpu) = opened else {
        return Err(Error::Device("the CPU is what a GPU is compared with: give --device gpu or gpu:N".to_owned()));
    };
    let (software, forced) = (is_software(gpu.info()), args.tier.is_some() || args.mul_wide.is_some());
    if args.orthogonal && gpu.info().name.contains("SwiftShader") {
        let reason = "SwiftShader takes more than 11 GB of memory to compile the kernels of orthogonal matrices";
        return Err(Error::Device(format!("{reason}: leave out --orthogonal")));
    }
    options.orthogonal = args.orthogonal || !software;
    if !forced && options.orthogonal != software {
        return Ok((gpu, options.orthogonal));
    }
    options.tier = args.tier.or(forced.then(|| gpu.filler().tier()));
    options.mul_wide = args.mul_wide.or(forced.then(|| gpu.filler().mul_wide()));
    let (info, device, queue) = (gpu.info().clone(), gpu.device().clone(), gpu.queue().clone());
    let filler = if forced {
        blocking::filler_unchecked(&device, &queue, &options)?
    } else {
        blocking::filler(&device, &queue, &options)?
    };
    Ok((Gpu::from_parts(info, device, queue, filler), options.orthogonal))
}
