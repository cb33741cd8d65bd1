//! `seedbed verify`.

use crate::arguments::{
    device::Device,
    model::{are, counted},
};
use crate::outcome::{Failure, Outcome};
use crate::terminal::{print, progress::Bar};
use seedbed::Error;
use seedbed::checkpoint::{self, Expected, ExpectedTensor, Provenance, Verdict, VerifyRow, Weights};
use seedbed::gpu::KernelSet;
use std::collections::{BTreeMap, HashMap};
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Recompute what seedbed wrote and compare every byte
///
/// The seed and the version of the stream come from the metadata of the files. The laws come from the init.json beside
/// them, or, where there is none, from the config.json with the recipe that the metadata names, else with transformers'
/// own initialization. Weights that another program has saved again have no such metadata: their init.json is taken at
/// its word. A copy in another dtype is compared with the planned values in that dtype. The exit code is 1 where
/// anything differs, and 3 where all that was compared is equal but tensors or rows come from another checkpoint, which
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
    weights.notices().iter().for_each(|notice| print::note("notice", notice));
    let source = source(&weights, args.source.as_deref())?;
    print::detail("laws", &format!("from {}, unless the metadata describes a single tensor", source.display()));
    let expected = checkpoint::expected_tensors(&weights, &source)?;
    expected.notices.iter().for_each(|notice| print::note("notice", notice));
    let backend = args.device.open(KernelSet::of_fills(expected.tensors.iter().map(|e| &e.fill)))?;
    let started = Instant::now();
    let bar = Bar::new(weights.bytes());
    let rows = checkpoint::verify(&mut weights, &expected, &backend, &mut |done| bar.at(done))?;
    drop(bar);
    print::time(&format!("{} compared", print::bytes(weights.bytes())), started);
    let is_equal = |r: &VerifyRow| matches!(r.verdict, Verdict::Equal | Verdict::Converted { .. });
    let failed: Vec<_> = rows.iter().filter(|r| !is_equal(r) && r.verdict != Verdict::NotChecked).collect();
    // Bytes of another checkpoint: no law says what they should be.
    let kept = expected.tensors.iter().filter(|e| (1..e.fill.bytes()).contains(&e.kept)).count();
    let unchecked = rows.iter().filter(|r| r.verdict == Verdict::NotChecked).count();
    if args.json {
        print::json(&json(&rows, &expected))?;
    } else {
        let equal = rows.iter().filter(|r| is_equal(r)).count();
        let lines = failed.iter().map(|r| format!("{}: {}", print::clean(&r.name), r.verdict));
        print::lines(lines.chain([format!(
            "{equal} of {} equal{}{}{}",
            counted(rows.len(), "tensor"),
            conversions(&rows),
            print::kept_rows(kept),
            print::copied(unchecked)
        )]))?;
    }
    let file = file.display();
    if !failed.is_empty() {
        let are = are(failed.len());
        let text = format!("{file}: {} of {} {are} not as planned", failed.len(), counted(rows.len(), "tensor"));
        return Err(Failure::Differs(text));
    }
    if kept > 0 || unchecked > 0 {
        let all = counted(rows.len(), "tensor");
        let said = |n: usize, one: &str, many: &str| {
            (n > 0).then(|| format!("{n} of {all} {} from another checkpoint", if n == 1 { one } else { many }))
        };
        let said = [said(kept, "has rows kept", "have rows kept"), said(unchecked, "comes", "come")];
        let text = format!("{file}: {}", said.into_iter().flatten().collect::<Vec<_>>().join(", "));
        if print::is_quiet() {
            // A quiet run too says why its exit code is not 0. A stderr that is closed leaves nobody to tell.
            let _ = writeln!(stderr(), "not checked: {}", print::clean(&text));
        }
        return Err(Failure::Unchecked(text));
    }
    Ok(())
}

/// The file or directory that says what the weights should be.
fn source(weights: &Weights, given: Option<&Path>) -> Result<PathBuf, Error> {
    let file = weights.path();
    let refuse = |path: &Path, reason: &str| {
        Err(Error::Checkpoint { path: path.display().to_string(), reason: reason.to_owned() })
    };
    // Metadata that cannot be read is told of when the tensors are compared.
    let of_model = Provenance::from_metadata(&weights.metadata()).ok().map(|made| made.tensor.is_none());
    if let Some(source) = given {
        std::fs::metadata(source).map_err(|e| Error::io(source, e))?;
        if of_model == Some(false) {
            let why = "the metadata of the weights says what made their one tensor";
            print::note("notice", &format!("{} is not read: {why}", source.display()));
        } else if source.is_dir() && !checkpoint::plan_source(source).exists() {
            return refuse(source, "has neither init.json nor config.json");
        }
        return Ok(source.to_path_buf());
    }
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let source = checkpoint::plan_source(dir);
    if of_model == Some(true) && !source.exists() {
        return refuse(file, "neither init.json nor config.json stands beside it: name one as SOURCE");
    }
    Ok(source)
}

/// What is said of tensors whose values are the planned ones in another dtype.
fn conversions(rows: &[VerifyRow]) -> String {
    let mut counts = BTreeMap::<_, usize>::new();
    for row in rows {
        if let Verdict::Converted { from, to } = &row.verdict {
            *counts.entry((from, to)).or_default() += 1;
        }
    }
    let said = |((from, to), n): ((&String, &String), usize)| {
        let copies = if n == 1 { "a copy" } else { "copies" };
        format!("; {} as {copies} in {to} of the planned {from}", print::count(n as u64))
    };
    counts.into_iter().map(said).collect()
}

/// The rows as JSON, each with the number of its first rows that were kept from another checkpoint.
fn json(rows: &[VerifyRow], expected: &Expected) -> Vec<serde_json::Value> {
    let bytes_of_row = |e: &ExpectedTensor| e.fill.bytes() / e.dims.first().copied().unwrap_or(1);
    let kept: HashMap<&str, u64> =
        expected.tensors.iter().filter(|e| e.kept > 0).map(|e| (e.fill.name(), e.kept / bytes_of_row(e))).collect();
    let row = |row: &VerifyRow| {
        let kept_rows = kept.get(row.name.as_str()).copied().unwrap_or(0);
        serde_json::json!({
            "name": row.name, "elements": row.elements, "verdict": row.verdict, "kept_rows": kept_rows,
        })
    };
    rows.iter().map(row).collect()
}
