//! What the bench found, as a person reads it.

use super::report::{FillRow, Report};
use crate::terminal::{print, table::table};

/// The lines of the report.
pub fn text(report: &Report) -> Vec<String> {
    let d = &report.device;
    let parts = [&d.backend, &d.driver, &d.level, &d.tier, &d.multiply];
    let mut device = d.name.clone();
    for part in parts.into_iter().flatten() {
        device = format!("{device}, {part}");
    }
    let load = print::or_dash(report.load_average, |l| format!("{l:.2}"));
    let mut lines = vec![
        format!("{device}; {} host threads, load average {load}", d.threads),
        format!("seedbed {}, {}; {}; best of several rounds", report.version, report.system, report.timing),
        String::new(),
    ];
    let heads = [
        "<law",
        "<dtype",
        ">elements",
        "<by",
        ">GB/s",
        ">Gvalues/s",
        ">clear GB/s",
        ">/ clear",
        ">copy GB/s",
        ">/ copy",
        ">cold GB/s",
    ];
    lines.extend(table(&heads, &report.fills.iter().map(cells).collect::<Vec<_>>()));
    lines.push(String::new());
    if let Some(m) = &report.many {
        lines.push(format!(
            "{} tensors of {} normal f32 elements: {} tensors/s; {:.2} of the speed of one tensor of the same total \
             ({:.2} with recording and waiting)",
            print::count(m.tensors),
            print::count(m.elements_each),
            print::count(m.tensors_per_s as u64),
            m.of_one,
            m.of_one_wall,
        ));
    }
    lines.push(format!("planning: {:.2} us per tensor", report.planning_us));
    let first = &report.first_byte;
    lines.push(format!(
        "first bytes {:.0} ms after the process began: opening {:.0} ms, the first fill {:.0} ms{}",
        1e3 * first.total_seconds,
        1e3 * first.open_seconds,
        1e3 * first.fill_seconds,
        first.all_kernels_seconds.map_or(String::new(), |s| format!("; all kernels {:.0} ms", 1e3 * s)),
    ));
    lines.extend(report.notes.iter().map(|n| format!("note: {n}")));
    lines
}

fn cells(r: &FillRow) -> Vec<String> {
    let threads = r.threads.map_or(String::new(), |n| format!(", {n} thread{}", if n == 1 { "" } else { "s" }));
    vec![
        r.law.to_owned(),
        r.dtype.clone(),
        print::count(r.elements),
        format!("{}{threads}", r.by),
        format!("{:.2}", r.gb_per_s),
        format!("{:.3}", r.values_per_s / 1e9),
        format!("{:.2}", r.clear_gb_per_s),
        format!("{:.2}", r.of_clear),
        print::or_dash(r.copy_gb_per_s, |x| format!("{x:.2}")),
        print::or_dash(r.of_copy, |x| format!("{x:.2}")),
        print::or_dash(r.cold_seconds, |s| format!("{:.2}", r.bytes as f64 / s / 1e9)),
    ]
}
