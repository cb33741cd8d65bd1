//! The argument that says which device fills.

use crate::arguments::values;
use crate::terminal::{print, signals};
use seedbed::Result;
use seedbed::backend::Backend;
use seedbed::cpu::{self, Level};
use seedbed::gpu::{self, Choice, KernelSet, blocking};
use std::time::Instant;

/// Which device fills.
#[derive(clap::Args)]
pub struct Device {
    /// The device that fills; the bytes are the same on each. auto is a hardware GPU if there is one, else the CPU; gpu
    /// is any GPU, a software one where there is no other; gpu:N is the adapter N of `seedbed devices`
    #[arg(long, default_value = "auto", value_name = "auto|cpu|gpu|gpu:N", value_parser = values::device(),
        hide_possible_values = true)]
    device: Choice,
}

impl Device {
    /// Opens the device with these kernels, and says which device it is.
    pub fn open(&self, kernels: KernelSet) -> Result<Backend> {
        explain(self.device);
        let started = Instant::now();
        let backend = Backend::open(self.device, kernels, &mut |text| print::note("notice", &text))?;
        // Compiling kernels takes seconds on some drivers: a signal may have come meanwhile.
        signals::check()?;
        print::note("device", &backend.to_string());
        print::time("device opened", started);
        Ok(backend)
    }
}

/// Says, where details are said, what a choice is made from.
pub fn explain(choice: Choice) {
    if !print::is_verbose() {
        return;
    }
    let best = Level::best();
    print::detail("cpu", &format!("level {best}, the best of {}; {} threads", levels(), cpu::threads()));
    if choice == Choice::Cpu {
        print::detail("choice", "cpu: as asked for, so no adapter was looked for");
        return;
    }
    let adapters = blocking::adapters();
    for (index, adapter) in adapters.iter().enumerate() {
        let info = adapter.get_info();
        let kind = if gpu::is_software(&info) { "software" } else { "hardware" };
        print::detail("adapter", &format!("gpu:{index} {}, {}, {kind}", info.name, info.backend));
    }
    let hardware = adapters.iter().any(|a| !gpu::is_software(&a.get_info()));
    let why = match choice {
        Choice::Auto if hardware => "the best hardware adapter",
        Choice::Auto if adapters.is_empty() => "no adapter was found, so the CPU",
        Choice::Auto => "every adapter is a software one, so the CPU, which is faster",
        Choice::Gpu if hardware => "the best hardware adapter",
        Choice::Gpu => "there is no hardware adapter, so a software one",
        _ => "as asked for",
    };
    print::detail("choice", &format!("{choice}: {why}"));
}

/// The levels of the CPU's code that this processor has.
pub fn levels() -> String {
    Level::available().iter().map(Level::to_string).collect::<Vec<_>>().join(", ")
}
