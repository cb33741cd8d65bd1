//! Costs as a table.

use crate::{Cost, Costs};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

const HEADER: [&str; 13] = [
    "pipeline",
    "VALU",
    "mul32",
    "64-bit",
    "slots",
    "SALU",
    "memory",
    "VGPRs",
    "SGPRs",
    "spills",
    "latency",
    "inv. thr.",
    "ms",
];

pub fn print(costs: &Costs) {
    println!("\n{} ({}, {}), {} fma", costs.gpu, costs.device, costs.driver, costs.tier);
    let (values, threads): (Vec<_>, Vec<_>) = costs.pipelines.iter().partition(|c| c.values.is_some());
    for (what, rows) in [("per value of the item loop", values), ("per program of one thread", threads)] {
        println!("instructions {what}:");
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(HEADER);
        for cost in rows {
            table.add_row(row(cost));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        println!("{table}");
    }
    println!("* an inner loop runs as often as data say, and is counted once");
}

fn row(cost: &Cost) -> Vec<String> {
    let counts = &cost.counts;
    let per = |n: u32| match cost.values {
        Some(_) => format!("{:.2}", cost.per_value(n)),
        None => n.to_string(),
    };
    vec![
        format!("{}{}", cost.label, if cost.by_data { " *" } else { "" }),
        per(counts.vector()),
        per(counts.mul32),
        per(counts.wide + counts.transcendental),
        per(counts.slots()),
        per(counts.salu),
        per(counts.vmem + counts.smem + counts.lds),
        cost.vgprs.to_string(),
        cost.sgprs.to_string(),
        cost.spilled.to_string(),
        cost.latency.to_string(),
        cost.inverse_throughput.to_string(),
        format!("{:.1}", cost.milliseconds),
    ]
}
