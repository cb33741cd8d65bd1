//! The bits of uniform values: none is stuck, lopsided or tied to others.

use super::{ALPHA, Family, collect};
use crate::laws::tensor;
use crate::support::{Check, chi_square};
use seedbed::{DType, Scheme};

const FIELD: usize = 4096;

/// Counts of the low and the high 12 bits, and of each bit.
struct Counts {
    low: Vec<u64>,
    high: Vec<u64>,
    ones: [u64; 24],
    n: u64,
}

/// The checks of `bits`-bit numbers that are to be equally likely; each first passes through `change`, with its place.
fn checks(
    n: u64,
    (lo, hi): (f64, f64),
    bits: usize,
    number: impl Fn(f32) -> u32 + Sync,
    change: impl Fn(u64, u32) -> u32 + Sync,
) -> Vec<(String, Check)> {
    let fill = tensor("statistics.bits", &[n], Scheme::uniform(lo, hi), DType::F32).fill();
    let new = || Counts { low: vec![0; FIELD], high: vec![0; FIELD], ones: [0; 24], n: 0 };
    let eat = |counts: &mut Counts, from: u64, values: &mut [f32]| {
        for (i, &x) in values.iter().enumerate() {
            let k = change(from + i as u64, number(x));
            counts.low[k as usize % FIELD] += 1;
            counts.high[(k >> (bits - 12)) as usize] += 1;
            for (bit, ones) in counts.ones.iter_mut().enumerate() {
                *ones += u64::from(k >> bit & 1);
            }
        }
        counts.n += values.len() as u64;
    };
    let add = |a: &mut [u64], b: &[u64]| a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
    let counts = collect(&fill, n, new, eat, |a, b| {
        add(&mut a.low, &b.low);
        add(&mut a.high, &b.high);
        add(&mut a.ones, &b.ones);
        a.n += b.n;
    });
    assert_eq!(counts.n, n);
    let even = vec![n as f64 / FIELD as f64; FIELD];
    let mut list = vec![
        ("low 12 bits".to_owned(), chi_square(&counts.low, &even, 0, ALPHA)),
        ("high 12 bits".to_owned(), chi_square(&counts.high, &even, 0, ALPHA)),
    ];
    for (bit, &ones) in counts.ones[..bits].iter().enumerate() {
        let z = (2.0 * ones as f64 - n as f64) / (n as f64).sqrt();
        list.push((format!("bit {bit}"), Check::of_z(z, ALPHA)));
    }
    list
}

#[test]
fn bits_of_uniform_values_are_even() {
    const N: u64 = 30_000_000;
    let mut family = Family::new(format!("bits of {N} uniform values"));
    // U(-1, 1) is the lattice itself: odd multiples of 2^-24, 24 bits.
    let lattice = |x: f32| ((f64::from(x) * f64::from(1 << 24)) as i64 + (1 << 24) - 1) as u32 / 2;
    // U(1, 2) has one exponent: its mantissa's 23 bits count evenly, if 2, which rounding gives, counts as 1.
    let mantissa = |x: f32| x.to_bits() & 0x007f_ffff;
    for (name, check) in checks(N, (-1.0, 1.0), 24, lattice, |_, k| k) {
        family.claim(format!("U(-1, 1) {name}"), check);
    }
    for (name, check) in checks(N, (1.0, 2.0), 23, mantissa, |_, k| k) {
        family.claim(format!("U(1, 2) mantissa {name}"), check);
    }
    // The control: every hundredth number has its lowest and its highest bit set.
    let set = |i: u64, k: u32| if i.is_multiple_of(100) { k | 0x0080_0001 } else { k };
    for (name, check) in checks(N, (-1.0, 1.0), 24, lattice, set) {
        if ["low 12 bits", "high 12 bits", "bit 0", "bit 23"].contains(&name.as_str()) {
            family.control(format!("U(-1, 1) with set bits, {name}"), check);
        }
    }
    family.judge();
}
