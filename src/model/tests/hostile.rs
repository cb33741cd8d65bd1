//! What is wrong in a config, by mistake or by malice: an error in one line that names the field, never a panic.

use super::fixtures;
use crate::model::Model;
use serde_json::{Value, json};

#[test]
fn bad_configs_are_one_line_errors_that_name_the_field() {
    let cases: Vec<(&str, &str)> = include_str!("../../../tests/data/bad_configs.txt")
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
        assert!(!error.contains('\n') && error.len() < 600);
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
        assert!(!error.contains('\n') && error.len() < 600, "{error}");
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
    for (family, sizes) in [("gpt2", [&gpt2[..], &rest].concat()), ("llama", [&llama[..], &more, &rest].concat())] {
        for (first, second) in sizes.iter().flat_map(|a| sizes.iter().map(move |b| (a, b))) {
            for (a, b) in hostile.iter().flat_map(|a| hostile.iter().map(move |b| (a, b))) {
                let config = json!({"model_type": family, *first: a, *second: b});
                match Model::from_json(&config.to_string()) {
                    Ok(model) => assert!(model.tensors().len() <= 100_000 && model.parameters() <= 1 << 60),
                    Err(error) => assert!(!error.to_string().contains('\n'), "{config}: {error}"),
                }
            }
        }
    }
}

/// Every field of every tiny config, the inner ones too: absent, and with each hostile value.
#[test]
fn no_value_of_any_field_of_any_family_panics() {
    let hostile = [
        json!(0),
        json!(1),
        json!(3),
        json!(-1),
        json!(1u64 << 31),
        json!((1u64 << 31) - 1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(0.5),
        json!(-0.0),
        json!(1e308),
        json!(1e-308),
        json!("x"),
        json!(null),
        json!(true),
        json!([]),
        json!([1]),
        json!({}),
        json!({"a": 1}),
    ];
    // The paths of the fields of an object, each as its keys.
    fn paths(value: &Value, at: &[String], found: &mut Vec<Vec<String>>) {
        for (key, value) in value.as_object().into_iter().flatten() {
            let path = [at, std::slice::from_ref(key)].concat();
            paths(value, &path, found);
            found.push(path);
        }
    }
    let (mut accepted, mut refused) = (0, 0);
    for (name, fixture) in fixtures(true) {
        let config = &fixture["config"];
        let mut fields = Vec::new();
        paths(config, &[], &mut fields);
        for path in fields.iter().filter(|p| p[0] != "id2label" && p[0] != "label2id") {
            for value in hostile.iter().map(Some).chain([None]) {
                let mut changed = config.clone();
                let (last, inner) = path.split_last().unwrap();
                let object = inner.iter().fold(&mut changed, |v, key| &mut v[key]).as_object_mut().unwrap();
                match value {
                    Some(value) => object.insert(last.clone(), value.clone()),
                    None => object.remove(last),
                };
                match Model::from_json(&changed.to_string()) {
                    Ok(model) => {
                        accepted += 1;
                        assert!(model.tensors().len() <= 100_000 && model.parameters() <= 1 << 60, "{name}: {changed}");
                    }
                    Err(error) => {
                        refused += 1;
                        let error = error.to_string();
                        assert!(!error.contains('\n') && error.len() < 700, "{name}: {changed}: {error}");
                    }
                }
            }
        }
    }
    assert!(accepted > 1000 && refused > 1000, "{accepted} accepted, {refused} refused");
}
