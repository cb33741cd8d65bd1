//! The subcommands, a file for each.

mod bench;
mod completions;
mod devices;
mod fill;
mod init;
mod inspect;
mod man;
mod plan;
mod recipes;
mod schemes;
mod selftest;
mod verify;

use crate::arguments::model;
use crate::outcome::Outcome;
use std::time::Instant;

#[derive(clap::Subcommand)]
pub enum Command {
    Init(init::Args),
    Fill(fill::Args),
    Plan(plan::Args),
    Schemes(schemes::Args),
    Recipes(recipes::Args),
    Inspect(inspect::Args),
    Verify(verify::Args),
    Selftest(selftest::Args),
    Bench(bench::Args),
    Devices(devices::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// The names of the subcommands, in the order of help.
pub const NAMES: [&str; 12] = [
    "init",
    "fill",
    "plan",
    "schemes",
    "recipes",
    "inspect",
    "verify",
    "selftest",
    "bench",
    "devices",
    "completions",
    "man",
];

impl Command {
    /// The arguments that say which model, where the command takes them.
    pub fn model(&self) -> Option<&model::Args> {
        match self {
            Self::Init(args) => Some(&args.model),
            Self::Plan(args) => Some(&args.model),
            Self::Fill(_)
            | Self::Schemes(_)
            | Self::Recipes(_)
            | Self::Inspect(_)
            | Self::Verify(_)
            | Self::Selftest(_)
            | Self::Bench(_)
            | Self::Devices(_)
            | Self::Completions(_)
            | Self::Man(_) => None,
        }
    }

    /// Runs the command. `definition` is that of the whole command line, from which completions and manual pages are
    /// made; `started` is when the run of the command line began.
    pub fn run(&self, definition: clap::Command, started: Instant) -> Outcome {
        match self {
            Self::Init(args) => init::run(args),
            Self::Fill(args) => fill::run(args),
            Self::Plan(args) => plan::run(args),
            Self::Schemes(args) => schemes::run(args),
            Self::Recipes(args) => recipes::run(args),
            Self::Inspect(args) => inspect::run(args),
            Self::Verify(args) => verify::run(args),
            Self::Selftest(args) => selftest::run(args),
            Self::Bench(args) => bench::run(args, started),
            Self::Devices(args) => devices::run(args),
            Self::Completions(args) => completions::run(args, definition),
            Self::Man(args) => man::run(args, definition),
        }
    }
}
