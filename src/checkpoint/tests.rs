//! Checkpoints in memory beside the same on the disk.

use super::*;
use crate::backend::Backend;
use crate::model_plan::{INIT_JSON, ModelRequest, NamedText};
use crate::plan::{Plan, Rows};
use crate::{DType, Error, Rounding, StreamVersion, cpu};
use std::io::Cursor;
use std::path::{Path, PathBuf};

const CONFIG: &str = r#"{"model_type": "gpt2", "n_embd": 32, "n_head": 4, "n_layer": 2, "n_positions": 16,
                         "vocab_size": 100, "torch_dtype": "bfloat16"}"#;

/// A model in shards, in a directory.
fn written() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let planned = ModelRequest::new().config("config.json", CONFIG).plan(42).unwrap();
    let options = WriteOptions { max_shard_size: Some(20_000), ..WriteOptions::default() };
    let paths = ModelPaths::default();
    write_model(dir.path(), &planned, &paths, &Backend::cpu(), &options, &mut |_| Ok(())).unwrap();
    dir
}

/// The files of the weights, by their names.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let all = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut weights: Vec<_> = all.filter(|path| path.extension().is_some_and(|e| e == "safetensors")).collect();
    weights.sort();
    assert!(weights.len() > 2, "{weights:?}");
    weights.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn in_memory(files: &[(PathBuf, Vec<u8>)]) -> Weights<Cursor<&[u8]>> {
    let readers = files.iter().map(|(path, bytes)| Reader::new(path, Cursor::new(&bytes[..])).unwrap());
    Weights::from_readers("in memory", readers.collect()).unwrap()
}

fn table(dir: &Path) -> NamedText {
    NamedText { name: "the table".to_owned(), text: std::fs::read_to_string(dir.join(INIT_JSON)).unwrap() }
}

#[test]
fn weights_in_memory_are_those_on_the_disk() {
    let dir = written();
    let files = files(dir.path());
    let (mut here, mut there) = (in_memory(&files), Weights::open(dir.path()).unwrap());
    assert!(here.tensors().eq(there.tensors()));
    assert_eq!((here.metadata(), here.files(), here.bytes()), (there.metadata(), there.files(), there.bytes()));

    let expected = expected_by_text(&here, &table(dir.path())).unwrap();
    let by_path = expected_tensors(&there, dir.path()).unwrap();
    let said = |e: &ExpectedTensor| (e.fill.name().to_owned(), e.fill.dtype(), e.dims.clone(), e.kept);
    assert!(expected.tensors.iter().map(said).eq(by_path.tensors.iter().map(said)));
    let verified = |rows: Vec<VerifyRow>| {
        assert!(rows.iter().all(|row| row.verdict == Verdict::Equal), "{rows:?}");
        rows
    };
    let backend = Backend::cpu();
    let rows = verified(verify(&mut here, &expected, &backend, &mut |_| Ok(())).unwrap());
    assert_eq!(rows, verified(verify(&mut there, &by_path, &backend, &mut |_| Ok(())).unwrap()));

    let laws = PlannedLaws::parse(&table(dir.path()), &here).unwrap();
    let inspected = inspect(&mut here, Some(&laws), &mut |_| Ok(())).unwrap();
    assert!(inspected.iter().all(|row| row.plan.is_some_and(|plan| plan.agrees)));
    let laws = PlannedLaws::read(dir.path(), &there).unwrap();
    assert_eq!(inspected, inspect(&mut there, Some(&laws), &mut |_| Ok(())).unwrap());
}

#[test]
fn a_comparison_finds_each_element_in_whatever_pieces() {
    let dir = written();
    let files = files(dir.path());
    let weights = in_memory(&files);
    let expected = expected_by_text(&weights, &table(dir.path())).unwrap();
    let find = |name: &str| expected.tensors.iter().find(|e| e.fill.name() == name).unwrap();
    let name = "transformer.h.1.mlp.c_fc.weight";
    let expected = find(name);
    let stored = weights.tensor(name).unwrap().clone();
    assert_eq!(expected.verdict_by_header(&stored), None);
    let file = files.iter().find(|(path, _)| Reader::open(path).unwrap().tensor(name).is_some()).unwrap();
    let mut bytes = file.1[stored.range.start as usize..stored.range.end as usize].to_vec();
    let of_pieces = |bytes: &[u8], pieces: &[[usize; 2]]| {
        let mut comparison = Comparison::new(expected).unwrap();
        pieces.iter().for_each(|&[from, to]| comparison.add(from as u64, &bytes[from..to]).unwrap());
        comparison.verdict()
    };
    let all = bytes.len();
    for pieces in [&[[0, all]][..], &[[0, 400], [400, all]], &[[400, all], [0, 400]]] {
        assert_eq!(of_pieces(&bytes, pieces), Verdict::Equal);
    }
    // The high byte of element 7, and of element 300.
    bytes[15] ^= 1;
    bytes[601] ^= 0x80;
    for pieces in [&[[0, all]][..], &[[0, 400], [400, all]], &[[400, all], [0, 400]]] {
        assert_eq!(of_pieces(&bytes, pieces), Verdict::Differs { elements: 2, first: 7 });
    }
    assert_eq!(of_pieces(&bytes, &[[16, 400]]), Verdict::Equal);
    let mut comparison = Comparison::new(expected).unwrap();
    assert!(matches!(comparison.add(all as u64, &bytes[..4]), Err(Error::Buffer(_) | Error::Tensor { .. })));

    let mut other = stored.clone();
    other.dims.reverse();
    assert_eq!(expected.verdict_by_header(&other), Some(Verdict::Shape { expected: stored.dims.clone() }));
    let wider = Header::new(
        vec![HeaderEntry { name: name.to_owned(), dtype: DType::F32.into(), dims: stored.dims.clone() }],
        &Default::default(),
    );
    let wider = wider.unwrap();
    let wider = StoredHeader::parse("wider", wider.bytes(), wider.file_len()).unwrap();
    // A copy of the values may be in another dtype of floats; integers are none.
    assert_eq!(expected.verdict_by_header(wider.tensor(name).unwrap()), None);
    let integers = HeaderEntry { name: name.to_owned(), dtype: "I32".parse().unwrap(), dims: stored.dims.clone() };
    let integers = Header::new(vec![integers], &Default::default()).unwrap();
    let integers = StoredHeader::parse("integers", integers.bytes(), integers.file_len()).unwrap();
    assert_eq!(expected.verdict_by_header(integers.tensor(name).unwrap()), Some(Verdict::DType));
}

/// A fill pads an odd number of 16-bit elements, a file does not.
#[test]
fn a_comparison_has_no_byte_behind_the_last_element() {
    let (shape, scheme) = ("3".parse().unwrap(), "normal(0, 1)".parse().unwrap());
    let tensor =
        SingleTensor { shape, scheme, layout: "out_in".parse().unwrap(), slab: None, zero_rows: Rows::default() };
    let mut plan = Plan::new(StreamVersion::V1, 42);
    let (fill, dims) = tensor.fill(&mut plan, "w", DType::BF16, Rounding::NearestEven).unwrap();
    let mut bytes = [0xff; 8];
    cpu::fill(&fill, &mut bytes[..6]).unwrap();
    let expected = ExpectedTensor { fill, dims, kept: 0 };
    for (from, to) in [(0, 8), (2, 8), (6, 8)] {
        let mut comparison = Comparison::new(&expected).unwrap();
        let text = comparison.add(from as u64, &bytes[from..to]).unwrap_err().to_string();
        assert!(text.contains(&format!("bytes {from} + {}", to - from)) && text.starts_with("tensor w"), "{text}");
    }
    let mut comparison = Comparison::new(&expected).unwrap();
    assert!(comparison.add(u64::MAX - 1, &bytes[..2]).is_err());
    comparison.add(2, &bytes[2..6]).unwrap();
    comparison.add(0, &bytes[..2]).unwrap();
    comparison.add(6, &[]).unwrap();
    assert_eq!(comparison.verdict(), Verdict::Equal);
}

/// By its header alone: a file that has more bytes than a 32-bit memory, in one tensor.
#[test]
fn a_header_of_a_file_that_fits_no_memory_is_read() {
    let bytes = 3u64 << 40;
    let entry = HeaderEntry { name: "w".to_owned(), dtype: DType::F16.into(), dims: vec![3 << 20, 1 << 19] };
    let header = Header::new(vec![entry], &Default::default()).unwrap();
    let stored = StoredHeader::parse("large", header.bytes(), header.file_len()).unwrap();
    let tensor = stored.tensor("w").unwrap();
    assert_eq!((tensor.count(), tensor.range.end - tensor.range.start), (bytes / 2, bytes));
    for length in [header.file_len() - 1, header.file_len() + 1, u64::MAX, 0] {
        assert!(StoredHeader::parse("large", header.bytes(), length).is_err(), "{length}");
    }
}

#[test]
fn a_header_that_is_cut_is_an_error_with_its_name() {
    let dir = written();
    let (path, bytes) = files(dir.path()).swap_remove(0);
    let file_len = bytes.len() as u64;
    let header_len = StoredHeader::header_len("it", &bytes[..8], file_len).unwrap();
    let whole = StoredHeader::parse("it", &bytes[..header_len as usize], file_len).unwrap();
    assert_eq!(whole.tensors(), Reader::open(path).unwrap().tensors());
    for cut in (0..header_len as usize).step_by(7) {
        let e = StoredHeader::parse("it", &bytes[..cut], file_len).unwrap_err();
        assert!(matches!(&e, Error::Checkpoint { path, .. } if path == "it"), "{cut}: {e}");
    }
    for other in [0, header_len - 1, file_len - 1, file_len + 1] {
        assert!(StoredHeader::parse("it", &bytes, other).is_err(), "{other}");
    }
}

#[test]
fn what_does_not_belong_together_is_an_error() {
    let dir = written();
    let files = files(dir.path());
    let weights = in_memory(&files);
    let reader = || Reader::new("twice", Cursor::new(&files[0].1[..])).unwrap();
    let e = Weights::from_readers("both", vec![reader(), reader()]).unwrap_err();
    assert!(e.to_string().starts_with("both: tensor "), "{e}");

    let mut other = table(dir.path());
    other.text = other.text.replacen("42", "43", 1);
    let e = expected_by_text(&weights, &other).unwrap_err();
    assert!(e.to_string().starts_with("the table: "), "{e}");
    other.text = "{}".to_owned();
    let e = expected_by_text(&weights, &other).unwrap_err();
    assert!(e.to_string().starts_with("the table: "), "{e}");
    assert!(PlannedLaws::parse(&other, &weights).is_err());

    // A config makes the same tensors as the table that was written from it.
    let config = NamedText { name: "config.json".to_owned(), text: CONFIG.to_owned() };
    let mut weights = in_memory(&files);
    let expected = expected_by_text(&weights, &config).unwrap();
    let rows = verify(&mut weights, &expected, &Backend::cpu(), &mut |_| Ok(())).unwrap();
    assert!(rows.iter().all(|row| row.verdict == Verdict::Equal), "{rows:?}");
}
