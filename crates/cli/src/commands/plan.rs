//! `seedbed plan`.

use crate::arguments::{self, model};
use crate::outcome::Outcome;
use crate::terminal::print;
use crate::terminal::table::{stream, table};
use seedbed::model_plan::PlanRow;
use std::collections::HashMap;

/// Show what init would write, tensor by tensor: role, shape, fans, rule, law, key, multipliers
///
/// Tensors that differ only by the numbers in their names, such as those of layers, are shown together in one line,
/// unless --table or --json is given. On a terminal that is too narrow for the table, each line of it becomes a block.
#[derive(clap::Args)]
// As of `init`: the usage that clap makes is one long word.
#[command(
    override_usage = "seedbed plan [OPTIONS] [CONFIG]",
    after_help = "Examples:
  seedbed plan examples/gpt2/config.json
  seedbed plan examples/llama-3.2-1b --recipe mup --table
  seedbed plan examples/llama-3.2-1b --seed 42 --json | jq '.tensors[0]'"
)]
pub struct Args {
    #[command(flatten)]
    pub(super) model: model::Args,
    /// The seed on which the keys depend, decimal or 0x and hexadecimal digits [default: 0]
    #[arg(long, value_name = "N", value_parser = arguments::parse_seed, allow_hyphen_values = true)]
    seed: Option<u64>,
    /// Print a line for every tensor, with its key
    #[arg(long, conflicts_with = "json")]
    table: bool,
    /// Print what init writes as init.json
    #[arg(long)]
    json: bool,
    /// Print how the role of each tensor was told, by config, list, role entry, neighbors or usual name, and no law
    #[arg(long)]
    explain: bool,
}

mod explain;

const HEADS: [&str; 15] = [
    "<name", "<role", "<shape", "<dtype", "<layout", ">fan_in", ">fan_out", "<rule", "<law", ">std", "<range", ">lr",
    ">wd", ">forward", ">bytes",
];

pub fn run(args: &Args) -> Outcome {
    if args.explain {
        return explain::run(args);
    }
    let planned = args.model.plan(args.seed.unwrap_or(0))?;
    let plan = &planned.plan;
    let why = if args.seed.is_some() { "" } else { " (the default; the keys depend on it)" };
    print::note("seed", &format!("{}{why}", plan.seed()));
    if args.json {
        return print::json(&planned);
    }
    let ties = planned.model.as_ref().map_or(0, |m| m.ties().len());
    let summary = format!(
        "{}: {} tensors, {} parameters, {}{}",
        model::label(&planned),
        print::count(plan.tensors().len() as u64),
        print::count(plan.elements()),
        print::bytes(plan.tensors().iter().map(|t| t.bytes()).sum()),
        match ties {
            0 => String::new(),
            1 => "; 1 more is tied to another and is not stored".to_owned(),
            n => format!("; {n} more are tied to others and are not stored"),
        },
    );
    if !args.table {
        return print::lines(table(&HEADS, &grouped(planned.rows())).into_iter().chain([summary]));
    }
    let heads: Vec<&str> = HEADS[..14].iter().chain(&["<key", ">bytes"]).copied().collect();
    let rows = planned.rows().map(|r| {
        let mut cells = cells(&r.name, &r, r.bytes);
        cells.insert(14, r.key.clone());
        cells
    });
    print::lines(stream(&heads, rows).chain([summary]))
}

fn cells(name: &str, r: &PlanRow, bytes: u64) -> Vec<String> {
    vec![
        name.to_owned(),
        r.role.to_string(),
        print::shape(r.shape.dims()),
        r.dtype.to_string(),
        r.layout.to_string(),
        print::or_dash(r.fan_in, print::count),
        print::or_dash(r.fan_out, print::count),
        rules(r),
        r.law.clone(),
        print::number(r.std),
        format!("[{}, {}]", print::number(r.min), print::number(r.max)),
        print::number(r.lr_multiplier),
        print::number(r.weight_decay_multiplier),
        print::number(r.forward_multiplier),
        print::bytes(bytes),
    ]
}

/// Every rule that had a part, in the order in which they were applied.
fn rules(r: &PlanRow) -> String {
    if r.rules.is_empty() {
        return r.rule.clone();
    }
    r.rules.iter().map(|part| part.rule.as_str()).collect::<Vec<_>>().join(", ")
}

/// One line for all tensors that differ only by the numbers in their names, which become ranges.
fn grouped(rows: impl Iterator<Item = PlanRow>) -> Vec<Vec<String>> {
    let mut groups: Vec<Group> = Vec::new();
    let mut known = HashMap::new();
    for row in rows {
        let (pattern, numbers) = split(&row.name);
        // All that a line shows, compared before it is made into text: most tensors are like an earlier one.
        let multipliers =
            [row.lr_multiplier, row.weight_decay_multiplier, row.forward_multiplier, row.std].map(f64::to_bits);
        let words = [rules(&row), row.law.clone()];
        let kind = (row.role, row.dtype, row.layout.clone());
        let key = (pattern, row.shape.clone(), kind, words, [row.fan_in, row.fan_out], multipliers);
        let at = match known.get(&key) {
            Some(&at) => at,
            None => {
                let ranges = numbers.iter().map(|&n| (n, n)).collect();
                groups.push(Group { cells: cells(&key.0, &row, 0), ranges, count: 0, bytes: 0 });
                known.insert(key, groups.len() - 1);
                groups.len() - 1
            }
        };
        groups[at].add(&numbers, row.bytes);
    }
    groups.into_iter().map(Group::line).collect()
}

struct Group {
    cells: Vec<String>,
    /// The least and the greatest value of each number in the names.
    ranges: Vec<(u64, u64)>,
    count: u64,
    bytes: u64,
}

impl Group {
    fn add(&mut self, numbers: &[u64], bytes: u64) {
        for (range, &n) in self.ranges.iter_mut().zip(numbers) {
            *range = (range.0.min(n), range.1.max(n));
        }
        self.count += 1;
        self.bytes += bytes;
    }

    fn line(mut self) -> Vec<String> {
        self.cells[0] = joined(&self.cells[0], &self.ranges, self.count);
        let last = self.cells.len() - 1;
        self.cells[last] = print::bytes(self.bytes);
        self.cells
    }
}

/// The name of many tensors: `#` becomes the range of the numbers that stand there.
fn joined(pattern: &str, ranges: &[(u64, u64)], count: u64) -> String {
    let mut name = String::new();
    let mut ranges = ranges.iter();
    for piece in pattern.split('.') {
        let separator = if name.is_empty() { "" } else { "." };
        let text = match (piece, ranges.len()) {
            ("#", 1..) => match ranges.next() {
                Some((a, b)) if a == b => a.to_string(),
                Some((a, b)) => format!("{{{a}..{b}}}"),
                None => String::new(),
            },
            (piece, _) => piece.to_owned(),
        };
        name += separator;
        name += &text;
    }
    if count > 1 {
        name += &format!(" x{}", print::count(count));
    }
    name
}

/// The name with `#` in place of each piece that is a number, and the numbers.
fn split(name: &str) -> (String, Vec<u64>) {
    let mut numbers = Vec::new();
    let pieces: Vec<&str> = (name.split('.'))
        .map(|piece| match piece.parse::<u64>() {
            Ok(n) if piece.bytes().all(|b| b.is_ascii_digit()) => {
                numbers.push(n);
                "#"
            }
            _ => piece,
        })
        .collect();
    (pieces.join("."), numbers)
}
