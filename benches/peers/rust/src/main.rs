//! Rust's generators beside seedbed, in one process and in turns: `cargo run --release` in this directory.
//!
//! `rand_distr`'s `Normal` with `SmallRng` on one thread beside the twin on one thread; burn's `Tensor::random` beside
//! the kernels on the same adapter, by wall time around submit and wait. Best of several rounds of each; `--size N`
//! elements (16 Mi), `--device gpu|gpu:N`.

#[cfg(feature = "burn")]
mod on_burn;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand_distr::Distribution;
use seedbed::plan::{Plan, TensorSpec};
use seedbed::{DType, Fill, Scheme, StreamVersion, cpu};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Normal values of this std, on every side.
const STD: f32 = 0.02;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// One side of a comparison: its name, and what fills once.
struct Side<'a> {
    name: String,
    fill: Box<dyn FnMut() -> Result + 'a>,
}

impl<'a> Side<'a> {
    fn new(name: impl Into<String>, fill: impl FnMut() -> Result + 'a) -> Self {
        Self { name: name.into(), fill: Box::new(fill) }
    }
}

/// The sides take turns, at least 7 and for about 6 seconds; the first of them is seedbed.
fn compare(what: &str, bytes: u64, mut sides: Vec<Side<'_>>) -> Result {
    for side in &mut sides {
        (side.fill)()?; // compilation and first use
    }
    let mut best = vec![f64::INFINITY; sides.len()];
    let start = Instant::now();
    let mut rounds = 0;
    while rounds < 7 || start.elapsed() < Duration::from_secs(6) {
        for (best, side) in best.iter_mut().zip(&mut sides) {
            let start = Instant::now();
            (side.fill)()?;
            *best = best.min(start.elapsed().as_secs_f64());
        }
        rounds += 1;
    }
    println!("{what}, {bytes} bytes, best of {rounds} rounds");
    for (best_here, side) in best.iter().zip(&sides) {
        let rate = bytes as f64 / best_here / 1e6;
        println!("  {:44} {rate:8.0} MB/s   seedbed / this: {:.2}", side.name, best_here / best[0]);
    }
    Ok(())
}

fn normal(elements: u64) -> Result<Fill> {
    let mut plan = Plan::new(StreamVersion::V1, 1);
    let spec = TensorSpec::new("w", [elements], Scheme::normal(0.0, f64::from(STD)))?.dtype(DType::F32);
    Ok(plan.push(&spec)?.fill())
}

fn one_thread(elements: u64) -> Result {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let fill = normal(elements)?;
    let mut bytes = vec![0; fill.bytes() as usize];
    let mut values = vec![0f32; elements as usize];
    let law = rand_distr::Normal::new(0.0, STD).map_err(|e| e.to_string())?;
    let mut rng = SmallRng::seed_from_u64(1);
    compare(
        "normal f32, one thread",
        fill.bytes(),
        vec![
            Side::new(format!("seedbed twin, {}", cpu::Level::best()), || {
                pool.install(|| cpu::fill(&fill, black_box(&mut bytes)))?;
                Ok(())
            }),
            Side::new("rand_distr 0.6 Normal, rand 0.10 SmallRng", || {
                for value in black_box(&mut values).iter_mut() {
                    *value = law.sample(&mut rng);
                }
                Ok(())
            }),
        ],
    )
}

fn argument(name: &str) -> Option<String> {
    let mut args = std::env::args().skip_while(|a| a != name);
    args.nth(1)
}

fn main() -> Result {
    let elements = argument("--size").map_or(Ok(16 << 20), |text| text.parse())?;
    one_thread(elements)?;
    #[cfg(feature = "burn")]
    on_burn::compare_on_device(elements, &argument("--device").unwrap_or_else(|| "gpu".to_owned()))?;
    #[cfg(not(feature = "burn"))]
    println!("burn: left out of this build, take the feature burn");
    Ok(())
}
