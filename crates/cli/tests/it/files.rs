//! What the commands write, and what they say of it.

use super::{command, dir, interrupted, json, listing, run, seedbed, specs, text};
use seedbed::checkpoint::Reader;
use seedbed::plan::{Plan, TensorSpec};
use seedbed::{DType, StreamVersion, cpu};
use std::fs;

#[test]
fn init_writes_the_tensors_of_the_config() {
    let dir = dir();
    for (config, dtype, written) in
        [("gpt2", None, DType::F32), ("gpt2", Some("f16"), DType::F16), ("llama", None, DType::BF16)]
    {
        let (source, target) = (format!("{config}.json"), format!("{config}-{written}"));
        let mut args = vec!["init", &source, "-o", &target, "--seed", "0x10", "--device", "cpu"];
        args.extend(dtype.iter().flat_map(|&d| ["--dtype", d]));
        run(dir.path(), &args);

        let config = fs::read_to_string(dir.path().join(&source)).unwrap();
        let specs: Vec<TensorSpec> = specs(&config).into_iter().map(|s| s.dtype(written)).collect();
        let mut reader = Reader::open(dir.path().join(&target).join("model.safetensors")).unwrap();
        assert_eq!(reader.tensors().len(), specs.len());
        let mut plan = Plan::new(StreamVersion::V1, 16);
        for spec in &specs {
            let stored = reader.tensor(&spec.name).unwrap();
            assert_eq!((stored.dims.as_slice(), stored.dtype()), (spec.shape.dims(), Some(written)), "{}", spec.name);
            let fill = plan.push(spec).unwrap().fill();
            let (mut wanted, mut got) = (vec![0; fill.bytes() as usize], Vec::new());
            cpu::fill(&fill, &mut wanted).unwrap();
            reader
                .read_bytes(&spec.name, |_, bytes| {
                    got.extend_from_slice(bytes);
                    Ok(())
                })
                .unwrap();
            assert_eq!(got, wanted, "{}", spec.name);
        }
        let metadata = |key: &str| reader.metadata().get(key).map(String::as_str);
        assert_eq!(metadata("format"), Some("pt"));
        assert_eq!(metadata("seedbed.seed"), Some("16"));
        assert_eq!(metadata("seedbed.stream_version"), Some("1"));
        assert_eq!(metadata("seedbed.version"), Some(env!("CARGO_PKG_VERSION")));
        let config = fs::read_to_string(dir.path().join(&target).join("config.json")).unwrap();
        let config: serde_json::Value = serde_json::from_str(&config).unwrap();
        assert_eq!(config["dtype"], written.long_name());
    }
}

#[test]
fn a_seed_gives_one_file_and_a_drawn_one_can_be_given_again() {
    let dir = dir();
    let file = |name: &str| fs::read(dir.path().join(name).join("model.safetensors")).unwrap();
    let init = |target: &str, seed: &[&str]| {
        let args = [&["init", "llama.json", "--device", "cpu", "--json", "-o", target], seed].concat();
        json(dir.path(), &args)["seed"].as_str().unwrap().to_owned()
    };
    init("a", &["--seed", "7"]);
    init("b", &["--seed", "7"]);
    init("c", &["--seed", "8"]);
    assert_eq!(file("a"), file("b"));
    assert_ne!(file("a"), file("c"));
    let drawn = init("d", &[]);
    assert_ne!(drawn, init("e", &[]));
    init("f", &["--seed", &drawn]);
    assert_eq!(file("d"), file("f"));
}

#[test]
fn a_directory_serves_as_the_config_and_as_the_model() {
    let dir = dir();
    fs::create_dir(dir.path().join("m")).unwrap();
    fs::copy(dir.path().join("llama.json"), dir.path().join("m/config.json")).unwrap();
    // The config that was read may be the one that is rewritten; the weights may not be there yet.
    run(dir.path(), &["init", "m", "-o", "m", "--device", "cpu"]);
    run(dir.path(), &["verify", "m", "--device", "cpu"]);
    let again = seedbed(dir.path(), &["init", "m", "-o", "m", "--device", "cpu"]);
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(text(&again.stderr).lines().last(), Some("error: m/model.safetensors: exists; --force replaces it"));
    run(dir.path(), &["init", "m", "-o", "m", "--device", "cpu", "--force"]);
}

#[test]
fn verify_passes_and_finds_a_tampered_byte() {
    let dir = dir();
    run(dir.path(), &["init", "gpt2.json", "-o", "m", "--device", "cpu", "--dtype", "bf16"]);
    let path = dir.path().join("m/model.safetensors");
    assert_eq!(run(dir.path(), &["verify", "m", "--device", "cpu"]), "28 of 28 tensors equal\n");
    let range = Reader::open(&path).unwrap().tensor("transformer.wpe.weight").unwrap().range.clone();
    let mut bytes = fs::read(&path).unwrap();
    bytes[range.start as usize + 14] ^= 1;
    fs::write(&path, bytes).unwrap();
    let output = seedbed(dir.path(), &["verify", "m/model.safetensors", "--device", "cpu"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "transformer.wpe.weight: 1 element differs, at index 7\n27 of 28 tensors equal\n";
    assert_eq!(text(&output.stdout), expected);
    let output = seedbed(dir.path(), &["verify", "m", "llama.json", "--device", "cpu", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let verdicts: Vec<_> = rows.as_array().unwrap().iter().map(|r| r["verdict"].clone()).collect();
    assert!(verdicts.contains(&"unexpected".into()) && verdicts.contains(&"missing".into()), "{verdicts:?}");
}

#[test]
fn inspect_counts_what_is_there() {
    use safetensors::tensor::{Dtype, TensorView};
    let dir = dir();
    let floats: Vec<u8> = [1.0f32, 2.0, f32::NAN, 6.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let view = |dtype, shape, data| TensorView::new(dtype, shape, data).unwrap();
    let tensors = [("a", view(Dtype::F32, vec![2, 2], &floats[..])), ("b", view(Dtype::I64, vec![2], &[0; 16]))];
    fs::write(dir.path().join("x.safetensors"), safetensors::serialize(tensors, None).unwrap()).unwrap();
    let found = json(dir.path(), &["inspect", "x.safetensors", "--json"]);
    let [a, b] = [0, 1].map(|i| found["tensors"].as_array().unwrap()[i].clone());
    let (a, b) = if a["name"] == "a" { (a, b) } else { (b, a) };
    assert_eq!((a["count"].as_u64(), a["nonfinite"].as_u64()), (Some(4), Some(1)));
    assert_eq!((a["mean"].as_f64(), a["std"].as_f64()), (Some(3.0), Some(7f64.sqrt())));
    assert_eq!((a["min"].as_f64(), a["max"].as_f64()), (Some(1.0), Some(6.0)));
    assert_eq!((b["dtype"].as_str(), b["read"].as_bool(), b["bytes"].as_u64()), (Some("I64"), Some(false), Some(16)));
    assert!(b["mean"].is_null() && b["nonfinite"].is_null());
    let table = run(dir.path(), &["inspect", "x.safetensors"]);
    assert!(table.contains("2 tensors, 6 elements, 32 B, 1 non-finite"), "{table}");
}

#[test]
fn fill_writes_the_tensor_that_init_writes_and_any_slab_of_it() {
    let dir = dir();
    let device = ["--seed", "5", "--device", "cpu"];
    run(dir.path(), &[&["init", "gpt2.json", "-o", "m"], &device[..]].concat());
    let name = "transformer.h.1.mlp.c_fc.weight";
    let fill = |out: &str, more: &[&str]| {
        let args = [&["fill", "--shape", "24,96", "--scheme", "normal(0, 0.02)", "--name", name, "-o", out], more];
        seedbed(dir.path(), &[args.concat(), device.to_vec()].concat()).stdout
    };
    let read = |file: &str| {
        let mut bytes = Vec::new();
        let mut reader = Reader::open(dir.path().join(file)).unwrap();
        reader
            .read_bytes(name, |_, b| {
                bytes.extend_from_slice(b);
                Ok(())
            })
            .unwrap();
        bytes
    };
    let whole = read("m/model.safetensors");
    fill("w.safetensors", &[]);
    assert_eq!(read("w.safetensors"), whole);
    assert_eq!(fill("-", &[]), whole);
    fill("s.safetensors", &["--slab", "3:5,7:11", "--layout", "in_out"]);
    let slab: Vec<u8> = (3..8).flat_map(|r| whole[(r * 96 + 7) * 4..(r * 96 + 18) * 4].to_vec()).collect();
    assert_eq!(read("s.safetensors"), slab);
    // A file of a single tensor describes itself.
    for file in ["w.safetensors", "s.safetensors"] {
        assert_eq!(run(dir.path(), &["verify", file, "--device", "cpu"]), "1 of 1 tensor equal\n");
    }
}

#[test]
fn plan_is_the_table_of_what_init_writes() {
    let dir = dir();
    let table = json(dir.path(), &["plan", "llama.json", "--json", "--seed", "7"]);
    run(dir.path(), &["init", "llama.json", "-o", "m", "--seed", "7", "--device", "cpu"]);
    let written = fs::read_to_string(dir.path().join("m/init.json")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), table);
    assert_eq!((table["seed"].as_str(), table["recipe"][0].as_str()), (Some("7"), Some("transformers/llama")));
    let specs = specs(super::LLAMA);
    let rows = table["tensors"].as_array().unwrap();
    assert_eq!(rows.len(), specs.len());
    let mut plan = Plan::new(StreamVersion::V1, 7);
    for (row, spec) in rows.iter().zip(&specs) {
        let TensorSpec { name, .. } = spec;
        assert_eq!(row["name"], name.as_str());
        assert_eq!(row["key"], plan.push(spec).unwrap().parts()[0].key().to_string());
        assert_eq!(row["bytes"], 2 * spec.shape.count());
    }
    let q = rows.iter().find(|r| r["name"] == "model.layers.1.mlp.down_proj.weight").unwrap();
    assert_eq!((q["fan_in"].as_u64(), q["fan_out"].as_u64()), (Some(40), Some(16)));
    assert_eq!((q["std"].as_f64(), q["law"].as_str()), (Some(0.02), Some("N(0, 0.02^2)")));
    let norm = rows.iter().find(|r| r["name"] == "model.norm.weight").unwrap();
    assert!(norm["fan_in"].is_null());
    assert_eq!((q["role"].as_str(), q["layer"].as_u64()), (Some("mlp.out"), Some(1)));
    let table = run(dir.path(), &["plan", "llama.json", "--table"]);
    assert!(table.lines().count() == specs.len() + 2, "{table}");
    // Layers that are alike are one line.
    let grouped = run(dir.path(), &["plan", "llama.json"]);
    assert!(
        grouped.lines().count() == 14 && grouped.contains("model.layers.{0..1}.mlp.down_proj.weight x2"),
        "{grouped}"
    );
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    use std::process::Stdio;
    let dir = dir();
    let args = ["fill", "--shape", "30000000", "--scheme", "zeros", "-o", "-", "--device", "cpu"];
    let mut child = command(dir.path(), &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(!text(&output.stderr).contains("panicked") && !text(&output.stderr).contains("error"));
}

#[test]
#[cfg(unix)]
fn an_interrupt_leaves_nothing_behind() {
    let dir = dir();
    let before = listing(dir.path());
    // 8 GB, of which little is written before the signal comes.
    let args = ["fill", "--shape", "2000000000", "--scheme", "zeros", "-o", "w", "--device", "cpu"];
    for (signal, said) in [("-INT", "interrupted"), ("-TERM", "terminated"), ("-HUP", "the terminal went away")] {
        let output = interrupted(dir.path(), &args, signal, || listing(dir.path()) != before);
        assert!(text(&output.stderr).ends_with(&format!("error: {said}\n")), "{}", text(&output.stderr));
        assert_eq!(listing(dir.path()), before);
    }
}

#[test]
fn verify_wants_the_dtype_of_the_config_beside_the_weights() {
    let dir = dir();
    run(dir.path(), &["init", "llama.json", "-o", "out", "--device", "cpu", "--seed", "1"]);
    run(dir.path(), &["verify", "out"]);
    // The config that the model was made from may name another.
    run(dir.path(), &["verify", "out/model.safetensors", "llama.json"]);
    let config = dir.path().join("out/config.json");
    let edited = fs::read_to_string(&config).unwrap().replace("bfloat16", "float16");
    fs::write(&config, edited).unwrap();
    let output = seedbed(dir.path(), &["verify", "out"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("is bf16, out/config.json says f16"), "{}", text(&output.stderr));
}

#[test]
#[cfg(unix)]
fn a_pipe_is_no_checkpoint() {
    let dir = dir();
    assert!(std::process::Command::new("mkfifo").arg(dir.path().join("pipe")).status().unwrap().success());
    for command in ["inspect", "verify"] {
        let output = seedbed(dir.path(), &[command, "pipe"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("is not a regular file"), "{}", text(&output.stderr));
    }
}
