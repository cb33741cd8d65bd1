//! Recurrent cells of torch: LSTM with four gates, GRU with three, RNN with one, in layers and both directions.

use super::modules::{Finding, Modules};
use crate::model::Role;
use std::sync::Arc;

/// The number that recipes know the size of a cell's state by.
const CELL: &str = "cell";

const HOW: &str = "a parameter of a recurrent cell";

/// Finds `weight_ih`, `weight_hh`, their biases and the projection of each layer and direction, and the size of the
/// state, `cell`.
pub(super) fn find(modules: &mut Modules<'_>) {
    for m in 0..modules.all.len() {
        let starts: Vec<(String, usize)> = (modules.all[m].leaves())
            .filter_map(|(leaf, at)| Some((leaf.strip_prefix("weight_hh")?.to_owned(), at)))
            .collect();
        for (end, hidden) in starts {
            cell(modules, m, &end, hidden);
        }
    }
}

fn cell(modules: &mut Modules<'_>, m: usize, end: &str, hidden: usize) {
    let part = |name: &str| modules.all[m].get(&format!("{name}{end}"));
    let Some(input) = part("weight_ih") else { return };
    let (&[rows, state], &[input_rows, _]) = (modules.dims(hidden), modules.dims(input)) else { return };
    let projection = part("weight_hr");
    // With a projection the state that comes back is shorter than the cell.
    let size = match projection.map(|at| modules.dims(at)) {
        None => state,
        Some(&[out, size]) if out == state => size,
        Some(_) => return,
    };
    let biases = [part("bias_ih"), part("bias_hh")];
    let is_gated = [1, 3, 4].iter().any(|gates| gates * size == rows) && input_rows == rows;
    if !is_gated || biases.iter().flatten().any(|&at| *modules.dims(at) != [rows]) {
        return;
    }
    let mut variables = (*modules.tensors[hidden].variables).clone();
    variables.insert(CELL.to_owned(), size as f64);
    let variables = Arc::new(variables);
    let parts = [Some((input, Role::RecurrentInput)), Some((hidden, Role::RecurrentHidden))]
        .into_iter()
        .chain([projection.map(|at| (at, Role::RecurrentHidden))])
        .chain(biases.map(|bias| bias.map(|at| (at, Role::RecurrentBias))));
    for (at, role) in parts.flatten() {
        let mut finding = Finding::by_neighbors(role, HOW);
        finding.variables = Some(Arc::clone(&variables));
        modules.keep(at, finding);
    }
}
