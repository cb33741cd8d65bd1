//! `seedbed man`.

use crate::outcome::{Exit, Outcome};
use crate::terminal::print;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use seedbed::Error;
use std::io::Write;
use std::path::PathBuf;

/// Print the manual page of seedbed or of a subcommand, or write all of them
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed man > seedbed.1
  seedbed man init > seedbed-init.1
  seedbed man --dir man1")]
pub struct Args {
    /// The subcommand; without it the page is that of the whole
    #[arg(value_name = "SUBCOMMAND", value_parser = super::NAMES)]
    name: Option<String>,
    /// Write every page, seedbed.1, seedbed-init.1 and so on, to this directory
    #[arg(long, value_name = "DIR", conflicts_with = "name")]
    dir: Option<PathBuf>,
}

pub fn run(args: &Args, definition: clap::Command) -> Outcome {
    let mut whole = definition.disable_help_subcommand(true);
    whole.build();
    if let Some(dir) = &args.dir {
        std::fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
        let mut lines = Vec::new();
        for command in std::iter::once(&whole).chain(whole.get_subcommands()) {
            let path = dir.join(Man::new(command.clone()).get_filename());
            std::fs::write(&path, page(command)).map_err(|e| Error::io(&path, e))?;
            lines.push(path.display().to_string());
        }
        return print::lines(lines);
    }
    let named = args.name.as_ref().and_then(|name| whole.find_subcommand(name));
    print::bytes_out(&page(named.unwrap_or(&whole)))
}

/// A page in roff.
fn page(command: &clap::Command) -> Vec<u8> {
    let man = Man::new(command.clone()).manual("seedbed").source(concat!("seedbed ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    let write = |page: &mut Vec<u8>| {
        man.render_title(page)?;
        man.render_name_section(page)?;
        man.render_synopsis_section(page)?;
        man.render_description_section(page)?;
        man.render_options_section(page)?;
        if command.has_subcommands() {
            man.render_subcommands_section(page)?;
        }
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let exit = Exit::help();
        for block in after.split("\n\n").chain((after != exit).then_some(exit.as_str())) {
            section(block).to_writer(page)?;
        }
        page.flush()
    };
    write(&mut page).expect("a vector takes every byte");
    page
}

/// A block of the text after the options, whose first line is its heading, with its lines as they stand.
fn section(block: &str) -> Roff {
    let (heading, text) = block.split_once(":\n").unwrap_or(("Notes", block));
    let heading = if heading == "Exit codes" { "Exit status" } else { heading };
    let mut roff = Roff::default();
    roff.control("SH", [heading.to_uppercase().as_str()]);
    roff.control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff
}
