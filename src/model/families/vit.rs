//! ViT: `ViTConfig` and `ViTModel`.

use crate::Result;
use crate::model::Role;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;

pub(super) const FAMILY: Family = Family {
    model_types: &["vit"],
    classes: &[
        Class { name: "ViTForImageClassification", prefix: "vit." },
        Class { name: "ViTModel", prefix: "" },
        Class { name: "ViTForMaskedImageModeling", prefix: "vit." },
    ],
    build,
};

fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    let d = fields.size("hidden_size", 768)?;
    let layers = fields.size("num_hidden_layers", 12)?;
    let heads = fields.size("num_attention_heads", 12)?;
    // transformers requires no more than this: of a width that the heads do not divide, the remainder is dropped.
    if heads > d {
        return Err(fields.error("num_attention_heads", format!("{heads} is more than hidden_size {d}")));
    }
    let head_dim = fields.size("head_dim", d / heads)?;
    let inner = fields.size("intermediate_size", 3072)?;
    let qkv_bias = fields.flag("qkv_bias", true)?;
    fields.std("initializer_range", 0.02)?;
    let channels = fields.size("num_channels", 3)?;
    let (image, patch) = (fields.pair("image_size", 224)?, fields.pair("patch_size", 16)?);
    if let Some((i, p)) = image.into_iter().zip(patch).find(|(i, p)| i < p) {
        return Err(fields.error("image_size", format!("{i} is less than patch_size {p}")));
    }
    // One position for each whole patch, and one for the class token; the remainder of the image is cut off.
    let positions = (image[0] / patch[0]) * (image[1] / patch[1]) + 1;
    let labels = fields.labels()?;
    let given = fields.read::<Option<u64>>("pooler_output_size")?.flatten();
    let pooled = if given == Some(0) { d } else { fields.optional_size("pooler_output_size")?.unwrap_or(d) };
    build.stack(
        fields,
        [
            ("hidden", d),
            ("intermediate", inner),
            ("layers", layers),
            ("heads", heads),
            ("kv_heads", heads),
            ("head_dim", head_dim),
            ("positions", positions),
        ],
    );

    build.push("embeddings.cls_token", Role::Token, &[1, 1, d])?;
    if class.name == "ViTForMaskedImageModeling" {
        build.push("embeddings.mask_token", Role::Token, &[1, 1, d])?;
    }
    build.push("embeddings.position_embeddings", Role::Position, &[1, positions, d])?;
    let projection = "embeddings.patch_embeddings.projection.weight";
    build.push(projection, Role::Patch, &[d, channels, patch[0], patch[1]])?;
    build.bias(d)?;
    build.layers("num_hidden_layers", layers, |build, i| {
        let mut linear = |name, role, dims, bias| build.linear(&format!("encoder.layer.{i}.{name}"), role, dims, bias);
        let width = heads * head_dim;
        linear("attention.attention.query", Role::Query, [width, d], qkv_bias)?;
        linear("attention.attention.key", Role::Key, [width, d], qkv_bias)?;
        linear("attention.attention.value", Role::Value, [width, d], qkv_bias)?;
        linear("attention.output.dense", Role::AttentionOutput, [d, width], true)?;
        build.layer_norm(&format!("encoder.layer.{i}.layernorm_before"), d)?;
        build.layer_norm(&format!("encoder.layer.{i}.layernorm_after"), d)?;
        build.linear(&format!("encoder.layer.{i}.intermediate.dense"), Role::MlpIn, [inner, d], true)?;
        build.linear(&format!("encoder.layer.{i}.output.dense"), Role::MlpOut, [d, inner], true)
    })?;
    build.layer_norm("layernorm", d)?;
    match class.name {
        "ViTModel" => build.linear("pooler.dense", Role::Pooler, [pooled, d], true)?,
        "ViTForMaskedImageModeling" => {
            let stride = fields.size("encoder_stride", 16)?;
            let pixels = stride.checked_mul(stride).and_then(|n| n.checked_mul(channels)).ok_or_else(|| {
                fields.error("encoder_stride", format!("{stride} squared and num_channels {channels} are too many"))
            })?;
            build.outside("decoder.0.weight", Role::Head, &[pixels, d, 1, 1])?;
            build.bias(pixels)?;
        }
        // A classifier of no classes is not stored.
        _ if labels > 0 => build.outside_linear("classifier", Role::Head, [labels, d])?,
        _ => {}
    }
    Ok(())
}
