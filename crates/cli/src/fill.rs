//! `seedbed fill`.

use super::{Outcome, args, print, progress::Bar};
use seedbed::checkpoint::{self, Provenance, SingleTensor};
use seedbed::plan::Plan;
use seedbed::{DType, Error, Rounding, StreamVersion};
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};

/// Write one tensor, or a slab of it
///
/// The name is part of what makes the values: the same name, seed, shape and scheme give the tensor that a whole model
/// has under that name.
#[derive(clap::Args)]
#[command(after_help = "Schemes: zeros, ones, constant(value), uniform(lo, hi), normal(mean, std),
  truncated_normal(mean, std, lo, hi, bounds=sigma|absolute), variance_scaling(scale, mode=fan_in|fan_out|fan_avg|
  fan_geo_avg), xavier_.., kaiming_.., lecun_.. each with uniform, normal or truncated_normal, he_fan_avg, torch_linear,
  torch_conv, torch_bias(fan_in), torch_embedding, unit_frobenius(norm),
  orthogonal, sparse, identity, dirac, sinusoidal ..: `seedbed schemes` lists them all.

Examples:
  seedbed fill --shape 768,3072 --scheme 'normal(0, 0.02)' --name h.0.mlp.c_fc.weight -o w.safetensors
  seedbed fill --shape 4096,4096 --scheme kaiming_normal --dtype bf16 --slab 0:1024,0:4096 -o shard0.safetensors
  seedbed fill --shape 128,64 --scheme torch_embedding --zero-rows 0,100:128 --dtype bf16 --rounding stochastic -o emb.safetensors
  seedbed fill --shape 1000000 --scheme 'uniform(-1, 1)' --seed 7 -o - | sha256sum")]
pub struct Args {
    /// The shape of the whole tensor, as 768,3072; [] is one element
    #[arg(long, allow_hyphen_values = true)]
    shape: String,
    /// How the elements are distributed, as 'normal(0, 0.02)'
    #[arg(long)]
    scheme: String,
    /// The tensor's name
    #[arg(long, default_value = "weight")]
    name: String,
    /// The safetensors file to write; - is the bare bytes to stdout, little-endian
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    seed: args::Seed,
    /// The dtype
    #[arg(long, default_value = "f32", value_name = "f32|f16|bf16")]
    dtype: DType,
    /// How values are rounded to f16 and bf16: to the nearest one, or to a neighbour drawn so that the mean is the value
    #[arg(long, default_value = "nearest", value_name = "nearest|stochastic")]
    rounding: Rounding,
    /// Which axes feed in and out: out_in (torch), in_out (jax), conv(groups=4), conv_transpose, axes(in=-2, out=-1, batch=[])
    #[arg(long, default_value = "out_in")]
    layout: String,
    /// The part to write, start:extent of each axis, as 0:768,1024:512
    #[arg(long, value_name = "START:EXTENT,..", allow_hyphen_values = true)]
    slab: Option<String>,
    /// Rows (of the first axis) that are zero: 0,5,100:128 are rows 0, 5 and 100 to 127. No other row changes
    #[arg(long, value_name = "ROW,FIRST:END,..", allow_hyphen_values = true)]
    zero_rows: Option<String>,
    #[command(flatten)]
    device: args::Device,
    #[command(flatten)]
    writing: args::Writing,
}

pub fn run(args: &Args) -> Outcome {
    let tensor = SingleTensor {
        shape: args.shape.parse()?,
        scheme: args.scheme.parse()?,
        layout: args.layout.parse()?,
        slab: args.slab.as_deref().map(str::parse).transpose()?,
        zero_rows: args.zero_rows.as_deref().map(str::parse).transpose()?.unwrap_or_default(),
    };
    // The tensor is checked before a seed is drawn: its errors stand alone.
    tensor.fill(&mut Plan::new(StreamVersion::V1, 0), &args.name, args.dtype, args.rounding)?;
    let raw = args.output == Path::new("-");
    if raw && stdout().is_terminal() {
        return Err(
            Error::io("stdout", std::io::Error::other("is a terminal: bare bytes want a pipe or a file")).into()
        );
    }
    if !raw {
        checkpoint::check_target(&args.output, args.writing.force)?;
    }
    let seed = args.seed.take()?;
    let mut plan = Plan::new(StreamVersion::V1, seed);
    let (fill, dims) = tensor.fill(&mut plan, &args.name, args.dtype, args.rounding)?;
    let engine = args.device.open(&[args.dtype])?;
    let options = args.writing.options();
    let bar = Bar::writing(fill.bytes());
    let mut progress = |done| bar.at(done);
    if raw {
        checkpoint::write_raw(&mut stdout(), "stdout", &fill, &engine, &options, &mut progress)?;
        return Ok(());
    }
    let summary = format!("{} {} {}", args.name, print::shape(&dims), args.dtype);
    let metadata = Provenance::of_tensor(seed, tensor, args.rounding).metadata();
    let bytes =
        checkpoint::write_safetensors(&args.output, vec![(fill, dims)], &metadata, &engine, &options, &mut progress)?;
    drop(bar);
    print::lines([format!("{}: {}, {}", args.output.display(), print::clean(&summary), print::bytes(bytes))])
}
