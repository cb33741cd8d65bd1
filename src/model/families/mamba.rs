//! Mamba: `MambaConfig` and `MambaModel`.

use crate::Result;
use crate::model::Role;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;
use crate::value::shape::Layout;
use crate::value::text::clip;
use serde_json::Value;

pub(super) const FAMILY: Family = Family {
    model_types: &["mamba"],
    classes: &[Class { name: "MambaForCausalLM", prefix: "backbone." }, Class { name: "MambaModel", prefix: "" }],
    build,
};

/// No row of the embedding is zero: Mamba gives it no `padding_idx`, whatever `pad_token_id` says.
fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    let vocab = fields.size("vocab_size", 50280)?;
    let d = fields.size("hidden_size", 768)?;
    let state = fields.size("state_size", 16)?;
    let layers = fields.size("num_hidden_layers", 32)?;
    let expand = fields.size("expand", 2)?;
    // Where the file has an intermediate_size, it holds over the product.
    let inner = match fields.read::<u64>("intermediate_size")? {
        Some(_) => fields.size("intermediate_size", 1)?,
        None => fields.product(("hidden_size", d), ("expand", expand))?,
    };
    let kernel = fields.size("conv_kernel", 4)?;
    let rank = time_step_rank(fields, d)?;
    let (bias, conv_bias) = (fields.flag("use_bias", false)?, fields.flag("use_conv_bias", true)?);
    let tied = fields.flag("tie_word_embeddings", true)?;
    let constant_step = match fields.read::<String>("time_step_init_scheme")?.as_deref() {
        None | Some("random") => 0,
        Some("constant") => 1,
        Some(other) => {
            let reason = format!("unknown {:?}, must be random or constant", clip(other));
            return Err(fields.error("time_step_init_scheme", reason));
        }
    };
    time_steps(fields)?;
    fields.number("time_step_scale", 1.0)?;
    fields.std("initializer_range", 0.1)?;
    build.stack(
        fields,
        [
            ("hidden", d),
            ("intermediate", inner),
            ("layers", layers),
            ("vocab", vocab),
            ("state", state),
            ("constant_step", constant_step),
        ],
    );

    build.push("embeddings.weight", Role::Embedding, &[vocab, d])?;
    build.layers("num_hidden_layers", layers, |build, i| {
        build.norm(&format!("layers.{i}.norm"), d)?;
        let mixer = format!("layers.{i}.mixer");
        build.push(&format!("{mixer}.A_log"), Role::SsmA, &[inner, state])?;
        build.push(&format!("{mixer}.D"), Role::SsmD, &[inner])?;
        build.push(&format!("{mixer}.conv1d.weight"), Role::SsmConv, &[inner, 1, kernel])?.layout = Layout::conv(inner);
        if conv_bias {
            build.bias(inner)?;
        }
        build.linear(&format!("{mixer}.in_proj"), Role::SsmIn, [2 * inner, d], bias)?;
        build.linear(&format!("{mixer}.x_proj"), Role::SsmX, [rank + 2 * state, inner], false)?;
        build.linear(&format!("{mixer}.dt_proj"), Role::SsmDt, [inner, rank], false)?;
        build.bias(inner)?.role = Role::SsmDtBias;
        build.linear(&format!("{mixer}.out_proj"), Role::SsmOut, [d, inner], bias)
    })?;
    build.norm("norm_f", d)?;
    if class.name == "MambaForCausalLM" {
        build.head(tied, "lm_head.weight", "backbone.embeddings.weight", [vocab, d])?;
    }
    Ok(())
}

/// The rank of the step's projection: a number, or "auto", which is a sixteenth of the width.
pub(super) fn time_step_rank(fields: &Fields, d: u64) -> Result<u64> {
    let name = "time_step_rank";
    match fields.read::<Value>(name)? {
        None => Ok(d.div_ceil(16)),
        Some(Value::String(word)) if word == "auto" => Ok(d.div_ceil(16)),
        Some(Value::String(word)) => {
            Err(fields.error(name, format!("unknown {:?}, must be a whole number or auto", clip(&word))))
        }
        Some(_) => fields.size(name, 1),
    }
}

/// Reads the numbers that the recipes of both generations of Mamba name.
pub(super) fn time_steps(fields: &Fields) -> Result<()> {
    fields.number("time_step_min", 0.001)?;
    fields.number("time_step_max", 0.1)?;
    fields.number("time_step_floor", 1e-4)?;
    fields.flag("rescale_prenorm_residual", false)?;
    Ok(())
}
