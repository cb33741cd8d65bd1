//! Mamba-2: `Mamba2Config` and `Mamba2Model`.

use super::mamba;
use crate::model::Role;
use crate::model::build::{Build, fans};
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;
use crate::value::shape::Layout;
use crate::{Error, Result};

pub(super) const FAMILY: Family = Family {
    model_types: &["mamba2"],
    classes: &[Class { name: "Mamba2ForCausalLM", prefix: "backbone." }, Class { name: "Mamba2Model", prefix: "" }],
    build,
};

/// No row of the embedding is zero: Mamba-2 gives it no `padding_idx`, whatever `pad_token_id` says.
fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    let vocab = fields.size("vocab_size", 32768)?;
    let d = fields.size("hidden_size", 4096)?;
    let state = fields.size("state_size", 128)?;
    let layers = fields.size("num_hidden_layers", 64)?;
    let expand = fields.size("expand", 2)?;
    let inner = fields.product(("hidden_size", d), ("expand", expand))?;
    let heads = fields.size("num_heads", 128)?;
    let head_dim = fields.size("head_dim", 64)?;
    if heads * head_dim != inner {
        return Err(Error::Config(format!(
            "hidden_size {d} times expand {expand} is {inner}, not num_heads {heads} times head_dim {head_dim}"
        )));
    }
    let groups = fields.size("n_groups", 8)?;
    fields.divides(("num_heads", heads), ("n_groups", groups))?;
    let states = fields.product(("n_groups", groups), ("state_size", state))?;
    let kernel = fields.size("conv_kernel", 4)?;
    mamba::time_step_rank(fields, d)?;
    let (bias, conv_bias) = (fields.flag("use_bias", false)?, fields.flag("use_conv_bias", true)?);
    let tied = fields.flag("tie_word_embeddings", false)?;
    mamba::time_steps(fields)?;
    fields.std("initializer_range", 0.1)?;
    build.stack(
        fields,
        [
            ("hidden", d),
            ("intermediate", inner),
            ("layers", layers),
            ("heads", heads),
            ("head_dim", head_dim),
            ("vocab", vocab),
            ("state", state),
        ],
    );

    // The convolution sees the input, and B and C of every group. The projection makes these, the gate and the steps.
    let convolved = inner + 2 * states;
    let projected = inner + convolved + heads;
    build.push("embeddings.weight", Role::Embedding, &[vocab, d])?;
    build.layers("num_hidden_layers", layers, |build, i| {
        build.norm(&format!("layers.{i}.norm"), d)?;
        let mixer = format!("layers.{i}.mixer");
        // The weight that this bias belongs to is the last rows of in_proj.
        build.push(&format!("{mixer}.dt_bias"), Role::SsmDtBias, &[heads])?.fans = fans(d, heads);
        build.push(&format!("{mixer}.A_log"), Role::SsmA, &[heads])?;
        build.push(&format!("{mixer}.D"), Role::SsmD, &[heads])?;
        build.push(&format!("{mixer}.conv1d.weight"), Role::SsmConv, &[convolved, 1, kernel])?.layout =
            Layout::conv(convolved);
        if conv_bias {
            build.bias(convolved)?;
        }
        build.linear(&format!("{mixer}.in_proj"), Role::SsmIn, [projected, d], bias)?;
        build.norm(&format!("{mixer}.norm"), inner)?;
        build.linear(&format!("{mixer}.out_proj"), Role::SsmOut, [d, inner], bias)
    })?;
    build.norm("norm_f", d)?;
    if class.name == "Mamba2ForCausalLM" {
        build.head(tied, "lm_head.weight", "backbone.embeddings.weight", [vocab, d])?;
    }
    Ok(())
}
