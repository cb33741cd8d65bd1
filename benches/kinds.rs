//! The CPU twin over every kind of law at real shapes, warm, on all cores beside memset on as many: one line a case,
//! the best of some rounds. `cargo bench --bench kinds [-- [PART OF A NAME] [ROUNDS]]`
//!
//! On a busy machine the time on the clock says little: the last two columns go by the processor's time, of all
//! threads, as if each had a core of its own.
//!
//! Two versions are compared by their binaries (`cargo bench --bench kinds --no-run`), run in turns.

use seedbed::plan::{Part, Plan, Slab, TensorSpec};
use seedbed::scheme::{Bounds, StdOf};
use seedbed::{DType, Fill, Rounding, Scheme, StreamVersion, cpu};
use std::hint::black_box;
use std::time::Instant;

/// Kinds whose values depend on where an element lies, and drawn ones beside normal and uniform.
const KINDS: [&str; 12] = [
    "identity",
    "near_identity(std=0.02)",
    "block_diagonal(16, 0.02)",
    "sparse(0.9)",
    "sinusoidal",
    "sinusoidal(layout=halves)",
    "log_range",
    "linspace(-1, 1)",
    "log_of_uniform(1, 16)",
    "dt_bias",
    "zeros",
    "normal(0, 0.02)",
];

fn fill_of(spec: &TensorSpec) -> Fill {
    Plan::new(StreamVersion::V1, 1).push(spec).expect("a valid law").fill()
}

fn spec(dims: &[u64], scheme: Scheme, dtype: DType) -> TensorSpec {
    TensorSpec::new("bench", dims, scheme).expect("a valid shape").dtype(dtype)
}

/// 16 Mi elements in parts that alternate by columns, `width` columns of each.
fn interleaved(parts: u64, width: u64, dtype: DType) -> TensorSpec {
    let rows = (1 << 24) / (parts * width);
    let part = |p: u64| {
        let slab = Slab::new([0, p, 0], [rows, 1, width]);
        Part::new(format!("part{p}"), [rows, width], Scheme::normal(0.0, 0.02), slab).expect("a valid shape")
    };
    let (dims, view) = ([rows, parts * width], [rows, parts, width]);
    TensorSpec::with_parts("bench", dims, view, (0..parts).map(part).collect()).expect("a valid shape").dtype(dtype)
}

fn cases() -> Vec<(String, TensorSpec)> {
    let mut cases = Vec::new();
    for dtype in DType::ALL {
        for mi in [16, 64] {
            cases.push((format!("constant {dtype} [{mi} Mi]"), spec(&[mi << 20], Scheme::constant(0.3), dtype)));
        }
        for (name, scheme) in [
            ("normal", Scheme::normal(0.0, 0.02)),
            ("uniform", Scheme::uniform(-0.1, 0.1)),
            ("truncated", Scheme::truncated_normal(0.0, 0.02, Bounds::TWO_SIGMA, StdOf::Parent)),
        ] {
            cases.push((format!("{name} {dtype} [16 Mi]"), spec(&[16 << 20], scheme, dtype)));
        }
        if dtype != DType::F32 {
            let rounded = spec(&[16 << 20], Scheme::normal(0.0, 0.02), dtype).rounding(Rounding::Stochastic);
            cases.push((format!("normal {dtype} stochastic [16 Mi]"), rounded));
        }
    }
    for text in KINDS {
        let scheme: Scheme = text.parse().expect("a scheme");
        for (rows, cols) in [(4096, 4096), (1024, 2048), (1023, 2050)] {
            let dims = if text.starts_with("block") { [rows / 16 * 16, cols / 16 * 16] } else { [rows, cols] };
            cases.push((format!("{text} f32 {dims:?}"), spec(&dims, scheme, DType::F32)));
        }
        if !text.starts_with("block") {
            let transposed = TensorSpec::transposed("bench", [1024, 2050], scheme).expect("a valid shape");
            cases.push((format!("{text} f32 [1024, 2050] transposed"), transposed));
        }
        cases.push((format!("{text} bf16 [4096, 4096]"), spec(&[4096, 4096], scheme, DType::BF16)));
    }
    for dims in [[512, 512, 3, 3], [511, 513, 3, 3]] {
        cases.push((format!("dirac f32 {dims:?}"), spec(&dims, Scheme::dirac(1), DType::F32)));
    }
    for dtype in [DType::F32, DType::BF16] {
        for (parts, width) in [(4, 1), (64, 1), (1024, 1), (4, 64), (64, 16), (1024, 3)] {
            cases.push((format!("{parts} parts by columns of {width} {dtype}"), interleaved(parts, width, dtype)));
        }
    }
    cases
}

/// Seconds by the clock, and of all threads on a processor; the latter 0 where they are not known.
#[derive(Clone, Copy)]
struct Seconds {
    clock: f64,
    processor: f64,
}

impl Seconds {
    fn min(self, other: Self) -> Self {
        Self { clock: self.clock.min(other.clock), processor: self.processor.min(other.processor) }
    }

    /// The best of some rounds.
    fn of(rounds: usize, mut work: impl FnMut()) -> Self {
        // The first one maps the memory.
        work();
        let mut best = Self { clock: f64::INFINITY, processor: f64::INFINITY };
        for _ in 0..rounds {
            let (clock, processor) = (Instant::now(), processor_time());
            work();
            let processor = processor_time() - processor;
            best = best.min(Self { clock: clock.elapsed().as_secs_f64(), processor });
        }
        best
    }
}

/// The time that the threads of this process have had, in seconds.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn processor_time() -> f64 {
    unsafe extern "C" {
        fn clock_gettime(clock: i32, time: *mut [i64; 2]) -> i32;
    }
    const PROCESS: i32 = 2;
    let mut time = [0; 2];
    // SAFETY: the C library's function, whose `timespec` has two fields of 64 bits on these targets.
    unsafe { clock_gettime(PROCESS, &raw mut time) };
    time[0] as f64 + time[1] as f64 * 1e-9
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
fn processor_time() -> f64 {
    0.0
}

/// memset, as many bytes on each thread.
fn clear(out: &mut [u8]) {
    let each = out.len().div_ceil(cpu::threads());
    std::thread::scope(|scope| {
        for part in out.chunks_mut(each) {
            scope.spawn(|| part.fill(black_box(0x5a)));
        }
    });
}

fn main() {
    let mut name = String::new();
    let mut rounds = 5usize;
    for argument in std::env::args().skip(1).filter(|a| a != "--bench") {
        match argument.parse() {
            Ok(number) => rounds = number,
            Err(_) => name = argument,
        }
    }
    println!("{}, {} threads, best of {rounds} rounds", cpu::Level::best(), cpu::threads());
    println!("case\tMB/s\tof memset\tMB/s by processor time\tof memset");
    for (case, spec) in cases().into_iter().filter(|(case, _)| case.contains(&name)) {
        let fill = fill_of(&spec);
        let mut out = vec![0; fill.bytes() as usize];
        // In turns, so that both meet the same machine.
        let mut filled = Seconds { clock: f64::INFINITY, processor: f64::INFINITY };
        let mut cleared = filled;
        for _ in 0..rounds.div_ceil(3) {
            let round = || cpu::fill(&fill, black_box(&mut out)).expect("a buffer of the right size");
            filled = filled.min(Seconds::of(3, round));
            cleared = cleared.min(Seconds::of(3, || clear(black_box(&mut out))));
        }
        let mb = fill.bytes() as f64 / 1e6;
        println!(
            "{case}\t{:.0}\t{:.2}\t{:.0}\t{:.2}",
            mb / filled.clock,
            cleared.clock / filled.clock,
            mb / filled.processor * cpu::threads() as f64,
            cleared.processor / filled.processor
        );
    }
}
