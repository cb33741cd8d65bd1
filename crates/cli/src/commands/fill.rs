//! `seedbed fill`.

use crate::arguments::{self, device::Device, values};
use crate::outcome::{Failure, Outcome};
use crate::terminal::{print, progress::Bar};
use clap::ValueHint;
use seedbed::checkpoint::{self, Provenance, SingleTensor};
use seedbed::plan::Plan;
use seedbed::recipe;
use seedbed::shape::Shape;
use seedbed::{DType, Error, Result, Rounding, StreamVersion};
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Write one tensor, or a slab of it
///
/// The name is part of what makes the values: with the same name, seed, shape and scheme, the tensor has the bytes that
/// it has in a whole model. `seedbed schemes` lists every scheme.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed fill --shape 768,3072 --scheme 'normal(0, 0.02)' --name h.0.mlp.weight -o w.safetensors
  seedbed fill --shape 4096,4096 --scheme kaiming_normal --slab 0:1024,0:4096 -o shard0.safetensors
  seedbed fill --shape 16,256 --scheme 'kaiming_uniform(a = sqrt(5))' -o lora_a.safetensors
  seedbed fill --shape 128,64 --scheme torch_embedding --zero-rows 0,100:128 -o e.safetensors
  seedbed fill --shape 64,64 --scheme orthogonal --dtype bf16 --rounding stochastic -o q.safetensors
  seedbed fill --shape 1000000 --scheme 'uniform(-1, 1)' --seed 7 -o - | sha256sum")]
pub struct Args {
    /// The shape of the whole tensor, such as 768,3072; [] is a tensor of one element and no axis
    #[arg(long, allow_hyphen_values = true, value_hint = ValueHint::Other)]
    shape: String,
    /// How the elements are distributed, such as 'normal(0, 0.02)' or kaiming_normal. Numbers may be expressions over
    /// fan_in, fan_out, rows, cols, rank and elements: 'normal(std = 1 / sqrt(fan_in))'
    #[arg(long, value_hint = ValueHint::Other)]
    scheme: String,
    /// The tensor's name
    #[arg(long, default_value = "weight")]
    name: String,
    /// The safetensors file to write; - writes the bare bytes of the elements to stdout, little-endian
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: PathBuf,
    #[command(flatten)]
    seed: arguments::Seed,
    /// The dtype of the elements
    #[arg(long, default_value = "f32", value_name = "f32|f16|bf16", value_parser = values::dtype(),
        hide_possible_values = true)]
    dtype: DType,
    /// How values are rounded to f16 and bf16: to the nearest, or up or down by chance so that the mean is kept
    #[arg(long, default_value = "nearest", value_name = "nearest|stochastic", value_parser = values::rounding(),
        hide_possible_values = true)]
    rounding: Rounding,
    /// Which axes count as inputs and outputs: out_in (torch), in_out (jax), conv(groups=4),
    /// conv_transpose, conv_in_out(groups=4), or axes(in=-2, out=-1, batch=[])
    #[arg(long, default_value = "out_in", value_parser = values::layout(), hide_possible_values = true)]
    layout: String,
    /// The part to write: start:extent for each axis, such as 0:768,1024:512
    #[arg(long, value_name = "START:EXTENT,..", allow_hyphen_values = true)]
    slab: Option<String>,
    /// Rows of the first axis that are zero: 0,5,100:128 means rows 0, 5 and 100 to 127. No other row changes
    #[arg(long, value_name = "ROW,FIRST:END,..", allow_hyphen_values = true)]
    zero_rows: Option<String>,
    #[command(flatten)]
    device: Device,
    #[command(flatten)]
    writing: arguments::Writing,
}

impl Args {
    /// The tensor that is asked for.
    fn tensor(&self) -> Result<SingleTensor> {
        let shape: Shape = self.shape.parse()?;
        let layout = recipe::layout_for(&self.layout, &shape)?;
        Ok(SingleTensor {
            scheme: recipe::scheme_for(&self.scheme, &shape, &layout)?,
            shape,
            layout,
            slab: self.slab.as_deref().map(str::parse).transpose()?,
            zero_rows: self.zero_rows.as_deref().map(str::parse).transpose()?.unwrap_or_default(),
        })
    }
}

pub fn run(args: &Args) -> Outcome {
    let tensor = args.tensor().map_err(|e| Failure::Usage(e.in_tensor(&args.name)))?;
    // An error in the tensor is printed alone, without the seed before it.
    tensor.fill(&mut Plan::new(StreamVersion::V1, 0), &args.name, args.dtype, args.rounding)?;
    let raw = args.output == Path::new("-");
    if raw && stdout().is_terminal() {
        return Err(
            Error::io("stdout", std::io::Error::other("is a terminal, and bare bytes need a pipe or a file")).into()
        );
    }
    if !raw {
        checkpoint::check_target(&args.output, args.writing.force)?;
    }
    let seed = args.seed.take()?;
    let mut plan = Plan::new(StreamVersion::V1, seed);
    let (fill, dims) = tensor.fill(&mut plan, &args.name, args.dtype, args.rounding)?;
    let backend = args.device.open((&fill).into())?;
    let started = Instant::now();
    let options = args.writing.options();
    let bar = Bar::writing(fill.bytes());
    let mut progress = |done| bar.at(done);
    if raw {
        checkpoint::write_raw(&mut stdout(), "stdout", &fill, &backend, &options, &mut progress)?;
        drop(bar);
        print::time("bytes written", started);
        return Ok(());
    }
    let summary = format!("{} {} {}", args.name, print::shape(&dims), args.dtype);
    let metadata = Provenance::of_tensor(seed, tensor, args.rounding).metadata();
    let bytes =
        checkpoint::write_safetensors(&args.output, vec![(fill, dims)], &metadata, &backend, &options, &mut progress)?;
    drop(bar);
    print::time(&format!("{} written", print::bytes(bytes)), started);
    let line = format!("{}: {summary}, {}", args.output.display(), print::bytes(bytes));
    print::lines([print::clean(&line)])
}
