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
    /// Running mean of a batch norm: what it has seen, and no weight.
    RunningMean = "norm.running_mean",
    /// Running variance of a batch norm.
    RunningVar = "norm.running_var",
    /// Bias of a linear layer or a convolution: `fan_in` and `fan_out` are those of its weight.
    Bias = "bias",
    /// Bias of torch's `MultiheadAttention`, which begins at zero unlike that of any other layer there.
    AttentionBias = "bias.attention",
    /// A linear layer of which nobody knows where it stands in its model.
    Linear = "linear",
    /// A convolution of which nobody knows where it stands in its model.
    Conv = "conv",
    /// The matrix of a recurrent cell that takes the input, its gates stacked.
    RecurrentInput = "recurrent.input",
    /// The matrix of a recurrent cell that takes its state, its gates stacked.
    RecurrentHidden = "recurrent.hidden",
    /// A bias of a recurrent cell, its gates stacked.
    RecurrentBias = "recurrent.bias",
    /// The matrix of a LoRA pair that takes the input.
    LoraA = "lora.a",
    /// The matrix of a LoRA pair that makes the output: zero, so that the pair begins as nothing.
    LoraB = "lora.b",
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
    /// A learned scalar or vector that scales: CLIP's `logit_scale`.
    Scale = "scale",
    /// The scale of a residual branch, LayerScale: how small it begins is the model's choice.
    LayerScale = "scale.layer",
    /// What the model computes by itself, such as rotary frequencies: no weight.
    Buffer = "buffer",
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

    /// The roles that a tensor of this role may have in truth, where the role says its class alone: `linear` and
    /// `conv`. Empty for every other role.
    ///
    /// ```
    /// use seedbed::model::Role;
    /// assert!(Role::Linear.class().contains(&Role::MlpOut));
    /// assert_eq!(Role::Conv.class(), [Role::Patch]);
    /// assert!(Role::MlpOut.class().is_empty());
    /// ```
    #[must_use]
    pub const fn class(self) -> &'static [Self] {
        match self {
            Self::Linear => LINEAR,
            Self::Conv => &[Self::Patch],
            Self::Embedding
            | Self::Position
            | Self::Sinusoid
            | Self::TokenType
            | Self::Patch
            | Self::Token
            | Self::Unembedding
            | Self::Query
            | Self::Key
            | Self::Value
            | Self::AttentionOutput
            | Self::Qkv
            | Self::KeyValue
            | Self::QueryDown
            | Self::QueryUp
            | Self::KeyValueDown
            | Self::KeyValueUp
            | Self::RelativeBias
            | Self::MlpIn
            | Self::MlpGate
            | Self::MlpGateIn
            | Self::MlpOut
            | Self::ExpertIn
            | Self::ExpertGate
            | Self::ExpertGateIn
            | Self::ExpertOut
            | Self::Router
            | Self::RouterBias
            | Self::Norm
            | Self::NormOffset
            | Self::NormBias
            | Self::RunningMean
            | Self::RunningVar
            | Self::Bias
            | Self::AttentionBias
            | Self::RecurrentInput
            | Self::RecurrentHidden
            | Self::RecurrentBias
            | Self::LoraA
            | Self::LoraB
            | Self::SsmIn
            | Self::SsmConv
            | Self::SsmX
            | Self::SsmDt
            | Self::SsmDtBias
            | Self::SsmA
            | Self::SsmD
            | Self::SsmOut
            | Self::Projection
            | Self::Pooler
            | Self::Head
            | Self::Scale
            | Self::LayerScale
            | Self::Buffer
            | Self::Other => &[],
        }
    }

    /// Whether a rule serves this role only where it names the role or the tensor: what the tensor is, or the number
    /// that its law needs, is not known without the rule's word.
    #[must_use]
    pub const fn must_be_named(self) -> bool {
        matches!(
            self,
            Self::Other
                | Self::LayerScale
                | Self::Buffer
                | Self::RecurrentInput
                | Self::RecurrentHidden
                | Self::RecurrentBias
                | Self::LoraA
                | Self::LoraB
        )
    }
}

/// What a linear layer may be.
const LINEAR: &[Role] = &[
    Role::Patch,
    Role::Unembedding,
    Role::Query,
    Role::Key,
    Role::Value,
    Role::AttentionOutput,
    Role::Qkv,
    Role::KeyValue,
    Role::QueryDown,
    Role::QueryUp,
    Role::KeyValueDown,
    Role::KeyValueUp,
    Role::MlpIn,
    Role::MlpGate,
    Role::MlpGateIn,
    Role::MlpOut,
    Role::ExpertIn,
    Role::ExpertGate,
    Role::ExpertGateIn,
    Role::ExpertOut,
    Role::Router,
    Role::SsmIn,
    Role::SsmX,
    Role::SsmOut,
    Role::Projection,
    Role::Pooler,
    Role::Head,
];

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
