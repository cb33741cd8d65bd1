//! The laws of the `transformers` recipes against fixtures that tests/data/models/make.py makes from the library, and
//! all recipes on every family.

use super::values;
use crate::StreamVersion;
use crate::model::Model;
use crate::model::tests::fixtures;
use crate::plan::Plan;
use crate::recipe::Recipe;
use crate::value::law::Law;
use serde_json::Value;

/// How many standard errors the sample's mean, or its std, lies off the law's: the larger of the two.
fn deviation(row: &Value, law: &Law, factor: f64) -> f64 {
    let (n, std) = (row["count"].as_f64().unwrap(), law.std() * factor);
    let spread = ((law.kurtosis().unwrap() - 1.0) / (4.0 * n)).sqrt();
    let mean_error = (row["mean"].as_f64().unwrap() - law.mean()) / (std / n.sqrt());
    let std_error = (row["std"].as_f64().unwrap() - std) / (std * spread);
    mean_error.abs().max(std_error.abs())
}

#[test]
fn laws_are_those_of_transformers() {
    let mut kinds = [0; 3];
    for (name, fixture) in fixtures(true) {
        let model = Model::from_json(&fixture["config"].to_string()).unwrap();
        let recipe = Recipe::default().finish(Some(&model)).unwrap();
        let assignment = recipe.assign(model.tensors()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut plan = Plan::new(StreamVersion::V1, 1);
        for assigned in &assignment.tensors {
            let spec = &assigned.spec;
            let row = &fixture["tensors"][&spec.name];
            let place = format!("{name} {} ({}): {row}", spec.name, assigned.logical[0].rule.rule);
            let law = plan.push(spec).unwrap_or_else(|e| panic!("{place}: {e}")).parts()[0].law().clone();
            match &law {
                Law::Constant(law) => {
                    assert_eq!(row["constant"].as_f64().map(|x| x as f32), Some(law.value() as f32), "{place}");
                    kinds[0] += 1;
                }
                // Drawn element by element: both moments within 5 standard errors.
                _ if law.kurtosis().is_some() => {
                    assert_eq!(row["zero_rows"], serde_json::json!(spec.zero_rows), "{place}");
                    let off = deviation(row, &law, 1.0);
                    assert!(off < 5.0, "{place} is not {law}: {off} standard errors");
                    // The check can fail: a std that is off by a third does not pass, where there are elements enough.
                    if row["count"].as_f64().unwrap() >= 1000.0 {
                        assert!(deviation(row, &law, 1.33) > 5.0 && deviation(row, &law, 0.75) > 5.0, "{place}");
                    }
                    kinds[1] += 1;
                }
                // Tables: the very values, by the moments and the ends of what the twin writes.
                _ => {
                    let fill = plan.tensors().last().unwrap().fill();
                    let values: Vec<f64> = values(&fill).iter().map(|&x| f64::from(x)).collect();
                    let n = values.len() as f64;
                    let mean = values.iter().sum::<f64>() / n;
                    let std = (values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0)).sqrt();
                    let close = |what: &str, ours: f64| {
                        let theirs = row[what].as_f64().unwrap_or_else(|| panic!("{place}: no {what}"));
                        assert!((ours - theirs).abs() < 1e-5, "{place}: {what} is {ours}");
                    };
                    close("mean", mean);
                    close("std", std);
                    close("min", values.iter().copied().fold(f64::INFINITY, f64::min));
                    close("max", values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
                    if let Some(first) = row["values"].as_array() {
                        for (ours, theirs) in values.iter().zip(first) {
                            assert!((ours - theirs.as_f64().unwrap()).abs() < 1e-6, "{place}: {ours}");
                        }
                    }
                    kinds[2] += 1;
                }
            }
        }
    }
    println!("constants, drawn tensors and tables that agree: {kinds:?}");
    assert!(kinds[0] > 50 && kinds[1] > 100, "{kinds:?}");
}

#[test]
fn every_builtin_recipe_can_be_read_and_serves_every_family() {
    const NOTHING_TO_SPLIT: &str = "no rule of split was reached: its rules are about no tensor here";
    let (mut unsplit, mut split) = (0, 0);
    for fixture in fixtures(true) {
        let model = Model::from_json(&fixture.1["config"].to_string()).unwrap();
        // `fixed` is no recipe by itself: it has the first rules of the others. `adapters` knows LoRA pairs alone.
        for builtin in crate::recipe::builtins().iter().filter(|b| !["fixed", "adapters"].contains(&b.name)) {
            let recipe = Recipe::builtin(builtin.name, Some(&model)).unwrap().finish(Some(&model)).unwrap();
            let assignment = recipe.assign(model.tensors());
            // Few families fuse what `split` cuts.
            if builtin.name == "split" && assignment.as_ref().is_err_and(|e| e.to_string().contains(NOTHING_TO_SPLIT)) {
                unsplit += 1;
                continue;
            }
            split += usize::from(builtin.name == "split");
            let assignment = assignment.unwrap_or_else(|e| panic!("{} {}: {e}", builtin.name, fixture.0));
            let mut plan = Plan::new(StreamVersion::V1, 0);
            for assigned in &assignment.tensors {
                plan.push(&assigned.spec).unwrap_or_else(|e| panic!("{} {}: {e}", builtin.name, fixture.0));
            }
        }
    }
    assert!(unsplit > 0 && split > 0, "{unsplit} without fused tensors, {split} with");
}

#[test]
fn depth_counts_from_the_input() {
    let all = fixtures(true);
    let depth = |fixture: &str, name: &str| {
        let config = &all.iter().find(|f| f.0 == fixture).unwrap().1["config"];
        let model = Model::from_json(&config.to_string()).unwrap();
        let recipe = Recipe::parse("d.toml", "[[rule]]\nscheme = \"constant(depth / (layers + 1))\"")
            .unwrap()
            .finish(Some(&model))
            .unwrap();
        let assignment = recipe.assign(model.tensors()).unwrap();
        let found = assignment.tensors.iter().find(|a| a.spec.name == name).unwrap_or_else(|| panic!("{name}"));
        match found.spec.scheme {
            crate::Scheme::Constant(share) => share,
            other => panic!("{other:?}"),
        }
    };
    for (fixture, name, expected) in [
        ("law-bert", "bert.embeddings.LayerNorm.weight", 0.0),
        ("law-bert", "bert.embeddings.word_embeddings.weight", 0.0),
        ("law-bert", "cls.predictions.transform.dense.weight", 1.0),
        ("law-vit", "vit.embeddings.patch_embeddings.projection.bias", 0.0),
        ("law-vit", "classifier.weight", 1.0),
        ("law-whisper", "model.encoder.conv1.bias", 0.0),
        ("law-whisper", "model.encoder.layer_norm.weight", 1.0),
        ("law-clip", "vision_model.pre_layrnorm.weight", 0.0),
        ("law-clip", "text_projection.weight", 1.0),
        ("law-gpt2", "transformer.ln_f.weight", 1.0),
    ] {
        assert_eq!(depth(fixture, name), expected, "{fixture} {name}");
    }
}
