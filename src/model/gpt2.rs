//! GPT-2: `GPT2Config` and `GPT2PreTrainedModel._init_weights`.

use super::Class;
use super::build::{Build, normal};
use super::config::Fields;
use crate::plan::TensorSpec;
use crate::scheme::Scheme;
use crate::{Error, Result};

pub(super) const CLASSES: [Class; 2] = [
    Class { name: "GPT2LMHeadModel", prefix: "transformer.", head: true },
    Class { name: "GPT2Model", prefix: "", head: false },
];

struct Config {
    vocab_size: u64,
    n_positions: u64,
    n_embd: u64,
    n_layer: u64,
    n_inner: u64,
    add_cross_attention: bool,
    tie_word_embeddings: bool,
    initializer_range: f64,
}

impl Config {
    fn read(fields: &Fields) -> Result<Self> {
        // transformers maps the general names onto GPT-2's own, and lets them win where both stand.
        let size = |alias, name, default| fields.size(alias, fields.size(name, default)?);
        let n_embd = size("hidden_size", "n_embd", 768)?;
        let n_head = size("num_attention_heads", "n_head", 12)?;
        if n_embd % n_head != 0 {
            return Err(Error::Config(format!("n_embd {n_embd} is not divisible by n_head {n_head}")));
        }
        Ok(Self {
            vocab_size: fields.size("vocab_size", 50257)?,
            n_positions: size("max_position_embeddings", "n_positions", 1024)?,
            n_embd,
            n_layer: size("num_hidden_layers", "n_layer", 12)?,
            n_inner: fields.optional_size("n_inner")?.unwrap_or(4 * n_embd),
            add_cross_attention: fields.flag("add_cross_attention", false)?,
            tie_word_embeddings: fields.flag("tie_word_embeddings", true)?,
            initializer_range: fields.initializer_range()?,
        })
    }
}

/// Whether the head is tied, and the stored tensors.
///
/// No row of the embedding is zero: GPT-2 gives it no `padding_idx`, whatever `pad_token_id` says.
pub(super) fn tensors(fields: &Fields, class: Class) -> Result<(bool, Vec<TensorSpec>)> {
    let c = Config::read(fields)?;
    let (d, std) = (c.n_embd, c.initializer_range);
    // Two residual branches a layer add up; a cross-attention branch is not counted.
    let residual = std / (2.0 * c.n_layer as f64).sqrt();

    let mut build = Build::new(class);
    build.push("wte.weight", &[c.vocab_size, d], normal(std))?;
    build.push("wpe.weight", &[c.n_positions, d], normal(std))?;
    build.layers("n_layer", c.n_layer, |build, i| {
        layer_norm(build, &format!("h.{i}.ln_1"), d)?;
        build.conv1d(&format!("h.{i}.attn.c_attn"), [d, 3 * d], std)?;
        build.conv1d(&format!("h.{i}.attn.c_proj"), [d, d], residual)?;
        layer_norm(build, &format!("h.{i}.ln_2"), d)?;
        if c.add_cross_attention {
            build.conv1d(&format!("h.{i}.crossattention.c_attn"), [d, 2 * d], std)?;
            build.conv1d(&format!("h.{i}.crossattention.q_attn"), [d, d], std)?;
            build.conv1d(&format!("h.{i}.crossattention.c_proj"), [d, d], residual)?;
            layer_norm(build, &format!("h.{i}.ln_cross_attn"), d)?;
        }
        build.conv1d(&format!("h.{i}.mlp.c_fc"), [d, c.n_inner], std)?;
        build.conv1d(&format!("h.{i}.mlp.c_proj"), [c.n_inner, d], residual)
    })?;
    layer_norm(&mut build, "ln_f", d)?;
    if class.head && !c.tie_word_embeddings {
        build.push_outside("lm_head.weight", &[c.vocab_size, d], normal(std))?;
    }
    Ok((c.tie_word_embeddings, build.finish()))
}

fn layer_norm(build: &mut Build, name: &str, d: u64) -> Result<()> {
    build.push(&format!("{name}.weight"), &[d], Scheme::Constant(1.0))?;
    build.push(&format!("{name}.bias"), &[d], Scheme::Constant(0.0))?;
    Ok(())
}
