//! What `inspect` and `verify` say of tables, matrices, constants and kept rows.

use super::{dir, ends, json, run, seedbed, text};
use seedbed::checkpoint::Reader;
use std::fs;
use std::path::Path;

const RECIPE: &str = r#"
[[tensor]]
name = "orthogonal"
shape = [48, 32]
[[tensor]]
name = "sparse"
shape = [64, 40]
[[tensor]]
name = "identity"
shape = [17, 23]
[[tensor]]
name = "near"
shape = [40, 30]
[[tensor]]
name = "block"
shape = [48, 32]
[[tensor]]
name = "dirac"
shape = [8, 4, 3, 3]
[[tensor]]
name = "delta"
shape = [8, 4, 3, 3]
[[tensor]]
name = "tiny"
shape = [70, 160]
[[tensor]]
name = "steep"
shape = [70, 160]
[[tensor]]
name = "empty"
shape = [8, 8]
[[rule]]
name = "orthogonal"
scheme = "orthogonal(gain = 0.7)"
[[rule]]
name = "sparse"
scheme = "sparse(sparsity = 0.9)"
[[rule]]
name = "identity"
scheme = "identity(gain = 0.3)"
[[rule]]
name = "near"
scheme = "near_identity(alpha = 0.9, std = 0.01)"
[[rule]]
name = "block"
scheme = "block_diagonal(blocks = 4, std = 0.02)"
[[rule]]
name = "dirac"
scheme = "dirac(groups = 2)"
[[rule]]
name = "delta"
scheme = "delta_orthogonal"
[[rule]]
name = "tiny"
scheme = "uniform(lo = -1e-6, hi = 1e-6)"
[[rule]]
name = "steep"
scheme = "normal(mean = 1, std = 0.001)"
[[rule]]
name = "empty"
scheme = "sparse(sparsity = 1)"
"#;

fn config(dir: &Path, name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/data/fixtures/models/{name}.json"));
    let fixture: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    fs::write(dir.join(format!("{name}.json")), fixture["config"].to_string()).unwrap();
}

fn init(dir: &Path, args: &str) {
    let mut all = vec!["init", "--device", "cpu", "--no-sync", "--force", "-o", "m"];
    all.extend(args.split(' '));
    run(dir, &all);
}

/// Changes an f32 tensor of `m`, one element after another.
fn change(dir: &Path, name: &str, change: impl Fn(usize, f32) -> f32) {
    let file = dir.join("m/model.safetensors");
    let range = Reader::open(&file).unwrap().tensor(name).unwrap().range.clone();
    let mut bytes = fs::read(&file).unwrap();
    for (i, value) in bytes[range.start as usize..range.end as usize].chunks_exact_mut(4).enumerate() {
        let x = f32::from_le_bytes((&*value).try_into().unwrap());
        value.copy_from_slice(&change(i, x).to_le_bytes());
    }
    fs::write(&file, bytes).unwrap();
}

/// The last line of a run that must end with 1.
fn fails(dir: &Path, args: &[&str]) -> String {
    let output = seedbed(dir, args);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    stderr.lines().last().unwrap_or_default().to_owned()
}

fn is_off(dir: &Path, name: &str) {
    let error = fails(dir, &["inspect", "m"]);
    assert!(error.ends_with(&format!("is off its law, as {name:?}")), "{name}: {error}");
}

#[test]
fn tables_that_are_damaged_are_found() {
    let dir = dir();
    for (model, name) in [
        ("law-whisper", "model.encoder.embed_positions.weight"),
        ("law-mamba", "backbone.layers.1.mixer.A_log"),
        ("law-mamba", "backbone.layers.1.mixer.D"),
    ] {
        config(dir.path(), model);
        for dtype in ["f32", "f16", "bf16"] {
            init(dir.path(), &format!("{model}.json --seed 5 --dtype {dtype}"));
            run(dir.path(), &["inspect", "m"]);
        }
        let damages: [fn(usize, f32) -> f32; 3] =
            [|_, _| 0.0, |i, x| if i == 7 { f32::NAN } else { x }, |i, x| if i == 7 { f32::INFINITY } else { x }];
        for damage in damages {
            init(dir.path(), &format!("{model}.json --seed 5 --dtype f32"));
            change(dir.path(), name, damage);
            is_off(dir.path(), name);
        }
    }
}

#[test]
fn laws_of_places_are_compared() {
    let dir = dir();
    fs::write(dir.path().join("list.toml"), RECIPE).unwrap();
    for seed in 0..4 {
        for how in ["f32", "f16", "bf16", "f16 --rounding stochastic", "bf16 --rounding stochastic"] {
            init(dir.path(), &format!("--recipe list.toml --seed {seed} --dtype {how}"));
            let inspected = run(dir.path(), &["inspect", "m"]);
            assert!(inspected.ends_with("; 10 of 10 compared with the plan agree\n"), "{inspected}");
        }
    }
    for name in ["orthogonal", "sparse", "identity", "near", "block", "dirac", "delta", "tiny", "steep", "empty"] {
        let damages: [fn(usize, f32) -> f32; 4] = [
            |i, x| if i == 7 { f32::NAN } else { x },
            |i, x| if i == 7 { 9.0 } else { x },
            |i, x| if i % 2 == 0 { x } else { x + 0.01 },
            |_, x| if x == 0.0 { 1e-30 } else { 0.0 },
        ];
        for damage in damages {
            init(dir.path(), "--recipe list.toml --seed 5 --dtype f32");
            change(dir.path(), name, damage);
            is_off(dir.path(), name);
        }
    }
    // What its range alone would not tell.
    for (name, factor) in [("orthogonal", 1.001), ("sparse", 1.8), ("block", 1.4), ("near", 0.95), ("delta", 0.999)] {
        init(dir.path(), "--recipe list.toml --seed 5 --dtype f32");
        change(dir.path(), name, |_, x| x * factor);
        is_off(dir.path(), name);
    }
}

#[test]
fn constants_that_are_rounded_by_chance_agree() {
    let dir = dir();
    for (model, args, name) in [
        ("law-llama", "--dtype f16 --recipe norm-sqrt-d", "model.norm.weight"),
        ("law-clip", "--dtype bf16 --recipe llama", "logit_scale"),
    ] {
        config(dir.path(), model);
        for seed in 0..3 {
            init(dir.path(), &format!("{model}.json {args} --seed {seed} --rounding stochastic"));
            run(dir.path(), &["inspect", "m"]);
        }
        // In f32 the least change shows.
        init(dir.path(), &format!("{model}.json --seed 5 --dtype f32"));
        change(dir.path(), name, |i, x| if i == 0 { x.next_up() } else { x });
        is_off(dir.path(), name);
    }
}

#[test]
fn kept_rows_are_left_out_and_the_new_ones_compared() {
    let dir = dir();
    init(dir.path(), "llama.json --seed 5 --dtype f32");
    let path = |name: &str| dir.path().join(name);
    // The old rows are of no law that is known.
    change(dir.path(), "model.embed_tokens.weight", |i, _| 100.0 + i as f32);
    fs::rename(path("m"), path("old")).unwrap();
    fs::write(path("grown.json"), super::LLAMA.replace("\"vocab_size\": 33", "\"vocab_size\": 66")).unwrap();
    init(dir.path(), "grown.json --seed 5 --missing-from old --dtype f32");
    let rows = json(dir.path(), &["inspect", "m", "--json"]);
    let rows = rows["tensors"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|r| r["kept_rows"] == 33 && r["plan"]["agrees"] == true && r["max"].is_number()));
    let note = "; 2 have kept rows, which are not compared\n";
    assert_eq!(ends(dir.path(), &["verify", "m", "--device", "cpu"], 3), format!("2 of 2 tensors equal{note}"));
    let output = seedbed(dir.path(), &["verify", "m", "--device", "cpu", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let said = "not checked: m/model.safetensors: 2 of 2 tensors have rows kept from another checkpoint";
    assert_eq!(text(&output.stderr).lines().last(), Some(said));
    let rows: serde_json::Value = serde_json::from_str(text(&output.stdout)).unwrap();
    let rows = rows.as_array().unwrap();
    assert!(rows.len() == 2 && rows.iter().all(|r| r["kept_rows"] == 33 && r["verdict"] == "equal"), "{rows:?}");
    let output = seedbed(dir.path(), &["-q", "verify", "m", "--device", "cpu", "--json"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(3), &*format!("{said}\n")));
    assert!(run(dir.path(), &["inspect", "m"]).ends_with(&format!("; 2 of 2 compared with the plan agree{note}")));
    change(dir.path(), "model.embed_tokens.weight", |i, x| if i < 33 * 16 { x } else { 2.0 * x });
    is_off(dir.path(), "model.embed_tokens.weight");
    // A difference outranks what could not be checked.
    assert!(fails(dir.path(), &["verify", "m", "--device", "cpu"]).ends_with("1 of 2 tensors is not as planned"));

    // A table that keeps everything compares nothing.
    let table = fs::read_to_string(path("m/init.json")).unwrap();
    fs::write(path("m/init.json"), table.replace("\"kept_rows\": 33", "\"kept_rows\": 66")).unwrap();
    for verb in ["verify", "inspect"] {
        let error = fails(dir.path(), &[verb, "m"]);
        let expected = "error: m/init.json: tensor model.embed_tokens.weight: ";
        assert!(error.starts_with(expected) && error.contains("kept_rows is 66, the tensor has 66"), "{error}");
    }
    // Kept rows have the dtype that they have.
    let error = fails(
        dir.path(),
        &["init", "grown.json", "--missing-from", "old", "--dtype", "bf16", "-o", "x", "--device", "cpu"],
    );
    assert_eq!(
        error,
        "error: old: tensor \"model.embed_tokens.weight\": is f32 there and its first rows are kept, but bf16 \
         is asked for: ask for f32"
    );
    assert!(!path("x").exists());
}

#[test]
#[cfg(unix)]
fn the_checkpoint_of_kept_rows_is_not_replaced_under_another_name() {
    let dir = dir();
    init(dir.path(), "llama.json --seed 5");
    fs::write(dir.path().join("grown.json"), super::LLAMA.replace("\"vocab_size\": 33", "\"vocab_size\": 66")).unwrap();
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, dir.path().join(name)).unwrap();
    fs::create_dir(dir.path().join("cache")).unwrap();
    link("../m/model.safetensors", "cache/model.safetensors");
    link("cache", "linked");
    link("m", "again");
    for from in ["m", "again", "cache", "linked", "cache/model.safetensors"] {
        let args = ["init", "grown.json", "--missing-from", from, "-o", "m", "--force", "--device", "cpu"];
        let error = fails(dir.path(), &args);
        assert!(
            error.starts_with("error: m: has the checkpoint that the new tensors are missing from"),
            "{from}: {error}"
        );
    }
    run(dir.path(), &["verify", "m", "--device", "cpu"]);
}

#[test]
fn what_is_not_the_plans_is_a_difference() {
    let dir = dir();
    init(dir.path(), "gpt2.json --seed 5 --max-shard-size 20kB");
    fs::create_dir(dir.path().join("tables")).unwrap();
    let table = fs::read_to_string(dir.path().join("m/init.json")).unwrap();
    fs::write(dir.path().join("tables/init.json"), &table).unwrap();
    fs::remove_file(dir.path().join("m/init.json")).unwrap();
    for plan in ["tables", "tables/init.json"] {
        assert!(run(dir.path(), &["inspect", "m", "--plan", plan]).contains("; 28 of 28 compared"));
    }
    let write = |table: &serde_json::Value| fs::write(dir.path().join("tables/init.json"), table.to_string()).unwrap();
    let good: serde_json::Value = serde_json::from_str(&table).unwrap();
    let mut other = good.clone();
    other["tensors"].as_array_mut().unwrap().remove(3);
    write(&other);
    let error = fails(dir.path(), &["inspect", "m", "--plan", "tables"]);
    let name = good["tensors"][3]["name"].as_str().unwrap();
    assert_eq!(error, format!("error: m/model.safetensors.index.json: 1 tensor is not in the plan, as {name:?}"));
    let output = seedbed(dir.path(), &["inspect", "m", "--plan", "tables", "--json"]);
    let printed: serde_json::Value = serde_json::from_str(text(&output.stdout)).unwrap();
    assert_eq!(printed["unexpected"], serde_json::json!([name]));
    let mut other = good;
    other["seed"] = "6".into();
    write(&other);
    let error = fails(dir.path(), &["inspect", "m", "--plan", "tables"]);
    assert_eq!(error, "error: tables/init.json: its seed is 6, that of the weights 5");
}

#[test]
fn a_source_is_known_by_its_text_and_never_ignored_in_silence() {
    let dir = dir();
    init(dir.path(), "gpt2.json --seed 5 --recipe mitchell");
    let path = |name: &str| dir.path().join(name);
    fs::rename(path("m/init.json"), path("laws.json")).unwrap();
    let verify = |file: &'static str, source: &'static str| ["verify", file, source, "--device", "cpu"];
    assert_eq!(run(dir.path(), &verify("m", "laws.json")), "28 of 28 tensors equal\n");
    // A config's laws are those of the recipe that the metadata names.
    assert_eq!(run(dir.path(), &verify("m", "gpt2.json")), "28 of 28 tensors equal\n");
    assert_eq!(fails(dir.path(), &verify("m", "none")), "error: none: No such file or directory (os error 2)");
    fs::create_dir(path("empty")).unwrap();
    assert_eq!(fails(dir.path(), &verify("m", "empty")), "error: empty: has neither init.json nor config.json");
    fs::rename(path("m/model.safetensors"), path("alone.safetensors")).unwrap();
    assert_eq!(
        fails(dir.path(), &["verify", "alone.safetensors"]),
        "error: alone.safetensors: neither init.json nor config.json stands beside it: name one as SOURCE"
    );
    // The file of a single tensor says itself what made it.
    run(dir.path(), &["fill", "--shape", "3", "--scheme", "ones", "-o", "one.st", "--device", "cpu"]);
    assert_eq!(fails(dir.path(), &verify("one.st", "none")), "error: none: No such file or directory (os error 2)");
    let output = seedbed(dir.path(), &verify("one.st", "laws.json"));
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "1 of 1 tensor equal\n"));
    let notice = "notice: laws.json is not read: the metadata of the weights says what made their one tensor\n";
    assert!(text(&output.stderr).starts_with(notice), "{}", text(&output.stderr));
}
