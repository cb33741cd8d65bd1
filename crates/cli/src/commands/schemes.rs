//! `seedbed schemes`.

use crate::outcome::Outcome;
use crate::terminal::{print, table::table};
use seedbed::Error;
use seedbed::scheme::{SchemeInfo, catalog};

/// List the schemes that --scheme takes, with their laws, uses, and names in torch, jax and keras
#[derive(clap::Args)]
#[command(after_help = "Arguments:
  An argument in brackets may be left out and then has the value shown.
  mode: fan_in, fan_out, fan_avg, fan_geo_avg
  nonlinearity: linear, conv, sigmoid, tanh, relu, leaky_relu, selu
  distribution: normal, truncated_normal, uniform

Examples:
  seedbed schemes
  seedbed schemes he_normal lecun_normal
  seedbed schemes --json | jq -r '.[].example'")]
pub struct Args {
    /// Show only these schemes, each named by any of its names
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Outcome {
    let chosen = choose(&args.names)?;
    if args.json {
        return print::json(&chosen.iter().map(|info| json(info)).collect::<Vec<_>>());
    }
    print::lines(if args.names.is_empty() { tables(&chosen) } else { blocks(&chosen) })
}

/// The entries of these names, in the order given; all where none is.
fn choose(names: &[String]) -> Result<Vec<&'static SchemeInfo>, Error> {
    if names.is_empty() {
        return Ok(catalog().iter().collect());
    }
    let find = |name: &String| {
        catalog()
            .iter()
            .find(|info| info.names.contains(&name.as_str()))
            .ok_or_else(|| Error::unknown("scheme", name, catalog().iter().flat_map(|info| info.names)))
    };
    names.iter().map(find).collect()
}

/// Four tables of the same rows: side by side they would be three times as wide as a terminal.
fn tables(chosen: &[&SchemeInfo]) -> Vec<String> {
    let part = |heads: &[&str], cells: fn(&SchemeInfo) -> Vec<String>| {
        table(heads, &chosen.iter().map(|info| cells(info)).collect::<Vec<_>>())
    };
    let parts = [
        part(&["<text form", "<also"], |info| vec![info.form(), info.names[1..].join(", ")]),
        part(&["<scheme", "<law"], |info| vec![info.name().to_owned(), law(info)]),
        part(&["<scheme", "<when", "<source"], |info| {
            [info.name(), info.when, info.source].map(str::to_owned).to_vec()
        }),
        part(&["<scheme", "<torch", "<jax", "<keras"], |info| {
            [info.name(), info.torch, info.jax, info.keras].map(str::to_owned).to_vec()
        }),
    ];
    parts.join(&String::new())
}

/// A block of lines for each scheme.
fn blocks(chosen: &[&SchemeInfo]) -> Vec<String> {
    let mut lines = Vec::new();
    for info in chosen {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(info.form());
        let names = info.names[1..].join(", ");
        let law = law(info);
        let facts = [
            ("also", names.as_str()),
            ("law", &law),
            ("when", info.when),
            ("source", info.source),
            ("torch", info.torch),
            ("jax", info.jax),
            ("keras", info.keras),
            ("example", info.example),
        ];
        let known = facts.into_iter().filter(|(_, text)| !text.is_empty());
        lines.extend(known.map(|(what, text)| format!("  {what:<8}{text}")));
    }
    lines
}

fn law(info: &SchemeInfo) -> String {
    let parts = [info.law, info.formula];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn json(info: &SchemeInfo) -> serde_json::Value {
    // What is absent is null, not a dash.
    let or_null = |text: &'static str| (text != "-" && !text.is_empty()).then_some(text);
    serde_json::json!({
        "name": info.name(),
        "aliases": &info.names[1..],
        "form": info.form(),
        "law": info.law,
        "formula": or_null(info.formula),
        "when": info.when,
        "source": or_null(info.source),
        "torch": or_null(info.torch),
        "jax": or_null(info.jax),
        "keras": or_null(info.keras),
        "example": info.example,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        let all: Vec<_> = catalog().iter().collect();
        for line in tables(&all).iter().chain(&blocks(&all)) {
            assert!(line.chars().count() <= 120, "{} columns: {line}", line.chars().count());
        }
    }
}
