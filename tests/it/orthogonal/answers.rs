//! Frozen values: tests/data/orthogonal.tsv.

use super::matrices;
use seedbed::cpu::orthogonal::Batch;

/// FNV-1a of the words.
fn digest(values: &[f32]) -> u64 {
    let bytes = values.iter().flat_map(|v| v.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// A line: key words, index, rows, cols, gain, digest of all words, the first four.
fn line(fields: &[&str]) -> String {
    let hex = |s: &str| u32::from_str_radix(s, 16).unwrap();
    let batch = Batch {
        key: [hex(fields[0]), hex(fields[1])],
        first: fields[2].parse().unwrap(),
        count: 1,
        rows: fields[3].parse().unwrap(),
        cols: fields[4].parse().unwrap(),
        gain: f32::from_bits(hex(fields[5])),
    };
    let values = matrices(&batch);
    let first: Vec<_> = values.iter().take(4).map(|v| format!("{:08x}", v.to_bits())).collect();
    format!("{}\t{:016x}\t{}", fields[..6].join("\t"), digest(&values), first.join(" "))
}

#[test]
fn values_are_those_of_the_stream() {
    let wanted: Vec<_> = include_str!("../../data/orthogonal.tsv").lines().filter(|l| !l.starts_with('#')).collect();
    let got: Vec<_> = wanted.iter().map(|l| line(&l.split('\t').collect::<Vec<_>>())).collect();
    assert!(got == wanted && got.len() >= 8, "{}", got.join("\n"));
}
