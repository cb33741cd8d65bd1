//! `seedbed init`.

use crate::arguments::{self, device::Device, model};
use crate::outcome::Outcome;
use crate::terminal::{print, progress::Bar};
use clap::ValueHint;
use seedbed::checkpoint::{self, WriteOptions};
use seedbed::model_plan::{Content, KeptRows, NewRows};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

/// Write a whole model, initialized: model.safetensors, config.json and init.json
///
/// CONFIG is a config.json of Hugging Face, or a directory that holds one. The weights have the names and shapes that
/// save_pretrained of transformers writes, initialized as transformers does it or as a recipe says (--recipe). For
/// other models, the tensors come from a checkpoint (--like) or from a list in a recipe file. init.json says for every
/// tensor what made it, and its multipliers of learning rate, weight decay and forward pass. --force also removes
/// weights of an earlier run that a loader would prefer to the new ones.
#[derive(clap::Args)]
// The usage that clap makes names all three sources of tensors in one word, which no narrow terminal can break.
#[command(
    override_usage = "seedbed init [OPTIONS] --output <DIR> [CONFIG]",
    after_help = "Examples:
  seedbed init examples/gpt2/config.json -o gpt2
  seedbed init examples/llama-3.2-1b -o llama --seed 42 --dtype bf16 --recipe mitchell
  seedbed init examples/gpt2 -o gpt2-mup --recipe mup --set base_width=256
  seedbed init --like old/model.safetensors --recipe llama -o new
  seedbed init bigger/config.json --missing-from old -o added
  seedbed init bigger/config.json --missing-from old --complete --new-rows mean -o grown
  seedbed init classes/config.json --missing-from two --complete --redraw 'score.*' -o tuned
  seedbed init examples/llama-3.2-1b -o sharded --max-shard-size 1GB --memory 256MiB"
)]
pub struct Args {
    #[command(flatten)]
    pub(super) model: model::Args,
    /// The directory to write to; created if it does not exist
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output: PathBuf,
    #[command(flatten)]
    seed: arguments::Seed,
    #[command(flatten)]
    device: Device,
    /// Split the weights into files with at most this many bytes of tensors each, such as 5GB or 1GiB, and write
    /// model.safetensors.index.json. A larger tensor gets a file of its own
    #[arg(long, value_name = "SIZE", value_parser = arguments::parse_size)]
    max_shard_size: Option<u64>,
    #[command(flatten)]
    writing: arguments::Writing,
    /// Print what was written as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Outcome {
    let seed = args.seed.draw()?;
    // An error in the model is printed alone, without the seed before it.
    let planned = args.model.plan(seed)?;
    args.seed.announce(seed);
    let plan = &planned.plan;
    let options = WriteOptions { max_shard_size: args.max_shard_size, ..args.writing.options() };
    let outputs = checkpoint::ModelWriter::prepare(&args.output, &planned, &args.model.paths(), &options)?;
    let dtypes: BTreeSet<_> = plan.tensors().iter().map(|t| t.dtype()).collect();
    let dtypes: Vec<_> = dtypes.into_iter().collect();
    let backend = args.device.open(plan.into())?;
    let started = Instant::now();
    let bar = Bar::writing(outputs.bytes());
    let files = outputs.write(&backend, &mut |done| bar.at(done))?;
    drop(bar);
    files.notices.iter().for_each(|notice| print::note("notice", notice));
    print::time(&format!("{} written", print::bytes(files.bytes)), started);
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
            "notices": planned.notices.iter().chain(&files.notices).collect::<Vec<_>>(),
            "buffers": planned.buffers.len(),
            "kept": planned.kept_whole.len(),
            "device": backend.to_string(),
        }));
    }
    let without_a_law = match planned.buffers.len() {
        0 => String::new(),
        n => format!(" and {} without a law", print::count(n as u64)),
    };
    let mut lines = vec![format!(
        "{}: {}, {}, {} parameters, {names}, {}{}",
        files.weights.display(),
        model::label(&planned),
        model::counted(plan.tensors().len(), "tensor") + &without_a_law,
        print::count(plan.elements()),
        print::bytes(files.bytes),
        if files.files.len() > 1 { format!(" in {} files", files.files.len()) } else { String::new() },
    )];
    let new = |k: &KeptRows| match k.new_rows {
        NewRows::Mean => ", the others made of them",
        _ => "",
    };
    let kept = planned.kept.iter();
    lines.extend(kept.map(|k| format!("{}: rows 0 to {} kept from {}{}", k.name, k.rows - 1, k.from, new(k))));
    if let Some(Content::Copied { from }) = planned.kept_whole.first().map(|t| &t.content) {
        lines.push(format!("{} copied from {from}", model::counted(planned.kept_whole.len(), "tensor")));
    }
    if let Some(config) = &files.config {
        lines.push(format!("{}: dtype {names}", config.display()));
    }
    lines.push(format!("{}: what made each tensor, and its multipliers", files.table.display()));
    // The names of the files are as they were given.
    print::lines(lines.iter().map(|line| print::clean(line)))
}
