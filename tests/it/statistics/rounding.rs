//! A 16-bit value is the f32 value rounded once, to nearest even; in a window, to the nearest value inside.

use super::values;
use crate::laws::{every_law, tensor};
use half::{bf16, f16};
use seedbed::law::Law;
use seedbed::{DType, cpu};

/// The values of stored bytes.
pub fn decode(dtype: DType, bytes: &[u8]) -> Vec<f32> {
    match dtype {
        DType::F32 => bytes.chunks(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        _ => bytes.chunks(2).map(|b| value(dtype, u16::from_le_bytes([b[0], b[1]]))).collect(),
    }
}

fn value(dtype: DType, bits: u16) -> f32 {
    if dtype == DType::F16 { f16::from_bits(bits).to_f32() } else { bf16::from_bits(bits).to_f32() }
}

fn rounded(dtype: DType, x: f32) -> u16 {
    if dtype == DType::F16 { f16::from_f32(x).to_bits() } else { bf16::from_f32(x).to_bits() }
}

/// The neighbor of a nonzero value, away from zero or toward it.
fn neighbor(bits: u16, away: bool) -> u16 {
    if away { bits + 1 } else { bits - 1 }
}

#[test]
fn sixteen_bit_values_are_the_f32_values_rounded_once() {
    const N: u64 = 1_000_000;
    for (name, scheme) in every_law() {
        let of_f32 = tensor("statistics.rounding", &[N], scheme, DType::F32);
        let window = match of_f32.parts()[0].law() {
            Law::TruncatedNormal(law) => (law.lo(), law.hi()),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        };
        let exact = values(&of_f32.fill());
        for dtype in [DType::F16, DType::BF16] {
            let fill = tensor("statistics.rounding", &[N], scheme, dtype).fill();
            let mut bytes = vec![0; fill.bytes() as usize];
            cpu::fill(&fill, &mut bytes).unwrap();
            let (mut pulled, mut chopped) = (0, 0);
            for (i, (&x, stored)) in exact.iter().zip(bytes.chunks(2)).enumerate() {
                let mut bits = rounded(dtype, x);
                let y = f64::from(value(dtype, bits));
                if y < window.0 || y > window.1 {
                    bits = neighbor(bits, (y < window.0) == (y > 0.0));
                    pulled += 1;
                }
                let stored = u16::from_le_bytes([stored[0], stored[1]]);
                assert_eq!(stored, bits, "{name} {dtype} element {i}: f32 {x:e}");
                chopped += u64::from(value(dtype, stored).abs() > x.abs());
            }
            println!("{name} {dtype}: {pulled} of {N} pulled into the window, {chopped} rounded away from zero");
            // The control: dropping the low bits would have been seen.
            assert!(chopped > N / 10 || name == "constant", "{name} {dtype}: {chopped}");
        }
    }
}
