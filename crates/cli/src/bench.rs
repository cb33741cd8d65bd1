//! `seedbed bench`.

use super::{Outcome, print, table::table};
use crate::measure::{self, FillRow, LAWS, Report};
use seedbed::DType;
use seedbed::gpu::Choice;
use std::io::{IsTerminal, Write};
use std::time::Instant;

/// Measure fills beside the device's own clear and copy, in one run
///
/// Every figure is the best of several rounds, in which what is compared takes turns; bytes written a second, for a copy too.
/// Leave the machine alone meanwhile.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed bench
  seedbed bench --device cpu --law normal --dtype f32,bf16 --json
  seedbed bench --device gpu:0 --size 256Mi")]
pub struct Args {
    /// What is measured: a hardware GPU if there is one, else the CPU (auto); the CPU; a GPU, in need a software one; the
    /// adapter N of `seedbed devices`
    #[arg(long, default_value = "auto", value_name = "auto|cpu|gpu|gpu:N")]
    device: Choice,
    /// The largest fill, in elements: 1000000, 64Ki, 16Mi, 4Gi [default: 4Gi on a GPU, as memory allows; 16Mi on the CPU and
    /// on a software adapter]
    #[arg(long, value_name = "N", value_parser = elements)]
    size: Option<u64>,
    /// These laws alone
    #[arg(long = "law", value_name = "LAW", value_delimiter = ',', value_parser = LAWS)]
    laws: Vec<String>,
    /// These dtypes alone
    #[arg(long = "dtype", value_name = "f32|f16|bf16", value_delimiter = ',')]
    dtypes: Vec<DType>,
    /// A smoke test: small sizes, two rounds
    #[arg(long)]
    quick: bool,
    /// Run the native-fma kernels although they may fail the self-test: their speed counts, their bits do not
    #[arg(long)]
    unchecked_native_fma: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// Reads a number of elements.
fn elements(text: &str) -> Result<u64, String> {
    let units = [("Ki", 10), ("Mi", 20), ("Gi", 30)];
    let unit = units.into_iter().find_map(|(unit, shift)| text.strip_suffix(unit).map(|digits| (digits, shift)));
    let (digits, shift) = unit.unwrap_or((text, 0));
    let number: u64 =
        digits.parse().map_err(|e| format!("{e}: a number of elements, as 1000000, 64Ki, 16Mi or 4Gi"))?;
    match number.checked_mul(1 << shift) {
        Some(n) if (1..=1 << 40).contains(&n) => Ok(n),
        _ => Err("from 1 to 1024Gi elements".to_owned()),
    }
}

pub fn run(args: &Args, started: Instant) -> Outcome {
    let mut options = measure::Options::default();
    options.quick = args.quick;
    options.elements = args.size;
    options.laws = args.laws.clone();
    options.dtypes = args.dtypes.clone();
    options.unchecked_native_fma = args.unchecked_native_fma;
    let terminal = std::io::stderr().is_terminal();
    let mut progress = |text: String| {
        if terminal {
            // Over the line before; a stderr that is closed leaves nobody to tell.
            let _ = write!(std::io::stderr(), "\r\x1b[K{text}");
        }
    };
    let notice = &mut |text: String| print::note("notice", &text);
    let found = measure::bench(args.device, &options, started, notice, &mut progress);
    progress(String::new());
    let report = found?;
    if args.json { print::json(&report) } else { print::lines(text(&report)) }
}

fn text(report: &Report) -> Vec<String> {
    let d = &report.device;
    let parts = [&d.backend, &d.driver, &d.level, &d.tier, &d.multiply];
    let mut device = d.name.clone();
    for part in parts.into_iter().flatten() {
        device = format!("{device}, {part}");
    }
    let load = print::or_dash(report.load_average, |l| format!("{l:.2}"));
    let mut lines = vec![
        format!("{device}; {} host threads, load average {load}", d.threads),
        format!("seedbed {}, {}; {}; best of several rounds", report.version, report.system, report.timing),
        String::new(),
    ];
    let heads = [
        "<law",
        "<dtype",
        ">elements",
        "<by",
        ">GB/s",
        ">Gvalues/s",
        ">clear GB/s",
        ">/ clear",
        ">copy GB/s",
        ">/ copy",
        ">cold GB/s",
    ];
    lines.extend(table(&heads, &report.fills.iter().map(cells).collect::<Vec<_>>()));
    lines.push(String::new());
    if let Some(m) = &report.many {
        lines.push(format!(
            "{} tensors of {} normal f32 elements: {} tensors/s; {:.2} of the speed of one tensor of the same total ({:.2} with \
             recording and waiting)",
            print::count(m.tensors),
            print::count(m.elements_each),
            print::count(m.tensors_per_s as u64),
            m.of_one,
            m.of_one_wall,
        ));
    }
    lines.push(format!("planning: {:.2} us a tensor", report.planning_us));
    let first = &report.first_byte;
    lines.push(format!(
        "first bytes {:.0} ms after the process began: opening {:.0} ms, the first fill {:.0} ms{}",
        1e3 * first.total_seconds,
        1e3 * first.open_seconds,
        1e3 * first.fill_seconds,
        first.all_kernels_seconds.map_or(String::new(), |s| format!("; all kernels {:.0} ms", 1e3 * s)),
    ));
    lines.extend(report.notes.iter().map(|n| format!("note: {n}")));
    lines
}

fn cells(r: &FillRow) -> Vec<String> {
    let threads = r.threads.map_or(String::new(), |n| format!(", {n} thread{}", if n == 1 { "" } else { "s" }));
    vec![
        r.law.to_owned(),
        r.dtype.clone(),
        print::count(r.elements),
        format!("{}{threads}", r.by),
        format!("{:.2}", r.gb_per_s),
        format!("{:.3}", r.values_per_s / 1e9),
        format!("{:.2}", r.clear_gb_per_s),
        format!("{:.2}", r.of_clear),
        print::or_dash(r.copy_gb_per_s, |x| format!("{x:.2}")),
        print::or_dash(r.of_copy, |x| format!("{x:.2}")),
        print::or_dash(r.cold_seconds, |s| format!("{:.2}", r.bytes as f64 / s / 1e9)),
    ]
}

#[cfg(test)]
mod tests {
    use super::elements;

    #[test]
    fn sizes_take_units() {
        assert_eq!([elements("7"), elements("64Ki"), elements("4Gi")], [Ok(7), Ok(1 << 16), Ok(1 << 32)]);
        assert!(["", "0", "Mi", "-1", "1.5Mi", "9999999Gi", "2Ti"].into_iter().all(|t| elements(t).is_err()));
    }
}
