//! `seedbed inspect`.

use crate::arguments::model::{are, counted};
use crate::outcome::{Failure, Outcome};
use crate::terminal::{print, progress::Bar, table::table};
use seedbed::checkpoint::{self, InspectRow, PlannedLaws, Weights};
use seedbed::model_plan::INIT_JSON;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

/// Show the metadata of a safetensors file or of shards, and statistics of each tensor
///
/// Count, mean, std, min and max are those of the finite values; infinities and NaNs are counted separately. Tensors of
/// dtypes other than F32, F16, BF16 and F64 are listed, but not read.
///
/// Where the init.json of `seedbed init` is beside the weights, each tensor is compared with its law; "z" says by how
/// many standard errors its mean and std are off. The exit code is 1 where one is off by more than chance (1 in a
/// million for the whole checkpoint) and rounding allow (to the file's dtype too, where that is not the planned one),
/// where a value is outside the range of the law or not finite, where a tensor is missing or unexpected, or where the
/// metadata has another seed. Rows kept from another checkpoint are not compared.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed inspect gpt2/model.safetensors
  seedbed inspect gpt2 --json | jq '.tensors[] | select(.nonfinite > 0)'")]
pub struct Args {
    /// The safetensors file, the index of a sharded checkpoint, or the directory of a model
    file: PathBuf,
    /// The init.json to compare with, or its directory, if it is not beside the weights
    #[arg(long, value_name = "FILE|DIR")]
    plan: Option<PathBuf>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Outcome {
    let mut weights = Weights::open(&args.file)?;
    weights.notices().iter().for_each(|notice| print::note("notice", notice));
    let beside = weights.path().with_file_name(INIT_JSON);
    let table_path = args.plan.clone().or_else(|| beside.exists().then_some(beside));
    let laws = table_path.as_deref().map(|path| PlannedLaws::read(path, &weights)).transpose()?;
    let compared =
        table_path.as_deref().map_or("nothing: there is no init.json".to_owned(), |p| p.display().to_string());
    print::detail("compared with", &compared);
    let started = Instant::now();
    let bar = Bar::new(weights.bytes());
    let rows = checkpoint::inspect(&mut weights, laws.as_ref(), &mut |done| bar.at(done))?;
    drop(bar);
    print::time(&format!("{} read", print::bytes(weights.bytes())), started);
    let missing: Vec<&str> = laws.iter().flat_map(|laws| laws.missing(&weights)).collect();
    let unexpected = laws.as_ref().map(|laws| laws.unexpected(&weights)).unwrap_or_default();
    let off: Vec<&str> = rows.iter().filter(|r| r.plan.is_some_and(|p| !p.agrees)).map(|r| r.name.as_str()).collect();
    if args.json {
        let json = serde_json::json!({ "metadata": weights.metadata(), "tensors": rows,
            "missing": missing, "unexpected": unexpected });
        print::json(&json)?;
    } else {
        print::lines(text(&weights, &rows, laws.is_some()))?;
    }
    let file = weights.path().display();
    let differs = |text: String| Err(Failure::Differs(text));
    if let Some(first) = missing.first() {
        let (tensors, are) = (counted(missing.len(), "tensor"), are(missing.len()));
        return differs(format!("{file}: {tensors} of the plan {are} missing, as {first:?}"));
    }
    if let Some(first) = unexpected.first() {
        let (tensors, are) = (counted(unexpected.len(), "tensor"), are(unexpected.len()));
        return differs(format!("{file}: {tensors} {are} not in the plan, as {first:?}"));
    }
    if let Some(first) = off.first() {
        let (tensors, are) = (counted(rows.len(), "tensor"), are(off.len()));
        let laws = if off.len() == 1 { "its law" } else { "their laws" };
        return differs(format!("{file}: {} of {tensors} {are} off {laws}, as {first:?}", off.len()));
    }
    Ok(())
}

fn text(weights: &Weights, rows: &[InspectRow], compared: bool) -> Vec<String> {
    let mut lines: Vec<String> = (weights.metadata().iter())
        .map(|(key, value)| format!("{}: {}", print::clean(key), print::clean(value)))
        .collect();
    let float = |x: Option<f64>| print::or_dash(x, print::number);
    let cells = |r: &InspectRow| {
        let mut cells = vec![
            r.name.clone(),
            print::shape(&r.shape),
            r.dtype.clone(),
            print::count(r.count),
            float(r.mean),
            float(r.std),
            float(r.min.map(f64::from)),
            float(r.max.map(f64::from)),
            print::or_dash(r.nonfinite, print::count),
        ];
        if compared {
            let z = |z: Option<f64>| print::or_dash(z, |z| format!("{z:.2}"));
            cells.push(z(r.plan.and_then(|p| p.mean_z)));
            cells.push(z(r.plan.and_then(|p| p.std_z)));
            cells.push(print::or_dash(r.plan, |p| if p.agrees { "yes" } else { "NO" }.to_owned()));
        }
        cells
    };
    let mut heads = vec!["<name", "<shape", "<dtype", ">count", ">mean", ">std", ">min", ">max", ">non-finite"];
    if compared {
        heads.extend([">z mean", ">z std", "<agrees"]);
    }
    lines.extend(table(&heads, &rows.iter().map(cells).collect::<Vec<_>>()));
    let mut summary = format!(
        "{}, {} elements, {}, {} non-finite",
        counted(rows.len(), "tensor"),
        print::count(rows.iter().map(|r| u128::from(r.count)).sum::<u128>()),
        print::bytes(rows.iter().map(|r| r.bytes).sum()),
        print::count(rows.iter().filter_map(|r| r.nonfinite).sum::<u64>()),
    );
    if compared {
        let agree = rows.iter().filter(|r| r.plan.is_some_and(|p| p.agrees)).count();
        let all = rows.iter().filter(|r| r.plan.is_some()).count();
        let kept = print::kept_rows(rows.iter().filter(|r| r.kept_rows.is_some()).count());
        summary += &format!("; {agree} of {all} compared with the plan agree{}{kept}", copies(rows));
    }
    lines.push(summary);
    lines
}

/// What is said of tensors whose dtype is not the planned one.
fn copies(rows: &[InspectRow]) -> String {
    let mut counts = BTreeMap::<_, usize>::new();
    for row in rows {
        if let Some(planned) = &row.planned_dtype {
            *counts.entry((&row.dtype, planned)).or_default() += 1;
        }
    }
    let said = |((stored, planned), n): ((&String, &String), usize)| {
        let are = if n == 1 { "is a copy" } else { "are copies" };
        format!("; {} {are} in {} of the planned {planned}", print::count(n as u64), stored.to_lowercase())
    };
    counts.into_iter().map(said).collect()
}
