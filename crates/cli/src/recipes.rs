//! `seedbed recipes`.

use super::{Outcome, print, table::table};
use seedbed::Error;
use seedbed::model::Family;
use seedbed::recipe::{self, BuiltIn};

/// List the built-in recipes, or print one: a file to start your own from
///
/// The default, transformers, is a file a family of models: transformers/gpt2, ..
#[derive(clap::Args)]
#[command(after_help = "Examples:
  seedbed recipes
  seedbed recipes transformers/llama > mine.toml
  seedbed init examples/llama-3.2-1b --recipe mine.toml -o llama")]
pub struct Args {
    /// Print the text of this one
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Print a JSON array
    #[arg(long, conflicts_with = "name")]
    json: bool,
}

pub fn run(args: &Args) -> Outcome {
    let families = Family::all().iter().map(|f| BuiltIn::of_family(f));
    let mut all: Vec<BuiltIn> = recipe::builtins().iter().copied().chain(families).collect();
    // Two families may have one recipe.
    all.dedup_by_key(|b| b.name);
    if let Some(name) = &args.name {
        let found = all
            .iter()
            .find(|b| b.name == *name)
            .ok_or_else(|| Error::unknown("recipe", name, all.iter().map(|b| b.name)))?;
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
        // Parameters that are computed are for readers of the file.
        let settable =
            about.parameters.iter().filter(|p| p.split(" = ").nth(1).is_some_and(|v| v.parse::<f64>().is_ok()));
        let settable: Vec<&str> = settable.map(String::as_str).collect();
        vec![b.name.to_owned(), about.summary, settable.join(", ")]
    };
    print::lines(table(&["<recipe", "<what it is", "<--set"], &all.iter().map(cells).collect::<Vec<_>>()))
}
