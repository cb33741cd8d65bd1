//! Checkpoints without a config: what the command says of tensors that it knows, and of those that it does not.

use super::{ends, json, run, seedbed, text};
use std::fs;
use std::path::Path;

/// A checkpoint of zeros with these tensors.
fn checkpoint(path: &Path, tensors: &[(&str, &[u64])]) {
    let (mut header, mut end) = (serde_json::Map::new(), 0);
    for (name, shape) in tensors {
        let begin = end;
        end += 4 * shape.iter().product::<u64>();
        let entry = serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [begin, end]});
        header.insert((*name).to_owned(), entry);
    }
    let header = serde_json::to_string(&header).unwrap();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + end as usize, 0);
    fs::write(path, bytes).unwrap();
}

#[test]
fn explain_says_how_each_role_was_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("m.safetensors");
    checkpoint(&file, &[("0.weight", &[20, 10]), ("0.bias", &[20]), ("lm_head.weight", &[9, 20]), ("strange", &[3])]);
    let told = json(dir.path(), &["plan", "--like", "m.safetensors", "--explain", "--json"]);
    let rows = told.as_array().unwrap().iter();
    let rows: Vec<(&str, &str, &str)> = rows
        .map(|row| (row["name"].as_str().unwrap(), row["role"].as_str().unwrap(), row["told"].as_str().unwrap()))
        .collect();
    let mut sorted = rows.clone();
    sorted.sort_unstable();
    let expected = [
        ("0.bias", "bias", "neighbors: the bias of the weight beside it"),
        ("0.weight", "linear", "neighbors: a matrix with a bias of its outputs: a linear layer"),
        ("lm_head.weight", "unembedding", "usual name *lm_head*"),
        ("strange", "other", "unknown"),
    ];
    assert_eq!(sorted, expected);
    let table = run(dir.path(), &["plan", "--like", "m.safetensors", "--explain"]);
    assert!(table.ends_with("4 tensors, 1 of them unknown\n"), "{table}");
    assert!(table.lines().any(|line| line.starts_with("strange") && line.ends_with("unknown")), "{table}");
}

/// What stands on stderr behind the error's line is a recipe that settles the error.
#[test]
fn unknown_tensors_are_one_error_and_lines_that_settle_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let scales = ["blocks.0.ls1.gamma", "blocks.1.ls1.gamma"];
    checkpoint(
        &path("m.safetensors"),
        &[
            (scales[0], &[64]),
            (scales[1], &[64]),
            ("blocks.0.fc11.weight", &[64, 16]),
            ("blocks.0.fc11.bias", &[64]),
            ("0.gate", &[3]),
            ("1.gate", &[3]),
            ("2.gate", &[3]),
            ("a.\u{1b}[31m", &[3]),
        ],
    );
    let args = ["init", "--like", "m.safetensors", "-o", "out", "--recipe", "torch-default"];
    let refused = seedbed(dir.path(), &args);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!path("out").exists());
    let said = text(&refused.stderr);
    let error = said.lines().find(|line| line.starts_with("error: ")).unwrap();
    assert!(error.starts_with("error: 6 of 8 tensors are unknown to fixed, torch-default: "), "{error}");
    assert!(error.contains(" and 1 more") && error.contains("--recipe FILE,RECIPE"), "{error}");
    let lines = said.lines().skip_while(|line| !line.starts_with("error: ")).skip(1);
    fs::write(path("paste.toml"), lines.collect::<Vec<_>>().join("\n")).unwrap();
    let settled = [&args[..5], &["--recipe", "paste.toml,torch-default"]].concat();
    run(dir.path(), &settled);
    let out = path("out");
    assert!(out.exists());
    let plan = json(dir.path(), &["plan", "--like", "m.safetensors", "--recipe", "paste.toml,torch-default", "--json"]);
    let law = |name: &str| {
        let row = plan["tensors"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone();
        (row["rule"].as_str().unwrap().to_owned(), row["scheme"].as_str().unwrap().to_owned())
    };
    assert!(law(scales[1]).0.starts_with("paste.toml:"), "{:?}", law(scales[1]));
    assert_eq!(law("blocks.0.fc11.bias").1, "torch_bias(fan_in=16)");
    // A role that a `[[rule]]` names is settled too: only what is named.
    fs::write(path("one.toml"), "[[rule]]\nname = \"*.gate\"\nscheme = \"ones\"\n").unwrap();
    let rest = seedbed(dir.path(), &["plan", "--like", "m.safetensors", "--recipe", "one.toml,torch-default"]);
    assert!(text(&rest.stderr).contains("3 of 8 tensors are unknown"), "{}", text(&rest.stderr));
}

#[test]
fn neighbors_that_contradict_each_other_are_one_line() {
    let dir = tempfile::tempdir().unwrap();
    checkpoint(&dir.path().join("m.safetensors"), &[("bn.running_mean", &[8]), ("bn.running_var", &[7])]);
    let output = seedbed(dir.path(), &["init", "--like", "m.safetensors", "-o", "x", "--recipe", "llama"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    let expected = "error: tensor bn.running_var: shape [7], but bn.running_mean has shape [8]: a batch norm has \
                    vectors of one length\n";
    assert!(said.ends_with(expected), "{said}");
    assert!(!dir.path().join("x").exists());
    ends(dir.path(), &["plan", "--like", "m.safetensors", "--explain"], 1);
}
