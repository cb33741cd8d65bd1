//! `seedbed completions`.

use crate::outcome::Outcome;
use crate::terminal::print;
use clap_complete::Shell;

/// Print a completion script for a shell
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed completions bash > seedbed.bash
  seedbed completions zsh > _seedbed
  seedbed completions fish > seedbed.fish

Where they go:
  bash        ~/.local/share/bash-completion/completions/seedbed
  zsh         _seedbed, in a directory of $fpath
  fish        ~/.config/fish/completions/seedbed.fish
  powershell  appended to the file $PROFILE
  elvish      appended to ~/.config/elvish/rc.elv")]
pub struct Args {
    /// The shell
    shell: Shell,
}

pub fn run(args: &Args, mut definition: clap::Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut definition, "seedbed", &mut script);
    print::bytes_out(&script)
}
