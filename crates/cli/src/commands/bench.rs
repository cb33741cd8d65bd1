//! `seedbed bench`.

use crate::arguments::{
    device::explain,
    values::{self, Named},
};
use crate::bench::{self, laws, text::text};
use crate::outcome::{Failure, Outcome};
use crate::terminal::{print, progress};
use seedbed::gpu::Choice;
use seedbed::{DType, Error, Rounding};
use std::time::Instant;

/// Measure fills beside the device's own clear and copy, in one run
///
/// Every figure is the best of several rounds, in which fill, clear and copy take turns. GB/s counts the bytes written,
/// also for a copy. "/ clear" is the fill's speed over that of the device's own clear of the same bytes, "/ copy" over
/// that of its own copy, which reads as much as it writes; on the CPU "/ memset" is the fill's speed over that of
/// memset by the same threads. 1 would be as fast as the device writes memory at all.
///
/// Other work on the machine makes the figures too low: the load of the host is looked at before and after, and warned
/// of.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed bench
  seedbed bench --device cpu --law normal --dtype f32,bf16 --json
  seedbed bench --law all --rounding nearest,stochastic
  seedbed bench --device gpu:0 --size 256Mi")]
pub struct Args {
    /// The device to measure. auto is a hardware GPU if there is one, else the CPU; gpu is any GPU, a software one
    /// where there is no other; gpu:N is the adapter N of `seedbed devices`
    #[arg(long, default_value = "auto", value_name = "auto|cpu|gpu|gpu:N", value_parser = values::device(),
        hide_possible_values = true)]
    device: Choice,
    /// The elements of the largest fill, such as 1000000, 64Ki, 16Mi or 4Gi [default: 4Gi on a hardware GPU, as memory
    /// allows, else 16Mi]
    #[arg(long, value_name = "N", value_parser = values::parse_elements)]
    size: Option<u64>,
    /// Measure these laws; all measures every one [default: constant,uniform,normal,truncated_normal]
    #[arg(long = "law", value_name = "LAW,..", value_delimiter = ',', value_parser = law_names())]
    laws: Vec<&'static str>,
    /// Measure only these dtypes
    #[arg(long = "dtype", value_name = "f32|f16|bf16,..", value_delimiter = ',', value_parser = values::dtype(),
        hide_possible_values = true)]
    dtypes: Vec<DType>,
    /// How values are rounded to f16 and bf16
    #[arg(long = "rounding", value_name = "nearest|stochastic,..", value_delimiter = ',', default_value = "nearest",
        value_parser = values::rounding(), hide_possible_values = true)]
    roundings: Vec<Rounding>,
    /// Only see that it works: small sizes, two rounds; the figures are not to be quoted, and the output says so
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

/// Reads the name of a law.
fn law_names() -> Named<&'static str> {
    Named::new(laws::names(), laws::parse)
}

pub fn run(args: &Args, started: Instant) -> Outcome {
    if args.unchecked_native_fma && args.device == Choice::Cpu {
        let reason = "the native-fma kernels need a GPU: give --device gpu or gpu:N";
        return Err(Failure::Usage(Error::Device(reason.to_owned())));
    }
    let options = bench::Options {
        quick: args.quick,
        elements: args.size,
        laws: args.laws.clone(),
        dtypes: args.dtypes.clone(),
        roundings: args.roundings.clone(),
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
