//! Arguments that several commands share.

use super::print;
use seedbed::engine::Engine;
use seedbed::gpu::Choice;
use seedbed::{DType, Result};

/// Which device fills.
#[derive(clap::Args)]
pub struct Device {
    /// What fills: a hardware GPU if there is one, else the CPU (auto); the CPU; a GPU, in need a software one; the adapter
    /// N of `seedbed devices`. The bytes are the same
    #[arg(long, default_value = "auto", value_name = "auto|cpu|gpu|gpu:N")]
    device: Choice,
}

impl Device {
    /// Opens the device with the kernels of these dtypes, and prints what serves.
    pub fn open(&self, dtypes: &[DType]) -> Result<Engine> {
        let engine = Engine::open(self.device, dtypes, &mut |text| print::note("notice", &text))?;
        print::note("device", &engine.to_string());
        Ok(engine)
    }
}

/// The seed of a command that writes.
#[derive(clap::Args)]
pub struct Seed {
    /// The seed, from 0 to 2^64 - 1, decimal or 0x hexadecimal; drawn from the operating system where none is given
    #[arg(long, value_name = "N", value_parser = parse_seed)]
    seed: Option<u64>,
}

impl Seed {
    /// The seed, given or drawn; it is printed.
    pub fn take(&self) -> Result<u64> {
        let seed = match self.seed {
            Some(seed) => seed,
            None => getrandom::u64().map_err(|e| {
                seedbed::Error::io("the operating system's random numbers", std::io::Error::other(e.to_string()))
            })?,
        };
        let how = if self.seed.is_some() { "" } else { " (drawn; --seed makes the same bytes again)" };
        print::note("seed", &format!("{seed}{how}"));
        Ok(seed)
    }
}

/// Reads a seed.
pub fn parse_seed(text: &str) -> Result<u64, String> {
    let seed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if !digits.starts_with('+') => u64::from_str_radix(digits, 16),
        _ => text.parse(),
    };
    seed.map_err(|e| format!("{e}: a seed lies from 0 to 18446744073709551615, or is 0x and hexadecimal digits"))
}
