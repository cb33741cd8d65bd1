//! What the command line adds to the library's errors: the flag or the command that helps. The library knows neither.

use crate::arguments::model;
use crate::commands::Command;
use seedbed::Error;
use seedbed::model::Model;
use std::io::ErrorKind;

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
        Error::Checkpoint { path, reason } => {
            let args = command.model()?;
            family(args, path).or_else(|| (args.grows() && reason.ends_with(DRAWN_ANEW)).then_some(REDRAW))
        }
        Error::Io { path, source } if source.kind() == ErrorKind::NotFound => repository(path, command),
        // The other errors say themselves what to write instead; the library may add kinds of them.
        _ => None,
    }
}

/// How the library ends an error about a tensor of another shape.
const DRAWN_ANEW: &str = "unless it is drawn anew";
const REDRAW: &str = "--redraw GLOB draws it anew";

/// Against a path that leads nowhere and has the form of a repository's name, `owner/name`.
fn repository(path: &str, command: &Command) -> Option<&'static str> {
    let is_name = |name: &str| {
        let may_stand = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !name.is_empty() && !name.starts_with('.') && name.chars().all(may_stand)
    };
    let (owner, name) = path.split_once('/')?;
    let is_repository = is_name(owner) && is_name(name) && !std::path::Path::new(owner).exists();
    // A name that ends like a file is most likely one.
    let is_file = [".json", ".toml", ".safetensors"].iter().any(|end| name.ends_with(end));
    let of_config =
        command.model().and_then(model::Args::config_file).is_some_and(|config| config == std::path::Path::new(path));
    (is_repository && !is_file).then_some(if of_config {
        "it looks like a repository id of Hugging Face: download its config.json and give its path"
    } else {
        "it looks like a repository id of Hugging Face: download its files and give their directory"
    })
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
