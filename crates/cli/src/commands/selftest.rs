//! `seedbed selftest`.

use crate::arguments::{device::explain, values};
use crate::outcome::{Failure, Outcome};
use crate::terminal::{print, progress::Bar, table::table};
use seedbed::backend::Backend;
use seedbed::checkpoint::Progress;
use seedbed::gpu::{self, Choice, Gpu, KernelSet};
use seedbed::law::Law;
use seedbed::shape::{Layout, Shape};
use seedbed::{DType, Error, Result};
use serde::Serialize;
use std::time::Instant;

/// Bytes that are compared at once.
const CHUNK: u64 = 32 << 20;

/// Compare what a GPU fills with what the CPU fills, word for word, in every law and dtype
///
/// The exit code is 1 where a word differs.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed selftest
  seedbed selftest --elements 100000000 --device gpu:1 --json")]
pub struct Args {
    /// How many elements to compare for each law and dtype
    #[arg(long, default_value_t = 1_000_000, value_name = "N", value_parser = values::parse_elements)]
    elements: u64,
    /// The GPU: any, a software one where there is no other (gpu), or the adapter N of `seedbed devices` (gpu:N)
    #[arg(long, default_value = "gpu", value_name = "gpu|gpu:N", value_parser = values::gpu(),
        hide_possible_values = true)]
    device: Choice,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Outcome {
    explain(args.device);
    let backend = Backend::open(args.device, KernelSet::default(), &mut |text| print::note("notice", &text))?;
    print::note("device", &backend.to_string());
    let Backend::Gpu(gpu) = &backend else {
        return Err(
            Error::Device("the CPU is what a GPU is compared with: give --device gpu or gpu:N".to_owned()).into()
        );
    };
    let started = Instant::now();
    let bar = Bar::new(bytes_of(args.elements));
    let rows = compare(gpu, args.elements, &mut |done| bar.at(done))?;
    drop(bar);
    print::time(&format!("{} compared", print::bytes(bytes_of(args.elements))), started);
    let differing: u64 = rows.iter().map(|r| r.differing_words).sum();
    if args.json {
        print::json(&serde_json::json!({
            "device": gpu.info().name,
            "backend": gpu.info().backend.to_string(),
            "driver": format!("{} {}", gpu.info().driver, gpu.info().driver_info),
            "tier": gpu.filler().tier().to_string(),
            "multiply": gpu.filler().mul_wide().to_string(),
            "differing_words": differing,
            "laws": rows,
        }))?;
    } else {
        let cells = |r: &Row| {
            let words = if r.elements == 0 { "no value".to_owned() } else { print::count(r.differing_words) };
            vec![r.law.to_owned(), r.dtype.clone(), print::count(r.elements), words]
        };
        let heads = ["<law", "<dtype", ">elements", ">differing words"];
        let mut lines = table(&heads, &rows.iter().map(cells).collect::<Vec<_>>());
        let elements: u128 = rows.iter().map(|r| u128::from(r.elements)).sum();
        lines.push(format!("{} differing words in {} elements", print::count(differing), print::count(elements)));
        print::lines(lines)?;
    }
    if differing == 0 {
        return Ok(());
    }
    Err(Failure::Differs(format!("{}: {} words differ from the CPU's", gpu.info().name, print::count(differing))))
}

/// One law in one dtype.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Row {
    /// The law's name among [`gpu::schemes`].
    law: &'static str,
    /// The dtype.
    dtype: String,
    /// How many elements were compared: none where the dtype has no value in the range of the law.
    elements: u64,
    /// How many 32-bit words differ.
    differing_words: u64,
}

/// Bytes that [`compare`] compares.
fn bytes_of(elements: u64) -> u64 {
    let each: u64 = DType::ALL.iter().map(|d| d.size()).sum();
    elements.saturating_mul(each * gpu::schemes().len() as u64)
}

/// Compares `elements` of each law of [`gpu::schemes`] in each dtype. `progress` is told the bytes done, of
/// [`bytes_of`].
///
/// # Errors
/// [`Error::Shape`] where `elements` is 0; those of [`gpu::compare`]. Words that differ are no error.
fn compare(gpu: &Gpu, elements: u64, progress: Progress<'_>) -> Result<Vec<Row>> {
    let shape = Shape::new([elements])?;
    let mut rows = Vec::new();
    let mut done = 0;
    for dtype in DType::ALL {
        for (law, scheme) in gpu::schemes() {
            let held = Law::check_fits(&scheme.law(&shape, &Layout::default())?, dtype).is_ok();
            let differing_words = if held {
                let progress = &mut |bytes| progress(done + bytes);
                gpu::blocking::compare(gpu, scheme, dtype, elements, CHUNK, progress)?
            } else {
                0
            };
            done += elements.saturating_mul(dtype.size());
            let elements = if held { elements } else { 0 };
            rows.push(Row { law, dtype: dtype.to_string(), elements, differing_words });
        }
    }
    Ok(rows)
}
