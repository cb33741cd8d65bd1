//! What the operating system says about the machine.

use serde::Serialize;
use std::fs::read_to_string;

/// A load average above this share of the cores is other work that slows a run down.
const SHARE: f64 = 0.25;

/// Bytes of memory; known on Linux alone.
fn memory() -> Option<u64> {
    let text = read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// Bytes that the bench may hold in the host's memory: a quarter of it, 1 GiB where it is unknown.
pub(super) fn budget() -> u64 {
    memory().map_or(1 << 30, |bytes| bytes / 4)
}

/// The processor's name; known on Linux alone.
pub(super) fn processor() -> Option<String> {
    let text = read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|l| l.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// How many tasks wanted to run, on average over the last minute.
#[cfg(unix)]
fn load_average() -> Option<f64> {
    let mut average = 0.0;
    // SAFETY: the pointer is to one f64 on this stack, and one is asked for.
    let read = unsafe { libc::getloadavg(&raw mut average, 1) };
    (read == 1).then_some(average)
}

#[cfg(not(unix))]
fn load_average() -> Option<f64> {
    None
}

/// The load of the host around a run. Figures measured beside other work are too low.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Load {
    /// Cores of the host.
    pub cores: usize,
    /// The load average over the minute before the run; none where the system does not tell.
    pub before: Option<f64>,
    /// The load average over the last minute of the run and, where that was shorter, before it.
    pub after: Option<f64>,
    /// What makes the figures doubtful, each a sentence.
    pub warnings: Vec<String>,
}

impl Load {
    /// The load before a run.
    pub(super) fn begin() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let before = load_average();
        Self { cores, before, after: None, warnings: before_run(cores, before).into_iter().collect() }
    }

    /// The load after a run whose own work kept `busy` cores busy.
    pub(super) fn end(&mut self, busy: usize) {
        self.after = load_average();
        self.warnings.extend(after_run(self.cores, busy, self.after));
    }
}

fn before_run(cores: usize, load: Option<f64>) -> Option<String> {
    let Some(load) = load else {
        let unknown = "the load average cannot be read here: nobody knows whether other work slowed this run down";
        return Some(unknown.to_owned());
    };
    let loaded = load > SHARE * cores as f64;
    loaded.then(|| {
        format!("load average {load:.2} on {cores} cores before the run: other work makes the figures too low")
    })
}

/// The run's own work is part of the load.
fn after_run(cores: usize, busy: usize, load: Option<f64>) -> Option<String> {
    let load = load.filter(|load| *load > busy as f64 + SHARE * cores as f64)?;
    Some(format!(
        "load average {load:.2} on {cores} cores after the run, of which {busy} were its own: other work made the \
         figures too low"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loaded_machine_is_warned_of_before_and_after() {
        assert_eq!(before_run(2, Some(0.4)), None);
        assert!(before_run(2, Some(0.6)).is_some_and(|text| text.starts_with("load average 0.60 on 2 cores before")));
        assert!(before_run(2, None).is_some_and(|text| text.contains("cannot be read")));
        // Two threads of the run's own.
        assert_eq!(after_run(2, 2, Some(2.4)), None);
        assert!(after_run(2, 2, Some(2.6)).is_some_and(|text| text.contains("after the run")));
        assert!(after_run(8, 1, Some(3.1)).is_some());
        // That was told before.
        assert_eq!(after_run(2, 2, None), None);
    }

    #[test]
    #[cfg(unix)]
    fn the_load_of_this_machine_is_known() {
        assert!(load_average().is_some_and(|load| load >= 0.0));
    }
}
