//! `seedbed init`.

use super::{Outcome, args, model, print, progress::Bar};
use seedbed::checkpoint::{self, WriteOptions};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Write a whole model, initialized: model.safetensors, config.json and init.json
///
/// CONFIG is a Hugging Face config.json, or a directory that holds one: the file has the tensors, names and shapes that
/// save_pretrained of transformers writes, with the laws of its own initialization or of a recipe. Other models come from a
/// checkpoint (--like) or from a list of tensors in a recipe file. init.json says of every tensor what made it, and its
/// learning-rate, weight-decay and forward multipliers. With --force, weights of an earlier run that a loader would take
/// instead are removed.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed init examples/gpt2/config.json -o gpt2
  seedbed init examples/llama-3.2-1b -o llama --seed 42 --dtype bf16 --recipe mitchell
  seedbed init examples/gpt2 -o gpt2-mup --recipe mup --set base_width=256
  seedbed init --like old/model.safetensors --recipe llm-roles -o new
  seedbed init bigger/config.json --missing-from old -o added
  seedbed init examples/llama-3.2-1b -o llama --max-shard-size 1GB --memory 256MiB")]
pub struct Args {
    #[command(flatten)]
    model: model::Args,
    /// The directory to write to; it is made where it is missing
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    seed: args::Seed,
    #[command(flatten)]
    device: args::Device,
    /// Write several files of at most this many bytes of tensors each, and model.safetensors.index.json: as 5GB or 1GiB. A
    /// larger tensor has a file of its own
    #[arg(long, value_name = "SIZE", value_parser = args::parse_size)]
    max_shard_size: Option<u64>,
    #[command(flatten)]
    writing: args::Writing,
    /// Print what was written as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Outcome {
    let seed = args.seed.draw()?;
    // What can be wrong with the model is said before the seed is: its errors stand alone.
    let planned = args.model.plan(seed)?;
    args.seed.announce(seed);
    let plan = &planned.plan;
    let options = WriteOptions { max_shard_size: args.max_shard_size, ..args.writing.options() };
    let outputs = checkpoint::ModelWriter::prepare(&args.output, &planned, &args.model.paths(), &options)?;
    let dtypes: BTreeSet<_> = plan.tensors().iter().map(|t| t.dtype()).collect();
    let dtypes: Vec<_> = dtypes.into_iter().collect();
    let engine = args.device.open(&dtypes)?;
    let bar = Bar::writing(plan.tensors().iter().map(|t| t.bytes()).sum());
    let files = outputs.write(&engine, &mut |done| bar.at(done))?;
    drop(bar);
    let names = dtypes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    if args.json {
        return print::json(&serde_json::json!({
            "architecture": planned.model.as_ref().map(|m| m.architecture()),
            "recipe": planned.recipe,
            "weights": files.weights,
            "files": files.files,
            "config": files.config,
            "table": files.table,
            "bytes": files.bytes,
            "tensors": plan.tensors().len(),
            "parameters": plan.elements(),
            "dtype": names,
            "rounding": args.model.rounding.to_string(),
            "seed": seed.to_string(),
            "stream_version": plan.version().number(),
            "warnings": planned.warnings,
            "device": engine.to_string(),
        }));
    }
    let mut lines = vec![format!(
        "{}: {}, {} tensors, {} parameters, {names}, {}{}",
        files.weights.display(),
        model::label(&planned),
        print::count(plan.tensors().len() as u64),
        print::count(plan.elements()),
        print::bytes(files.bytes),
        if files.files.len() > 1 { format!(" in {} files", files.files.len()) } else { String::new() },
    )];
    let kept = planned.kept.iter();
    lines.extend(kept.map(|k| format!("{}: rows 0 to {} kept from {}", k.name, k.rows - 1, k.from)));
    if let Some(config) = &files.config {
        lines.push(format!("{}: dtype {names}", config.display()));
    }
    lines.push(format!("{}: what made each tensor, and its multipliers", files.table.display()));
    print::lines(lines)
}
