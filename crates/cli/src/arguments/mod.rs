//! Arguments that several commands share.

pub mod device;
pub mod model;

use crate::terminal::print;
use seedbed::Result;
use seedbed::checkpoint::WriteOptions;

/// How much a command says on stderr.
#[derive(clap::Args)]
pub struct Verbosity {
    /// Print nothing on stderr but errors: no notices, no progress, no device
    #[arg(short, long, global = true, conflicts_with = "verbose", display_order = 900)]
    quiet: bool,
    /// Say on stderr what was chosen and why: adapters, CPU level and threads, recipes, files, times
    #[arg(short, long, global = true, display_order = 901)]
    verbose: bool,
}

impl Verbosity {
    /// From now on this much is said.
    pub fn apply(&self) {
        print::set_speech(match (self.quiet, self.verbose) {
            (true, _) => print::Speech::Quiet,
            (false, true) => print::Speech::Verbose,
            (false, false) => print::Speech::Normal,
        });
    }
}

/// How files are written.
#[derive(clap::Args)]
pub struct Writing {
    /// The memory that tensors may take on their way to the disk, such as 512MiB or 1GB; the program itself takes some
    /// more
    #[arg(long, value_name = "SIZE", default_value = "512MiB", value_parser = parse_size)]
    memory: u64,
    /// Do not wait until the disk has the bytes: a power failure soon afterwards may lose them
    #[arg(long)]
    no_sync: bool,
    /// Replace files that exist already
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
        Err(_) => Err("a size is a number of bytes, or a number and a unit, such as 5GB, 500MB or 1GiB".to_owned()),
    }
}

/// The seed of a command that writes.
#[derive(clap::Args)]
pub struct Seed {
    /// The seed, from 0 to 2^64 - 1, decimal or 0x and hexadecimal digits [default: drawn from the operating system]
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
        let how = if self.seed.is_some() { "" } else { " (drawn; give it to --seed for the same bytes again)" };
        print::note("seed", &format!("{seed}{how}"));
    }
}

/// Reads a seed.
pub fn parse_seed(text: &str) -> Result<u64, String> {
    let seed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if !digits.starts_with('+') => u64::from_str_radix(digits, 16),
        _ => text.parse(),
    };
    seed.map_err(|e| {
        format!("{e}: a seed is a number from 0 to 18446744073709551615, decimal or 0x and hexadecimal digits")
    })
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
