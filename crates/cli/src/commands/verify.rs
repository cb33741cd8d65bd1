//! `seedbed verify`.

use crate::arguments::device::Device;
use crate::outcome::{Failure, Outcome};
use crate::terminal::{print, progress::Bar};
use seedbed::backend::dtypes;
use seedbed::checkpoint::{self, Verdict, Weights};
use std::path::PathBuf;
use std::time::Instant;

/// Recompute what seedbed wrote and compare every byte
///
/// The seed and the version of the stream come from the metadata of the files. The laws come from the init.json beside
/// them, or, where there is none, from the config.json with transformers' own initialization. The exit code is 1 where
/// anything differs, and 3 where all that was compared is equal but rows were kept from another checkpoint, which
/// nothing can compare.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed verify gpt2
  seedbed verify gpt2/model.safetensors --device cpu
  seedbed verify moved.safetensors gpt2/init.json")]
pub struct Args {
    /// The safetensors file, the index of a sharded checkpoint, or the directory of a model
    file: PathBuf,
    /// The init.json or config.json, or the directory of one, if it is not beside the weights
    source: Option<PathBuf>,
    #[command(flatten)]
    device: Device,
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
    print::detail("laws", &format!("from {}, unless the metadata describes a single tensor", source.display()));
    let expected = checkpoint::expected_tensors(&weights, &source)?;
    let backend = args.device.open(&dtypes(expected.iter().map(|e| &e.fill)))?;
    let started = Instant::now();
    let bar = Bar::new(weights.bytes());
    let rows = checkpoint::verify(&mut weights, &expected, &backend, &mut |done| bar.at(done))?;
    drop(bar);
    print::time(&format!("{} compared", print::bytes(weights.bytes())), started);
    let failed: Vec<_> = rows.iter().filter(|r| r.verdict != Verdict::Equal).collect();
    // Rows of another checkpoint: no law says what they should be.
    let kept = expected.iter().filter(|e| e.kept > 0).count();
    if args.json {
        print::json(&rows)?;
    } else {
        let equal = rows.len() - failed.len();
        let lines = failed.iter().map(|r| format!("{}: {}", print::clean(&r.name), r.verdict));
        print::lines(lines.chain([format!("{equal} of {} tensors equal{}", rows.len(), print::kept_rows(kept))]))?;
    }
    let file = file.display();
    if !failed.is_empty() {
        let text = format!("{file}: {} of {} tensors are not as planned", failed.len(), rows.len());
        return Err(Failure::Differs(text));
    }
    if kept > 0 {
        let text = format!("{file}: {kept} of {} tensors have rows kept from another checkpoint", rows.len());
        return Err(Failure::Unchecked(text));
    }
    Ok(())
}
