//! `seedbed init`.

use super::{Outcome, args, print, progress::Bar};
use seedbed::jobs::{self, WriteOptions};
use seedbed::{DType, Rounding};
use std::path::PathBuf;

/// Write a whole model, initialized: model.safetensors and config.json
///
/// CONFIG is a Hugging Face config.json of the GPT-2 or Llama family, or a directory that holds one. The file has the
/// tensors, names, shapes and laws of transformers' own initialization. With --force, weights of an earlier run that a
/// loader would take instead are removed.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed init examples/gpt2/config.json -o gpt2
  seedbed init examples/llama-3.2-1b -o llama --seed 42 --dtype bf16 --device gpu
  seedbed init examples/llama-3.2-1b -o llama --max-shard-size 1GB --memory 256MiB")]
pub struct Args {
    /// The config.json, or its directory
    config: PathBuf,
    /// The directory to write to; it is made where it is missing
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    seed: args::Seed,
    /// The dtype to write; the config's where none is given, else f32
    #[arg(long, value_name = "f32|f16|bf16")]
    dtype: Option<DType>,
    /// How values are rounded to f16 and bf16: to the nearest one, or to a neighbour drawn so that the mean is the value
    #[arg(long, default_value = "nearest", value_name = "nearest|stochastic")]
    rounding: Rounding,
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
    let (path, text) = jobs::read_config(&args.config)?;
    // The config is checked before a seed is drawn: its errors stand alone.
    jobs::plan_model(&path, &text, 0, args.dtype, args.rounding)?;
    let seed = args.seed.take()?;
    let (model, plan) = jobs::plan_model(&path, &text, seed, args.dtype, args.rounding)?;
    let dtype = plan.tensors().first().map_or(DType::F32, |t| t.dtype());
    let options = WriteOptions { max_shard_size: args.max_shard_size, ..args.writing.options() };
    let outputs = jobs::Outputs::prepare(&args.output, (&path, &text), &plan, &options)?;
    let engine = args.device.open(&[dtype])?;
    let bar = Bar::writing(plan.tensors().iter().map(|t| t.bytes()).sum());
    let files = outputs.write(&engine, &mut |done| bar.at(done))?;
    drop(bar);
    if args.json {
        return print::json(&serde_json::json!({
            "architecture": model.architecture(),
            "weights": files.weights,
            "files": files.files,
            "config": files.config,
            "bytes": files.bytes,
            "tensors": plan.tensors().len(),
            "parameters": model.parameters(),
            "dtype": dtype.to_string(),
            "rounding": args.rounding.to_string(),
            "seed": seed.to_string(),
            "stream_version": plan.version().number(),
            "device": engine.to_string(),
        }));
    }
    print::lines([
        format!(
            "{}: {}, {} tensors, {} parameters, {dtype}, {}{}",
            files.weights.display(),
            model.architecture(),
            print::count(plan.tensors().len() as u64),
            print::count(model.parameters()),
            print::bytes(files.bytes),
            if files.files.len() > 1 { format!(" in {} files", files.files.len()) } else { String::new() },
        ),
        format!("{}: dtype {}", files.config.display(), dtype.long_name()),
    ])
}
