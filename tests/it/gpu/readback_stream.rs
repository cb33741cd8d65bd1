//! Streaming readback: the bytes of fills from the device, in order.

use super::shared;
use seedbed::gpu::blocking;
use seedbed::plan::{Plan, TensorSpec};
use seedbed::{DType, Error, Fill, Scheme, StreamVersion, cpu};

/// Tensors of odd sizes, one longer than what a submit holds.
fn fills() -> Vec<Fill> {
    let mut plan = Plan::new(StreamVersion::V1, 9);
    let specs = [
        ("a", 1, Scheme::normal(0.0, 1.0), DType::BF16),
        ("b", 1313, Scheme::normal(0.0, 1.0), DType::F16),
        ("long", 9_000_003, Scheme::constant(0.5), DType::F32),
        ("c", 77_777, Scheme::uniform(-1.0, 1.0), DType::BF16),
        ("longer", 17_000_001, Scheme::constant(0.25), DType::BF16),
        ("d", 3, Scheme::normal(0.0, 1.0), DType::F32),
    ];
    let specs = specs.map(|(name, n, scheme, dtype)| TensorSpec::new(name, [n], scheme).unwrap().dtype(dtype));
    specs.iter().map(|spec| plan.push(spec).unwrap().fill()).collect()
}

#[test]
fn a_stream_is_the_fills_one_behind_the_other() {
    let gpu = shared();
    let fills = fills();
    let mut wanted = Vec::new();
    for fill in &fills {
        let mut bytes = vec![0; fill.bytes() as usize];
        cpu::fill(fill, &mut bytes).unwrap();
        wanted.extend(bytes);
    }
    for _ in 0..2 {
        let mut got = Vec::new();
        let whole = fills.iter().map(|f| (f, 0, f.bytes()));
        blocking::stream(gpu, whole, &mut |bytes| {
            got.extend_from_slice(bytes);
            Ok(())
        })
        .unwrap();
        assert!(got == wanted);
    }
    let mut got = Vec::new();
    let parts = [(&fills[3], 1000, 501 * 2), (&fills[1], 4, 8), (&fills[3], 0, 0)];
    blocking::stream(gpu, parts, &mut |bytes| {
        got.extend_from_slice(bytes);
        Ok(())
    })
    .unwrap();
    let mut all = vec![0; fills[3].bytes() as usize];
    cpu::fill(&fills[3], &mut all).unwrap();
    assert_eq!(got[..1002], all[1000..2002]);
    cpu::fill_range(&fills[1], cpu::Level::best(), 4, &mut all[..8]).unwrap();
    assert_eq!(got[1002..], all[..8]);
}

#[test]
fn an_error_of_the_sink_ends_the_stream_and_the_next_one_works() {
    let gpu = shared();
    let fills = fills();
    let mut pieces = 0;
    let result = blocking::stream(gpu, fills.iter().map(|f| (f, 0, f.bytes())), &mut |_| {
        pieces += 1;
        if pieces == 3 { Err(Error::Config("stopped".into())) } else { Ok(()) }
    });
    assert_eq!((result.unwrap_err().to_string().as_str(), pieces), ("config: stopped", 3));
    let mut bytes = [0; 4];
    blocking::fill_range(gpu, &fills[0], 0, &mut bytes[..2]).unwrap();
    let out_of_range = blocking::stream(gpu, [(&fills[0], 4, 2)], &mut |_| Ok(()));
    assert!(out_of_range.unwrap_err().to_string().contains("tensor a"));
}
