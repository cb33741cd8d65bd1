//! The command line of seedbed. [`run`] is the whole of it, for the binary and for others that carry the command, such
//! as the Python wheel.

mod version;
mod outcome;
mod terminal;
mod arguments;
mod bench;
mod selftest;
mod commands;
mod advice;

use clap::{CommandFactory, Parser};
use outcome::{Exit, Failure, Outcome};
use std::ffi::OsString;
use std::sync::Mutex;
use std::time::Instant;
use terminal::{print, signals};

/// Fills the weights of neural networks: the same bytes on every GPU and on the CPU
///
/// A weight is a pure function of (seed, tensor name, element index). stderr says which device made the bytes.
#[derive(Parser)]
#[command(
    name = "seedbed",
    version,
    long_version = version::long(),
    arg_required_else_help = true,
    max_term_width = 110,
    after_help = Exit::help(),
)]
struct Cli {
    #[command(flatten)]
    verbosity: arguments::Verbosity,
    #[command(subcommand)]
    command: commands::Command,
}

/// Runs the command line; `args` begins with the program's name. Returns the exit code: 0 done; 1 an error, or a
/// difference was found; 2 wrong usage; 3 equal as far as checked, but not everything could be checked; 129, 130 and
/// 143 after SIGHUP, SIGINT and SIGTERM.
///
/// The call writes to the process's stdout and stderr, and never ends the process itself, but for a second signal while
/// it cleans up after a first. It can be called any number of times in a process; calls at the same moment take turns.
/// While it runs it handles SIGHUP, SIGINT, SIGTERM and SIGXFSZ, and puts back the handlers that it found.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let started = Instant::now();
    static TURN: Mutex<()> = Mutex::new(());
    // A run that panicked has left nothing behind that the next one reads.
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        // Help and the version are such errors too, of exit code 0.
        Err(error) => {
            // A stdout or stderr that is closed leaves nobody to tell.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done }.code();
        }
    };
    cli.verbosity.apply();
    let signals = signals::Watch::begin();
    let outcome = cli.command.run(Cli::command(), started);
    let signal = signals.end();
    exit(&cli.command, outcome, signal).code()
}

/// Says why a command did not end well.
fn exit(command: &commands::Command, outcome: Outcome, signal: Option<(Exit, &str)>) -> Exit {
    match (outcome, signal) {
        (Ok(()) | Err(Failure::ReaderGone), _) => Exit::Done,
        // What a signal stopped is told as an error of its own kind by whatever it stopped.
        (Err(_), Some((exit, how))) => {
            print::error(how);
            exit
        }
        (Err(Failure::Error(error)), None) => {
            tell(&error, command);
            Exit::Failed
        }
        (Err(Failure::Usage(error)), None) => {
            tell(&error, command);
            Exit::Usage
        }
        (Err(Failure::Differs(text)), None) => {
            print::error(&text);
            Exit::Failed
        }
        (Err(Failure::Unchecked(text)), None) => {
            print::note("not checked", &text);
            Exit::Unchecked
        }
    }
}

/// Prints an error and what helps against it.
fn tell(error: &seedbed::Error, command: &commands::Command) {
    let advice = advice::of(error, command);
    if let seedbed::Error::UnknownTensors { reason, toml } = error {
        print::error(&advice.map_or_else(|| reason.clone(), |advice| format!("{reason}; {advice}")));
        return print::block(toml);
    }
    print::error(&advice.map_or_else(|| error.to_string(), |advice| format!("{error}; {advice}")));
}

#[cfg(test)]
mod tests {
    use super::{Cli, commands};
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_names_are_those_of_the_subcommands() {
        let definition = Cli::command();
        let names: Vec<&str> = definition.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(names, commands::NAMES);
    }
}
