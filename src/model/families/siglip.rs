//! SigLIP's image encoder, a part of other models: `SiglipVisionConfig` and `SiglipVisionModel`.

use crate::model::Role;
use crate::model::build::Build;
use crate::model::fields::Fields;
use crate::{Error, Result};

/// Builds the encoder, whose names begin with `at`, and returns its width.
pub(super) fn vision(fields: &Fields, build: &mut Build, at: &str) -> Result<u64> {
    let d = fields.size("hidden_size", 768)?;
    let inner = fields.size("intermediate_size", 3072)?;
    let layers = fields.size("num_hidden_layers", 12)?;
    let heads = fields.size("num_attention_heads", 12)?;
    fields.divides(("hidden_size", d), ("num_attention_heads", heads))?;
    let channels = fields.size("num_channels", 3)?;
    let image = fields.size("image_size", 224)?;
    let patch = fields.size("patch_size", 16)?;
    if image < patch {
        let [image_size, patch_size] = ["image_size", "patch_size"].map(|name| fields.path_of(name));
        return Err(Error::Config(format!("{image_size} {image} is less than {patch_size} {patch}")));
    }
    let positions = (image / patch).pow(2);
    let with_head = fields.flag("vision_use_head", true)?;
    build.stack(
        fields,
        [
            ("hidden", d),
            ("intermediate", inner),
            ("layers", layers),
            ("heads", heads),
            ("kv_heads", heads),
            ("head_dim", d / heads),
            ("positions", positions),
        ],
    );

    let mlp = |build: &mut Build, at: &str| {
        build.linear(&format!("{at}.fc1"), Role::MlpIn, [inner, d], true)?;
        build.linear(&format!("{at}.fc2"), Role::MlpOut, [d, inner], true)
    };
    build.push(&format!("{at}embeddings.patch_embedding.weight"), Role::Patch, &[d, channels, patch, patch])?;
    build.bias(d)?;
    build.push(&format!("{at}embeddings.position_embedding.weight"), Role::Position, &[positions, d])?;
    build.layers(&fields.path_of("num_hidden_layers"), layers, |build, i| {
        let at = format!("{at}encoder.layers.{i}");
        build.layer_norm(&format!("{at}.layer_norm1"), d)?;
        build.linear(&format!("{at}.self_attn.k_proj"), Role::Key, [d, d], true)?;
        build.linear(&format!("{at}.self_attn.v_proj"), Role::Value, [d, d], true)?;
        build.linear(&format!("{at}.self_attn.q_proj"), Role::Query, [d, d], true)?;
        build.linear(&format!("{at}.self_attn.out_proj"), Role::AttentionOutput, [d, d], true)?;
        build.layer_norm(&format!("{at}.layer_norm2"), d)?;
        mlp(build, &format!("{at}.mlp"))
    })?;
    build.layer_norm(&format!("{at}post_layernorm"), d)?;
    if with_head {
        build.push(&format!("{at}head.probe"), Role::Token, &[1, 1, d])?;
        build.push(&format!("{at}head.attention.in_proj_weight"), Role::Qkv, &[3 * d, d])?;
        build.bias(3 * d)?;
        build.linear(&format!("{at}head.attention.out_proj"), Role::AttentionOutput, [d, d], true)?;
        build.layer_norm(&format!("{at}head.layernorm"), d)?;
        mlp(build, &format!("{at}head.mlp"))?;
    }
    Ok(d)
}
