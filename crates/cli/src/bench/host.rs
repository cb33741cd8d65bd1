//! What the operating system says about the machine: on Linux in /proc; elsewhere it is unknown.

use std::fs::read_to_string;

/// Bytes of memory.
fn memory() -> Option<u64> {
    let text = read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// Bytes that the bench may hold in the host's memory: a quarter of it, 1 GiB where it is unknown.
pub(super) fn budget() -> u64 {
    memory().map_or(1 << 30, |bytes| bytes / 4)
}

/// How many tasks wanted to run, on average over the last minute. Figures measured beside other work are too low.
pub(super) fn load_average() -> Option<f64> {
    read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// The processor's name.
pub(super) fn processor() -> Option<String> {
    let text = read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|l| l.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
