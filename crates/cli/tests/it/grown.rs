//! Models that have grown out of other checkpoints: heads of another size, old and new together, new rows.

use super::buffers::{Stored, read, write};
use super::{LLAMA, dir, ends, listing, run, seedbed, text};
use safetensors::Dtype;
use seedbed::checkpoint::{Reader, Weights};
use std::fs;
use std::path::Path;

const RECIPE: &str = "[[role]]\nname = 'score.*'\nrole = 'head'\n[[rule]]\nname = 'score.*'\n\
                      scheme = 'normal(std = 0.3)'\n[[rule]]\nscheme = 'normal(std = 0.02)'\n";

/// What a command says that must fail and leave nothing.
fn refused(dir: &Path, args: &[&str]) -> String {
    let before = listing(dir);
    let output = seedbed(dir, args);
    let stderr = text(&output.stderr);
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(1), 1), "{args:?}: {stderr}");
    assert_eq!(listing(dir), before, "{args:?}");
    stderr.trim_end().strip_prefix("error: ").unwrap_or_else(|| panic!("{stderr}")).to_owned()
}

fn command<'a>(words: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut all: Vec<&str> = words.split(' ').collect();
    all.extend(more);
    all.extend(["--seed", "5", "--device", "cpu"]);
    all
}

/// A model with a head of three classes, and the header of one with two.
fn heads(dir: &Path) {
    let body: Vec<u8> = (0..12u32).flat_map(|i| (i as f32).to_le_bytes()).collect();
    let of = |classes: usize, body: &[u8]| {
        let head: &'static [usize] = if classes == 3 { &[3, 4] } else { &[2, 4] };
        let tensors: Vec<Stored<'_>> = vec![
            ("model.layers.0.mlp.up_proj.weight", Dtype::F32, &[3, 4], body.to_vec()),
            ("score.weight", Dtype::F32, head, vec![9; classes * 16]),
        ];
        tensors
    };
    write(&dir.join("old.safetensors"), &of(3, &body));
    write(&dir.join("like.safetensors"), &of(2, &[0; 48]));
    fs::write(dir.join("r.toml"), RECIPE).unwrap();
}

#[test]
fn a_head_of_another_size_is_drawn_anew_where_that_is_asked_for() {
    let dir = dir();
    heads(dir.path());
    let plan = "plan --like like.safetensors --recipe r.toml --missing-from old.safetensors";
    let error = refused(dir.path(), &plan.split(' ').collect::<Vec<_>>());
    assert_eq!(
        error,
        "old.safetensors: tensor \"score.weight\": its shape is [3, 4], the model's [2, 4]: only rows can be added, \
         unless it is drawn anew; --redraw GLOB draws it anew"
    );
    let init = "init --like like.safetensors --recipe r.toml --missing-from old.safetensors -o";
    run(dir.path(), &command(init, &["new", "--redraw", "score.*"]));
    let weights = Weights::open(dir.path().join("new")).unwrap();
    assert_eq!(weights.tensors().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["score.weight"]);
    assert_eq!(run(dir.path(), &["verify", "new", "--device", "cpu"]), "1 of 1 tensor equal\n");
    // Those that a model of that size has.
    run(dir.path(), &command("init --like like.safetensors --recipe r.toml -o", &["fresh"]));
    let head = |m: &str| read(&dir.path().join(m), "score.weight");
    assert_eq!(head("new"), head("fresh"));
    for (glob, expected) in [
        ("head.*", "old.safetensors: redraw: glob \"head.*\" matches none of the model's 2 tensors"),
        (
            "*up_proj*",
            "old.safetensors: redraw: no tensor that glob \"*up_proj*\" matches, as \
             \"model.layers.0.mlp.up_proj.weight\", has another shape there: nothing is drawn anew",
        ),
        ("[", "redraw: glob \"[\": "),
    ] {
        let all = [&init.split(' ').collect::<Vec<_>>()[..], &["x", "--redraw", glob]].concat();
        assert!(refused(dir.path(), &all).starts_with(expected), "{}", refused(dir.path(), &all));
    }
    // In the model, and not in the old one.
    write(
        &dir.path().join("none.safetensors"),
        &[("model.layers.0.mlp.up_proj.weight", Dtype::F32, &[3, 4], vec![0; 48])],
    );
    let all = "init --like like.safetensors --recipe r.toml --missing-from none.safetensors -o x --redraw score.*";
    let error = refused(dir.path(), &all.split(' ').collect::<Vec<_>>());
    assert_eq!(error, "none.safetensors: redraw: glob \"score.*\" matches none of its 1 tensors");
    // Without a checkpoint there is nothing to draw anew.
    for flag in [&["--redraw", "x"][..], &["--complete"]] {
        let all = [&["plan", "gpt2.json"][..], flag].concat();
        assert_eq!(seedbed(dir.path(), &all).status.code(), Some(2), "{flag:?}");
    }
    let error = refused(dir.path(), &["plan", "gpt2.json", "--new-rows", "mean"]);
    assert!(error.starts_with("what is kept, completed or drawn anew is that of a checkpoint"), "{error}");
}

#[test]
fn old_and_new_are_one_checkpoint() {
    let dir = dir();
    heads(dir.path());
    // A buffer of the old one, and a tensor that the model does not have.
    let mut old = Weights::open(dir.path().join("old.safetensors")).unwrap();
    let mut body = Vec::new();
    let up = "model.layers.0.mlp.up_proj.weight";
    old.read_bytes(up, |_, bytes| {
        body.extend_from_slice(bytes);
        Ok(())
    })
    .unwrap();
    let tensors: Vec<Stored<'_>> = vec![
        (up, Dtype::F32, &[3, 4], body.clone()),
        ("score.weight", Dtype::F32, &[3, 4], vec![9; 48]),
        ("other.weight", Dtype::F32, &[1], vec![9; 4]),
    ];
    write(&dir.path().join("old.safetensors"), &tensors);
    let init = "init --like like.safetensors --recipe r.toml --missing-from old.safetensors --complete -o";
    for (out, more) in [("one", &[][..]), ("shards", &["--max-shard-size", "1"])] {
        let args = [&command(init, &[out, "--redraw", "score.*"])[..], more].concat();
        let output = seedbed(dir.path(), &args);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains("1 tensor copied from old.safetensors"), "{}", text(&output.stdout));
        let notice =
            "notice: old.safetensors: 1 of its tensors is none of the model's and left out, as \"other.weight\"";
        assert!(text(&output.stderr).contains(notice), "{}", text(&output.stderr));
        let m = dir.path().join(out);
        assert_eq!(read(&m, up), ("F32".to_owned(), vec![3, 4], body.clone()));
        assert_eq!(read(&m, "score.weight").1, [2, 4]);
        assert_eq!(Weights::open(&m).unwrap().tensors().count(), 2);
        let table: serde_json::Value = serde_json::from_str(&fs::read_to_string(m.join("init.json")).unwrap()).unwrap();
        let kept = serde_json::json!([{
            "name": up, "shape": [3, 4], "dtype": "F32", "content": "copied", "from": "old.safetensors",
        }]);
        assert_eq!(table["kept"], kept);
        let said = ends(dir.path(), &["verify", out, "--device", "cpu"], 3);
        assert_eq!(said, "1 of 2 tensors equal; 1 comes from another checkpoint and is not compared\n");
        run(dir.path(), &["inspect", out]);
    }
    let error = refused(
        dir.path(),
        &[&init.split(' ').collect::<Vec<_>>()[..], &["x", "--redraw", "score.*", "--dtype", "bf16"]].concat(),
    );
    assert_eq!(
        error,
        format!("old.safetensors: tensor {up:?}: is f32 there and is kept as it is, but bf16 is asked for")
    );
}

/// A vocabulary and layers that have grown, with the config: what a loader takes as it stands.
#[test]
fn a_grown_model_is_complete_with_its_config() {
    let dir = dir();
    run(dir.path(), &command("init llama.json -o", &["old", "--dtype", "f16"]));
    let grown = LLAMA.replace("\"vocab_size\": 33", "\"vocab_size\": 40").replace("_layers\": 2", "_layers\": 3");
    fs::write(dir.path().join("grown.json"), grown).unwrap();
    let init = "init grown.json --missing-from old --complete -o";
    run(dir.path(), &command(init, &["new", "--max-shard-size", "3000"]));
    run(dir.path(), &command("init grown.json -o", &["fresh", "--dtype", "f16"]));
    let (old, new) = (Weights::open(dir.path().join("old")).unwrap(), Weights::open(dir.path().join("new")).unwrap());
    let fresh = Weights::open(dir.path().join("fresh")).unwrap();
    let names = |weights: &Weights| {
        let mut names: Vec<String> = weights.tensors().map(|t| t.name.clone()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&new), names(&fresh));
    assert!(new.files() > 3);
    for name in names(&new) {
        let (dtype, dims, bytes) = read(&dir.path().join("new"), &name);
        // The config says bf16: the kept tensors' dtype is that of the new ones too.
        assert_eq!(dtype, "F16", "{name}");
        let drawn = read(&dir.path().join("fresh"), &name).2;
        match old.tensor(&name) {
            None => assert_eq!(bytes, drawn, "{name}"),
            Some(tensor) => {
                let kept = read(&dir.path().join("old"), &name).2;
                assert_eq!(bytes[..kept.len()], kept[..], "{name}");
                assert_eq!(bytes[kept.len()..], drawn[kept.len()..], "{name}");
                assert_eq!(dims == tensor.dims, kept.len() == bytes.len());
            }
        }
    }
    let config: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join("new/config.json")).unwrap()).unwrap();
    assert_eq!((&config["torch_dtype"], &config["vocab_size"]), (&"float16".into(), &40.into()));
    let said = ends(dir.path(), &["verify", "new", "--device", "cpu"], 3);
    let expected = "11 of 30 tensors equal; 2 have kept rows, which are not compared; 19 come from another \
                    checkpoint and are not compared\n";
    assert_eq!(said, expected);
    // The config alone cannot say which tensors were kept.
    fs::remove_file(dir.path().join("new/init.json")).unwrap();
    let error = refused(dir.path(), &["verify", "new", "--device", "cpu"]);
    assert!(error.contains("are another checkpoint's, and its init.json alone says which"), "{error}");
    let error = refused(dir.path(), &["init", "gpt2.json", "--missing-from", "old", "--complete", "-o", "x"]);
    assert_eq!(error, "old: has no tensor of the model: there is nothing to complete");
}

#[test]
fn new_rows_are_made_of_the_old_ones() {
    let dir = dir();
    run(dir.path(), &command("init llama.json -o", &["old", "--dtype", "f32"]));
    let grown = LLAMA.replace("\"vocab_size\": 33", "\"vocab_size\": 4000");
    fs::write(dir.path().join("grown.json"), grown).unwrap();
    let init = "init grown.json --missing-from old --complete --new-rows mean -o";
    let said = run(dir.path(), &command(init, &["new"]));
    assert!(said.contains("lm_head.weight: rows 0 to 32 kept from old, the others made of them"), "{said}");
    let floats = |m: &str| -> Vec<f64> {
        let bytes = read(&dir.path().join(m), "lm_head.weight").2;
        bytes.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect()
    };
    let (old, new) = (floats("old"), floats("new"));
    assert_eq!(new[..33 * 16], old[..]);
    let added = &new[33 * 16..];
    let rows = added.len() / 16;
    for c in 0..16 {
        let column = |values: &[f64]| values.iter().skip(c).step_by(16).copied().collect::<Vec<f64>>();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let var = |values: &[f64]| {
            let m = mean(values);
            values.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / values.len() as f64
        };
        let (old, new) = (column(&old), column(added));
        let std = (1e-9 * var(&old)).sqrt();
        // Within 6 standard errors; the same check on the std that a drawn row has, 30,000 times as large, must fail.
        let near = |new: &[f64]| {
            let few = 6.0 / (rows as f64).sqrt();
            (mean(new) - mean(&old)).abs() < few * std && (var(new).sqrt() / std - 1.0).abs() < few
        };
        assert!(near(&new), "{c}: {} {} {} {}", mean(&new), mean(&old), var(&new).sqrt(), std);
        assert!(!near(&old.iter().cycle().take(rows).copied().collect::<Vec<_>>()));
    }
    // The same bytes again, and others by another seed.
    run(dir.path(), &command(init, &["again"]));
    assert_eq!(floats("again"), new);
    run(dir.path(), &[&init.split(' ').collect::<Vec<_>>()[..], &["other", "--seed", "6", "--device", "cpu"]].concat());
    assert_ne!(floats("other"), new);
    let table: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join("new/init.json")).unwrap()).unwrap();
    let rows = table["tensors"].as_array().unwrap();
    let row = rows.iter().find(|r| r["name"] == "lm_head.weight").unwrap();
    assert_eq!((&row["new_rows"], row["kept_rows"].as_u64()), (&"mean".into(), Some(33)));
    assert_eq!(row["law"], "mean of the first 33 rows, with 1e-9 of their covariance");
    // Nothing says what such rows should be.
    let said = ends(dir.path(), &["verify", "new", "--device", "cpu"], 3);
    assert_eq!(said, "0 of 21 tensors equal; 21 come from another checkpoint and are not compared\n");
    run(dir.path(), &["inspect", "new"]);
}

#[test]
fn new_rows_without_a_mean_are_refused_and_without_a_covariance_are_the_mean() {
    let dir = dir();
    let name = "model.embed_tokens.weight";
    let bytes = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    write(&dir.path().join("like.safetensors"), &[(name, Dtype::F32, &[4, 2], vec![0; 32])]);
    let init = "init --like like.safetensors --recipe llama --missing-from old.safetensors --new-rows mean -o m";
    let old = |dims: &'static [usize], values: &[f32]| {
        write(&dir.path().join("old.safetensors"), &[(name, Dtype::F32, dims, bytes(values))]);
    };
    let all = command(init, &[]);
    let fails = || {
        let before = listing(dir.path());
        let output = seedbed(dir.path(), &all);
        assert_eq!((output.status.code(), listing(dir.path())), (Some(1), before));
        text(&output.stderr).lines().last().unwrap().to_owned()
    };
    old(&[0, 2], &[]);
    assert_eq!(
        fails(),
        format!("error: old.safetensors: tensor {name:?}: has no row there that a mean could be taken of")
    );
    old(&[2, 2], &[1.0, 2.0, f32::NAN, 4.0]);
    assert_eq!(
        fails(),
        format!("error: old.safetensors: tensor {name:?}: row 1 has NaN, so that its rows have no mean")
    );
    write(&dir.path().join("old.safetensors"), &[("x", Dtype::F32, &[1], vec![0; 4])]);
    assert_eq!(
        fails(),
        "error: old.safetensors: no tensor of the model has more rows than it has there: no row is new"
    );
    old(&[2, 2], &[1.0, 2.0, 3.0, 5.0]);
    let output = seedbed(dir.path(), &all);
    let notice = format!(
        "notice: {name}: the new rows are the mean of the 2 old ones alone, whose covariance is not positive definite\n"
    );
    assert!(text(&output.stderr).contains(&notice), "{}", text(&output.stderr));
    let mut reader = Reader::open(dir.path().join("m/model.safetensors")).unwrap();
    let mut found = Vec::new();
    reader
        .read_f32(name, |_, values| {
            found.extend_from_slice(values);
            Ok(())
        })
        .unwrap();
    assert_eq!(found, [1.0, 2.0, 3.0, 5.0, 2.0, 3.5, 2.0, 3.5]);
}
