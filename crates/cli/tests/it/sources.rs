//! Where tensors and numbers come from when they do not come from one config.

use super::{dir, json, run, seedbed, text};
use std::fs;

/// The config of a tiny fixture.
fn config(name: &str) -> String {
    let path = format!("{}/../../tests/data/fixtures/models/law-{name}.json", env!("CARGO_MANIFEST_DIR"));
    let fixture: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    fixture["config"].to_string()
}

#[test]
fn a_config_beside_a_checkpoint_tells_what_names_do_not() {
    let dir = dir();
    for family in ["gemma2", "gpt2", "whisper"] {
        let source = format!("{family}-config.json");
        fs::write(dir.path().join(&source), config(family)).unwrap();
        run(dir.path(), &["init", &source, "-o", family, "--seed", "3", "--device", "cpu"]);
        // The same tensors with the same laws, in the file's order.
        let of_config = json(dir.path(), &["plan", &source, "--seed", "3", "--json"]);
        let of_file = json(dir.path(), &["plan", &source, "--like", family, "--seed", "3", "--json"]);
        let rows = |table: &serde_json::Value| {
            let mut rows = table["tensors"].as_array().unwrap().clone();
            rows.sort_by_key(|r| r["name"].as_str().unwrap().to_owned());
            rows
        };
        assert_eq!(rows(&of_file), rows(&of_config), "{family}");
        assert_eq!(of_file["warnings"], of_config["warnings"], "{family}");
    }
}

#[test]
fn numbers_can_be_set_that_no_config_gives() {
    let dir = dir();
    run(dir.path(), &["init", "gpt2.json", "-o", "old", "--seed", "3", "--device", "cpu"]);
    let output = seedbed(dir.path(), &["plan", "--like", "old", "--recipe", "gpt2"]);
    let error = text(&output.stderr);
    assert!(error.contains("unknown variable \"layers\": known are fan_in, "), "{error}");
    let set = ["plan", "--like", "old", "--recipe", "gpt2", "--set", "layers=2", "--json"];
    let table = json(dir.path(), &set);
    let rows = table["tensors"].as_array().unwrap();
    let out = rows.iter().find(|r| r["name"] == "transformer.h.1.mlp.c_proj.weight").unwrap();
    assert_eq!(out["std"].as_f64(), Some(0.02 / 2.0));
    let output = seedbed(dir.path(), &["plan", "gpt2.json", "--recipe", "llama", "--set", "fan_in=7"]);
    assert!(text(&output.stderr).contains("fan_in is set, but it is a number of each tensor's own"));
    // A family's own recipe by its name, a variable that begins with a function's, and a list over a config's numbers.
    fs::write(
        dir.path().join("list.toml"),
        "[[tensor]]\nname = \"w\"\nshape = [\"hidden_size\", \"max_position_embeddings\"]\n\
         [[rule]]\nscheme = \"constant(max_position_embeddings)\"\n",
    )
    .unwrap();
    fs::write(dir.path().join("c.json"), r#"{"model_type": "?", "hidden_size": 3, "max_position_embeddings": 5}"#)
        .unwrap();
    let table = json(dir.path(), &["plan", "c.json", "--recipe", "list.toml", "--json"]);
    assert_eq!(
        (&table["tensors"][0]["shape"], table["tensors"][0]["mean"].as_f64()),
        (&serde_json::json!([3, 5]), Some(5.0))
    );
    let named = json(dir.path(), &["plan", "llama.json", "--recipe", "transformers/llama", "--json"]);
    assert_eq!(named["tensors"], json(dir.path(), &["plan", "llama.json", "--json"])["tensors"]);
}
