//! The command line of seedbed: what it takes, and how a command ends. [`run`] is the whole of it, for the binary and for
//! others that carry the command, as the Python wheel.

mod args;
mod bench;
mod devices;
mod fill;
mod init;
mod inspect;
mod measure;
mod model;
mod plan;
mod print;
mod progress;
mod recipes;
mod schemes;
mod selftest;
mod table;
mod verify;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Fills the weights of neural networks: the same bytes on every GPU and on the CPU.
///
/// A weight is a pure function of (seed, tensor name, element index). Which device served is printed on stderr.
#[derive(Parser)]
#[command(name = "seedbed", version, arg_required_else_help = true, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
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
}

/// Why a command did not end well.
enum Failure {
    /// Something is wrong: exit code 1.
    Error(seedbed::Error),
    /// What was checked differs; the text says what: exit code 1.
    Differs(String),
    /// The reader of stdout has gone, as `head` does: no error.
    Pipe,
}

impl From<seedbed::Error> for Failure {
    fn from(error: seedbed::Error) -> Self {
        match error {
            seedbed::Error::Io { path, source }
                if path == "stdout" && source.kind() == std::io::ErrorKind::BrokenPipe =>
            {
                Self::Pipe
            }
            other => Self::Error(other),
        }
    }
}

/// What a command returns.
type Outcome = Result<(), Failure>;

/// Runs the command line, `args` with the program's name first; the exit code is 0, 1 after an error, 2 for wrong usage, 130
/// where it was interrupted.
pub fn run(args: impl IntoIterator<Item = std::ffi::OsString>) -> ExitCode {
    let started = std::time::Instant::now();
    print::silence_vulkan_layer();
    let command = match Cli::try_parse_from(args) {
        Ok(cli) => cli.command,
        // Help and the version are such errors too, of exit code 0.
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    progress::watch();
    let outcome = match command {
        Command::Init(args) => init::run(&args),
        Command::Fill(args) => fill::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Schemes(args) => schemes::run(&args),
        Command::Recipes(args) => recipes::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Selftest(args) => selftest::run(&args),
        Command::Bench(args) => bench::run(&args, started),
        Command::Devices(args) => devices::run(&args),
    };
    let text = match outcome {
        Ok(()) | Err(Failure::Pipe) => return ExitCode::SUCCESS,
        Err(Failure::Error(error @ seedbed::Error::Exists { .. })) => format!("{error}; --force replaces it"),
        Err(Failure::Error(error)) => error.to_string(),
        Err(Failure::Differs(text)) => text,
    };
    if progress::interrupted() {
        print::note("error", "interrupted");
        return ExitCode::from(130);
    }
    print::note("error", &text);
    ExitCode::from(1)
}
