//! `seedbed bench`.

use crate::arguments::device::explain;
use crate::bench::{self, LAWS, text::text};
use crate::outcome::Outcome;
use crate::terminal::{print, progress};
use seedbed::DType;
use seedbed::gpu::Choice;
use std::time::Instant;

/// Measure fills beside the device's own clear and copy, in one run
///
/// Every figure is the best of several rounds, in which fill, clear and copy take turns. GB/s counts the bytes written,
/// also for a copy. Other work on the machine makes the figures too low.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed bench
  seedbed bench --device cpu --law normal --dtype f32,bf16 --json
  seedbed bench --device gpu:0 --size 256Mi")]
pub struct Args {
    /// The device to measure. auto is a hardware GPU if there is one, else the CPU; gpu is any GPU, a software one
    /// where there is no other; gpu:N is the adapter N of `seedbed devices`
    #[arg(long, default_value = "auto", value_name = "auto|cpu|gpu|gpu:N")]
    device: Choice,
    /// The elements of the largest fill, such as 1000000, 64Ki, 16Mi or 4Gi [default: 4Gi on a hardware GPU, as memory
    /// allows, else 16Mi]
    #[arg(long, value_name = "N", value_parser = elements)]
    size: Option<u64>,
    /// Measure only these laws
    #[arg(long = "law", value_name = "LAW", value_delimiter = ',', value_parser = LAWS)]
    laws: Vec<String>,
    /// Measure only these dtypes
    #[arg(long = "dtype", value_name = "f32|f16|bf16", value_delimiter = ',')]
    dtypes: Vec<DType>,
    /// Only see that it works: small sizes, two rounds
    #[arg(long)]
    quick: bool,
    /// Measure the native-fma kernels even where they fail the self-test: their speed is of interest, their bits are
    /// not
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
        digits.parse().map_err(|_| format!("{text:?} is no number of elements, such as 1000000, 64Ki, 16Mi or 4Gi"))?;
    match number.checked_mul(1 << shift) {
        Some(n) if (1..=1 << 40).contains(&n) => Ok(n),
        _ => Err("from 1 to 1024Gi elements".to_owned()),
    }
}

pub fn run(args: &Args, started: Instant) -> Outcome {
    let options = bench::Options {
        quick: args.quick,
        elements: args.size,
        laws: args.laws.clone(),
        dtypes: args.dtypes.clone(),
        unchecked_native_fma: args.unchecked_native_fma,
    };
    let mut progress = |text: String| progress::status(&text);
    explain(args.device);
    let notice = &mut |text: String| print::note("notice", &text);
    let found = bench::bench(args.device, &options, started, notice, &mut progress);
    progress(String::new());
    let report = found?;
    if args.json { print::json(&report) } else { print::lines(text(&report)) }
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
