//! How long the CPU takes for an orthogonal matrix. `orthogonal_time ROWS COLS [SECONDS]` makes one again and again and
//! prints the seconds of the fastest time, the level and the number of threads. benches/peers/orthogonal_peer.py calls
//! it in turns with torch.

use seedbed::cpu::{Level, orthogonal, threads};
use std::time::Instant;

fn main() {
    let given: Vec<f64> = std::env::args().skip(1).map(|a| a.parse().expect("a number")).collect();
    let [rows, cols] = [given[0] as u32, given[1] as u32];
    let seconds = given.get(2).copied().unwrap_or(1.0);
    let mut workspace = orthogonal::Workspace::default();
    let mut out = vec![0.0; rows as usize * cols as usize];
    let (start, mut best, mut rounds) = (Instant::now(), f64::INFINITY, 0);
    while rounds < 3 || start.elapsed().as_secs_f64() < seconds {
        let batch = orthogonal::Batch { key: [rounds, 1], first: 0, count: 1, rows, cols, gain: 1.0 };
        let begin = Instant::now();
        orthogonal::fill(Level::best(), &batch, &mut out, &mut workspace).expect("a valid batch");
        best = best.min(begin.elapsed().as_secs_f64());
        rounds += 1;
    }
    println!("{best:.6} {} {}", Level::best(), threads());
}
