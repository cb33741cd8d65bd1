//! Planned values in the dtype of a copy: as other programs convert them, to the nearest.

use crate::DType;
use crate::checkpoint::FileDType;
use half::{bf16, f16};

/// Whether a dtype can hold a copy of planned values.
pub fn can_hold(dtype: FileDType) -> bool {
    Stored::of(dtype).is_some()
}

/// The dtypes of copies.
#[derive(Clone, Copy)]
enum Stored {
    F64,
    Filled(DType),
}

impl Stored {
    fn of(dtype: FileDType) -> Option<Self> {
        let is_double = dtype.to_string() == "F64";
        dtype.dtype().map(Self::Filled).or(is_double.then_some(Self::F64))
    }
}

/// Puts the bytes of values of dtype `planned` into `out` as those of the dtype `stored`.
pub fn encode(stored: FileDType, planned: DType, bytes: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let Some(stored) = Stored::of(stored) else { return };
    let size = planned.size() as usize;
    for value in bytes.chunks_exact(size).map(|bytes| decode(planned, bytes)) {
        match stored {
            Stored::F64 => out.extend(f64::from(value).to_le_bytes()),
            Stored::Filled(DType::F32) => out.extend(value.to_le_bytes()),
            Stored::Filled(DType::F16) => out.extend(f16::from_f32(value).to_le_bytes()),
            Stored::Filled(DType::BF16) => out.extend(bf16::from_f32(value).to_le_bytes()),
        }
    }
}

fn decode(dtype: DType, bytes: &[u8]) -> f32 {
    match (dtype, bytes) {
        (DType::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
        (DType::F16, &[a, b]) => f16::from_le_bytes([a, b]).to_f32(),
        (DType::BF16, &[a, b]) => bf16::from_le_bytes([a, b]).to_f32(),
        // `bytes` has the size of the dtype.
        (DType::F32 | DType::F16 | DType::BF16, _) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_rounded_to_the_nearest_and_widened_exactly() {
        let bytes: Vec<u8> =
            [1.0f32, 1.0 + 1.0 / 2048.0, 70_000.0, -0.0, 1e-8].iter().flat_map(|x| x.to_le_bytes()).collect();
        let mut out = Vec::new();
        let mut encoded = |name: &str, planned, bytes: &[u8]| {
            encode(name.parse().unwrap(), planned, bytes, &mut out);
            out.clone()
        };
        let halves = encoded("F16", DType::F32, &bytes);
        let expected: Vec<u8> =
            [0x3c00u16, 0x3c00, 0x7c00, 0x8000, 0x0000].iter().flat_map(|h| h.to_le_bytes()).collect();
        assert_eq!(halves, expected);
        let wide: Vec<u8> = [1.0f32, 1.0, f32::INFINITY, -0.0, 0.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        assert_eq!(encoded("F32", DType::F16, &halves), wide);
        let double: Vec<u8> = [1.0f64, 1.0, f64::INFINITY, -0.0, 0.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        assert_eq!(encoded("F64", DType::F16, &halves), double);
        assert!(can_hold("BF16".parse().unwrap()) && !can_hold("I64".parse().unwrap()));
        assert!(!can_hold("F8_E4M3".parse().unwrap()));
    }
}
