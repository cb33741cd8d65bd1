//! Arguments that several commands share.

use super::{print, progress};
use seedbed::backend::Backend;
use seedbed::checkpoint::WriteOptions;
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
    pub fn open(&self, dtypes: &[DType]) -> Result<Backend> {
        let engine = Backend::open(self.device, dtypes, &mut |text| print::note("notice", &text))?;
        // Compiling kernels takes seconds on some drivers: a signal may have come meanwhile.
        progress::check()?;
        print::note("device", &engine.to_string());
        Ok(engine)
    }
}

/// How files are written.
#[derive(clap::Args)]
pub struct Writing {
    /// The memory that the data may take on its way, as 512MiB or 1GB; the program itself takes some more
    #[arg(long, value_name = "SIZE", default_value = "512MiB", value_parser = parse_size)]
    memory: u64,
    /// Do not wait for the disk: a power failure soon afterwards may leave files without their bytes
    #[arg(long)]
    no_sync: bool,
    /// Replace the files that stand there
    #[arg(long)]
    pub force: bool,
}

impl Writing {
    /// The options of one file.
    pub fn options(&self) -> WriteOptions {
        WriteOptions { memory: self.memory, sync: !self.no_sync, max_shard_size: None, force: self.force }
    }
}

/// Reads a size: bytes, or with a unit of 1000 (`5GB`, `500 MB`) or of 1024 (`1GiB`).
pub fn parse_size(text: &str) -> Result<u64, String> {
    match text.trim().parse::<bytesize::ByteSize>() {
        Ok(size) if size.as_u64() > 0 => Ok(size.as_u64()),
        Ok(_) => Err("a size is at least one byte".to_owned()),
        Err(_) => Err("a size is a number of bytes, or a number and a unit, as 5GB, 500MB or 1GiB".to_owned()),
    }
}

/// The seed of a command that writes.
#[derive(clap::Args)]
pub struct Seed {
    /// The seed, from 0 to 2^64 - 1, decimal or 0x hexadecimal; drawn from the operating system where none is given
    #[arg(long, value_name = "N", value_parser = parse_seed, allow_hyphen_values = true)]
    seed: Option<u64>,
}

impl Seed {
    /// The seed, given or drawn; it is printed.
    pub fn take(&self) -> Result<u64> {
        let seed = self.draw()?;
        self.announce(seed);
        Ok(seed)
    }

    /// The seed, given or drawn.
    pub fn draw(&self) -> Result<u64> {
        match self.seed {
            Some(seed) => Ok(seed),
            None => getrandom::u64().map_err(|e| {
                seedbed::Error::io("the operating system's random numbers", std::io::Error::other(e.to_string()))
            }),
        }
    }

    /// Prints it.
    pub fn announce(&self, seed: u64) {
        let how = if self.seed.is_some() { "" } else { " (drawn; --seed makes the same bytes again)" };
        print::note("seed", &format!("{seed}{how}"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_both_kinds_of_units() {
        let sizes =
            ["7", "5GB", "500 MB", "1GiB", "1.5kb", " 3MiB ", "2G", "2^9", "", "0", "0GB", "-1GB", "5 GBs", "NaN"];
        let expected = [7, 5_000_000_000, 500_000_000, 1 << 30, 1500, 3 << 20, 2_000_000_000];
        let read: Vec<_> = sizes.iter().map(|s| parse_size(s).ok()).collect();
        assert_eq!(read[..7], expected.map(Some));
        assert!(read[7..].iter().all(Option::is_none), "{read:?}");
        assert_eq!(parse_size("1000000000000 EB"), Ok(u64::MAX));
    }
}
