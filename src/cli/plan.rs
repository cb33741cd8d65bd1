//! `seedbed plan`.

use super::{Outcome, args, print, table::table};
use seedbed::{DType, Rounding, jobs};
use std::path::PathBuf;

/// Show what init would write, tensor by tensor: fans, law, key, bytes
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed plan examples/gpt2/config.json
  seedbed plan examples/llama-3.2-1b --seed 42 --json | jq '.[0]'")]
pub struct Args {
    /// The config.json, or its directory
    config: PathBuf,
    /// The seed, decimal or 0x hexadecimal: the keys depend on it [default: 0]
    #[arg(long, value_name = "N", value_parser = args::parse_seed)]
    seed: Option<u64>,
    /// The dtype; the config's where none is given, else f32
    #[arg(long, value_name = "f32|f16|bf16")]
    dtype: Option<DType>,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Outcome {
    let (path, text) = jobs::read_config(&args.config)?;
    let (model, plan) = jobs::plan_model(&path, &text, args.seed.unwrap_or(0), args.dtype, Rounding::default())?;
    let why = if args.seed.is_some() { "" } else { " (none given; the keys depend on it)" };
    print::note("seed", &format!("{}{why}", plan.seed()));
    let rows = jobs::describe(&plan);
    if args.json {
        return print::json(&rows);
    }
    let cells = |r: &jobs::PlanRow| {
        vec![
            r.name.clone(),
            print::shape(&r.shape),
            r.dtype.clone(),
            r.layout.clone(),
            print::or_dash(r.fan_in, print::count),
            print::or_dash(r.fan_out, print::count),
            r.law.clone(),
            print::number(r.std),
            format!("[{}, {}]", print::number(r.min), print::number(r.max)),
            r.key.clone(),
            print::bytes(r.bytes),
        ]
    };
    let heads =
        ["<name", "<shape", "<dtype", "<layout", ">fan_in", ">fan_out", "<law", ">std", "<range", "<key", ">bytes"];
    let mut lines = table(&heads, &rows.iter().map(cells).collect::<Vec<_>>());
    let bytes = rows.iter().map(|r| r.bytes).sum();
    lines.push(format!(
        "{}: {} tensors, {} parameters, {}{}",
        model.architecture(),
        print::count(plan.tensors().len() as u64),
        print::count(plan.elements()),
        print::bytes(bytes),
        if model.has_tied_head() { "; the head shares the embedding and is not stored" } else { "" },
    ));
    print::lines(lines)
}
