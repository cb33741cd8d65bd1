//! The fixtures are what `transformers` itself makes of a config: tests/data/models/make.py.

mod hostile;
mod patterns;

use super::*;
use crate::DType;
use crate::value::shape::Layout;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Every fixture of a kind, with its name.
pub(crate) fn fixtures(laws: bool) -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/fixtures/models");
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("law-") == laws)
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), serde_json::from_str(&text).unwrap())
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn model(config: &Value) -> Model {
    Model::from_json(&config.to_string()).unwrap_or_else(|e| panic!("{config}: {e}"))
}

/// The tensors of a fixture, its name patterns expanded: `{0-3,7}` is each of these numbers.
fn expected(fixture: &Value) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for (pattern, shape) in fixture["tensors"].as_object().unwrap() {
        let shape = shape.get("shape").unwrap_or(shape);
        for name in patterns::expand(pattern) {
            assert!(all.insert(name, shape.clone()).is_none(), "{pattern}");
        }
    }
    all
}

fn check_structure(laws: bool) {
    let all = fixtures(laws);
    for (name, fixture) in all {
        let model = model(&fixture["config"]);
        let ours: BTreeMap<String, Value> =
            model.tensors().iter().map(|t| (t.name.clone(), json!(t.shape.dims()))).collect();
        assert_eq!(ours.len(), model.tensors().len(), "{name}: a name stands twice");
        let theirs = expected(&fixture);
        let missing: Vec<_> = theirs.iter().filter(|(k, v)| ours.get(*k) != Some(v)).take(5).collect();
        let extra: Vec<_> = ours.iter().filter(|(k, v)| theirs.get(*k) != Some(v)).take(5).collect();
        assert!(missing.is_empty() && extra.is_empty(), "{name}: theirs alone {missing:?}, ours alone {extra:?}");
        let ties: BTreeMap<_, _> = model.ties().iter().cloned().map(|(k, v)| (k, json!(v))).collect();
        let theirs: BTreeMap<_, _> = fixture["ties"].as_object().unwrap().clone().into_iter().collect();
        assert_eq!(ties, theirs, "{name}");
    }
}

#[test]
fn every_family_has_three_published_sizes_and_a_tiny_one() {
    for (laws, least) in [(false, 3), (true, 1)] {
        let all = fixtures(laws);
        for family in Family::all() {
            let of_family = |f: &Value| family.model_types.contains(&f["config"]["model_type"].as_str().unwrap());
            let count = all.iter().filter(|(_, f)| of_family(f)).count();
            assert!(count >= least, "{family}: {count} fixtures, should be {least}");
        }
    }
}

#[test]
fn names_shapes_and_ties_are_those_of_transformers() {
    check_structure(false);
}

#[test]
fn names_shapes_and_ties_of_tiny_models_are_those_that_save_pretrained_writes() {
    check_structure(true);
}

#[test]
fn shipped_examples_are_the_published_models() {
    for (name, parameters, dtype) in [
        ("gpt2", 124_439_808, None),
        ("llama-3.2-1b", 1_235_814_400, Some(DType::BF16)),
        ("smollm2-135m", 134_515_008, Some(DType::BF16)),
    ] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).join("config.json");
        let model = Model::from_json(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!((model.parameters(), model.dtype().unwrap()), (parameters, dtype), "{name}");
        assert_eq!(model.ties().len(), 1, "{name}");
    }
}

#[test]
fn only_conv1d_is_stored_input_first() {
    for (_, fixture) in fixtures(true) {
        let model = model(&fixture["config"]);
        if model.family().model_type() == "gpt2" {
            for t in model.tensors() {
                let conv1d = t.name.ends_with(".weight") && (t.name.contains(".c_") || t.name.contains(".q_attn"));
                assert_eq!(t.layout == Layout::InOut, conv1d, "{}", t.name);
            }
        }
    }
}

#[test]
fn dtype_holds_over_torch_dtype_and_unknown_ones_can_be_overridden() {
    let read = |fields: &str| Model::from_json(&format!(r#"{{"model_type":"llama"{fields}}}"#)).unwrap();
    for (fields, dtype) in [
        ("", None),
        (r#","dtype":null,"torch_dtype":null"#, None),
        (r#","torch_dtype":"bfloat16""#, Some(DType::BF16)),
        (r#","dtype":null,"torch_dtype":"bfloat16""#, Some(DType::BF16)),
        (r#","dtype":"float16","torch_dtype":"bfloat16""#, Some(DType::F16)),
        (r#","dtype":"float""#, Some(DType::F32)),
    ] {
        assert_eq!(read(fields).dtype().unwrap(), dtype, "{fields}");
    }
    let model = read(r#","dtype":"float64""#);
    let error = model.dtype().unwrap_err().to_string();
    assert_eq!(
        error,
        r#"unknown dtype of the config "float64": expected float32, float16, bfloat16; did you mean `float32`?"#
    );
}

#[test]
fn config_with_dtype_changes_the_dtype_alone() {
    let text = concat!(
        "{\"b\":0.041666666666666664,\"torch_dtype\":\"float32\",",
        "\"a\":[1e-05,null,500000.0,18446744073709551615]}"
    );
    let written = config_with_dtype(text, DType::BF16).unwrap();
    let one_line = written.split_whitespace().collect::<String>();
    let expected = concat!(
        r#"{"b":0.041666666666666664,"torch_dtype":"bfloat16","#,
        r#""a":[0.00001,null,500000.0,18446744073709551615],"dtype":"bfloat16"}"#
    );
    assert_eq!(one_line, expected);
    assert!(written.ends_with("}\n"));
    // Written again, `dtype` stays in its place; `torch_dtype` is not added.
    assert_eq!(config_with_dtype(&written, DType::BF16).unwrap(), written);
    assert_eq!(
        config_with_dtype("{\"dtype\":1,\"z\":2}", DType::F16).unwrap(),
        "{\n  \"dtype\": \"float16\",\n  \"z\": 2\n}\n"
    );
    assert!(config_with_dtype("[]", DType::F16).is_err());
}

#[test]
fn infinity_is_read_and_written_as_python_does() {
    let text = r#"{
  "model_type": "mamba2",
  "num_hidden_layers": 1,
  "\\\"é, Infinity": "-Infinity, \\",
  "time_step_limit": [
    -Infinity,
    Infinity
  ],
  "dtype": "float16"
}
"#;
    assert_eq!(Model::from_json(text).unwrap().dtype().unwrap(), Some(DType::F16));
    assert_eq!(config_with_dtype(text, DType::F16).unwrap(), text);
    for bad in
        [r#"{"model_type": "mamba2", Infinity"#, r#"{"a": xInfinity}"#, "Infinity\"", "\"Infinity\\", "--Infinity"]
    {
        assert!(Model::from_json(bad).unwrap_err().to_string().starts_with("config: "), "{bad}");
    }
    let error = Model::from_json(r#"{"model_type": "mamba2", "num_hidden_layers": Infinity}"#).unwrap_err();
    assert!(!error.to_string().contains(char::is_control), "{error}");
}
