//! `seedbed recipes`.

use crate::arguments::values;
use crate::outcome::Outcome;
use crate::terminal::{print, table::table};
use seedbed::Error;
use seedbed::recipe::BuiltIn;

/// List the built-in recipes, or print the text of one as a start for your own
///
/// The default recipe, transformers, has a file for each family of models: transformers/gpt2 and so on.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed recipes
  seedbed recipes transformers/llama > mine.toml
  seedbed init examples/llama-3.2-1b --recipe mine.toml -o mine")]
pub struct Args {
    /// Print the text of this recipe
    #[arg(value_name = "NAME", value_parser = values::recipe(), hide_possible_values = true)]
    name: Option<String>,
    /// Print a JSON array
    #[arg(long, conflicts_with = "name")]
    json: bool,
}

pub fn run(args: &Args) -> Outcome {
    let all = values::built_in_recipes();
    if let Some(name) = &args.name {
        let found = all.iter().find(|b| b.name == *name).ok_or_else(|| unknown(name, &all))?;
        return print::lines(found.text.lines().map(str::to_owned));
    }
    if args.json {
        let json = |b: &BuiltIn| {
            let about = b.about();
            serde_json::json!({
                "name": b.name, "summary": about.summary, "source": about.source, "models": about.models,
                "extends": about.extends, "parameters": about.parameters,
            })
        };
        return print::json(&all.iter().map(json).collect::<Vec<_>>());
    }
    let cells = |b: &BuiltIn| {
        let about = b.about();
        // Parameters that are computed from others are not meant to be set.
        let settable =
            about.parameters.iter().filter(|p| p.split(" = ").nth(1).is_some_and(|v| v.parse::<f64>().is_ok()));
        let settable: Vec<&str> = settable.map(String::as_str).collect();
        vec![b.name.to_owned(), about.summary, settable.join(", ")]
    };
    print::lines(table(&["<recipe", "<what it is", "<--set"], &all.iter().map(cells).collect::<Vec<_>>()))
}

/// The error of a name that no recipe has.
fn unknown(name: &str, all: &[BuiltIn]) -> Error {
    if name != "transformers" {
        return Error::unknown("recipe", name, all.iter().map(|b| b.name));
    }
    let families: Vec<&str> = all.iter().map(|b| b.name).filter(|name| name.starts_with("transformers/")).collect();
    Error::Model(format!(
        "transformers' own initialization is one file for each family of models: name one of {}",
        families.join(", ")
    ))
}
