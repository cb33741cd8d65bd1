//! The decoder of Llama, and of the families that vary it: biases, norms and defaults are theirs.

use super::heads::{self, Task};
use crate::Result;
use crate::model::Role;
use crate::model::build::Build;
use crate::model::family::Class;
use crate::model::fields::Fields;

/// How a config class reads a size that may be absent: by a number, or by another size that stands for it.
#[derive(Clone, Copy)]
pub(super) enum Absent {
    /// This number where the field is absent. Null is refused.
    Number(u64),
    /// This number where the field is absent, the other size where it is null.
    NumberOrNull(u64),
    /// The other size where the field is absent. Null is refused.
    Other,
    /// The other size where the field is absent or null.
    OtherOrNull,
}

impl Absent {
    fn read(self, fields: &Fields, name: &str, other: u64) -> Result<u64> {
        match self {
            Self::Number(n) => fields.size(name, n),
            Self::NumberOrNull(n) => match fields.read::<Option<u64>>(name)? {
                None => Ok(n),
                Some(_) => Ok(fields.optional_size(name)?.unwrap_or(other)),
            },
            Self::Other => fields.size(name, other),
            Self::OtherOrNull => Ok(fields.optional_size(name)?.unwrap_or(other)),
        }
    }
}

/// The defaults of a config class, and what it asks of its fields.
pub(super) struct Defaults {
    pub vocab: u64,
    pub hidden: u64,
    pub intermediate: u64,
    pub layers: u64,
    pub heads: u64,
    /// The number of key and value heads; the other size is the number of heads.
    pub kv_heads: Absent,
    /// The width of a head; the other size is the hidden size divided by the number of heads.
    pub head_dim: Absent,
    /// Whether the class requires that the heads divide the hidden size, even where `head_dim` is given.
    pub divided: bool,
    pub tied: bool,
    pub pad: Option<i64>,
}

/// The sizes that a config gives.
#[derive(Clone, Copy)]
pub(super) struct Decoder {
    pub vocab: u64,
    pub hidden: u64,
    pub intermediate: u64,
    pub layers: u64,
    pub heads: u64,
    pub kv_heads: u64,
    pub head_dim: u64,
    pub tied: bool,
    pub pad: Option<u64>,
}

impl Decoder {
    pub fn read(fields: &Fields, defaults: &Defaults) -> Result<Self> {
        let vocab = fields.size("vocab_size", defaults.vocab)?;
        let hidden = fields.size("hidden_size", defaults.hidden)?;
        let heads = fields.size("num_attention_heads", defaults.heads)?;
        if defaults.divided {
            fields.divides(("hidden_size", hidden), ("num_attention_heads", heads))?;
        }
        let kv_heads = defaults.kv_heads.read(fields, "num_key_value_heads", heads)?;
        fields.divides(("num_attention_heads", heads), ("num_key_value_heads", kv_heads))?;
        let head_dim = defaults.head_dim.read(fields, "head_dim", hidden / heads)?;
        if head_dim == 0 {
            let reason = format!("{hidden} is less than num_attention_heads {heads}, and head_dim is not given");
            return Err(fields.error("hidden_size", reason));
        }
        // transformers requires an even width, except of the tiny heads of tests, and where only a part of each head is
        // rotated.
        let partly =
            ["partial_rotary_factor", "rope_parameters", "rope_scaling"].iter().any(|name| fields.is_set(name));
        if head_dim > 4 && head_dim % 2 == 1 && !partly {
            let from = match fields.is_set("head_dim") {
                true => String::new(),
                false => format!(", hidden_size {hidden} by num_attention_heads {heads},"),
            };
            return Err(fields.error("head_dim", format!("{head_dim}{from} is odd, rotary positions need an even one")));
        }
        fields.std("initializer_range", 0.02)?;
        let intermediate = fields.size("intermediate_size", defaults.intermediate)?;
        let layers = fields.size("num_hidden_layers", defaults.layers)?;
        layer_types(fields, layers)?;
        let tied = fields.flag("tie_word_embeddings", defaults.tied)?;
        let pad = fields.pad_row("pad_token_id", ("vocab_size", vocab), defaults.pad)?;
        Ok(Self { vocab, hidden, intermediate, layers, heads, kv_heads, head_dim, tied, pad })
    }

    /// The numbers of the stack; see [`Build::stack`].
    pub fn stack(&self, fields: &Fields, build: &mut Build) {
        build.stack(
            fields,
            [
                ("hidden", self.hidden),
                ("intermediate", self.intermediate),
                ("layers", self.layers),
                ("heads", self.heads),
                ("kv_heads", self.kv_heads),
                ("head_dim", self.head_dim),
                ("vocab", self.vocab),
            ],
        );
    }

    /// The base model; its names begin with `at`. `layer` builds a layer, given the beginning of its names and its
    /// number.
    pub fn model(
        &self,
        fields: &Fields,
        build: &mut Build,
        at: &str,
        layer: impl Fn(&mut Build, &str, u64) -> Result<()>,
    ) -> Result<()> {
        self.stack(fields, build);
        let embedding = build.push(&format!("{at}embed_tokens.weight"), Role::Embedding, &[self.vocab, self.hidden])?;
        embedding.zero_rows.extend(self.pad);
        let field = fields.path_of("num_hidden_layers");
        build.layers(&field, self.layers, |build, i| layer(build, &format!("{at}layers.{i}"), i))?;
        build.norm(&format!("{at}norm"), self.hidden)
    }

    /// The base model, and the head of the class.
    pub fn causal_lm(
        &self,
        fields: &Fields,
        class: Class,
        build: &mut Build,
        layer: impl Fn(&mut Build, &str, u64) -> Result<()>,
    ) -> Result<()> {
        self.model(fields, build, "", layer)?;
        self.head(fields, class, build)
    }

    /// The head of a class.
    pub fn head(&self, fields: &Fields, class: Class, build: &mut Build) -> Result<()> {
        match Task::of(class) {
            Task::Base => Ok(()),
            Task::LanguageModel => {
                let embedding = format!("{}embed_tokens.weight", class.prefix);
                build.head(self.tied, "lm_head.weight", &embedding, [self.vocab, self.hidden])
            }
            Task::Sequence => heads::sequence(fields, build, self.hidden),
            Task::Tokens => heads::tokens(fields, build, self.hidden),
            Task::Answers => heads::answers(build, self.hidden),
        }
    }

    /// The widths of all heads together: of queries, and of keys. Values are as wide as keys.
    pub fn widths(&self) -> [u64; 2] {
        [self.heads * self.head_dim, self.kv_heads * self.head_dim]
    }

    /// The four projections. `bias` says whether query, key and value have one, and whether the output has.
    pub fn attention(&self, build: &mut Build, at: &str, [bias, output_bias]: [bool; 2]) -> Result<()> {
        let (hidden, [queries, keys]) = (self.hidden, self.widths());
        let mut linear = |name, role, dims, bias| build.linear(&format!("{at}.self_attn.{name}"), role, dims, bias);
        linear("q_proj", Role::Query, [queries, hidden], bias)?;
        linear("k_proj", Role::Key, [keys, hidden], bias)?;
        linear("v_proj", Role::Value, [keys, hidden], bias)?;
        linear("o_proj", Role::AttentionOutput, [hidden, queries], output_bias)
    }

    /// The norms of queries and keys.
    pub fn qk_norms(&self, build: &mut Build, at: &str, [queries, keys]: [u64; 2]) -> Result<()> {
        build.norm(&format!("{at}.self_attn.q_norm"), queries)?;
        build.norm(&format!("{at}.self_attn.k_norm"), keys)
    }

    /// The gated feed-forward block.
    pub fn mlp(&self, build: &mut Build, at: &str, bias: bool) -> Result<()> {
        let (hidden, inner) = (self.hidden, self.intermediate);
        let mut linear = |name, role, dims| build.linear(&format!("{at}.mlp.{name}"), role, dims, bias);
        linear("gate_proj", Role::MlpGate, [inner, hidden])?;
        linear("up_proj", Role::MlpIn, [inner, hidden])?;
        linear("down_proj", Role::MlpOut, [hidden, inner])
    }

    /// Norms of the hidden size.
    pub fn norms(&self, build: &mut Build, at: &str, names: &[&str]) -> Result<()> {
        names.iter().try_for_each(|name| build.norm(&format!("{at}.{name}"), self.hidden))
    }
}

/// Refuses a list of layer kinds that has not one entry per layer, as transformers does. The kinds shape no tensor.
pub(super) fn layer_types(fields: &Fields, layers: u64) -> Result<()> {
    match fields.read::<Option<Vec<String>>>("layer_types")?.flatten() {
        Some(types) if types.len() as u64 != layers => {
            let reason =
                format!("length {} differs from {} {layers}", types.len(), fields.path_of("num_hidden_layers"));
            Err(fields.error("layer_types", reason))
        }
        _ => Ok(()),
    }
}
