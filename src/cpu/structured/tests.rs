//! The accuracy of structured laws' values against f64, both ways of division, and both of the permutation of rows.

use super::*;
use crate::cpu::fma::Wide;

#[test]
fn both_ways_of_division_agree() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state ^ (state >> 29)
    };
    let edges = [1u64, 2, 3, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x1_0001, 0x7fff_ffff, 0x8000_0000, 0x8000_ffff];
    let more = [0xfffe_ffff, 0xffff_0000, 0xffff_fffe, 0xffff_ffff, 0x1_0000_0000, u64::MAX, u64::MAX - 1];
    let edges: Vec<u64> = edges.into_iter().chain(more).collect();
    for &d in edges.iter().filter(|&&d| d < 1 << 32) {
        for &q in &edges {
            for off in 0..5u64 {
                let a = q.wrapping_mul(d).wrapping_add(off).wrapping_sub(2);
                assert_eq!(div_rem(a, d as u32), div_rem_split(a, d as u32), "{a:#x} / {d:#x}");
            }
        }
    }
    for _ in 0..2_000_000 {
        let (a, d) = (next() >> (next() % 64), ((next() >> 32) as u32 >> (next() % 32)).max(1));
        assert_eq!(div_rem(a, d), div_rem_split(a, d), "{a:#x} / {d:#x}");
    }
}

/// Whether a row is a zero of its column, as the shader finds it: with the product of 64 bits, one row at a time.
fn is_zero_by_the_product(law: &LawParams, key: [u32; 2], column: u32, row: u32) -> bool {
    let keys: Vec<u32> = (0..6).flat_map(|q| philox([column, 0, q, domain::SPARSE], key)).collect();
    let width = (32 - (law.rows - 1).leading_zeros()).max(4);
    let left = width / 2;
    let right = width - left;
    let mut x = row;
    loop {
        let (mut l, mut r) = ((u64::from(x) >> right) as u32, (u64::from(x) & ((1 << right) - 1)) as u32);
        for key in &keys {
            let p = u64::from(l).wrapping_mul(0xd2b7_4407_b1ce_6e93);
            let lo = ((p as u32) << (right - left)) | (r >> left);
            l = ((p >> 32) as u32 ^ key ^ r) & ((1 << left) - 1);
            r = lo & ((1 << right) - 1);
        }
        x = (l << right) | r;
        if x < law.rows {
            return x < law.threshold;
        }
    }
}

#[test]
fn both_ways_find_the_same_zeros_of_columns() {
    let key = [0x1234_5678, 0x9abc_def0];
    let mut zeros = 0;
    for rows in [1u32, 2, 3, 15, 16, 17, 33, 100, 512, 513, 4096, 5000, 65_537, 1 << 20, 3 << 20, 0x8000_0001, !0] {
        let law = LawParams { rows, threshold: rows / 3, ..LawParams::zero() };
        let column: [u32; 32] = std::array::from_fn(|i| [i as u32, !(i as u32), 77 * i as u32][i % 3]);
        let keys = column_keys(key, &column);
        for (start, step, count) in [(0, 1, 32), (rows / 2, 3, 7), (rows - 1, 1, 1), (0, rows / 32 + 1, 31)] {
            let first: [u32; 32] =
                std::array::from_fn(|i| start.wrapping_add(if i % 2 == 1 { i as u32 % rows } else { 0 }));
            let zero = is_zero_row(&law, &keys, &first.map(|row| row % rows), step, count);
            for i in 0..32 {
                assert_eq!(u64::from(zero[i]) >> count, 0);
                for k in 0..count {
                    let row = (first[i] % rows).saturating_add(k * step).min(rows - 1);
                    let expected = is_zero_by_the_product(&law, key, column[i], row);
                    assert_eq!((zero[i] >> k) & 1 == 1, expected, "{rows} rows, row {row} of column {}", column[i]);
                    zeros += u32::from(expected);
                }
            }
        }
    }
    assert!(zeros > 1000, "{zeros}");
}

/// ln(1 + c) of every c that a last axis can have.
#[test]
fn logarithms_are_as_accurate_as_stated_and_0_at_1() {
    assert_eq!(log_range_value::<Wide>(0).to_bits(), 0);
    let half = |from: u32| {
        (from..1 << 24).step_by(2).fold(0.0, |worst: f64, c| {
            let exact = f64::from(c).ln_1p();
            let got = f64::from(log_range_value::<Wide>(c));
            if c == 0 { worst } else { worst.max((got / exact - 1.0).abs()) }
        })
    };
    let worst = std::thread::scope(|s| {
        let other = s.spawn(|| half(1));
        half(0).max(other.join().unwrap())
    });
    println!("ln(1 + c): relative {worst:.3e}");
    assert!(worst < 2e-7, "{worst:e}");
}

/// Every element of axes up to the longest, against f64: both ends are met, turned round the values are the same.
#[test]
fn even_steps_are_as_accurate_as_stated_meet_both_ends_and_are_symmetric() {
    let params = |first: f64, last: f64, n: u64| {
        let law = crate::value::law::Law::linspace(first, last, n).unwrap();
        LawParams::new(&law, crate::DType::F32).unwrap()
    };
    let mut worst = 0.0f64;
    for (first, last) in [(-1.0, 1.0), (0.0, 1.0), (0.1, 3.7), (5.0, -0.3), (1e-3, 1e6), (2.5, 2.5)] {
        for n in [1u64, 2, 3, 10, 11, 257, 1000, 65_537, 1 << 24] {
            let (p, turned) = (params(first, last, n), params(last, first, n));
            let value = |c: u64| linspace_value::<Wide>(&p, c as u32);
            assert_eq!(value(0), first as f32);
            assert!(n == 1 || value(n - 1) == last as f32);
            for c in (0..n).step_by(if n > 1 << 20 { 997 } else { 1 }) {
                let exact = if n == 1 { first } else { first + c as f64 * ((last - first) / (n - 1) as f64) };
                let (got, size) = (value(c), first.abs().max(last.abs()));
                worst = worst.max((f64::from(got) - exact).abs() / size);
                assert!(n == 1 || got == linspace_value::<Wide>(&turned, (n - 1 - c) as u32), "{first} {last} {n} {c}");
            }
        }
    }
    assert_eq!(linspace_value::<Wide>(&params(-1.0, 1.0, 11), 5).to_bits(), 0);
    println!("even steps: {worst:.3e} of the larger end");
    assert!(worst < 1e-7, "{worst:e}");
}

/// All 2^24 values of A_log of mamba_ssm's Mamba-2 and of Qwen3-Next, against the logarithm of the exact uniform.
#[test]
fn logarithms_of_a_uniform_are_as_accurate_as_stated_and_in_order() {
    for (lo, hi) in [(1.0f64, 16.0), (0.01, 16.0)] {
        let law = crate::value::law::Law::log_of_uniform(lo, hi).unwrap();
        let p = LawParams::new(&law, crate::DType::F32).unwrap();
        let (mut worst, mut before, mut sum) = (0.0f64, f32::MIN, 0.0f64);
        for k in 0..1u32 << 24 {
            let exact = (lo + (f64::from(k) + 0.5) * ((hi - lo) / 16_777_216.0)).ln();
            let value = log_of_uniform_value::<Wide>(&p, k << 8);
            assert!(value >= before && p.lo <= value && value <= p.hi, "{k}: {value}");
            worst = worst.max((f64::from(value) - exact).abs() / exact.abs().max(1.0));
            (before, sum) = (value, sum + f64::from(value));
        }
        println!("ln U({lo}, {hi}): {worst:.3e}");
        assert!(worst < 2e-7, "{lo} {hi}: {worst:e}");
        assert!((sum / 16_777_216.0 - law.mean()).abs() < 2e-8, "{lo} {hi}: mean {}", sum / 16_777_216.0);
    }
}

/// The bias at every 4099th word against f64.
#[test]
fn the_bias_of_the_step_is_as_accurate_as_stated() {
    for (min, max, floor) in [(0.001, 0.1, 1e-4), (1e-4, 0.1, 0.0), (0.001, 0.1, 0.01), (0.01, 1.0, 0.0)] {
        let law = crate::value::law::Law::dt_bias(min, max, floor).unwrap();
        let p = LawParams::new(&law, crate::DType::F32).unwrap();
        let mut worst = 0.0f64;
        for w in (0..1u64 << 32).step_by(4099).chain([0xffff_ffff]) {
            let t = (2.0 * (w >> 8) as f64 + 1.0 - 16_777_216.0) / 16_777_216.0;
            let dt = ((min.ln() + max.ln()) / 2.0 + t * (max.ln() - min.ln()) / 2.0).exp().max(floor);
            let exact = dt + (-(-dt).exp_m1()).ln();
            let got = f64::from(dt_bias_value::<Wide>(&p, w as u32));
            worst = worst.max((got - exact).abs() / exact.abs().max(1.0));
        }
        println!("dt_bias({min}, {max}, {floor}): {worst:.3e}");
        assert!(worst < 3e-7, "{min} {max} {floor}: {worst:e}");
    }
}
