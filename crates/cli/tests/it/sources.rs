//! Where tensors and numbers come from when they do not come from one config.

use super::{dir, json, run, seedbed, text};
use safetensors::{Dtype, tensor::TensorView};
use std::fs;
use std::path::Path;

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

/// A safetensors file of zeros.
fn zeros(path: &Path, tensors: &[(&str, &[usize])]) {
    let data = vec![0; 4 * tensors.iter().map(|(_, dims)| dims.iter().product::<usize>()).max().unwrap()];
    let views = tensors.iter().map(|(name, dims)| {
        let bytes = 4 * dims.iter().product::<usize>();
        (*name, TensorView::new(Dtype::F32, dims.to_vec(), &data[..bytes]).unwrap())
    });
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    safetensors::serialize_to_file(views, None, path).unwrap();
}

fn row<'a>(table: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    table["tensors"].as_array().unwrap().iter().find(|r| r["name"] == name).unwrap_or_else(|| panic!("{name}"))
}

#[test]
fn the_config_that_stands_beside_a_checkpoint_is_read_and_written() {
    let dir = dir();
    for family in ["gemma2", "gpt2"] {
        let source = format!("{family}-config.json");
        fs::write(dir.path().join(&source), config(family)).unwrap();
        run(dir.path(), &["init", &source, "-o", family, "--seed", "3", "--device", "cpu"]);
        let given = json(dir.path(), &["plan", &source, "--like", family, "--seed", "3", "--json"]);
        // The directory, the file in it, and the same again by any recipe.
        for like in [family.to_owned(), format!("{family}/model.safetensors")] {
            let found = json(dir.path(), &["plan", "--like", &like, "--seed", "3", "--json"]);
            assert_eq!(found["tensors"], given["tensors"], "{like}");
            let said = seedbed(dir.path(), &["plan", "--like", &like, "--recipe", "llama"]);
            let line = format!("{family}/config.json stands beside the tensors and is read, since no config is given");
            assert_eq!(text(&said.stderr).matches(&line).count(), 1, "{}", text(&said.stderr));
        }
        run(dir.path(), &["init", "--like", family, "-o", "new", "--dtype", "bf16", "--device", "cpu", "--force"]);
        let written: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(dir.path().join("new/config.json")).unwrap()).unwrap();
        assert_eq!((&written["model_type"], &written["dtype"]), (&family.into(), &"bfloat16".into()));
    }
    // What neither names nor shapes tell.
    let gpt2 = json(dir.path(), &["plan", "--like", "gpt2", "--recipe", "torch-default", "--json"]);
    let c_fc = row(&gpt2, "transformer.h.0.mlp.c_fc.weight");
    assert_eq!((&c_fc["fan_in"], &c_fc["layout"]), (&c_fc["shape"][0], &"in_out".into()));
    let gemma = json(dir.path(), &["plan", "--like", "gemma2", "--recipe", "llama", "--json"]);
    let norm = row(&gemma, "model.norm.weight");
    assert_eq!((&norm["role"], norm["mean"].as_f64()), (&"norm.offset".into(), Some(0.0)));
    // A config that is given holds, and nothing is said of the other.
    fs::write(dir.path().join("other.json"), r#"{"model_type": "?", "hidden_size": 5}"#).unwrap();
    let said = seedbed(dir.path(), &["plan", "other.json", "--like", "gemma2", "--recipe", "llama"]);
    assert!(said.status.success() && !text(&said.stderr).contains("stands beside"), "{}", text(&said.stderr));
    let table = json(dir.path(), &["plan", "other.json", "--like", "gemma2", "--recipe", "llama", "--json"]);
    assert_eq!(row(&table, "model.norm.weight")["role"], "norm");
    // No JSON: one line. A directory of that name is no config.
    fs::write(dir.path().join("gemma2/config.json"), "{\"model_type\": ").unwrap();
    let output = seedbed(dir.path(), &["init", "--like", "gemma2", "--recipe", "llama", "-o", "bad"]);
    let error = text(&output.stderr);
    assert!(error.starts_with("error: gemma2/config.json: config: not JSON: "), "{error}");
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{error}");
    assert!(!dir.path().join("bad").exists());
    fs::remove_file(dir.path().join("gemma2/config.json")).unwrap();
    fs::create_dir(dir.path().join("gemma2/config.json")).unwrap();
    run(dir.path(), &["plan", "--like", "gemma2", "--recipe", "llama"]);
}

#[test]
fn general_fields_of_a_type_without_a_recipe_count() {
    let dir = dir();
    let table = |config: &str, tensors: &[(&str, &[usize])], recipe: &str| {
        zeros(&dir.path().join("old/model.safetensors"), tensors);
        fs::write(dir.path().join("old/config.json"), config).unwrap();
        json(dir.path(), &["plan", "--like", "old", "--recipe", recipe, "--json"])
    };
    // A row of zeros for padding, where the library has one; its own name for the std; general names for sizes.
    fs::write(
        dir.path().join("mine.toml"),
        "[[rule]]\nrole = 'norm*'\nscheme = 'ones'\n[[rule]]\nscheme = 'normal(std = initializer_range / layers)'\n",
    )
    .unwrap();
    let mine = dir.path().join("mine.toml").display().to_string();
    let tensors: &[(&str, &[usize])] = &[("model.embed_tokens.weight", &[40, 8]), ("model.norm.weight", &[8])];
    let smollm = r#"{"model_type": "smollm3", "pad_token_id": 7, "initializer_range": 0.5, "num_hidden_layers": 4}"#;
    let rows = table(smollm, tensors, &mine);
    let embedding = row(&rows, "model.embed_tokens.weight");
    assert_eq!((&embedding["zero_rows"], embedding["std"].as_f64()), (&serde_json::json!([7]), Some(0.125)));
    // Norms of 1 + weight, as the library's table says.
    let gemma = r#"{"model_type": "gemma", "pad_token_id": null, "initializer_range": 0.02}"#;
    let rows = table(gemma, tensors, "llama");
    assert_eq!(row(&rows, "model.norm.weight")["mean"].as_f64(), Some(0.0));
    assert_eq!(row(&rows, "model.embed_tokens.weight")["zero_rows"], serde_json::json!([]));
    assert_eq!(rows["warnings"], serde_json::json!([]));
    // A law that is not the library's is said, and so is a type that it does not have.
    let rows = table(gemma, tensors, "torch-default");
    let said = rows["warnings"].to_string();
    assert!(
        said.contains("model.embed_tokens.weight: N(0, 1^2); transformers begins gemma with N(0, 0.02^2)"),
        "{said}"
    );
    let rows = table(r#"{"model_type": "xyzzy"}"#, tensors, "llama");
    let said = rows["notices"].to_string();
    assert!(said.contains("model_type is no type of transformers"), "{said}");
    // A padding row that is not there: one line, nothing written.
    fs::write(dir.path().join("old/config.json"), r#"{"model_type": "smollm3", "pad_token_id": 40}"#).unwrap();
    let output = seedbed(dir.path(), &["init", "--like", "old", "--recipe", "llama", "-o", "new"]);
    let error = text(&output.stderr);
    assert!(error.contains("pad_token_id: 40 is no row of an embedding of shape [40, 8]"), "{error}");
    assert!(error.lines().count() == 1 && !dir.path().join("new").exists(), "{error}");
}

#[test]
fn tensors_that_the_library_keeps_in_float32_are_kept() {
    let dir = dir();
    let dtypes = |family: &str, dtype: &str| {
        let source = format!("{family}.json");
        fs::write(dir.path().join(&source), config(family)).unwrap();
        let table = json(dir.path(), &["plan", &source, "--dtype", dtype, "--json"]);
        let rows = table["tensors"].as_array().unwrap().iter();
        let kept = rows.filter(|r| r["dtype"] == "f32").map(|r| r["name"].as_str().unwrap().to_owned());
        kept.collect::<Vec<_>>()
    };
    let kept = dtypes("deepseek-v3", "bf16");
    assert!(!kept.is_empty());
    let is_routers = |name: &String| name.ends_with(".gate.weight") || name.ends_with("e_score_correction_bias");
    assert!(kept.iter().all(is_routers), "{kept:?}");
    assert_eq!(kept.iter().filter(|name| name.ends_with("gate.weight")).count() * 2, kept.len());
    assert_eq!(dtypes("deepseek-v3", "f16"), kept);
    // In float16 alone.
    assert!(dtypes("t5", "bf16").is_empty());
    assert!(dtypes("t5", "f16").iter().all(|name| name.ends_with(".wo.weight")) && !dtypes("t5", "f16").is_empty());
}

#[test]
fn numbers_can_be_set_that_no_config_gives() {
    let dir = dir();
    run(dir.path(), &["init", "gpt2.json", "-o", "old", "--seed", "3", "--device", "cpu"]);
    fs::remove_file(dir.path().join("old/config.json")).unwrap();
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
         [[rule]]\nname = \"w\"\nscheme = \"constant(max_position_embeddings)\"\n",
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
