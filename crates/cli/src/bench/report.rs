//! What the bench found, in the form that `--json` prints.

use super::host::Load;
use seedbed::{DType, Rounding};
use serde::Serialize;

/// Who makes what the device is only handed.
pub(super) const HOST: &str = "host, copied";

/// Everything that one run measured. Seconds are those of the best round.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The version of seedbed.
    pub version: &'static str,
    /// The operating system and the processor family.
    pub system: String,
    /// Whether this was a quick run, of small sizes and two rounds: its figures say nothing about speed.
    pub quick: bool,
    /// What was measured.
    pub device: Served,
    /// How time was measured: `GPU timestamps`, or wall time around what.
    pub timing: String,
    /// What else the host had to do.
    pub load: Load,
    /// One row for each law, dtype, rounding, size and, on the CPU, level and number of threads.
    pub fills: Vec<FillRow>,
    /// Many small tensors beside one tensor of the same total size, one row for each way to ask for them.
    pub many: Vec<ManyRow>,
    /// What preparing kernels took, on a GPU.
    pub preparation: Vec<Preparation>,
    /// Microseconds to plan one tensor, averaged over many.
    pub planning_us: f64,
    /// The time until the first bytes were filled.
    pub first_byte: FirstByte,
    /// What the reader should know, such as which sizes were left out, and why.
    pub notes: Vec<String>,
}

/// The device, its driver, and the variant of the kernels.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Served {
    /// `cpu` or `gpu`.
    pub kind: &'static str,
    /// The processor's or the adapter's name.
    pub name: String,
    /// The best level of the CPU's code.
    pub level: Option<String>,
    /// Threads of the host.
    pub threads: usize,
    /// The graphics API.
    pub backend: Option<String>,
    /// The driver and its version.
    pub driver: Option<String>,
    /// How the kernels compute `a * b + c` with one rounding.
    pub tier: Option<String>,
    /// How the kernels multiply two 32-bit numbers to 64 bits.
    pub multiply: Option<String>,
    /// Whether the adapter computes on the CPU.
    pub software: bool,
    /// Whether the kernels passed the self-test: false where it was skipped.
    pub checked: bool,
}

/// The fills of one law, dtype, rounding and size.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FillRow {
    /// The law's name in the catalog of schemes.
    pub law: &'static str,
    /// The dtype.
    pub dtype: String,
    /// How values are rounded to it.
    pub rounding: String,
    /// The shape of the tensor.
    pub shape: Vec<u64>,
    /// Elements of the fill.
    pub elements: u64,
    /// Bytes of the fill.
    pub bytes: u64,
    /// What filled: `device`; `host, copied` where the host made what the device was handed; on the CPU the level.
    pub by: String,
    /// Threads that filled, on the CPU.
    pub threads: Option<usize>,
    /// What was measured; absent where there is an error.
    #[serde(flatten)]
    pub figures: Option<Figures>,
    /// Why nothing was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What was measured of one row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Figures {
    /// Seconds of the fill.
    pub seconds: f64,
    /// Seconds that the host waited for the fill.
    pub wall_seconds: f64,
    /// Seconds that the host waited for the first fill of a fresh buffer, which pays for what comes with first use.
    pub cold_seconds: Option<f64>,
    /// Gigabytes written per second.
    pub gb_per_s: f64,
    /// Values written per second.
    pub values_per_s: f64,
    /// Gigabytes per second of the device's own clear; on the CPU, of memset on the same threads.
    pub clear_gb_per_s: f64,
    /// The speed of the fill divided by that of the clear.
    pub of_clear: f64,
    /// Gigabytes per second that the device's own copy writes.
    pub copy_gb_per_s: Option<f64>,
    /// The speed of the fill divided by that of the copy.
    pub of_copy: Option<f64>,
}

/// Many small tensors beside one tensor of the same total size; normal, f32.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ManyRow {
    /// How they were asked for.
    pub how: &'static str,
    /// How many tensors.
    pub tensors: u64,
    /// Elements of each.
    pub elements_each: u64,
    /// Seconds that the device took for them.
    pub seconds: f64,
    /// Seconds that the host took to record them; 0 on the CPU.
    pub record_seconds: f64,
    /// Tensors per second, with recording, submitting and waiting included.
    pub tensors_per_s: f64,
    /// Seconds for the one tensor.
    pub one_seconds: f64,
    /// The speed of the many divided by that of the one, on the device.
    pub of_one: f64,
    /// The same with recording, submitting and waiting in both.
    pub of_one_wall: f64,
}

/// What a GPU takes to compile kernels and compare them with the twin, before they are used.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Preparation {
    /// Whose kernels: a law in a dtype, beyond those that are there already, or all.
    pub what: String,
    /// Seconds.
    pub seconds: f64,
}

/// From the start of the process to the first filled bytes: 1 Mi normal f32 values in host memory.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FirstByte {
    /// Finding and opening the device, and preparing the kernels of this one fill.
    pub open_seconds: f64,
    /// The fill, and reading it back.
    pub fill_seconds: f64,
    /// All of it, from the start of the process.
    pub total_seconds: f64,
}

/// The best seconds of what is compared in one row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Best {
    pub fill: f64,
    pub fill_wall: f64,
    pub clear: f64,
    pub copy: f64,
}

impl Best {
    pub const NONE: Self =
        Self { fill: f64::INFINITY, fill_wall: f64::INFINITY, clear: f64::INFINITY, copy: f64::INFINITY };
}

impl Report {
    pub(super) fn new(quick: bool, first_byte: FirstByte, load: Load) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            quick,
            device: Served::default(),
            timing: String::new(),
            load,
            fills: Vec::new(),
            many: Vec::new(),
            preparation: Vec::new(),
            planning_us: 0.0,
            first_byte,
            notes: Vec::new(),
        }
    }
}

impl FillRow {
    /// A row without figures.
    pub(super) fn new(law: &'static str, dtype: DType, rounding: Rounding, shape: Vec<u64>, by: String) -> Self {
        let elements = shape.iter().product();
        Self {
            law,
            dtype: dtype.to_string(),
            rounding: rounding.to_string(),
            shape,
            elements,
            bytes: elements * dtype.size(),
            by,
            threads: None,
            figures: None,
            error: None,
        }
    }

    /// The row with what was measured.
    pub(super) fn measured(self, best: Best, cold_seconds: Option<f64>) -> Self {
        let rate = |seconds: f64| self.bytes as f64 / seconds / 1e9;
        let copied = best.copy.is_finite();
        let figures = Figures {
            seconds: best.fill,
            wall_seconds: best.fill_wall,
            cold_seconds,
            gb_per_s: rate(best.fill),
            values_per_s: self.elements as f64 / best.fill,
            clear_gb_per_s: rate(best.clear),
            of_clear: best.clear / best.fill,
            copy_gb_per_s: copied.then(|| rate(best.copy)),
            of_copy: copied.then(|| best.copy / best.fill),
        };
        Self { figures: Some(figures), ..self }
    }
}
