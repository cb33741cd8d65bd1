//! What a file's metadata records beside the scheme: rounding, and rows of zeros.

use super::{dir, run, seedbed, text};
use seedbed::checkpoint::Reader;
use std::fs;

/// The metadata holds how values were rounded and which rows are zero, so that the file can be made again.
#[test]
fn rounding_and_rows_of_zeros_are_recorded_and_verified() {
    let dir = dir();
    let device = ["--seed", "5", "--device", "cpu"];
    let fill = |out: &str, shape: &str, more: &[&str]| {
        let args = [&["fill", "--shape", shape, "--scheme", "normal(0, 0.02)", "--dtype", "bf16", "-o", out], more];
        run(dir.path(), &[args.concat(), device.to_vec()].concat());
        let mut reader = Reader::open(dir.path().join(out)).unwrap();
        let mut bytes = Vec::new();
        reader
            .read_bytes("weight", |_, b| {
                bytes.extend_from_slice(b);
                Ok(())
            })
            .unwrap();
        (bytes, reader.metadata().clone())
    };
    let (plain, metadata) = fill("plain", "100,6", &[]);
    assert!(!metadata.contains_key("seedbed.rounding") && !metadata.contains_key("seedbed.zero_rows"));
    // A vocabulary grows from 100 rows to 128: the old rows keep their bytes, but for those that are listed.
    let (grown, metadata) = fill("grown", "128,6", &["--zero-rows", "0,5,100:128"]);
    assert_eq!(metadata["seedbed.zero_rows"], "0,5,100:128");
    let rows = |bytes: &[u8]| bytes.chunks(12).map(<[u8]>::to_vec).collect::<Vec<_>>();
    for (i, row) in rows(&grown).iter().enumerate() {
        let zero = [0, 5].contains(&i) || i >= 100;
        assert_eq!(*row, if zero { vec![0; 12] } else { rows(&plain)[i].clone() }, "row {i}");
    }
    let (stochastic, metadata) = fill("stochastic", "128,6", &["--zero-rows", "0", "--rounding", "stochastic"]);
    assert_eq!(metadata["seedbed.rounding"], "stochastic");
    assert_ne!(rows(&stochastic)[1..5], rows(&plain)[1..5]);
    let (slab, _) = fill("slab", "128,6", &["--zero-rows", "0", "--rounding", "stochastic", "--slab", "0:9,1:3"]);
    let wanted: Vec<u8> = rows(&stochastic)[..9].iter().flat_map(|row| row[2..8].to_vec()).collect();
    assert_eq!(slab, wanted);
    for file in ["plain", "grown", "stochastic", "slab"] {
        assert_eq!(run(dir.path(), &["verify", file, "--device", "cpu"]), "1 of 1 tensor equal\n", "{file}");
    }
    run(dir.path(), &[&["init", "llama.json", "-o", "m", "--rounding", "stochastic"], &device[..]].concat());
    run(dir.path(), &[&["init", "llama.json", "-o", "n"], &device[..]].concat());
    for model in ["m", "n"] {
        run(dir.path(), &["verify", model, "--device", "cpu"]);
    }
    let weights = |model: &str| fs::read(dir.path().join(model).join("model.safetensors")).unwrap();
    assert_ne!(weights("m"), weights("n"));

    let refused = |code: i32, more: &[&str]| {
        let args = [&["fill", "--shape", "10,6", "--scheme", "ones", "--name", "mine", "-o", "x"], more];
        let output = seedbed(dir.path(), &args.concat());
        assert_eq!(output.status.code(), Some(code));
        text(&output.stderr).to_owned()
    };
    assert_eq!(
        refused(1, &["--zero-rows", "3,10"]),
        "error: tensor mine: zero row 10: shape [10, 6] has 10 rows, counted from 0\n"
    );
    assert!(refused(2, &["--zero-rows", "3:2"]).contains("zero rows \"3:2\""));
    assert!(refused(1, &["--rounding", "stochastic"]).contains("tensor mine: stochastic rounding of f32"));
}
