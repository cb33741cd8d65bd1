//! Llama: `LlamaConfig` and `PreTrainedModel._init_weights`.

use super::Class;
use super::build::{Build, normal};
use super::config::Fields;
use crate::plan::TensorSpec;
use crate::scheme::Scheme;
use crate::{Error, Result};

pub(super) const CLASSES: [Class; 2] = [
    Class { name: "LlamaForCausalLM", prefix: "model.", head: true },
    Class { name: "LlamaModel", prefix: "", head: false },
];

struct Config {
    vocab_size: u64,
    hidden_size: u64,
    intermediate_size: u64,
    num_hidden_layers: u64,
    /// `num_attention_heads * head_dim`.
    queries: u64,
    /// `num_key_value_heads * head_dim`.
    keys: u64,
    attention_bias: bool,
    mlp_bias: bool,
    tie_word_embeddings: bool,
    initializer_range: f64,
    pad_row: Option<u64>,
}

impl Config {
    fn read(fields: &Fields) -> Result<Self> {
        let vocab_size = fields.size("vocab_size", 32000)?;
        let hidden_size = fields.size("hidden_size", 4096)?;
        let heads = fields.size("num_attention_heads", 32)?;
        // transformers 5 asks for this even where head_dim is given; a checkpoint it cannot load is of no use.
        if hidden_size % heads != 0 {
            return Err(Error::Config(format!(
                "hidden_size {hidden_size} is not divisible by num_attention_heads {heads}"
            )));
        }
        let kv_heads = fields.optional_size("num_key_value_heads")?.unwrap_or(heads);
        if heads % kv_heads != 0 {
            return Err(Error::Config(format!(
                "num_attention_heads {heads} is not divisible by num_key_value_heads {kv_heads}"
            )));
        }
        let head_dim = fields.optional_size("head_dim")?.unwrap_or(hidden_size / heads);
        let initializer_range = fields.initializer_range()?;
        if initializer_range > 1.0 {
            return Err(Error::Config(format!("initializer_range: {initializer_range} is more than 1")));
        }
        Ok(Self {
            vocab_size,
            hidden_size,
            intermediate_size: fields.size("intermediate_size", 11008)?,
            num_hidden_layers: fields.size("num_hidden_layers", 32)?,
            queries: heads * head_dim,
            keys: kv_heads * head_dim,
            attention_bias: fields.flag("attention_bias", false)?,
            mlp_bias: fields.flag("mlp_bias", false)?,
            tie_word_embeddings: fields.flag("tie_word_embeddings", false)?,
            initializer_range,
            pad_row: pad_row(fields, vocab_size)?,
        })
    }
}

/// The embedding's padding row; torch counts a negative one from the end.
fn pad_row(fields: &Fields, vocab_size: u64) -> Result<Option<u64>> {
    let name = "pad_token_id";
    let Some(pad) = fields.read::<Option<i64>>(name)?.flatten() else { return Ok(None) };
    let row = if pad < 0 { vocab_size.checked_sub(pad.unsigned_abs()) } else { Some(pad.unsigned_abs()) };
    match row {
        Some(row) if row < vocab_size => Ok(Some(row)),
        _ => Err(Error::Config(format!("{name}: {pad} is no row of an embedding of vocab_size {vocab_size}"))),
    }
}

/// Whether the head is tied, and the stored tensors.
pub(super) fn tensors(fields: &Fields, class: Class) -> Result<(bool, Vec<TensorSpec>)> {
    let c = Config::read(fields)?;
    let (d, inner, std) = (c.hidden_size, c.intermediate_size, c.initializer_range);

    let mut build = Build::new(class);
    build.push("embed_tokens.weight", &[c.vocab_size, d], normal(std))?.zero_rows.extend(c.pad_row);
    build.layers("num_hidden_layers", c.num_hidden_layers, |build, i| {
        let mut linear = |name, dims, bias| build.linear(&format!("layers.{i}.{name}"), dims, std, bias);
        linear("self_attn.q_proj", [c.queries, d], c.attention_bias)?;
        linear("self_attn.k_proj", [c.keys, d], c.attention_bias)?;
        linear("self_attn.v_proj", [c.keys, d], c.attention_bias)?;
        linear("self_attn.o_proj", [d, c.queries], c.attention_bias)?;
        linear("mlp.gate_proj", [inner, d], c.mlp_bias)?;
        linear("mlp.up_proj", [inner, d], c.mlp_bias)?;
        linear("mlp.down_proj", [d, inner], c.mlp_bias)?;
        build.push(&format!("layers.{i}.input_layernorm.weight"), &[d], Scheme::Constant(1.0))?;
        build.push(&format!("layers.{i}.post_attention_layernorm.weight"), &[d], Scheme::Constant(1.0))?;
        Ok(())
    })?;
    build.push("norm.weight", &[d], Scheme::Constant(1.0))?;
    if class.head && !c.tie_word_embeddings {
        build.push_outside("lm_head.weight", &[c.vocab_size, d], normal(std))?;
    }
    Ok((c.tie_word_embeddings, build.finish()))
}
