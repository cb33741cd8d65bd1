//! Sharded checkpoints: what is written, and what is left of an earlier one.

use super::{dir, interrupted, json, listing, run, seedbed, text};
use seedbed::checkpoint::Reader;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    listing(dir).iter().map(|p| Path::new(p).file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

/// The bytes of every tensor of some files.
fn tensors(dir: &Path, files: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for file in files {
        let mut reader = Reader::open(dir.join(file)).unwrap();
        for name in reader.tensors().iter().map(|t| t.name.clone()).collect::<Vec<_>>() {
            let bytes: &mut Vec<u8> = found.entry(name.clone()).or_default();
            reader
                .read_bytes(&name, |_, b| {
                    bytes.extend_from_slice(b);
                    Ok(())
                })
                .unwrap();
        }
    }
    found
}

const INIT: [&str; 7] = ["init", "gpt2.json", "--seed", "3", "--device", "cpu", "-o"];

#[test]
fn shards_hold_the_tensors_of_the_one_file_and_the_index_says_where() {
    let dir = dir();
    run(dir.path(), &[&INIT[..], &["one"]].concat());
    let one = tensors(&dir.path().join("one"), &["model.safetensors"]);
    // 13,824 bytes are the largest matrices' 9,216 and some: shards of several tensors, and none above.
    let said = run(dir.path(), &[&INIT[..], &["m", "--max-shard-size", "13824"]].concat());
    let m = dir.path().join("m");
    let index = read(&m.join("model.safetensors.index.json"));
    let map: BTreeMap<String, String> = serde_json::from_value(index["weight_map"].clone()).unwrap();
    let files: Vec<&str> =
        map.values().map(String::as_str).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let count = files.len();
    assert!(count > 3 && said.contains(&format!(" in {count} files")), "{said}");
    let expected: Vec<String> = (1..=count).map(|i| format!("model-{i:05}-of-{count:05}.safetensors")).collect();
    assert_eq!(files, expected);
    let mut all = vec!["config.json".to_owned(), "init.json".to_owned()];
    all.extend(expected.clone());
    all.push("model.safetensors.index.json".to_owned());
    assert_eq!(names(&m), all);
    assert_eq!(tensors(&m, &files), one);
    let total: usize = one.values().map(Vec::len).sum();
    assert_eq!(index["metadata"]["total_size"], total);
    assert_eq!(index["metadata"]["total_parameters"], total / 4);
    assert_eq!(index["metadata"]["seedbed.seed"], "3");
    for file in &files {
        let held = tensors(&m, &[file]);
        assert!(held.keys().all(|name| map[name] == **file));
        assert!(held.values().map(Vec::len).sum::<usize>() <= 13824);
    }
    // The directory, its index, and one shard alone.
    for path in ["m", "m/model.safetensors.index.json"] {
        assert_eq!(run(dir.path(), &["verify", path, "--device", "cpu"]), "28 of 28 tensors equal\n");
        let found = json(dir.path(), &["inspect", path, "--json"]);
        assert_eq!((found["tensors"].as_array().unwrap().len(), &found["metadata"]["format"]), (28, &"pt".into()));
    }
    let output = seedbed(dir.path(), &["verify", &format!("m/{}", files[1]), "--device", "cpu"]);
    assert!(text(&output.stdout).contains(": missing\n") && !text(&output.stdout).contains("differ"));
    // A limit that all fit in gives one file and no index, a limit of one byte: one file per tensor.
    run(dir.path(), &[&INIT[..], &["large", "--max-shard-size", "1GB"]].concat());
    assert_eq!(names(&dir.path().join("large")), ["config.json", "init.json", "model.safetensors"]);
    run(dir.path(), &[&INIT[..], &["small", "--max-shard-size", "1", "--no-sync", "--memory", "4MiB"]].concat());
    assert_eq!(names(&dir.path().join("small")).len(), 28 + 3);
    assert_eq!(run(dir.path(), &["verify", "small", "--device", "cpu"]), "28 of 28 tensors equal\n");
}

#[test]
fn weights_of_another_layout_are_refused_or_replaced() {
    let dir = dir();
    let m = dir.path().join("m");
    fn init<'a>(more: &[&'a str]) -> Vec<&'a str> {
        [&INIT[..], &["m"], more].concat()
    }
    run(dir.path(), &init(&["--max-shard-size", "13824"]));
    fs::write(m.join("tokenizer.json"), "kept").unwrap();
    for more in [&[][..], &["--max-shard-size", "5000"]] {
        let before = listing(dir.path());
        let output = seedbed(dir.path(), &init(more));
        let error = text(&output.stderr).lines().last().unwrap_or_default();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.starts_with("error: m/model") && error.contains("exists"), "{error}");
        assert!(error.contains("--force re"), "{error}");
        assert_eq!(listing(dir.path()), before);
    }
    run(dir.path(), &init(&["--max-shard-size", "5000", "--force"]));
    let index = read(&m.join("model.safetensors.index.json"));
    let files: std::collections::BTreeSet<&str> =
        index["weight_map"].as_object().unwrap().values().map(|v| v.as_str().unwrap()).collect();
    assert_eq!(names(&m).len(), files.len() + 4, "no shard of the first run is left");
    run(dir.path(), &init(&["--force"]));
    assert_eq!(names(&m), ["config.json", "init.json", "model.safetensors", "tokenizer.json"]);
    run(dir.path(), &init(&["--force", "--max-shard-size", "13824"]));
    assert!(!m.join("model.safetensors").exists(), "a loader would take it");
    assert_eq!(run(dir.path(), &["verify", "m", "--device", "cpu"]), "28 of 28 tensors equal\n");
    assert_eq!(fs::read_to_string(m.join("tokenizer.json")).unwrap(), "kept");
}

#[test]
fn an_index_is_the_authority_and_one_that_lies_is_refused() {
    let dir = dir();
    run(dir.path(), &[&INIT[..], &["m", "--max-shard-size", "13824"]].concat());
    let path = dir.path().join("m/model.safetensors.index.json");
    let good = read(&path);
    let name = "transformer.wpe.weight";
    let home = good["weight_map"][name].as_str().unwrap().to_owned();
    let other = good["weight_map"]["transformer.ln_f.weight"].as_str().unwrap().to_owned();
    assert_ne!(home, other);
    for (file, expected) in [
        (other.as_str(), " has no tensor \"transformer.wpe.weight\""),
        ("../one/model.safetensors", "is not the name of a file beside the index"),
        ("/etc/passwd", "is not the name of a file beside the index"),
        ("..", "is not the name of a file beside the index"),
        ("", "is not the name of a file beside the index"),
        ("none.safetensors", "none.safetensors: No such file"),
    ] {
        let mut bad = good.clone();
        bad["weight_map"][name] = file.into();
        fs::write(&path, bad.to_string()).unwrap();
        assert_error(dir.path(), expected);
    }
    for (text, expected) in [
        ("{".to_owned(), "index: EOF"),
        ("[]".to_owned(), "index: "),
        ("{}".to_owned(), "index: missing field `weight_map`"),
        (r#"{"weight_map": {"a": 1}}"#.to_owned(), "index: invalid type"),
    ] {
        fs::write(&path, text).unwrap();
        assert_error(dir.path(), expected);
    }
}

/// Checkpoints that overlay others: an index that names some of a file's tensors, or the same name in another file.
#[test]
fn what_an_index_leaves_out_is_left_out_and_said() {
    let dir = dir();
    run(dir.path(), &[&INIT[..], &["m", "--max-shard-size", "13824"]].concat());
    let path = dir.path().join("m/model.safetensors.index.json");
    let good = read(&path);
    let name = "transformer.wpe.weight";
    let home = good["weight_map"][name].as_str().unwrap().to_owned();
    let inspect = || {
        let output = seedbed(dir.path(), &["inspect", "m", "--json"]);
        (serde_json::from_slice::<Value>(&output.stdout).unwrap(), text(&output.stderr).to_owned())
    };
    let mut less = good.clone();
    less["weight_map"].as_object_mut().unwrap().remove(name);
    fs::write(&path, less.to_string()).unwrap();
    let (found, said) = inspect();
    let notice = format!(
        "notice: m/model.safetensors.index.json: 1 tensor of its files is left out: the index does not name it, as \
         {name:?} in {home}\n"
    );
    assert!(said.starts_with(&notice), "{said}");
    assert_eq!((found["tensors"].as_array().unwrap().len(), &found["missing"]), (27, &serde_json::json!([name])));
    let like = seedbed(dir.path(), &["plan", "--like", "m", "--recipe", "llama", "--json"]);
    assert!(text(&like.stderr).contains(&notice), "{}", text(&like.stderr));
    assert!(!text(&like.stdout).contains(&format!("\"name\": {name:?}")));

    // The same name in a file beside: which one holds, the index says, and its bytes are those that are read.
    let seven: Vec<u8> = 7f32.to_le_bytes().repeat(240);
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![10, 24], &seven).unwrap();
    fs::write(dir.path().join("m/overlay.safetensors"), safetensors::serialize([(name, view)], None).unwrap()).unwrap();
    let mut over = good.clone();
    over["weight_map"][name] = "overlay.safetensors".into();
    for (index, is_over) in [(&over, true), (&good, false)] {
        fs::write(&path, index.to_string()).unwrap();
        let (found, said) = inspect();
        let tensors = found["tensors"].as_array().unwrap();
        let row = tensors.iter().find(|t| t["name"] == name).unwrap();
        assert_eq!((tensors.len(), row["mean"].as_f64() == Some(7.0)), (28, is_over));
        assert_eq!(said.contains("1 tensor of its files is left out: the index takes the same name from"), is_over);
    }
}

fn assert_error(dir: &Path, expected: &str) {
    for verb in ["verify", "inspect"] {
        let output = seedbed(dir, &[verb, "m"]);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{verb}: {stderr}");
        assert!(stderr.starts_with("error: m/") && stderr.contains(expected), "{expected}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
#[cfg(unix)]
fn an_interrupt_between_shards_leaves_what_was_there() {
    let dir = dir();
    // 2.5 GB in 12 files, over a model that stays.
    let large = r#"{"model_type": "gpt2", "n_layer": 12, "n_embd": 2048, "n_head": 16, "vocab_size": 8}"#;
    fs::write(dir.path().join("large.json"), large).unwrap();
    run(dir.path(), &[&INIT[..], &["m"]].concat());
    let before = listing(dir.path());
    let args =
        ["init", "large.json", "-o", "m", "--device", "cpu", "--max-shard-size", "210MB", "--force", "--no-sync"];
    // Config, index, a complete shard and the next one.
    let output = interrupted(dir.path(), &args, "-INT", || listing(dir.path()).len() >= before.len() + 4);
    assert!(text(&output.stderr).ends_with("error: interrupted\n"), "{}", text(&output.stderr));
    assert_eq!(listing(dir.path()), before);
    assert_eq!(run(dir.path(), &["verify", "m", "--device", "cpu"]), "28 of 28 tensors equal\n");
}
