//! Every scheme in words: what `seedbed schemes` prints.

/// One scheme, as a person chooses it. All texts are plain and one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemeInfo {
    /// The names of its text form; the first is the usual one, the others mean the same.
    pub names: &'static [&'static str],
    /// The arguments of its text form in their order, those in brackets with their defaults: `([mean=0], std)`; empty
    /// where it takes none.
    pub args: &'static str,
    /// The distribution of the elements, in the letters of `formula`: `N(0, s^2)`.
    pub law: &'static str,
    /// What the letters of `law` are; empty where there is nothing to say.
    pub formula: &'static str,
    /// When to take it: the layer, the activation.
    pub when: &'static str,
    /// The paper and its year, or the library whose default it is.
    pub source: &'static str,
    /// Its name in `torch.nn.init`, or the layers of `torch.nn` whose default it is; `-` where there is none.
    pub torch: &'static str,
    /// Its name in `jax.nn.initializers`, perhaps with what must be given; `-` where there is none.
    pub jax: &'static str,
    /// Its name in `keras.initializers`, perhaps with what must be given; `-` where there is none.
    pub keras: &'static str,
    /// A text that [`Scheme`](super::Scheme) parses.
    pub example: &'static str,
}

impl SchemeInfo {
    /// The usual name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.names[0]
    }

    /// The text form: the usual name and its arguments, those in brackets with their defaults.
    #[must_use]
    pub fn form(&self) -> String {
        format!("{}{}", self.name(), self.args)
    }
}

/// Every scheme that a text can name, each once, simple ones first.
///
/// ```
/// let he = seedbed::scheme::catalog().iter().find(|info| info.names.contains(&"he_normal")).unwrap();
/// assert_eq!((he.name(), he.torch), ("kaiming_normal", "kaiming_normal_"));
/// assert!(he.example.parse::<seedbed::Scheme>().is_ok());
/// ```
#[must_use]
pub const fn catalog() -> &'static [SchemeInfo] {
    CATALOG
}

const KAIMING_ARGS: &str = "([mode=fan_in, nonlinearity=relu, a=0.01])";
const GLOROT_2010: &str = "Glorot and Bengio 2010";
const HE_2015: &str = "He et al. 2015";
const LECUN_1998: &str = "LeCun et al. 1998";
const CUT_S: &str = "N(0, (s/.8796)^2) cut at 2 sigma";

// To add a scheme: its entry in `TABLE` of text.rs, and one here. A test holds the two to each other.
const CATALOG: &[SchemeInfo] = &[
    SchemeInfo {
        names: &["zeros"],
        args: "",
        law: "0",
        formula: "",
        when: "biases; the last layer of a residual branch",
        source: "-",
        torch: "zeros_",
        jax: "zeros",
        keras: "Zeros",
        example: "zeros",
    },
    SchemeInfo {
        names: &["ones"],
        args: "",
        law: "1",
        formula: "",
        when: "the scale of a normalization",
        source: "-",
        torch: "ones_",
        jax: "ones",
        keras: "Ones",
        example: "ones",
    },
    SchemeInfo {
        names: &["constant"],
        args: "(value)",
        law: "value",
        formula: "",
        when: "a bias away from 0, such as an LSTM's forget gate at 1",
        source: "-",
        torch: "constant_",
        jax: "constant",
        keras: "Constant",
        example: "constant(0.5)",
    },
    SchemeInfo {
        names: &["uniform"],
        args: "(lo, hi)",
        law: "U(lo, hi)",
        formula: "",
        when: "a range known by itself; jax's uniform(scale) is uniform(0, scale)",
        source: "-",
        torch: "uniform_",
        jax: "uniform",
        keras: "RandomUniform",
        example: "uniform(-0.05, 0.05)",
    },
    SchemeInfo {
        names: &["normal"],
        args: "([mean=0], std)",
        law: "N(mean, std^2)",
        formula: "",
        when: "transformers in GPT-2's way, std 0.02",
        source: "Radford et al. 2019",
        torch: "normal_",
        jax: "normal",
        keras: "RandomNormal",
        example: "normal(std=0.02)",
    },
    SchemeInfo {
        names: &["truncated_normal"],
        args: "([mean=0], std, [lo=-2, hi=2, bounds=sigma, std_of=parent])",
        law: "N(mean, std^2) cut",
        formula: "[lo, hi] x std, or absolute",
        when: "vision transformers and BERT, std 0.02; torch's bounds are absolute",
        source: "Devlin et al. 2018",
        torch: "trunc_normal_",
        jax: "truncated_normal",
        keras: "TruncatedNormal",
        example: "truncated_normal(std=0.02)",
    },
    SchemeInfo {
        names: &["variance_scaling"],
        args: "(scale, [mode=fan_in, distribution=normal])",
        law: "variance scale / n",
        formula: "n: fan_in, fan_out, fan_avg, fan_geo_avg",
        when: "the general case of the fans; flax's Dense: scale 1, truncated_normal",
        source: "jax, keras",
        torch: "-",
        jax: "variance_scaling",
        keras: "VarianceScaling",
        example: "variance_scaling(1, mode=fan_avg, distribution=uniform)",
    },
    SchemeInfo {
        names: &["xavier_uniform", "glorot_uniform"],
        args: "([gain=1])",
        law: "U(-b, b)",
        formula: "b = gain sqrt(6 / (fan_in + fan_out))",
        when: "tanh, sigmoid, softmax; attention in the first transformers",
        source: GLOROT_2010,
        torch: "xavier_uniform_",
        jax: "glorot_uniform, xavier_uniform",
        keras: "GlorotUniform",
        example: "xavier_uniform(gain=1)",
    },
    SchemeInfo {
        names: &["xavier_normal", "glorot_normal"],
        args: "([gain=1])",
        law: "N(0, s^2)",
        formula: "s = gain sqrt(2 / (fan_in + fan_out))",
        when: "tanh, sigmoid, softmax",
        source: GLOROT_2010,
        torch: "xavier_normal_",
        jax: "variance_scaling(1, fan_avg, normal)",
        keras: "VarianceScaling, untruncated",
        example: "xavier_normal(gain=1.6666666666666667)",
    },
    SchemeInfo {
        names: &["xavier_truncated_normal", "glorot_truncated_normal"],
        args: "([gain=1])",
        law: CUT_S,
        formula: "s = gain sqrt(2 / (fan_in + fan_out))",
        when: "tanh, sigmoid, softmax, without far values",
        source: GLOROT_2010,
        torch: "-",
        jax: "glorot_normal, xavier_normal",
        keras: "GlorotNormal",
        example: "xavier_truncated_normal",
    },
    SchemeInfo {
        names: &["kaiming_uniform", "he_uniform"],
        args: KAIMING_ARGS,
        law: "U(-b, b)",
        formula: "b = gain sqrt(3 / n)",
        when: "ReLU and its kin, dense and convolution",
        source: HE_2015,
        torch: "kaiming_uniform_",
        jax: "he_uniform, kaiming_uniform",
        keras: "HeUniform",
        example: "kaiming_uniform(a=0.2)",
    },
    SchemeInfo {
        names: &["kaiming_normal", "he_normal"],
        args: KAIMING_ARGS,
        law: "N(0, s^2)",
        formula: "s = gain / sqrt(n)",
        when: "ReLU and its kin, dense; ResNet's convolutions with mode=fan_out",
        source: HE_2015,
        torch: "kaiming_normal_",
        jax: "variance_scaling(2, fan_in, normal)",
        keras: "VarianceScaling, untruncated",
        example: "kaiming_normal(mode=fan_out)",
    },
    SchemeInfo {
        names: &["kaiming_truncated_normal", "he_truncated_normal"],
        args: KAIMING_ARGS,
        law: CUT_S,
        formula: "s = gain / sqrt(n)",
        when: "ReLU and its kin, without far values",
        source: HE_2015,
        torch: "-",
        jax: "he_normal, kaiming_normal",
        keras: "HeNormal",
        example: "kaiming_truncated_normal",
    },
    SchemeInfo {
        names: &["he_fan_avg"],
        args: "([distribution=normal])",
        law: "variance 4 / (fan_in + fan_out)",
        formula: "",
        when: "ReLU, forward and backward alike",
        source: HE_2015,
        torch: "-",
        jax: "variance_scaling(2, fan_avg, normal)",
        keras: "VarianceScaling, untruncated",
        example: "he_fan_avg(uniform)",
    },
    SchemeInfo {
        names: &["lecun_uniform"],
        args: "",
        law: "U(-b, b)",
        formula: "b = sqrt(3 / fan_in)",
        when: "SELU, linear layers",
        source: LECUN_1998,
        torch: "-",
        jax: "lecun_uniform",
        keras: "LecunUniform",
        example: "lecun_uniform",
    },
    SchemeInfo {
        names: &["lecun_normal"],
        args: "",
        law: "N(0, s^2)",
        formula: "s = 1 / sqrt(fan_in)",
        when: "SELU, self-normalizing networks",
        source: "Klambauer et al. 2017",
        torch: "kaiming_normal_, linear",
        jax: "variance_scaling(1, fan_in, normal)",
        keras: "VarianceScaling, untruncated",
        example: "lecun_normal",
    },
    SchemeInfo {
        names: &["lecun_truncated_normal"],
        args: "",
        law: CUT_S,
        formula: "s = 1 / sqrt(fan_in)",
        when: "flax's Dense and Conv, whose default it is; SELU",
        source: LECUN_1998,
        torch: "-",
        jax: "lecun_normal",
        keras: "LecunNormal, VarianceScaling()",
        example: "lecun_truncated_normal",
    },
    SchemeInfo {
        names: &["torch_linear", "torch_conv"],
        args: "",
        law: "U(-b, b)",
        formula: "b = 1 / sqrt(fan_in)",
        when: "the weight of torch's Linear and convolutions",
        source: "torch",
        torch: "Linear: kaiming_uniform_",
        jax: "variance_scaling, scale 1/3",
        keras: "VarianceScaling, scale 1/3",
        example: "torch_conv",
    },
    SchemeInfo {
        names: &["torch_bias"],
        args: "(fan_in)",
        law: "U(-b, b)",
        formula: "b = 1 / sqrt(fan_in), the weight's",
        when: "the bias of those; with the hidden size, all of an RNN, LSTM, GRU",
        source: "torch",
        torch: "Linear, Conv, RNN",
        jax: "-",
        keras: "-",
        example: "torch_bias(768)",
    },
    SchemeInfo {
        names: &["torch_embedding"],
        args: "",
        law: "N(0, 1)",
        formula: "",
        when: "the weight of torch's Embedding",
        source: "torch",
        torch: "Embedding: normal_",
        jax: "normal(1)",
        keras: "RandomNormal(stddev=1)",
        example: "torch_embedding",
    },
    SchemeInfo {
        names: &["torch_norm_weight"],
        args: "",
        law: "1",
        formula: "",
        when: "the weight of LayerNorm, RMSNorm, BatchNorm, GroupNorm",
        source: "torch",
        torch: "LayerNorm: ones_",
        jax: "ones",
        keras: "Ones",
        example: "torch_norm_weight",
    },
    SchemeInfo {
        names: &["torch_norm_bias"],
        args: "",
        law: "0",
        formula: "",
        when: "the bias of LayerNorm, BatchNorm, GroupNorm",
        source: "torch",
        torch: "LayerNorm: zeros_",
        jax: "zeros",
        keras: "Zeros",
        example: "torch_norm_bias",
    },
];

#[cfg(test)]
mod tests;
