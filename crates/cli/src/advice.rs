//! What the command line adds to the library's errors: the flag or the command that helps. The library knows neither.

use crate::arguments::model;
use crate::commands::Command;
use seedbed::Error;
use seedbed::model::Model;

/// What helps against an error of a command, in a few words; none where no flag and no command does.
pub fn of(error: &Error, command: &Command) -> Option<&'static str> {
    match error {
        Error::Tensor { source, .. } => of(source, command),
        // Where a name is near, the error suggests it, and no list is needed.
        Error::Unknown { what: "recipe", nearest: None, .. } => Some("`seedbed recipes` lists them"),
        Error::Unknown { what: "scheme", nearest: None, .. } => Some("`seedbed schemes` lists them"),
        Error::Exists { .. } => Some("--force replaces it"),
        Error::Device(_) => device(command),
        Error::Buffer(_) => memory(command),
        // Names and shapes alone say no law, and the default recipe is one only where there is a config.
        Error::Model(_) => command.model()?.has_no_laws().then_some("the flag is --recipe NAME"),
        Error::UnknownTensors { .. } => {
            Some("put these lines into a file, and the file before the recipe: --recipe FILE,RECIPE")
        }
        Error::Checkpoint { path, .. } => family(command.model()?, path),
        // The other errors say themselves what to write instead; the library may add kinds of them.
        _ => None,
    }
}

/// Against a device that is not there or does not work.
fn device(command: &Command) -> Option<&'static str> {
    match command {
        Command::Init(_) | Command::Fill(_) | Command::Verify(_) => {
            Some("`seedbed devices` lists what there is; --device cpu gives the same bytes")
        }
        Command::Bench(_) | Command::Selftest(_) => Some("`seedbed devices` lists what there is"),
        Command::Plan(_)
        | Command::Schemes(_)
        | Command::Recipes(_)
        | Command::Inspect(_)
        | Command::Devices(_)
        | Command::Completions(_)
        | Command::Man(_) => None,
    }
}

/// Against too little memory.
fn memory(command: &Command) -> Option<&'static str> {
    match command {
        Command::Init(_) | Command::Fill(_) => Some("--memory allows more"),
        Command::Plan(_)
        | Command::Schemes(_)
        | Command::Recipes(_)
        | Command::Inspect(_)
        | Command::Verify(_)
        | Command::Selftest(_)
        | Command::Bench(_)
        | Command::Devices(_)
        | Command::Completions(_)
        | Command::Man(_) => None,
    }
}

/// Against an error in the file at `path`, where that is the config and its family is not known.
fn family(args: &model::Args, path: &str) -> Option<&'static str> {
    let config = args.config_file().filter(|config| config.display().to_string() == path)?;
    let text = std::fs::read_to_string(config).ok()?;
    let unknown = matches!(Model::from_json(&text), Err(Error::Unknown { what: "model_type", nearest: None, .. }));
    (unknown && !args.has_tensors()).then_some("the flags are --like CHECKPOINT and --recipe FILE")
}
