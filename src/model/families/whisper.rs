//! Whisper: `WhisperConfig` and `WhisperModel`.

use super::heads::labeled;
use crate::Result;
use crate::model::Role;
use crate::model::build::Build;
use crate::model::family::{Class, Family};
use crate::model::fields::Fields;

pub(super) const FAMILY: Family = Family {
    model_types: &["whisper"],
    classes: &[
        Class { name: "WhisperForConditionalGeneration", prefix: "model." },
        Class { name: "WhisperModel", prefix: "" },
        Class { name: "WhisperForCausalLM", prefix: "model." },
        Class { name: "WhisperForAudioClassification", prefix: "" },
    ],
    build,
};

fn build(fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
    // transformers maps the general names onto Whisper's own, and lets them win where both stand.
    let size = |alias, name, default| fields.size(alias, fields.size(name, default)?);
    let d = size("hidden_size", "d_model", 384)?;
    let layers = size("num_hidden_layers", "encoder_layers", 4)?;
    let heads = fields.size("num_key_value_heads", fields.size("encoder_attention_heads", 6)?)?;
    let heads = fields.size("num_attention_heads", heads)?;
    let encoder = Stack {
        name: "encoder",
        d,
        inner: fields.size("encoder_ffn_dim", 1536)?,
        layers,
        heads,
        positions: fields.size("max_source_positions", 1500)?,
        vocab: fields.size("vocab_size", 51865)?,
    };
    let decoder = Stack {
        name: "decoder",
        inner: fields.size("decoder_ffn_dim", 1536)?,
        layers: fields.size("decoder_layers", 4)?,
        heads: fields.size("decoder_attention_heads", 6)?,
        positions: fields.size("max_target_positions", 448)?,
        ..encoder
    };
    fields.divides(("d_model", d), ("encoder_attention_heads", encoder.heads))?;
    fields.divides(("d_model", d), ("decoder_attention_heads", decoder.heads))?;
    if d % 2 != 0 || d == 2 {
        let reason = format!("{d} must be even, at least 4: the encoder's positions are pairs of sine and cosine");
        return Err(fields.error("d_model", reason));
    }
    let mel = fields.size("num_mel_bins", 80)?;
    // initializer_range is not a field of WhisperConfig, but where a file has it, transformers prefers it to init_std.
    fields.std("initializer_range", fields.std("init_std", 0.02)?)?;
    let tied = fields.flag("tie_word_embeddings", true)?;
    let pad = fields.pad_row("pad_token_id", ("vocab_size", encoder.vocab), Some(50256))?;

    if class.name != "WhisperForCausalLM" {
        encoder.begin(fields, build);
        encoder.listen(build, mel)?;
    }
    if class.name == "WhisperForAudioClassification" {
        return classifier(fields, build, (d, layers));
    }
    decoder.begin(fields, build);
    build.push("decoder.embed_tokens.weight", Role::Embedding, &[encoder.vocab, d])?.zero_rows.extend(pad);
    build.push("decoder.embed_positions.weight", Role::Position, &[decoder.positions, d])?;
    decoder.push(build)?;
    if class.name != "WhisperModel" {
        build.head(tied, "proj_out.weight", "model.decoder.embed_tokens.weight", [encoder.vocab, d])?;
    }
    Ok(())
}

/// What tells recordings apart, of `WhisperForAudioClassification`: behind the encoder, outside it.
fn classifier(fields: &Fields, build: &mut Build, (d, layers): (u64, u64)) -> Result<()> {
    let width = fields.size("classifier_proj_size", 256)?;
    if fields.flag("use_weighted_layer_sum", false)? {
        build.push("layer_weights", Role::Scale, &[layers + 1])?;
    }
    build.linear("projector", Role::Projection, [width, d], true)?;
    labeled(fields, build, "classifier", fields.labels()?, width)
}

struct Stack {
    name: &'static str,
    d: u64,
    inner: u64,
    layers: u64,
    heads: u64,
    positions: u64,
    vocab: u64,
}

impl Stack {
    fn begin(&self, fields: &Fields, build: &mut Build) {
        build.stack(
            fields,
            [
                ("hidden", self.d),
                ("intermediate", self.inner),
                ("layers", self.layers),
                ("heads", self.heads),
                ("kv_heads", self.heads),
                ("head_dim", self.d / self.heads),
                ("vocab", self.vocab),
                ("positions", self.positions),
            ],
        );
    }

    /// The encoder: two convolutions over the frames, positions, layers.
    fn listen(&self, build: &mut Build, mel: u64) -> Result<()> {
        let d = self.d;
        build.push("encoder.conv1.weight", Role::Patch, &[d, mel, 3])?;
        build.bias(d)?;
        build.push("encoder.conv2.weight", Role::Patch, &[d, d, 3])?;
        build.bias(d)?;
        build.push("encoder.embed_positions.weight", Role::Sinusoid, &[self.positions, d])?;
        self.push(build)
    }

    fn push(&self, build: &mut Build) -> Result<()> {
        let (name, d, inner) = (self.name, self.d, self.inner);
        build.layers(&format!("{name}_layers"), self.layers, |build, i| {
            let layer = format!("{name}.layers.{i}");
            let blocks: &[&str] = if name == "decoder" { &["self_attn", "encoder_attn"] } else { &["self_attn"] };
            for block in blocks {
                let block = format!("{layer}.{block}");
                build.linear(&format!("{block}.k_proj"), Role::Key, [d, d], false)?;
                build.linear(&format!("{block}.v_proj"), Role::Value, [d, d], true)?;
                build.linear(&format!("{block}.q_proj"), Role::Query, [d, d], true)?;
                build.linear(&format!("{block}.out_proj"), Role::AttentionOutput, [d, d], true)?;
                build.layer_norm(&format!("{block}_layer_norm"), d)?;
            }
            build.linear(&format!("{layer}.fc1"), Role::MlpIn, [inner, d], true)?;
            build.linear(&format!("{layer}.fc2"), Role::MlpOut, [d, inner], true)?;
            build.layer_norm(&format!("{layer}.final_layer_norm"), d)
        })?;
        build.layer_norm(&format!("{name}.layer_norm"), d)
    }
}
