//! Arguments that several commands share.

pub mod values;
pub mod device;
pub mod model;

use crate::terminal::print;
use seedbed::Result;
use seedbed::checkpoint::WriteOptions;
pub use values::{parse_seed, parse_size};

/// How much a command says on stderr.
#[derive(clap::Args)]
pub struct Verbosity {
    /// Print nothing on stderr but errors, and why the exit code is 3: no notices, no progress, no device
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
