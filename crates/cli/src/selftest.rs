//! `seedbed selftest`.

use super::{Failure, Outcome, print, progress::Bar, table::table};
use crate::measure::selftest::{SelftestRow, selftest, selftest_bytes};
use seedbed::Error;
use seedbed::backend::Backend;
use seedbed::gpu::Choice;

/// Compare a GPU with the CPU, word for word, in every law and dtype
///
/// Exit code 1 where a word differs.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed selftest
  seedbed selftest --elements 100000000 --device gpu:1 --json")]
pub struct Args {
    /// Elements of each law and dtype
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    elements: u64,
    /// A GPU, in need a software one; or the adapter N of `seedbed devices`
    #[arg(long, default_value = "gpu", value_name = "gpu|gpu:N")]
    device: Choice,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Outcome {
    let engine = Backend::open(args.device, &[], &mut |text| print::note("notice", &text))?;
    print::note("device", &engine.to_string());
    let Backend::Gpu(gpu) = &engine else {
        return Err(Error::Device("a GPU is compared with the CPU: take --device gpu or gpu:N".to_owned()).into());
    };
    let bar = Bar::new(selftest_bytes(args.elements));
    let rows = selftest(gpu, args.elements, &mut |done| bar.at(done))?;
    drop(bar);
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
        let cells = |r: &SelftestRow| {
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
