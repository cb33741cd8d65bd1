//! What is filled follows its law. Each family of checks has [`ALPHA`]: the chance that any of its checks fails on a
//! correct sample is below it, by Bonferroni (a check of a family of n is judged at `ALPHA / n`). Seeds are fixed: a
//! check fails always or never. Beside the claims stand controls, the same check on a wrong distribution, which must
//! fail.

mod accuracy;
mod bits;
mod frobenius;
mod independence;
mod normal;
mod orthogonal;
mod rounding;
mod stochastic;

pub use rounding::decode;
mod windows;

use crate::support::Check;
use crate::support::special::{normal_cdf, normal_upper_tail};
use seedbed::{Fill, cpu};

/// The chance that a family of checks fails on a correct sample.
const ALPHA: f64 = 1e-4;

/// Checks that are judged together.
struct Family {
    title: String,
    claims: Vec<(String, Check)>,
    controls: Vec<(String, Check)>,
}

impl Family {
    fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), claims: Vec::new(), controls: Vec::new() }
    }

    fn claim(&mut self, name: impl Into<String>, check: Check) {
        self.claims.push((name.into(), check));
    }

    /// The same check of a wrong distribution.
    fn control(&mut self, name: impl Into<String>, check: Check) {
        self.controls.push((name.into(), check));
    }

    /// Prints every p-value (`--nocapture` shows them), then asserts.
    #[track_caller]
    fn judge(self) {
        let n = self.claims.len() as u64;
        let least = self.claims.iter().map(|(_, c)| c.p_value).fold(1.0, f64::min);
        println!("{}: {n} checks at alpha {ALPHA:e} together; least p {least:.2e}", self.title);
        let mut wrong = Vec::new();
        for (name, check) in &self.claims {
            let check = check.one_of(n);
            println!("  {name}: {check}");
            if !check.passed() {
                wrong.push(format!("{name}: {check}"));
            }
        }
        for (name, check) in &self.controls {
            let check = check.one_of(n);
            println!("  control, {name}: {check}");
            // A NaN is a broken check, not a rejection.
            if check.passed() || check.p_value.is_nan() {
                wrong.push(format!("control, {name}, should fail: {check}"));
            }
        }
        assert!(!self.controls.is_empty(), "{}: no control", self.title);
        assert!(wrong.is_empty(), "{}: {wrong:#?}", self.title);
    }
}

/// Feeds elements `0..n` of an f32 fill, in chunks with the index of their first, to two collectors, one a thread, and
/// merges them. The chunks are small enough that the twin does not start threads of its own, and their order is fixed,
/// so that sums repeat to the last bit.
fn collect<S: Send>(
    fill: &Fill,
    n: u64,
    new: impl Fn() -> S + Sync,
    eat: impl Fn(&mut S, u64, &mut [f32]) + Sync,
    merge: impl FnOnce(&mut S, S),
) -> S {
    const CHUNK: u64 = 1 << 16;
    const THREADS: u64 = 2;
    assert!(n <= fill.elements());
    let work = |thread: u64| {
        let mut sums = new();
        let mut values = vec![0f32; CHUNK as usize];
        for chunk in (thread..n.div_ceil(CHUNK)).step_by(THREADS as usize) {
            let from = chunk * CHUNK;
            let values = &mut values[..(n - from).min(CHUNK) as usize];
            cpu::fill_range(fill, cpu::Level::best(), 4 * from, bytemuck::cast_slice_mut(values)).unwrap();
            eat(&mut sums, from, values);
        }
        sums
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| work(1));
        let mut sums = work(0);
        merge(&mut sums, other.join().unwrap());
        sums
    })
}

/// The whole fill, as values.
fn values(fill: &Fill) -> Vec<f32> {
    let mut values = vec![0f32; fill.elements() as usize];
    cpu::fill(fill, bytemuck::cast_slice_mut(&mut values)).unwrap();
    values
}

/// A distribution function by cubic interpolation between nodes that hold it and its derivative: libm's `erfc` on 10^8
/// values would take longer than all the rest. With steps of 1/64 std its error is below 3e-10, a part in 3000 of a
/// histogram's bin.
struct Cdf {
    lo: f64,
    hi: f64,
    steps_per_unit: f64,
    /// F, and F' times a step.
    nodes: Vec<[f64; 2]>,
}

impl Cdf {
    fn new(lo: f64, hi: f64, steps: usize, cdf: impl Fn(f64) -> f64, density: impl Fn(f64) -> f64) -> Self {
        let step = (hi - lo) / steps as f64;
        let at = |i: usize| lo + step * i as f64;
        let nodes = (0..=steps).map(|i| [cdf(at(i)), density(at(i)) * step]).collect();
        Self { lo, hi, steps_per_unit: 1.0 / step, nodes }
    }

    /// N(0, 1) on [lo, hi]: the part beyond 8 std, 6e-16 of the values, counts as impossible.
    fn normal(lo: f64, hi: f64) -> Self {
        let (lo, hi) = (lo.max(-8.0), hi.min(8.0));
        // From the nearer tail, so that a far window keeps its digits.
        let between = |a: f64, b: f64| {
            if a > 0.0 { normal_upper_tail(a) - normal_upper_tail(b) } else { normal_cdf(b) - normal_cdf(a) }
        };
        let mass = between(lo, hi);
        let density = move |x: f64| (-x * x / 2.0).exp() / (std::f64::consts::TAU.sqrt() * mass);
        Self::new(lo, hi, 1024, |x| between(lo, x) / mass, density)
    }

    /// NaN outside the window, which fails the histogram's checks.
    #[inline]
    fn at(&self, x: f64) -> f64 {
        if !(self.lo <= x && x <= self.hi) {
            return f64::NAN;
        }
        let t = (x - self.lo) * self.steps_per_unit;
        let i = (t as usize).min(self.nodes.len() - 2);
        let (s, [f0, d0], [f1, d1]) = (t - i as f64, self.nodes[i], self.nodes[i + 1]);
        let rise = f1 - f0;
        let f = f0 + s * (d0 + s * (3.0 * rise - 2.0 * d0 - d1 + s * (d0 + d1 - 2.0 * rise)));
        f.clamp(0.0, 1.0)
    }
}

#[test]
fn the_interpolated_normal_is_libms() {
    let table = Cdf::normal(f64::NEG_INFINITY, f64::INFINITY);
    let worst = (0..1_600_000).map(|i| -8.0 + 1e-5 * f64::from(i)).map(|x| (table.at(x) - normal_cdf(x)).abs());
    let worst = worst.fold(0.0, f64::max);
    println!("interpolation: {worst:.2e}");
    assert!(worst < 3e-10, "{worst:e}");
    assert!(table.at(8.1).is_nan());
}
