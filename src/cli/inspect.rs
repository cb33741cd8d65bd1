//! `seedbed inspect`.

use super::{Outcome, print, progress::Bar, table::table};
use seedbed::jobs::{self, InspectRow, Weights};
use std::path::PathBuf;

/// Show the metadata of a safetensors file or of shards, and statistics of each tensor
///
/// count, mean, std, min and max are of the finite values; infinities and NaNs are counted apart. Tensors of other dtypes
/// than F32, F16, BF16 and F64 are listed, not read.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed inspect gpt2/model.safetensors
  seedbed inspect gpt2 --json | jq '.tensors[] | select(.nonfinite > 0)'")]
pub struct Args {
    /// The file, the index of shards, or the directory of a model
    file: PathBuf,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Outcome {
    let mut weights = Weights::open(&args.file)?;
    let bar = Bar::new(weights.bytes());
    let rows = jobs::inspect(&mut weights, &mut |done| bar.at(done))?;
    drop(bar);
    if args.json {
        return print::json(&serde_json::json!({ "metadata": weights.metadata(), "tensors": rows }));
    }
    let mut lines: Vec<String> = (weights.metadata().iter())
        .map(|(key, value)| format!("{}: {}", print::clean(key), print::clean(value)))
        .collect();
    let float = |x: Option<f64>| print::or_dash(x, print::number);
    let cells = |r: &InspectRow| {
        vec![
            r.name.clone(),
            print::shape(&r.shape),
            r.dtype.clone(),
            print::count(r.count),
            float(r.mean),
            float(r.std),
            float(r.min.map(f64::from)),
            float(r.max.map(f64::from)),
            print::or_dash(r.nonfinite, print::count),
        ]
    };
    let heads = ["<name", "<shape", "<dtype", ">count", ">mean", ">std", ">min", ">max", ">non-finite"];
    lines.extend(table(&heads, &rows.iter().map(cells).collect::<Vec<_>>()));
    lines.push(format!(
        "{} tensors, {} elements, {}, {} non-finite",
        print::count(rows.len() as u64),
        print::count(rows.iter().map(|r| u128::from(r.count)).sum::<u128>()),
        print::bytes(rows.iter().map(|r| r.bytes).sum()),
        print::count(rows.iter().filter_map(|r| r.nonfinite).sum::<u64>()),
    ));
    print::lines(lines)
}
