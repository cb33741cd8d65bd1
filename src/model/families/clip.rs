//! CLIP: `CLIPConfig` and `CLIPModel`, and each of its towers alone: `CLIPTextConfig`, `CLIPVisionConfig`.

use crate::Result;
use crate::model::Role;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;

const fn class(name: &'static str) -> Class {
    Class { name, prefix: "" }
}

pub(super) const FAMILY: Family = Family {
    model_types: &["clip", "clip_text_model", "clip_vision_model"],
    classes: &[
        class("CLIPModel"),
        class("CLIPTextModel"),
        class("CLIPTextModelWithProjection"),
        class("CLIPVisionModel"),
        class("CLIPVisionModelWithProjection"),
        class("CLIPForImageClassification"),
    ],
    build,
};

fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    let (model_type, classes) = match class.name {
        "CLIPModel" | "CLIPForImageClassification" => ("clip", "CLIPModel or CLIPForImageClassification"),
        "CLIPTextModel" | "CLIPTextModelWithProjection" => {
            ("clip_text_model", "CLIPTextModel or CLIPTextModelWithProjection")
        }
        // The two vision classes.
        _ => ("clip_vision_model", "CLIPVisionModel or CLIPVisionModelWithProjection"),
    };
    let given = fields.word("model_type")?;
    if given.as_deref() != Some(model_type) {
        let given = given.unwrap_or_default();
        return Err(fields.error("architectures", format!("{classes} is of model_type {model_type}, not {given}")));
    }
    fields.std("initializer_factor", 1.0)?;
    match class.name {
        "CLIPModel" => both(fields, build),
        "CLIPForImageClassification" => {
            let vision_fields = inner(fields, "vision_config", "vision_config_dict")?;
            let tower = Vision::read(&vision_fields)?;
            tower.push(&vision_fields, build, "vision_model.")?;
            let (d, labels) = (tower.body.hidden, fields.labels()?);
            // The classifier belongs to the whole model. One of no classes is not stored.
            tower.stack(fields, build);
            if labels > 0 { build.outside_linear("classifier", Role::Head, [labels, d]) } else { Ok(()) }
        }
        "CLIPTextModel" => Text::read(fields)?.push(fields, build, ""),
        "CLIPVisionModel" => Vision::read(fields)?.push(fields, build, ""),
        "CLIPTextModelWithProjection" => {
            let (tower, width) = (Text::read(fields)?, fields.size("projection_dim", 512)?);
            tower.push(fields, build, "text_model.")?;
            build.linear("text_projection", Role::Projection, [width, tower.body.hidden], false)
        }
        _ => {
            let (tower, width) = (Vision::read(fields)?, fields.size("projection_dim", 512)?);
            tower.push(fields, build, "vision_model.")?;
            build.linear("visual_projection", Role::Projection, [width, tower.body.hidden], false)
        }
    }
}

/// The config of a tower. Older files also have `text_config_dict` and `vision_config_dict`, which replace the newer
/// ones as a whole.
fn inner(fields: &Fields, name: &str, older: &str) -> Result<Fields> {
    fields.inner(if fields.is_given(older) { older } else { name })
}

fn both(fields: &Fields, build: &mut Build) -> Result<()> {
    let text_fields = inner(fields, "text_config", "text_config_dict")?;
    let vision_fields = inner(fields, "vision_config", "vision_config_dict")?;
    let (text, vision) = (Text::read(&text_fields)?, Vision::read(&vision_fields)?);
    let width = fields.size("projection_dim", 512)?;
    fields.number("logit_scale_init_value", 2.6592)?;

    text.stack(fields, build);
    build.behind(text.body.layers);
    build.push("logit_scale", Role::Scale, &[])?;
    text.push(&text_fields, build, "text_model.")?;
    vision.push(&vision_fields, build, "vision_model.")?;
    // The projections belong to the whole model: its fields hold for them, not those of the tower's config.
    vision.stack(fields, build);
    build.behind(vision.body.layers);
    build.linear("visual_projection", Role::Projection, [width, vision.body.hidden], false)?;
    text.stack(fields, build);
    build.behind(text.body.layers);
    build.linear("text_projection", Role::Projection, [width, text.body.hidden], false)
}

/// What the towers have in common.
struct Body {
    hidden: u64,
    intermediate: u64,
    layers: u64,
    heads: u64,
}

impl Body {
    fn read(fields: &Fields, [hidden, intermediate, heads]: [u64; 3]) -> Result<Self> {
        let hidden = fields.size("hidden_size", hidden)?;
        let intermediate = fields.size("intermediate_size", intermediate)?;
        let layers = fields.size("num_hidden_layers", 12)?;
        let heads = fields.size("num_attention_heads", heads)?;
        fields.divides(("hidden_size", hidden), ("num_attention_heads", heads))?;
        fields.std("initializer_range", 0.02)?;
        fields.std("initializer_factor", 1.0)?;
        Ok(Self { hidden, intermediate, layers, heads })
    }

    /// Begins a stack. The recipe asks for `vision`: 1 in the vision tower, which has no vocabulary, 0 in the other.
    fn stack(&self, fields: &Fields, build: &mut Build, positions: u64, vocab: Option<u64>) {
        let general = [
            ("hidden", self.hidden),
            ("intermediate", self.intermediate),
            ("layers", self.layers),
            ("heads", self.heads),
            ("kv_heads", self.heads),
            ("head_dim", self.hidden / self.heads),
            ("positions", positions),
            ("vision", u64::from(vocab.is_none())),
        ];
        match vocab {
            None => build.stack(fields, general),
            Some(vocab) => {
                let [a, b, c, d, e, f, g, h] = general;
                build.stack(fields, [a, b, c, d, e, f, g, h, ("vocab", vocab)]);
            }
        }
    }

    fn push(&self, build: &mut Build, tower: &str) -> Result<()> {
        let (d, inner) = (self.hidden, self.intermediate);
        build.layers("num_hidden_layers", self.layers, |build, i| {
            let name = format!("{tower}encoder.layers.{i}");
            build.linear(&format!("{name}.self_attn.k_proj"), Role::Key, [d, d], true)?;
            build.linear(&format!("{name}.self_attn.v_proj"), Role::Value, [d, d], true)?;
            build.linear(&format!("{name}.self_attn.q_proj"), Role::Query, [d, d], true)?;
            build.linear(&format!("{name}.self_attn.out_proj"), Role::AttentionOutput, [d, d], true)?;
            build.layer_norm(&format!("{name}.layer_norm1"), d)?;
            build.linear(&format!("{name}.mlp.fc1"), Role::MlpIn, [inner, d], true)?;
            build.linear(&format!("{name}.mlp.fc2"), Role::MlpOut, [d, inner], true)?;
            build.layer_norm(&format!("{name}.layer_norm2"), d)
        })
    }
}

struct Text {
    body: Body,
    vocab: u64,
    positions: u64,
}

impl Text {
    fn read(fields: &Fields) -> Result<Self> {
        let body = Body::read(fields, [512, 2048, 8])?;
        let (vocab, positions) = (fields.size("vocab_size", 49408)?, fields.size("max_position_embeddings", 77)?);
        Ok(Self { body, vocab, positions })
    }

    fn stack(&self, fields: &Fields, build: &mut Build) {
        self.body.stack(fields, build, self.positions, Some(self.vocab));
    }

    fn push(&self, fields: &Fields, build: &mut Build, tower: &str) -> Result<()> {
        let d = self.body.hidden;
        self.stack(fields, build);
        build.push(&format!("{tower}embeddings.token_embedding.weight"), Role::Embedding, &[self.vocab, d])?;
        build.push(&format!("{tower}embeddings.position_embedding.weight"), Role::Position, &[self.positions, d])?;
        self.body.push(build, tower)?;
        build.layer_norm(&format!("{tower}final_layer_norm"), d)
    }
}

struct Vision {
    body: Body,
    channels: u64,
    patch: u64,
    positions: u64,
}

impl Vision {
    fn read(fields: &Fields) -> Result<Self> {
        let body = Body::read(fields, [768, 3072, 12])?;
        let channels = fields.size("num_channels", 3)?;
        let (image, patch) = (fields.size("image_size", 224)?, fields.size("patch_size", 32)?);
        if image < patch {
            return Err(fields.error("image_size", format!("{image} is less than patch_size {patch}")));
        }
        let rows = image / patch;
        Ok(Self { body, channels, patch, positions: rows * rows + 1 })
    }

    fn stack(&self, fields: &Fields, build: &mut Build) {
        self.body.stack(fields, build, self.positions, None);
    }

    fn push(&self, fields: &Fields, build: &mut Build, tower: &str) -> Result<()> {
        let (d, patch) = (self.body.hidden, self.patch);
        self.stack(fields, build);
        build.push(&format!("{tower}embeddings.class_embedding"), Role::Token, &[d])?;
        let kernel = [d, self.channels, patch, patch];
        build.push(&format!("{tower}embeddings.patch_embedding.weight"), Role::Patch, &kernel)?;
        build.push(&format!("{tower}embeddings.position_embedding.weight"), Role::Position, &[self.positions, d])?;
        // The spelling is that of transformers.
        build.layer_norm(&format!("{tower}pre_layrnorm"), d)?;
        self.body.push(build, tower)?;
        build.layer_norm(&format!("{tower}post_layernorm"), d)
    }
}
