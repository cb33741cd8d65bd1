//! Tables of positions against 20 digits, which tests/data/structured.py computes with 60.

use crate::laws::tensor;
use seedbed::cpu;
use seedbed::plan::Slab;
use seedbed::scheme::SinusoidalLayout;
use seedbed::{DType, Scheme};

fn row(scheme: Scheme, width: u64, position: u64) -> Vec<f32> {
    let fill = tensor("positions", &[1 << 25, width], scheme, DType::F32);
    let mut out = vec![0; 4 * width as usize];
    cpu::fill(&fill.fill_slab(&Slab::new([position, 0], [1, width])).unwrap(), &mut out).unwrap();
    out.chunks_exact(4).map(|w| f32::from_le_bytes(w.try_into().unwrap())).collect()
}

/// The largest error against the file, and how many values it is of.
fn worst(mut value: impl FnMut(&str, u64, u64) -> Vec<f64>) -> (f64, u32) {
    let (mut worst, mut count) = (0.0f64, 0);
    for line in include_str!("../../data/sinusoidal.tsv").lines().filter(|l| !l.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let scheme = format!("sinusoidal(base={}, layout={})", fields[0], fields[2]);
        let got = value(&scheme, fields[1].parse().unwrap(), fields[3].parse().unwrap());
        for pair in fields[4].split(' ') {
            let (column, exact) = pair.split_once(':').unwrap();
            worst = worst.max((got[column.parse::<usize>().unwrap()] - exact.parse::<f64>().unwrap()).abs());
            count += 1;
        }
    }
    (worst, count)
}

#[test]
fn values_are_exact_at_any_position() {
    let (worst, count) = worst(|scheme, width, position| {
        row(scheme.parse().unwrap(), width, position).into_iter().map(f64::from).collect()
    });
    println!("{count} values: absolute {worst:.3e}");
    assert!(count > 1000);
    assert!(worst < 1.2e-7, "{worst:e}");
}

/// The control: a phase in f32, as a library that multiplies positions by f32 frequencies has it, is far off.
#[test]
fn a_phase_in_f32_is_seen() {
    let (worst, _) = worst(|scheme, width, position| {
        let scheme: Scheme = scheme.parse().unwrap();
        let Scheme::Sinusoidal { base, layout, .. } = scheme else { unreachable!() };
        (0..width)
            .map(|c| {
                let half = width / 2;
                let (j, second) =
                    if layout == SinusoidalLayout::Interleaved { (c / 2, c % 2) } else { (c % half, c / half) };
                let e = match layout {
                    SinusoidalLayout::HalvesToEnd => j as f64 / (half - 1) as f64,
                    _ => 2.0 * j as f64 / width as f64,
                };
                let x = f64::from(position as f32 * base.powf(-e) as f32);
                if second == 1 { x.cos() } else { x.sin() }
            })
            .collect()
    });
    assert!(worst > 1e-3, "{worst:e}");
}

#[test]
fn position_0_is_0_and_1_and_no_sine_is_minus_0() {
    for layout in [SinusoidalLayout::Interleaved, SinusoidalLayout::Halves, SinusoidalLayout::HalvesToEnd] {
        let first = row(Scheme::sinusoidal(10_000.0, layout), 8, 0);
        let cosine = |c: usize| if layout == SinusoidalLayout::Interleaved { c % 2 == 1 } else { c >= 4 };
        for (c, value) in first.into_iter().enumerate() {
            assert_eq!(value.to_bits(), if cosine(c) { 1f32 } else { 0f32 }.to_bits());
        }
    }
}
