//! The same matrices by the plain formula in f64: reflections applied one after another, deviates from words by the f64
//! functions.

use super::{batch, matrices};
use seedbed::cpu::orthogonal::Batch;

fn philox(mut x: [u32; 4], mut k: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let (p, q) = (u64::from(x[0]) * 0xd251_1f53, u64::from(x[2]) * 0xcd9e_8d57);
        x = [(q >> 32) as u32 ^ x[1] ^ k[0], q as u32, (p >> 32) as u32 ^ x[3] ^ k[1], p as u32];
        k = [k[0].wrapping_add(0x9e37_79b9), k[1].wrapping_add(0xbb67_ae85)];
    }
    x
}

/// Element `e` of a reflector's vector.
fn deviate(batch: &Batch, matrix: u32, reflector: u32, e: u32) -> f64 {
    let w = philox([e / 4, reflector, matrix, 1], batch.key);
    let pair = (e % 4 / 2 * 2) as usize;
    let unit = |w: u32| (f64::from(w) + 0.5) / 4_294_967_296.0;
    let (r, angle) = ((-2.0 * unit(w[pair]).ln()).sqrt(), std::f64::consts::TAU * unit(w[pair + 1]));
    r * if e.is_multiple_of(2) { angle.cos() } else { angle.sin() }
}

/// Row-major, of the tall matrix.
fn plain(batch: &Batch, matrix: u32) -> Vec<f64> {
    let (p, q) = (batch.rows.max(batch.cols) as usize, batch.rows.min(batch.cols) as usize);
    let mut c = vec![0.0; p * q];
    for j in (0..q).rev() {
        let mut v: Vec<f64> = (0..p - j).map(|e| deviate(batch, matrix, j as u32, e as u32)).collect();
        let sign = if v[0] < 0.0 { -1.0 } else { 1.0 };
        v[0] += sign * v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let square = v.iter().map(|x| x * x).sum::<f64>();
        c[j * q + j] = -sign;
        for col in j..q {
            let dot: f64 = (j..p).map(|i| v[i - j] * c[i * q + col]).sum();
            (j..p).for_each(|i| c[i * q + col] -= 2.0 / square * dot * v[i - j]);
        }
    }
    c
}

#[test]
fn blocks_of_reflections_are_the_reflections() {
    for (rows, cols) in [(1, 1), (2, 2), (5, 3), (40, 1), (64, 64), (65, 33), (130, 130), (600, 70), (20, 90)] {
        let batch = batch(3, 2, rows, cols);
        let got = matrices(&batch);
        let (p, q) = (rows.max(cols) as usize, rows.min(cols) as usize);
        for matrix in 0..2 {
            let wanted = plain(&batch, 3 + matrix as u32);
            let got = &got[matrix * p * q..(matrix + 1) * p * q];
            let mut worst = 0.0f64;
            for i in 0..p {
                for j in 0..q {
                    let got = if rows >= cols { got[i * q + j] } else { got[j * p + i] };
                    worst = worst.max((f64::from(got) - wanted[i * q + j]).abs());
                }
            }
            println!("{rows} x {cols}: {worst:.2e}");
            assert!(worst < 1e-5, "{rows} x {cols}: {worst:e}");
        }
    }
}
