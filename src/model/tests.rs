//! The fixtures are what `transformers` itself makes of a config: tests/data/model_fixtures.py.

use super::*;
use crate::scheme::Scheme;
use crate::shape::Layout;
use serde_json::{Map, json};
use std::path::PathBuf;

/// Every fixture of a kind, with its name.
fn fixtures(laws: bool) -> Vec<(String, Value)> {
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
    Model::from_json(&config.to_string()).unwrap()
}

fn expected(fixture: &Value) -> &Map<String, Value> {
    fixture["tensors"].as_object().unwrap()
}

#[test]
fn names_shapes_and_order_are_those_of_transformers() {
    let all = fixtures(false);
    assert_eq!(all.len(), 18);
    for (name, fixture) in all {
        let ours: Vec<(String, Value)> = model(&fixture["config"])
            .tensors(None)
            .unwrap()
            .into_iter()
            .map(|t| (t.name, json!(t.shape.dims())))
            .collect();
        let theirs: Vec<(String, Value)> = expected(&fixture).clone().into_iter().collect();
        assert_eq!(ours, theirs, "{name}");
    }
}

/// How many standard errors a sample's mean and std lie off the law's, the worse of the two.
fn deviation(row: &Value, std: f64) -> f64 {
    let n = row["count"].as_f64().unwrap();
    let mean_error = row["mean"].as_f64().unwrap() / (std / n.sqrt());
    let std_error = (row["std"].as_f64().unwrap() - std) / (std / (2.0 * n).sqrt());
    mean_error.abs().max(std_error.abs())
}

#[test]
fn laws_are_those_of_transformers() {
    let all = fixtures(true);
    assert_eq!(all.len(), 10);
    for (name, fixture) in all {
        let specs = model(&fixture["config"]).tensors(None).unwrap();
        assert_eq!(specs.len(), expected(&fixture).len(), "{name}");
        for (spec, (tensor, row)) in specs.iter().zip(expected(&fixture)) {
            let place = format!("{name} {tensor}");
            assert_eq!(&spec.name, tensor, "{name}");
            assert_eq!(json!(spec.shape.dims()), row["shape"], "{place}");
            match spec.scheme {
                Scheme::Constant(value) => assert_eq!(row["constant"].as_f64(), Some(value), "{place}"),
                Scheme::Normal { mean: 0.0, std } => {
                    assert_eq!(json!(spec.zero_rows), row["zero_rows"], "{place}");
                    assert!(deviation(row, std) < 5.0, "{place}: {row} is not N(0, {std}^2)");
                    // The check can fail: it tells the residual std of three layers from the plain one, and from two.
                    assert!(deviation(row, std * 6f64.sqrt()) > 5.0, "{place}");
                    assert!(deviation(row, std * 1.5f64.sqrt()) > 5.0, "{place}");
                    assert!(deviation(row, std / 1.5f64.sqrt()) > 5.0, "{place}");
                }
                other => panic!("{place}: {other:?}"),
            }
        }
    }
}

#[test]
fn shipped_examples_are_the_published_models() {
    for (name, parameters, dtype, tied) in [
        ("gpt2", 124_439_808, DType::F32, true),
        ("llama-3.2-1b", 1_235_814_400, DType::BF16, true),
        ("smollm2-135m", 134_515_008, DType::BF16, true),
    ] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).join("config.json");
        let model = Model::from_json(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(model.parameters(), parameters, "{name}");
        assert_eq!(model.has_tied_head(), tied, "{name}");
        assert!(model.tensors(None).unwrap().iter().all(|t| t.dtype == dtype), "{name}");
        assert!(model.tensors(Some(DType::F16)).unwrap().iter().all(|t| t.dtype == DType::F16), "{name}");
    }
}

#[test]
fn only_conv1d_is_stored_input_first() {
    for (_, fixture) in fixtures(true) {
        for spec in model(&fixture["config"]).tensors(None).unwrap() {
            let conv1d = spec.name.ends_with(".weight") && (spec.name.contains(".c_") || spec.name.contains(".q_attn"));
            assert_eq!(spec.layout == Layout::InOut, conv1d, "{}", spec.name);
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
    let error = model.tensors(None).unwrap_err().to_string();
    assert_eq!(error, r#"unknown dtype of the config "float64": expected float32, float16, bfloat16"#);
    assert!(model.tensors(Some(DType::BF16)).is_ok());
}

#[test]
fn config_with_dtype_changes_the_dtype_alone() {
    let text =
        "{\"b\":0.041666666666666664,\"torch_dtype\":\"float32\",\"a\":[1e-05,null,500000.0,18446744073709551615]}";
    let written = config_with_dtype(text, DType::BF16).unwrap();
    let one_line = written.split_whitespace().collect::<String>();
    let expected = r#"{"b":0.041666666666666664,"torch_dtype":"bfloat16","a":[0.00001,null,500000.0,18446744073709551615],"dtype":"bfloat16"}"#;
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
fn bad_configs_are_one_line_errors_that_name_the_field() {
    let cases: Vec<(&str, &str)> = include_str!("../../tests/data/bad_configs.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once(" => ").unwrap())
        .collect();
    assert!(cases.len() > 50);
    for (config, expected) in cases {
        let error = Model::from_json(config).expect_err(config).to_string();
        match expected.strip_suffix("..") {
            Some(beginning) => assert!(error.starts_with(beginning), "{config}: {error}"),
            None => assert_eq!(error, expected, "{config}"),
        }
        assert!(!error.contains('\n') && error.len() < 300);
    }
}

#[test]
fn foreign_text_in_errors_is_clipped_and_on_one_line() {
    let long = "x\\n".repeat(100_000);
    for config in [
        format!(r#"{{"model_type":"{long}"}}"#),
        format!(r#"{{"model_type":"gpt2","n_layer":"{long}"}}"#),
        format!(r#"{{"model_type":"gpt2","architectures":["{long}"]}}"#),
        format!(r#"{{"model_type":"gpt2" "{long}"}}"#),
        format!(r#"{{"é{}é":é"#, "é".repeat(1000)),
        "[".repeat(100_000),
        "\n".repeat(1000) + "{",
    ] {
        let error = Model::from_json(&config).unwrap_err().to_string();
        assert!(!error.contains('\n') && error.len() < 500, "{error}");
    }
}

#[test]
fn no_value_of_any_field_panics_or_plans_too_much() {
    let sizes = [json!(1), json!(1u64 << 31), json!((1u64 << 31) - 1), json!(1u64 << 63), json!(u64::MAX)];
    let others = [json!(0), json!(-1), json!(i64::MIN), json!(0.5), json!(1e308), json!("x"), json!(null), json!(true)];
    let hostile: Vec<Value> = sizes.into_iter().chain(others).chain([json!([]), json!({}), json!([null])]).collect();
    let gpt2 = ["vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner", "hidden_size"];
    let llama = ["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"];
    let more = ["num_key_value_heads", "head_dim", "pad_token_id", "initializer_range", "attention_bias", "mlp_bias"];
    let rest = ["add_cross_attention", "tie_word_embeddings", "architectures", "dtype", "torch_dtype", "pruned_heads"];
    for (family, sizes) in
        [(Family::Gpt2, [&gpt2[..], &rest].concat()), (Family::Llama, [&llama[..], &more, &rest].concat())]
    {
        for (first, second) in sizes.iter().flat_map(|a| sizes.iter().map(move |b| (a, b))) {
            for (a, b) in hostile.iter().flat_map(|a| hostile.iter().map(move |b| (a, b))) {
                let config = json!({"model_type": family.model_type(), *first: a, *second: b});
                match Model::from_json(&config.to_string()) {
                    Ok(model) => assert!(model.tensors.len() <= 100_000 && model.parameters() <= 1 << 60),
                    Err(error) => assert!(!error.to_string().contains('\n'), "{config}: {error}"),
                }
            }
        }
    }
}
