//! What a tensor does in its model: the word by which a recipe finds it.

use crate::{Error, Result};

macro_rules! roles {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)*) => {
        /// What a tensor does in its model.
        ///
        /// Its text form, read by `parse` and written by `to_string`, has the group before a dot: a recipe's
        /// `attention.*` means every role of attention.
        ///
        /// ```
        /// use seedbed::model::Role;
        /// assert_eq!("attention.query".parse::<Role>()?, Role::Query);
        /// assert_eq!(Role::NormOffset.to_string(), "norm.offset");
        /// assert!(Role::ALL.contains(&Role::Router));
        /// # Ok::<(), seedbed::Error>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Role {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Role {
            /// Every role, in the order of the enum.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The text form.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

roles! {
    /// Token embedding, `[vocab, hidden]`.
    Embedding = "embedding",
    /// Learned or stored positions, `[positions, hidden]`.
    Position = "embedding.position",
    /// Stored positions that are not trained: sines and cosines.
    Sinusoid = "embedding.sinusoidal",
    /// Segment embedding, `[types, hidden]`.
    TokenType = "embedding.type",
    /// The projection of image patches or audio frames into the model: a convolution or a matrix.
    Patch = "embedding.patch",
    /// A learned vector that stands for a token: class, mask, register.
    Token = "embedding.token",
    /// The head that makes logits over the vocabulary, `[vocab, hidden]`.
    Unembedding = "unembedding",
    /// Query projection.
    Query = "attention.query",
    /// Key projection.
    Key = "attention.key",
    /// Value projection.
    Value = "attention.value",
    /// Output projection of attention, the end of a residual branch.
    AttentionOutput = "attention.output",
    /// Query, key and value in one matrix.
    Qkv = "attention.qkv",
    /// Key and value in one matrix.
    KeyValue = "attention.kv",
    /// Down projection of a low-rank query.
    QueryDown = "attention.query_down",
    /// Up projection of a low-rank query.
    QueryUp = "attention.query_up",
    /// Down projection of a low-rank key and value.
    KeyValueDown = "attention.kv_down",
    /// Up projection of a low-rank key and value.
    KeyValueUp = "attention.kv_up",
    /// Relative position bias, `[buckets, heads]`.
    RelativeBias = "attention.relative_bias",
    /// First matrix of a feed-forward block; `up_proj` of a gated one.
    MlpIn = "mlp.in",
    /// The matrix of a gated block that goes through the activation.
    MlpGate = "mlp.gate",
    /// `MlpGate` and `MlpIn` in one matrix.
    MlpGateIn = "mlp.gate_in",
    /// Second matrix of a feed-forward block, the end of a residual branch.
    MlpOut = "mlp.out",
    /// `MlpIn` of an expert.
    ExpertIn = "expert.in",
    /// `MlpGate` of an expert.
    ExpertGate = "expert.gate",
    /// `MlpGateIn` of an expert.
    ExpertGateIn = "expert.gate_in",
    /// `MlpOut` of an expert.
    ExpertOut = "expert.out",
    /// The matrix that chooses experts, `[experts, hidden]`.
    Router = "router",
    /// A bias of the router, also one that corrects its scores.
    RouterBias = "router.bias",
    /// Scale of a norm.
    Norm = "norm",
    /// Scale of a norm that multiplies by 1 + weight, as Gemma's.
    NormOffset = "norm.offset",
    /// Shift of a norm.
    NormBias = "norm.bias",
    /// Bias of a linear layer or a convolution: `fan_in` and `fan_out` are those of its weight.
    Bias = "bias",
    /// A convolution.
    Conv = "conv",
    /// Input projection of a state-space block.
    SsmIn = "ssm.in",
    /// The short convolution of a state-space block.
    SsmConv = "ssm.conv",
    /// The projection to the step and the two matrices of the state.
    SsmX = "ssm.x",
    /// The projection of the step.
    SsmDt = "ssm.dt",
    /// Bias of the step.
    SsmDtBias = "ssm.dt_bias",
    /// Logarithm of the state's decay, `A_log`.
    SsmA = "ssm.a",
    /// The skip from input to output, `D`.
    SsmD = "ssm.d",
    /// Output projection of a state-space block, the end of a residual branch.
    SsmOut = "ssm.out",
    /// A projection between spaces, as of an image's features into a text model.
    Projection = "projection",
    /// The matrix of a pooler or of a head's hidden layer.
    Pooler = "pooler",
    /// A head that makes other things than logits over the vocabulary, as classes.
    Head = "head",
    /// A learned scalar or vector that scales: CLIP's `logit_scale`, a layer's scale.
    Scale = "scale",
    /// None of these.
    Other = "other",
}

impl Role {
    /// Whether the tensor turns tokens, positions or patches into the first layer's input.
    #[must_use]
    pub const fn is_embedding(self) -> bool {
        matches!(self, Self::Embedding | Self::Position | Self::Sinusoid | Self::TokenType | Self::Patch | Self::Token)
    }

    /// Whether the tensor makes the model's output of what the last layer gives.
    #[must_use]
    pub const fn is_head(self) -> bool {
        matches!(self, Self::Unembedding | Self::Pooler | Self::Head)
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.text())
    }
}

impl std::str::FromStr for Role {
    type Err = Error;

    /// Reads the text form; [`Error::Unknown`] lists the known ones.
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|r| r.text() == text)
            .ok_or_else(|| Error::unknown("role", text, Self::ALL.iter().map(|r| r.text())))
    }
}
