//! Checkpoints that other programs have saved again: without our metadata, in another dtype; and without our table.

use super::buffers::{Stored, write};
use super::{dir, json, run, seedbed, text};
use safetensors::Dtype;
use seedbed::checkpoint::Weights;
use std::fs;
use std::path::Path;

/// Saves the model of `from` to `to` as another program does that converts every float: without seedbed's metadata, and
/// with the table and the config beside it.
fn save(dir: &Path, from: &str, to: &str, dtype: Dtype, convert: impl Fn(f32) -> Vec<u8>) {
    let mut weights = Weights::open(dir.join(from)).unwrap();
    let tensors: Vec<_> = weights.tensors().cloned().collect();
    let mut saved = Vec::new();
    for tensor in &tensors {
        let mut bytes = Vec::new();
        weights
            .read_f32(&tensor.name, |_, values| {
                bytes.extend(values.iter().flat_map(|&x| convert(x)));
                Ok(())
            })
            .unwrap();
        let dims: Vec<usize> = tensor.dims.iter().map(|&d| d as usize).collect();
        saved.push((tensor.name.clone(), dims, bytes));
    }
    let saved: Vec<Stored<'_>> =
        saved.iter().map(|(name, dims, bytes)| (&**name, dtype, &dims[..], bytes.clone())).collect();
    fs::create_dir_all(dir.join(to)).unwrap();
    write(&dir.join(to).join("model.safetensors"), &saved);
    fs::copy(dir.join(from).join("init.json"), dir.join(to).join("init.json")).unwrap();
}

fn to_f32(x: f32) -> Vec<u8> {
    x.to_le_bytes().to_vec()
}

fn to_bf16(x: f32) -> Vec<u8> {
    seedbed::DType::BF16.round(x).to_bits().to_le_bytes()[2..].to_vec()
}

#[test]
fn a_copy_in_another_dtype_is_told_and_compared() {
    let dir = dir();
    run(dir.path(), &["init", "gpt2.json", "-o", "m", "--seed", "5", "--device", "cpu"]);
    run(dir.path(), &["init", "gpt2.json", "-o", "half", "--seed", "5", "--device", "cpu", "--dtype", "f16"]);
    save(dir.path(), "m", "same", Dtype::F32, to_f32);
    save(dir.path(), "m", "copy", Dtype::BF16, to_bf16);
    save(dir.path(), "half", "wide", Dtype::F32, to_f32);
    save(dir.path(), "half", "double", Dtype::F64, |x| f64::from(x).to_le_bytes().to_vec());
    save(dir.path(), "half", "twice", Dtype::BF16, to_bf16);
    for (name, said) in [
        ("same", ""),
        ("copy", "; 28 as copies in bf16 of the planned f32"),
        ("wide", "; 28 as copies in f32 of the planned f16"),
        ("double", "; 28 as copies in f64 of the planned f16"),
        ("twice", "; 28 as copies in bf16 of the planned f16"),
    ] {
        let output = seedbed(dir.path(), &["verify", name, "--device", "cpu"]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(text(&output.stdout), format!("28 of 28 tensors equal{said}\n"));
        let notice = format!(
            "notice: {name}/model.safetensors: the weights carry no seed, since another program has written them: \
             compared with what {name}/init.json describes, of seed 5\n"
        );
        assert!(text(&output.stderr).starts_with(&notice), "{}", text(&output.stderr));
        let copies = said.replace(" as copies", " are copies");
        assert!(run(dir.path(), &["inspect", name]).ends_with(&format!("compared with the plan agree{copies}\n")));
        let found = json(dir.path(), &["inspect", name, "--json"]);
        let planned = &found["tensors"][3]["planned_dtype"];
        assert_eq!(planned.as_str().is_some(), !said.is_empty(), "{planned}");
    }
    let rows = json(dir.path(), &["verify", "copy", "--device", "cpu", "--json"]);
    let converted = serde_json::json!({ "converted": { "from": "f32", "to": "bf16" } });
    assert!(rows.as_array().unwrap().iter().all(|r| r["verdict"] == converted), "{rows}");

    // One bit of one value is a difference, in a copy too; rounding elsewhere than to the nearest is one.
    save(dir.path(), "m", "cut", Dtype::BF16, |x| x.to_le_bytes()[2..].to_vec());
    let output = seedbed(dir.path(), &["verify", "cut", "--device", "cpu"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stdout).contains("transformer.wte.weight: 3") && text(&output.stdout).contains("elements differ")
    );
    let file = dir.path().join("copy/model.safetensors");
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&file, bytes).unwrap();
    let output = seedbed(dir.path(), &["verify", "copy", "--device", "cpu"]);
    assert!(text(&output.stdout).contains(": 1 element differs, at index "), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("\n27 of 28 tensors equal; 27 as copies"), "{}", text(&output.stdout));
    assert_eq!(output.status.code(), Some(1));
    // Without the table nothing says what the weights should be.
    fs::remove_file(dir.path().join("same/init.json")).unwrap();
    fs::copy(dir.path().join("gpt2.json"), dir.path().join("same/config.json")).unwrap();
    let output = seedbed(dir.path(), &["verify", "same", "--device", "cpu"]);
    assert!(text(&output.stderr).contains("has no seedbed.stream_version: not a file that seedbed wrote"));
}

#[test]
fn weights_and_config_are_enough_whatever_the_recipe() {
    let dir = dir();
    let own =
        "extends = 'transformers'\n[parameters]\nwide = 0.5\n[[rule]]\nrole = 'mlp.*'\nscheme = 'normal(std = wide)'\n";
    fs::write(dir.path().join("mine.toml"), own).unwrap();
    for (i, recipe) in [
        &["--recipe", "mup", "--set", "base_width=8"][..],
        &["--recipe", "residual-sqrt-n,mitchell"],
        &["--recipe", "mine.toml", "--set", "wide=0.25"],
        &["--set", "initializer_range=0.1"],
    ]
    .into_iter()
    .enumerate()
    {
        let out = format!("m{i}");
        run(dir.path(), &[&["init", "gpt2.json", "-o", &out, "--seed", "5", "--device", "cpu"][..], recipe].concat());
        fs::remove_file(dir.path().join(&out).join("init.json")).unwrap();
        let verify = ["verify", out.as_str(), "--device", "cpu"];
        // The file of a recipe may be gone: its text is in the metadata.
        if i == 2 {
            fs::remove_file(dir.path().join("mine.toml")).unwrap();
        }
        assert_eq!(run(dir.path(), &verify), "28 of 28 tensors equal\n", "{recipe:?}");
        let metadata = Weights::open(dir.path().join(&out)).unwrap().metadata();
        assert_eq!(metadata.contains_key("seedbed.recipe"), recipe[0] == "--recipe");
        assert_eq!(metadata.contains_key("seedbed.set"), recipe.contains(&"--set"));
    }
    // The usual laws leave no key: files are as they were.
    run(dir.path(), &["init", "gpt2.json", "-o", "usual", "--seed", "5", "--device", "cpu"]);
    let keys = Weights::open(dir.path().join("usual")).unwrap().metadata();
    assert_eq!(
        keys.into_keys().collect::<Vec<_>>(),
        ["format", "seedbed.seed", "seedbed.stream_version", "seedbed.version"]
    );
}
