//! What the bench found, as a person reads it.

use super::report::{FillRow, HOST, Report};
use crate::terminal::{print, table::table};

/// The lines of the report.
pub fn text(report: &Report) -> Vec<String> {
    let d = &report.device;
    let parts = [&d.backend, &d.driver, &d.level, &d.tier, &d.multiply];
    let mut device = d.name.clone();
    for part in parts.into_iter().flatten() {
        device = format!("{device}, {part}");
    }
    let load = |load| print::or_dash(load, |l: f64| format!("{l:.2}"));
    let mut lines = vec![
        format!(
            "{device}; {} host threads, load average {} before, {} after",
            d.threads,
            load(report.load.before),
            load(report.load.after)
        ),
        format!("seedbed {}, {}; {}; best of several rounds", report.version, report.system, report.timing),
    ];
    if report.quick {
        lines.push("QUICK RUN: two rounds of small sizes, to see that it works; no figures to quote".to_owned());
    }
    lines.push(String::new());
    let on_cpu = d.kind == "cpu";
    let (clear, of_clear) = if on_cpu { (">memset GB/s", ">/ memset") } else { (">clear GB/s", ">/ clear") };
    let mut heads = vec!["<law", "<dtype", ">shape", "<by", ">GB/s", ">Gvalues/s", clear, of_clear];
    if !on_cpu {
        heads.extend([">copy GB/s", ">/ copy"]);
    }
    heads.push(">cold GB/s");
    lines.extend(table(&heads, &report.fills.iter().map(|row| cells(row, on_cpu)).collect::<Vec<_>>()));
    lines.push(String::new());
    lines.extend(legend(report).into_iter().map(str::to_owned));
    lines.push(String::new());
    for m in &report.many {
        lines.push(format!(
            "{} tensor{} of {} normal f32 elements, {}: {} tensors/s; {:.2} of the speed of one tensor of the same \
             total ({:.2} with recording and waiting)",
            print::count(m.tensors),
            if m.tensors == 1 { "" } else { "s" },
            print::count(m.elements_each),
            m.how,
            print::count(m.tensors_per_s as u64),
            m.of_one,
            m.of_one_wall,
        ));
    }
    lines.push(format!("planning: {:.2} us per tensor", report.planning_us));
    let first = &report.first_byte;
    lines.push(format!(
        "first bytes {:.0} ms after the process began: opening {:.0} ms, the first fill {:.0} ms",
        1e3 * first.total_seconds,
        1e3 * first.open_seconds,
        1e3 * first.fill_seconds,
    ));
    lines.extend(report.preparation.iter().map(|p| format!("preparing {}: {:.0} ms", p.what, 1e3 * p.seconds)));
    lines.extend(report.notes.iter().map(|n| format!("note: {n}")));
    let failed = report.fills.iter().filter_map(|r| Some((r, r.error.as_ref()?)));
    lines.extend(failed.map(|(r, e)| format!("not measured: {} {}, {}: {e}", r.law, r.dtype, r.rounding)));
    lines.extend(report.load.warnings.iter().map(|w| format!("warning: {w}")));
    lines
}

/// What the columns are.
fn legend(report: &Report) -> Vec<&'static str> {
    let mut lines = vec!["GB/s: 10^9 bytes written per second; cold: the first fill of a fresh buffer"];
    if report.device.kind == "cpu" {
        lines.push("/ memset: the fill's speed over that of memset of the same bytes by the same threads, in turns");
        return lines;
    }
    lines.push(
        "/ clear: the fill's speed over that of the device's own clear (clear_buffer) of the same bytes, in turns",
    );
    lines.push("/ copy: over that of the device's own copy (copy_buffer_to_buffer), which reads as much as it writes");
    if report.fills.iter().any(|row| row.by == HOST) {
        lines.push("host, copied: the host made the matrices, and its time is in the figures");
    }
    lines
}

fn cells(r: &FillRow, on_cpu: bool) -> Vec<String> {
    let threads = r.threads.map_or(String::new(), |n| format!(", {n} thread{}", if n == 1 { "" } else { "s" }));
    let rounding = if r.rounding == "nearest" { String::new() } else { format!(", {}", r.rounding) };
    let shape = if let [n] = r.shape[..] { print::count(n) } else { print::shape(&r.shape) };
    let by = if r.error.is_some() { "not measured".to_owned() } else { format!("{}{threads}", r.by) };
    let figure = |figure: Option<f64>, digits: usize| print::or_dash(figure, |x| format!("{x:.digits$}"));
    let f = r.figures;
    let mut cells = vec![
        r.law.to_owned(),
        format!("{}{rounding}", r.dtype),
        shape,
        by,
        figure(f.map(|f| f.gb_per_s), 2),
        figure(f.map(|f| f.values_per_s / 1e9), 3),
        figure(f.map(|f| f.clear_gb_per_s), 2),
        figure(f.map(|f| f.of_clear), 2),
    ];
    if !on_cpu {
        cells.push(figure(f.and_then(|f| f.copy_gb_per_s), 2));
        cells.push(figure(f.and_then(|f| f.of_copy), 2));
    }
    cells.push(figure(f.and_then(|f| Some(r.bytes as f64 / f.cold_seconds? / 1e9)), 2));
    cells
}
