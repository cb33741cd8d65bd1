//! Gemma 3: `Gemma3Config`, `Gemma3Model` and `Gemma3MultiModalProjector`; `Gemma3TextConfig` and `Gemma3TextModel`.

use super::decoder::{Absent, Decoder, Defaults};
use super::gemma2::NORMS;
use super::{heads, siglip};
use crate::Result;
use crate::model::Role;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;
use crate::value::shape::Layout;
use crate::value::text::clip;

/// Text and images. The names are those of the first checkpoints, which transformers still writes: the parts have no
/// common prefix.
pub(super) const FAMILY: Family = Family {
    model_types: &["gemma3"],
    classes: &[
        Class { name: "Gemma3ForConditionalGeneration", prefix: "" },
        Class { name: "Gemma3Model", prefix: "" },
        Class { name: "Gemma3ForSequenceClassification", prefix: "" },
    ],
    build,
};

/// The text model alone.
pub(super) const TEXT: Family = Family {
    model_types: &["gemma3_text"],
    classes: &[
        Class { name: "Gemma3ForCausalLM", prefix: "model." },
        Class { name: "Gemma3TextModel", prefix: "" },
        Class { name: "Gemma3TextForSequenceClassification", prefix: "model." },
    ],
    build: build_text,
};

const DEFAULTS: Defaults = Defaults {
    vocab: 262_208,
    hidden: 2304,
    intermediate: 9216,
    layers: 26,
    heads: 8,
    kv_heads: Absent::Number(4),
    head_dim: Absent::Number(256),
    divided: true,
    tied: true,
    pad: Some(0),
};

fn layer(decoder: Decoder, bias: bool) -> impl Fn(&mut Build, &str, u64) -> Result<()> {
    move |build, at, _| {
        decoder.attention(build, at, [bias; 2])?;
        decoder.qk_norms(build, at, [decoder.head_dim; 2])?;
        decoder.mlp(build, at, false)?;
        decoder.norms(build, at, &NORMS)
    }
}

fn build_text(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    let decoder = Decoder::read(fields, &DEFAULTS)?;
    let bias = fields.flag("attention_bias", false)?;
    build.norms_are_offsets();
    decoder.causal_lm(fields, class, build, layer(decoder, bias))
}

fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    let (text, vision) = (fields.inner("text_config")?, fields.inner("vision_config")?);
    for (inner, known) in [(&text, "gemma3_text"), (&vision, "siglip_vision_model")] {
        match inner.word("model_type")? {
            Some(given) if given != known => {
                return Err(inner.error("model_type", format!("{:?} is not supported, must be {known}", clip(&given))));
            }
            _ => (),
        }
    }
    let decoder = Decoder::read(&text, &DEFAULTS)?;
    let bias = text.flag("attention_bias", false)?;
    // Only the outer config ties the head, not that of the text model. Null means untied here.
    let tied = fields.read::<Option<bool>>("tie_word_embeddings")?.unwrap_or(Some(true)).unwrap_or(false);
    fields.size("mm_tokens_per_image", 256)?;
    fields.std("initializer_range", 0.02)?;

    let width = siglip::vision(&vision, build, "vision_tower.")?;
    // The norms of the image encoder, above, are LayerNorms; those below are Gemma's.
    build.norms_are_offsets();
    decoder.stack(fields, build);
    let projection = "multi_modal_projector.mm_input_projection_weight";
    build.push(projection, Role::Projection, &[width, decoder.hidden])?.layout = Layout::InOut;
    build.norm("multi_modal_projector.mm_soft_emb_norm", width)?;
    decoder.model(&text, build, "language_model.model.", layer(decoder, bias))?;
    // Heads go by the initializer_range of the whole config, not by that of the text model.
    decoder.stack(fields, build);
    if class.name == "Gemma3ForSequenceClassification" {
        heads::sequence(fields, build, decoder.hidden)?;
    }
    if class.name == "Gemma3ForConditionalGeneration" {
        let embedding = "language_model.model.embed_tokens.weight";
        build.head(tied, "language_model.lm_head.weight", embedding, [decoder.vocab, decoder.hidden])?;
    }
    Ok(())
}
