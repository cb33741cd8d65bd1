//! Recipes on models that `transformers` made, and on lists of their own.

mod effects;
mod gains;
mod keys;
mod laws;
mod mistakes;
mod neighbors;
mod parts;
mod role_names;
mod rules;

use super::Recipe;
use crate::model::Model;
use crate::{Fill, cpu};

/// What a fill writes, in f32.
fn values(fill: &Fill) -> Vec<f32> {
    let mut bytes = vec![0; fill.bytes() as usize];
    cpu::fill(fill, &mut bytes).unwrap();
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

fn llama() -> Model {
    let config = r#"{"model_type":"llama","hidden_size":64,"intermediate_size":96,"num_attention_heads":4,
        "num_key_value_heads":2,"num_hidden_layers":3,"vocab_size":100,"attention_bias":true}"#;
    Model::from_json(config).unwrap()
}

fn assign(text: &str) -> crate::Result<Vec<String>> {
    let model = llama();
    let recipe = Recipe::parse("mine.toml", text)?.finish(Some(&model))?;
    let assignment = recipe.assign(model.tensors())?;
    Ok(assignment.tensors.iter().map(|a| format!("{} {}", a.spec.name, a.spec.scheme)).collect())
}
