//! Orthogonal matrices are Haar's: entries, traces, eigenvalue angles, determinants. The controls are what a plain QR
//! decomposition gives, without the signs.

use super::{ALPHA, Family};
use crate::laws::tensor;
use crate::orthogonal::{batch, matrices};
use crate::support::special::beta_inc;
use crate::support::{CdfHistogram, Check};
use seedbed::{DType, Scheme};
use std::f64::consts::{PI, TAU};

const N: u32 = 60_000;

fn haar(rows: u32, cols: u32) -> Vec<Vec<f64>> {
    let values = matrices(&batch(0, N, rows, cols));
    values.chunks_exact((rows * cols) as usize).map(|m| m.iter().map(|&x| f64::from(x)).collect()).collect()
}

/// LAPACK's Q of Gaussian matrices, `geqrf` and `orgqr`: the diagonal of R has any sign.
fn plain_qr(n: usize) -> Vec<Vec<f64>> {
    let fill =
        tensor("statistics.orthogonal", &[u64::from(N) * (n * n) as u64], Scheme::normal(0.0, 1.0), DType::F32).fill();
    super::values(&fill)
        .chunks_exact(n * n)
        .map(|m| {
            let mut a: Vec<f64> = m.iter().map(|&x| f64::from(x)).collect();
            let mut q: Vec<f64> = (0..n * n).map(|at| if at / n == at % n { 1.0 } else { 0.0 }).collect();
            // The last reflector is of length 1: LAPACK leaves it out.
            for j in 0..n - 1 {
                let mut v: Vec<f64> = (j..n).map(|i| a[i * n + j]).collect();
                v[0] += v[0].signum() * v.iter().map(|x| x * x).sum::<f64>().sqrt();
                let scale = 2.0 / v.iter().map(|x| x * x).sum::<f64>();
                for c in 0..n {
                    let dot: f64 = (j..n).map(|i| v[i - j] * a[i * n + c]).sum();
                    (j..n).for_each(|i| a[i * n + c] -= scale * dot * v[i - j]);
                    let dot: f64 = (j..n).map(|i| v[i - j] * q[c * n + i]).sum();
                    (j..n).for_each(|i| q[c * n + i] -= scale * dot * v[i - j]);
                }
            }
            q
        })
        .collect()
}

fn trace(q: &[f64], n: usize) -> f64 {
    (0..n).map(|i| q[i * n + i]).sum()
}

fn determinant(q: &[f64], n: usize) -> f64 {
    let mut a = q.to_vec();
    let mut det = 1.0;
    for j in 0..n {
        let pivot = (j..n).max_by(|&x, &y| a[x * n + j].abs().total_cmp(&a[y * n + j].abs())).unwrap();
        if pivot != j {
            (0..n).for_each(|c| a.swap(pivot * n + c, j * n + c));
            det = -det;
        }
        det *= a[j * n + j];
        for i in j + 1..n {
            let f = a[i * n + j] / a[j * n + j];
            (j..n).for_each(|c| a[i * n + c] -= f * a[j * n + c]);
        }
    }
    det
}

fn ks(values: impl Iterator<Item = f64>) -> Check {
    let mut histogram = CdfHistogram::new(1 << 16);
    values.for_each(|u| histogram.add_probability(u));
    histogram.check(ALPHA)
}

fn mean(values: impl Iterator<Item = f64>, mean: f64, variance: f64) -> Check {
    let (mut n, mut sum) = (0.0, 0.0);
    values.for_each(|x| (n, sum) = (n + 1.0, sum + x));
    Check::of_z((sum / n - mean) / (variance / n).sqrt(), ALPHA)
}

/// The distribution function of an entry of a unit vector of length `p`: q^2 is Beta(1/2, (p - 1)/2).
fn entry_cdf(q: f64, p: usize) -> f64 {
    0.5 + 0.5 * beta_inc(0.5, (p as f64 - 1.0) / 2.0, (q * q).min(1.0)).copysign(q)
}

/// One entry of each matrix, so that they are independent: any of them, or the first.
fn entry(all: &[Vec<f64>], p: usize, any: bool) -> Check {
    ks(all.iter().enumerate().map(|(k, m)| entry_cdf(m[if any { k * 7919 % m.len() } else { 0 }], p)))
}

/// The rotation's angle of 3 x 3 matrices, -Q where Q is no rotation: its density is (1 - cos) / pi on [0, pi].
fn angle_3(all: &[Vec<f64>]) -> Check {
    ks(all.iter().map(|q| {
        let angle = ((trace(q, 3) * determinant(q, 3).signum() - 1.0) / 2.0).clamp(-1.0, 1.0).acos();
        ((angle - angle.sin()) / PI).clamp(0.0, 1.0)
    }))
}

/// The direction of the first column of 2 x 2 matrices: uniform on the circle.
fn angle_2(all: &[Vec<f64>]) -> Check {
    ks(all.iter().map(|q| (q[2].atan2(q[0]) / TAU + 0.5).clamp(0.0, 1.0)))
}

fn balance(all: &[Vec<f64>], n: usize) -> Check {
    mean(all.iter().map(|q| determinant(q, n).signum()), 0.0, 1.0)
}

/// tr, tr^2, tr^4 and tr Q^2 of n x n matrices with n >= 8 (Diaconis and Shahshahani 1994: as of N(0, 1), and 1 + sqrt
/// 2 N(0, 1)).
fn traces(all: &[Vec<f64>], n: usize) -> [(&'static str, Check); 4] {
    let square = |q: &Vec<f64>| (0..n * n).map(|at| q[at] * q[at % n * n + at / n]).sum::<f64>();
    [
        ("E tr", mean(all.iter().map(|q| trace(q, n)), 0.0, 1.0)),
        ("E tr^2", mean(all.iter().map(|q| trace(q, n).powi(2)), 1.0, 2.0)),
        ("E tr^4", mean(all.iter().map(|q| trace(q, n).powi(4)), 3.0, 96.0)),
        ("E tr Q^2", mean(all.iter().map(square), 1.0, 2.0)),
    ]
}

#[test]
fn orthogonal_matrices_are_haar_s_and_those_of_a_plain_qr_are_not() {
    let mut family = Family::new(format!("{N} orthogonal matrices of each shape"));
    for (rows, cols) in [(2, 2), (3, 3), (8, 8), (9, 1), (1, 9), (9, 4), (4, 9), (100, 3)] {
        let p = rows.max(cols) as usize;
        let all = haar(rows, cols);
        family.claim(format!("first entry of {rows} x {cols}"), entry(&all, p, false));
        family.claim(format!("any entry of {rows} x {cols}"), entry(&all, p, true));
    }
    for n in 1..=6 {
        family.claim(format!("determinants of {n} x {n}"), balance(&haar(n, n), n as usize));
    }
    let (two, three, eight) = (haar(2, 2), haar(3, 3), haar(8, 8));
    family.claim("angle of 2 x 2", angle_2(&two));
    // Of one sign of the determinant alone: independence of the two.
    let proper: Vec<_> = two.into_iter().filter(|q| determinant(q, 2) > 0.0).collect();
    family.claim("angle of 2 x 2 rotations", angle_2(&proper));
    family.claim("angle of 3 x 3", angle_3(&three));
    // (1 + 2 cos)^4 has the mean 3 there too.
    family.claim("E tr of 3 x 3", mean(three.iter().map(|q| trace(q, 3)), 0.0, 1.0));
    family.claim("E tr^2 of 3 x 3", mean(three.iter().map(|q| trace(q, 3).powi(2)), 1.0, 2.0));
    for (name, check) in traces(&eight, 8) {
        family.claim(format!("{name} of 8 x 8"), check);
    }
    let (two, three, eight) = (plain_qr(2), plain_qr(3), plain_qr(8));
    family.control("first entry of a plain QR, 8 x 8", entry(&eight, 8, false));
    family.control("any entry of a plain QR, 3 x 3", entry(&three, 3, true));
    family.control("determinants of a plain QR, 3 x 3", balance(&three, 3));
    family.control("angle of a plain QR, 2 x 2", angle_2(&two));
    family.control("angle of a plain QR, 3 x 3", angle_3(&three));
    for (name, check) in traces(&eight, 8).into_iter().take(1) {
        family.control(format!("{name} of a plain QR, 8 x 8"), check);
    }
    family.judge();
}
