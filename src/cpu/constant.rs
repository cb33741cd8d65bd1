//! Runs of one value, as fast as the memory takes them.

use super::fill::Series;
use super::store::{bf16_bits, bf16_bits_by, f16_bits, f16_bits_by};
use crate::plan::placement::Run;
use crate::value::params::{LawParams, kind};
use crate::{DType, Rounding};

/// The stored bits of every element of a constant law, f32s and pairs of 16-bit elements; `None` for another law, and
/// where each element's own word chooses between two neighbors.
pub(super) fn constant_bits(series: &Series<'_>) -> Option<u32> {
    let LawParams { kind: kind::CONSTANT, center, .. } = *series.law else { return None };
    let twice = |bits: u16| u32::from(bits) << 16 | u32::from(bits);
    match (series.dtype, series.rounding) {
        (DType::F32, _) => Some(center.to_bits()),
        (DType::F16, Rounding::NearestEven) => Some(twice(f16_bits(center))),
        (DType::BF16, Rounding::NearestEven) => Some(twice(bf16_bits(center))),
        // A value that the dtype has goes away from zero for no word.
        (DType::F16, Rounding::Stochastic) => {
            let bits = f16_bits_by(center, 0);
            (f16_bits_by(center, !0) == bits).then_some(twice(bits))
        }
        (DType::BF16, Rounding::Stochastic) => {
            let bits = bf16_bits_by(center, 0);
            (bf16_bits_by(center, !0) == bits).then_some(twice(bits))
        }
    }
}

/// Writes the same bits to each element of a run, whose destination elements are those of `out`.
pub(super) fn fill_bits(bits: u32, dtype: DType, run: &Run, out: &mut [u8]) {
    let size = dtype.size() as usize;
    let element = &bits.to_le_bytes()[..size];
    let at = run.dst as usize * size;
    if run.dst_step != 1 {
        for k in 0..run.count as usize {
            let at = at + k * run.dst_step as usize * size;
            out[at..at + size].copy_from_slice(element);
        }
        return;
    }
    let out = &mut out[at..at + run.count as usize * size];
    let bytes = bits.to_le_bytes();
    if bytes.iter().all(|&byte| byte == bytes[0]) {
        return out.fill(bytes[0]);
    }
    let (words, rest) = out.as_chunks_mut::<8>();
    fill_words(u64::from(bits) << 32 | u64::from(bits), words);
    for (k, byte) in rest.iter_mut().enumerate() {
        *byte = bytes[k % 4];
    }
}

/// Writes as many copies of a word, little-endian.
fn fill_words(word: u64, out: &mut [[u8; 8]]) {
    // As long a run as pays for the instruction's start.
    #[cfg(target_arch = "x86_64")]
    if out.len() >= 128 {
        // SAFETY: the instruction writes `rcx` words of 8 bytes from `rdi` on, upward, as the direction flag is clear
        // at the start of every asm block: all of `out`, which is borrowed here alone. An address need not be aligned.
        // It is what memset comes down to where it passes the caches: no loop of stores does that by itself.
        unsafe {
            std::arch::asm!(
                "rep stosq",
                inout("rcx") out.len() => _,
                inout("rdi") out.as_mut_ptr() => _,
                in("rax") word,
                options(nostack, preserves_flags)
            );
        }
        return;
    }
    out.fill(word.to_le_bytes());
}
