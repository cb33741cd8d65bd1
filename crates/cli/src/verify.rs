//! `seedbed verify`.

use super::{Failure, Outcome, args, print, progress::Bar};
use seedbed::backend::dtypes;
use seedbed::checkpoint::{self, Verdict, Weights};
use std::path::PathBuf;

/// Recompute what seedbed wrote and compare every byte
///
/// The seed and the version of the stream come from the files' metadata, the laws from the init.json beside them, or where
/// there is none from the config.json, with transformers' own initialization. Exit code 1 where anything differs.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed verify gpt2/model.safetensors
  seedbed verify moved.safetensors examples/gpt2/config.json --device gpu")]
pub struct Args {
    /// The file, the index of shards, or the directory of a model
    file: PathBuf,
    /// The init.json or config.json, or the directory of one, where it is not beside the weights
    source: Option<PathBuf>,
    #[command(flatten)]
    device: args::Device,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Outcome {
    let mut weights = Weights::open(&args.file)?;
    let file = weights.path().to_path_buf();
    let source = match (&args.source, file.parent()) {
        (Some(source), _) => source.clone(),
        (None, Some(dir)) if !dir.as_os_str().is_empty() => checkpoint::plan_source(dir),
        (None, _) => checkpoint::plan_source(".".as_ref()),
    };
    let expected = checkpoint::expected_tensors(&weights, &source)?;
    let engine = args.device.open(&dtypes(expected.iter().map(|e| &e.fill)))?;
    let bar = Bar::new(weights.bytes());
    let rows = checkpoint::verify(&mut weights, &expected, &engine, &mut |done| bar.at(done))?;
    drop(bar);
    let failed: Vec<_> = rows.iter().filter(|r| r.verdict != Verdict::Equal).collect();
    if args.json {
        print::json(&rows)?;
    } else {
        let equal = rows.len() - failed.len();
        let lines = failed.iter().map(|r| format!("{}: {}", print::clean(&r.name), r.verdict));
        let kept = print::kept_rows(expected.iter().filter(|e| e.kept > 0).count());
        print::lines(lines.chain([format!("{equal} of {} tensors equal{kept}", rows.len())]))?;
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::Differs(format!("{}: {} of {} tensors are not as planned", file.display(), failed.len(), rows.len())))
}
