use super::*;
use crate::DType;
use crate::{Error, Result};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

fn entry(name: &str, dtype: impl Into<FileDType>, dims: &[u64]) -> HeaderEntry {
    HeaderEntry { name: name.to_owned(), dtype: dtype.into(), dims: dims.to_vec() }
}

/// Names out of order, of different lengths, that need escapes; every dtype; a scalar; an empty tensor.
fn entries() -> Vec<HeaderEntry> {
    vec![
        entry("h.10.attn", DType::BF16, &[3, 5]),
        entry("h.2.attn", DType::BF16, &[7]),
        entry("wte", DType::F32, &[4, 3, 2]),
        entry("a \"quoted\" \\ größe", DType::F16, &[1, 9]),
        entry("scale", DType::F32, &[]),
        entry("none", DType::F32, &[0, 4]),
        entry("h.2.mlp", DType::F16, &[2, 2]),
        entry("bn.num_batches_tracked", FileDType(Dtype::I64), &[]),
        entry("ids", FileDType(Dtype::I32), &[1, 5]),
        entry("mask", FileDType(Dtype::BOOL), &[3, 3]),
        entry("small", FileDType(Dtype::F8_E4M3), &[0, 3]),
    ]
}

fn bytes_of(entry: &HeaderEntry) -> Vec<u8> {
    let n = entry.dims.iter().product::<u64>() * entry.dtype.bits() / 8;
    let salt = entry.name.len() as u64 * 31;
    (0..n).map(|i| ((i * 7 + salt) % 251) as u8).collect()
}

fn write_in_pieces(path: &Path, header: Header, piece: usize) -> Result<u64> {
    let mut writer = Writer::create(path, header)?.sync(false);
    while let Some((entry, left)) = writer.pending() {
        let data = bytes_of(entry);
        let at = data.len() - left as usize;
        writer.write(&data[at..data.len().min(at + piece)])?;
    }
    writer.finish()
}

fn by_the_crate(entries: &[HeaderEntry], metadata: HashMap<String, String>) -> Vec<u8> {
    let data: Vec<Vec<u8>> = entries.iter().map(bytes_of).collect();
    let views = entries.iter().zip(&data).map(|(e, data)| {
        let dims = e.dims.iter().map(|&d| d as usize).collect();
        (e.name.clone(), TensorView::new(e.dtype.0, dims, data).unwrap())
    });
    safetensors::serialize(views, Some(metadata.into_iter().collect())).unwrap()
}

fn files_in(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_written_file_equals_the_crates_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    let expected = by_the_crate(&entries(), HashMap::from([("format".to_owned(), "pt".to_owned())]));
    for piece in [1, 6, 1 << 20] {
        let header = Header::new(entries(), &BTreeMap::new()).unwrap();
        assert_eq!(header.file_len(), expected.len() as u64);
        let len = write_in_pieces(&path, header, piece).unwrap();
        assert_eq!(len, expected.len() as u64);
        assert_eq!(std::fs::read(&path).unwrap(), expected, "pieces of {piece}");
    }
    let none = Header::new(Vec::new(), &BTreeMap::new()).unwrap();
    assert_eq!(none.bytes(), by_the_crate(&[], HashMap::from([("format".to_owned(), "pt".to_owned())])));
}

#[test]
fn metadata_is_sorted_kept_and_readable_by_the_crate() {
    let metadata: BTreeMap<_, _> = [("zeta", "1"), ("seedbed", "{\"seed\":7}"), ("format", "np")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
    let header = Header::new(entries(), &metadata).unwrap();
    let text = String::from_utf8_lossy(header.bytes());
    assert!(text.find("format") < text.find("seedbed") && text.find("seedbed") < text.find("zeta"), "{text}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.safetensors");
    write_in_pieces(&path, header, 100).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let (_, seen) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(BTreeMap::from_iter(seen.metadata().clone().unwrap()), metadata);
    assert_eq!(Reader::open(&path).unwrap().metadata(), &metadata);
}

#[test]
fn a_reader_returns_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.safetensors");
    write_in_pieces(&path, Header::new(entries(), &BTreeMap::new()).unwrap(), 64).unwrap();
    let mut reader = Reader::open(&path).unwrap();
    for e in entries() {
        let found = reader.tensor(&e.name).unwrap();
        assert_eq!((found.file_dtype(), &found.dims), (e.dtype, &e.dims));
        let mut seen: Vec<u8> = Vec::new();
        reader
            .read_bytes(&e.name, |at, bytes| {
                assert_eq!(at, seen.len() as u64);
                seen.extend(bytes);
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, bytes_of(&e), "{}", e.name);
    }
    assert!(matches!(reader.read_f32("wpe", |_, _| Ok(())), Err(Error::Checkpoint { .. })));
}

#[test]
fn values_of_every_float_type_are_decoded_across_chunks() {
    // Above one chunk in each dtype, and no multiple of it.
    let n = READ_BYTES / 2 + 12_345;
    let value = |i: usize| (i as f32 - 1000.0) * 0.125;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.safetensors");
    for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::F64] {
        let bytes: Vec<u8> = (0..n)
            .flat_map(|i| match dtype {
                Dtype::F16 => half::f16::from_f32(value(i)).to_le_bytes().to_vec(),
                Dtype::BF16 => half::bf16::from_f32(value(i)).to_le_bytes().to_vec(),
                Dtype::F64 => f64::from(value(i)).to_le_bytes().to_vec(),
                _ => value(i).to_le_bytes().to_vec(),
            })
            .collect();
        let view = TensorView::new(dtype, vec![n], &bytes).unwrap();
        std::fs::write(&path, safetensors::serialize([("x", view)], None).unwrap()).unwrap();
        let mut reader = Reader::open(&path).unwrap();
        assert_eq!(reader.tensors()[0].dtype_name(), dtype.to_string());
        let mut next = 0;
        let mut pieces = 0;
        reader
            .read_f32("x", |at, values| {
                assert_eq!(at, next as u64);
                for &v in values {
                    let expected = FileDType(dtype).dtype().map_or(value(next), |d| d.round(value(next)));
                    assert_eq!(v, expected, "{dtype} {next}");
                    next += 1;
                }
                pieces += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(next, n);
        assert!(pieces > 1);
    }
    let view = TensorView::new(Dtype::I64, vec![1], &[0; 8]).unwrap();
    std::fs::write(&path, safetensors::serialize([("ids", view)], None).unwrap()).unwrap();
    let mut reader = Reader::open(&path).unwrap();
    assert_eq!((reader.tensors()[0].dtype(), reader.tensors()[0].dtype_name().as_str()), (None, "I64"));
    let text = reader.read_f32("ids", |_, _| Ok(())).unwrap_err().to_string();
    assert!(text.contains("ids") && text.contains("I64"), "{text}");
}

#[test]
fn an_unfinished_file_leaves_no_trace_and_a_finished_one_replaces_the_old() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.safetensors");
    std::fs::write(&path, b"old").unwrap();
    let header = Header::new(entries(), &BTreeMap::new()).unwrap();

    let mut writer = Writer::create(&path, header.clone()).unwrap();
    let temp = writer.temp_path();
    assert!(temp.exists() && temp.parent() == Some(dir.path()));
    writer.write(&[0]).unwrap();
    drop(writer);
    assert_eq!(files_in(dir.path()), ["m.safetensors"]);

    let mut writer = Writer::create(&path, header.clone()).unwrap();
    writer.write(&[0; 3]).unwrap();
    let text = writer.finish().unwrap_err().to_string();
    assert!(text.contains("tensor bn.num_batches_tracked") && text.contains("5 bytes missing"), "{text}");
    assert_eq!((files_in(dir.path()).len(), std::fs::read(&path).unwrap()), (1, b"old".to_vec()));

    write_in_pieces(&path, header.clone(), 50).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), header.file_len());
    assert_eq!(files_in(dir.path()), ["m.safetensors"]);
    // What an ordinary file here gets is what the umask gives.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let plain = dir.path().join("plain");
        std::fs::write(&plain, b"").unwrap();
        let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&plain));
    }
}

#[test]
fn wrong_bytes_and_wrong_targets_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.safetensors");
    let header = Header::new(vec![entry("w", DType::F16, &[4])], &BTreeMap::new()).unwrap();
    let mut writer = Writer::create(&path, header.clone()).unwrap();
    assert!(matches!(writer.write(&[0; 9]), Err(Error::Tensor { .. })));
    assert_eq!(writer.pending().unwrap().1, 8);
    writer.write(&[0; 8]).unwrap();
    assert!(writer.pending().is_none());
    assert!(writer.write(&[0]).is_err());
    writer.write(&[]).unwrap();
    writer.finish().unwrap();

    assert!(matches!(Writer::create(dir.path(), header.clone()), Err(Error::Checkpoint { .. })));
    let missing = dir.path().join("no/such/dir/m.safetensors");
    assert!(matches!(Writer::create(missing, header.clone()), Err(Error::Io { .. })));
    assert!(matches!(Writer::create("..", header.clone()), Err(Error::Checkpoint { .. })));
    #[cfg(unix)]
    assert!(matches!(Writer::create("/dev/null", header), Err(Error::Checkpoint { .. })));
}

#[test]
fn impossible_headers_are_errors() {
    let none = BTreeMap::new();
    let twice = vec![entry("w", DType::F32, &[1]), entry("w", DType::F16, &[2])];
    let text = Header::new(twice, &none).unwrap_err().to_string();
    assert_eq!(text, "tensor w: the name occurs twice");
    assert!(Header::new(vec![entry("__metadata__", DType::F32, &[1])], &none).is_err());
    for dims in [vec![1 << 62, 1 << 62], vec![u64::MAX], vec![1 << 61]] {
        assert!(matches!(Header::new(vec![entry("w", DType::F32, &dims)], &none), Err(Error::Tensor { .. })));
    }
    let half = vec![entry("a", DType::F32, &[1 << 58]), entry("b", DType::F32, &[1 << 58])];
    assert!(Header::new(half, &none).is_ok());
    let long = vec![entry(&"x".repeat(MAX_HEADER as usize), DType::F32, &[1])];
    assert!(matches!(Header::new(long, &none), Err(Error::Placement(_))));
}

#[test]
fn unsound_files_are_refused_with_their_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.safetensors");
    let text_of = |length: u64, json: &str, data: usize| {
        let bytes = [&length.to_le_bytes()[..], json.as_bytes(), &vec![0; data]].concat();
        std::fs::write(&path, bytes).unwrap();
        Reader::open(&path).unwrap_err().to_string()
    };
    let of = |json: &str, data| text_of(json.len() as u64, json, data);
    assert!(text_of(u64::MAX, "{}", 0).contains("18446744073709551615"));
    assert!(text_of(99_999_999, "{}", 4).contains("only 6 follow"));
    assert!(of("[]", 0).contains("header"));
    assert!(of(&"[".repeat(100_000), 0).contains("header"));
    let hole = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    assert!(of(hole, 8).contains(r#"tensor "a": bytes 4 to 8"#));
    let overlap = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    assert!(of(overlap, 8).contains("ends at 8"));
    let huge = r#"{"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]}}"#;
    assert!(of(huge, 8).contains("of which the file has 8"));
    let small = r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#;
    assert!(of(small, 8).contains("do not hold F32 [3]"));
    let fine = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    assert!(of(fine, 9).contains("take 8 bytes, the file has 9"));
    let twice = r#"{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#;
    assert!(of(twice, 0).contains("occurs twice"));
    let unknown = r#"{"a":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}}"#;
    assert!(of(unknown, 8).contains("F99"));
    assert!(matches!(Reader::open(dir.path()), Err(Error::Checkpoint { .. } | Error::Io { .. })));
    assert!(matches!(Reader::open(dir.path().join("none")), Err(Error::Io { .. })));
}

#[test]
fn no_mutation_of_a_header_panics_or_escapes_the_file() {
    let whole = by_the_crate(&entries(), HashMap::from([("format".to_owned(), "pt".to_owned())]));
    let n = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.safetensors");
    let mut rng = StdRng::seed_from_u64(0x5EED_BED0);
    let mut opened = 0;
    for _ in 0..5000 {
        let mut bytes = whole.clone();
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..8 + n);
            match rng.random_range(0..6) {
                0 => bytes[at] ^= 1 << rng.random_range(0..8),
                1 => bytes[at] = rng.random(),
                // Digits and structure make mutants that get further than the JSON parser.
                2 => bytes[at.max(8)] = b"0123456789"[rng.random_range(0..10)],
                3 => bytes[at.max(8)] = b"[]{}\",:-e. "[rng.random_range(0..11)],
                4 => bytes.truncate(bytes.len() - rng.random_range(0..40)),
                _ => {
                    let from = rng.random_range(8..8 + n - 4);
                    let len = rng.random_range(1..8 + n - from);
                    let to = rng.random_range(8..8 + n - len + 1);
                    let copied = bytes.get(from..from + len).map(<[u8]>::to_vec);
                    if let (Some(copied), true) = (copied, to + len <= bytes.len()) {
                        bytes[to..to + len].copy_from_slice(&copied);
                    }
                }
            }
            if bytes.len() < 8 + n {
                break;
            }
        }
        // Some file systems sync a file that is truncated and written again: start anew.
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, &bytes).unwrap();
        let Ok(mut reader) = Reader::open(&path) else { continue };
        opened += 1;
        // Nothing opens here that the crate itself refuses.
        safetensors::SafeTensors::deserialize(&bytes).unwrap();
        for t in reader.tensors().to_vec() {
            assert!(t.range.end <= bytes.len() as u64 && t.range.start <= t.range.end);
            let mut seen = 0;
            let sink = |_, bytes: &[u8]| {
                seen += bytes.len() as u64;
                Ok(())
            };
            reader.read_bytes(&t.name, sink).unwrap();
            assert_eq!(seen, t.range.end - t.range.start);
            let _ = reader.read_f32(&t.name, |_, _| Ok(()));
        }
    }
    assert!((50..4500).contains(&opened), "{opened} of 5000 mutants opened: too few or too many to mean anything");
}
