//! `seedbed plan --explain`: how the role of each tensor was told.

use super::{Args, joined, split};
use crate::outcome::Outcome;
use crate::terminal::print;
use crate::terminal::table::table;
use seedbed::model::{ModelTensor, Role};
use serde::Serialize;
use std::collections::HashMap;

const HEADS: [&str; 5] = ["<name", "<shape", "<role", "<layout", "<told by"];

/// A tensor in JSON.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    shape: &'a [u64],
    role: String,
    layout: String,
    told: String,
}

pub fn run(args: &Args) -> Outcome {
    let tensors = args.model.request()?.explain()?;
    if args.json {
        let rows = tensors.iter().map(|t| Row {
            name: &t.name,
            shape: t.shape.dims(),
            role: t.role.to_string(),
            layout: t.layout.to_string(),
            told: t.told.to_string(),
        });
        return print::json(&rows.collect::<Vec<_>>());
    }
    let unknown = tensors.iter().filter(|t| t.role == Role::Other).count();
    let summary =
        format!("{} tensors, {} of them unknown", print::count(tensors.len() as u64), print::count(unknown as u64));
    let rows = if args.table { tensors.iter().map(|t| cells(&t.name, t)).collect() } else { grouped(&tensors) };
    print::lines(table(&HEADS, &rows).into_iter().chain([summary]))
}

fn cells(name: &str, t: &ModelTensor) -> Vec<String> {
    let (role, layout) = (t.role.to_string(), t.layout.to_string());
    vec![name.to_owned(), print::shape(t.shape.dims()), role, layout, t.told.to_string()]
}

/// The cells of a line, the least and the greatest value of each number in its names, and how many tensors it is of.
type Line = (Vec<String>, Vec<(u64, u64)>, u64);

/// One line for all tensors that differ only by the numbers in their names.
fn grouped(tensors: &[ModelTensor]) -> Vec<Vec<String>> {
    let mut groups: Vec<Line> = Vec::new();
    let mut known = HashMap::new();
    for tensor in tensors {
        let (pattern, numbers) = split(&tensor.name);
        let cells = cells(&pattern, tensor);
        let at = *known.entry(cells.clone()).or_insert_with(|| {
            groups.push((cells, numbers.iter().map(|&n| (n, n)).collect(), 0));
            groups.len() - 1
        });
        let (_, ranges, count) = &mut groups[at];
        for (range, &n) in ranges.iter_mut().zip(&numbers) {
            *range = (range.0.min(n), range.1.max(n));
        }
        *count += 1;
    }
    let line = |(mut cells, ranges, count): Line| {
        cells[0] = joined(&cells[0], &ranges, count);
        cells
    };
    groups.into_iter().map(line).collect()
}
