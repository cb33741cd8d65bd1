//! The named schemes, each a case of a variant of [`Scheme`].

use super::{Bounds, Distribution, Mode, Nonlinearity, Scheme, StdOf};

impl Scheme {
    /// Every element `value`.
    #[must_use]
    pub const fn constant(value: f64) -> Self {
        Self::Constant(value)
    }

    /// Every element 0.
    #[must_use]
    pub const fn zeros() -> Self {
        Self::Constant(0.0)
    }

    /// Every element 1.
    #[must_use]
    pub const fn ones() -> Self {
        Self::Constant(1.0)
    }

    /// U(lo, hi), open at both ends.
    #[must_use]
    pub const fn uniform(lo: f64, hi: f64) -> Self {
        Self::Uniform { lo, hi }
    }

    /// N(mean, std^2).
    #[must_use]
    pub const fn normal(mean: f64, std: f64) -> Self {
        Self::Normal { mean, std }
    }

    /// N(mean, sigma^2) conditioned on a window.
    ///
    /// sigma is `std` with [`StdOf::Parent`]. With [`StdOf::Cut`] it is chosen so that the elements' own std is `std`:
    /// for [`Bounds::Sigma`], sigma = std / s, with s the std of N(0, 1) cut at the same multiples; for
    /// [`Bounds::Absolute`], sigma is found by bisection, and a std that the window cannot hold is an error of
    /// [`Scheme::check`]: on a finite window it stays below (hi - lo) / sqrt(12), the std of the uniform that an ever
    /// wider normal tends to. `mean` is that of the normal before the cut always: a lopsided window moves the elements'.
    ///
    /// The window is \[lo, hi\], or \[mean + lo * sigma, mean + hi * sigma\].
    #[must_use]
    pub const fn truncated_normal(mean: f64, std: f64, bounds: Bounds, std_of: StdOf) -> Self {
        Self::TruncatedNormal { mean, std, bounds, std_of }
    }

    /// Mean 0, variance = scale / n, with n by `mode`: jax, flax, keras.
    ///
    /// Normal: std = sqrt(variance). Truncated normal: sigma = sqrt(variance) / 0.87962566103423978, on
    /// \[-2 * sigma, 2 * sigma\]. Uniform: U(-b, b), b = sqrt(3 * variance).
    #[must_use]
    pub const fn variance_scaling(scale: f64, mode: Mode, distribution: Distribution) -> Self {
        Self::VarianceScaling { scale, mode, distribution }
    }

    /// U(-b, b), b = sqrt(3) * (gain * sqrt(2 / (fan_in + fan_out))). Glorot and Bengio 2010; torch's
    /// `xavier_uniform_`; with gain 1 the `glorot_uniform` of jax and keras, whose default it is.
    #[must_use]
    #[doc(alias = "glorot_uniform")]
    pub const fn xavier_uniform(gain: f64) -> Self {
        Self::Xavier { gain, distribution: Distribution::Uniform }
    }

    /// N(0, std^2), std = gain * sqrt(2 / (fan_in + fan_out)). Glorot and Bengio 2010; torch's `xavier_normal_`.
    ///
    /// jax, flax and keras cut theirs: [`Scheme::xavier_truncated_normal`].
    #[must_use]
    #[doc(alias = "glorot_normal")]
    pub const fn xavier_normal(gain: f64) -> Self {
        Self::Xavier { gain, distribution: Distribution::Normal }
    }

    /// std = gain * sqrt(2 / (fan_in + fan_out)) after a cut at +-2 sigma, sigma = std / 0.87962566103423978: with gain 1
    /// what jax, flax and keras call `glorot_normal`.
    #[must_use]
    #[doc(alias = "glorot_normal")]
    pub const fn xavier_truncated_normal(gain: f64) -> Self {
        Self::Xavier { gain, distribution: Distribution::TruncatedNormal }
    }

    /// U(-b, b), b = sqrt(3) * (gain / sqrt(n)), n by `mode`. He et al. 2015; torch's `kaiming_uniform_`; with fan_in and
    /// ReLU the `he_uniform` of jax and keras.
    #[must_use]
    #[doc(alias = "he_uniform")]
    pub const fn kaiming_uniform(mode: Mode, nonlinearity: Nonlinearity) -> Self {
        Self::Kaiming { mode, nonlinearity, distribution: Distribution::Uniform }
    }

    /// N(0, std^2), std = gain / sqrt(n), n by `mode`. He et al. 2015; torch's `kaiming_normal_`.
    ///
    /// jax, flax and keras cut theirs: [`Scheme::kaiming_truncated_normal`].
    #[must_use]
    #[doc(alias = "he_normal")]
    pub const fn kaiming_normal(mode: Mode, nonlinearity: Nonlinearity) -> Self {
        Self::Kaiming { mode, nonlinearity, distribution: Distribution::Normal }
    }

    /// std = gain / sqrt(n) after a cut at +-2 sigma, sigma = std / 0.87962566103423978: with fan_in and ReLU what jax,
    /// flax and keras call `he_normal`.
    #[must_use]
    #[doc(alias = "he_normal")]
    pub const fn kaiming_truncated_normal(mode: Mode, nonlinearity: Nonlinearity) -> Self {
        Self::Kaiming { mode, nonlinearity, distribution: Distribution::TruncatedNormal }
    }

    /// Variance 4 / (fan_in + fan_out), by [`Scheme::variance_scaling`] with scale 2 and fan_avg: He's variance averaged
    /// over both directions. The uniform's bound is sqrt(12 / (fan_in + fan_out)).
    #[must_use]
    pub const fn he_fan_avg(distribution: Distribution) -> Self {
        Self::variance_scaling(2.0, Mode::FanAvg, distribution)
    }

    /// U(-b, b), b = sqrt(3 * (1 / fan_in)): [`Scheme::variance_scaling`] with scale 1. LeCun et al. 1998; jax, keras.
    #[must_use]
    pub const fn lecun_uniform() -> Self {
        Self::variance_scaling(1.0, Mode::FanIn, Distribution::Uniform)
    }

    /// N(0, std^2), std = sqrt(1 / fan_in): [`Scheme::variance_scaling`] with scale 1. LeCun et al. 1998.
    ///
    /// jax, flax and keras cut theirs: [`Scheme::lecun_truncated_normal`].
    #[must_use]
    pub const fn lecun_normal() -> Self {
        Self::variance_scaling(1.0, Mode::FanIn, Distribution::Normal)
    }

    /// std = sqrt(1 / fan_in) after a cut at +-2 sigma, sigma = std / 0.87962566103423978: what jax, flax and keras call
    /// `lecun_normal`, and flax's default.
    #[must_use]
    #[doc(alias = "lecun_normal")]
    pub const fn lecun_truncated_normal() -> Self {
        Self::variance_scaling(1.0, Mode::FanIn, Distribution::TruncatedNormal)
    }

    /// U(-b, b), b = 1 / sqrt(fan_in): the weight of torch's `Linear`, there written `kaiming_uniform_(a=sqrt(5))`.
    #[must_use]
    pub const fn torch_linear() -> Self {
        Self::FanInUniform { fan_in: None }
    }

    /// U(-b, b), b = 1 / sqrt(fan_in): the weight of torch's convolutions, the law of [`Scheme::torch_linear`].
    ///
    /// Take [`crate::value::shape::Layout::OutIn`] for torch's own numbers: it reads a transposed convolution's fan_in off
    /// axis 1.
    #[must_use]
    pub const fn torch_conv() -> Self {
        Self::torch_linear()
    }

    /// U(-b, b), b = 1 / sqrt(fan_in) with the weight's fan_in, which a bias's own shape does not tell: torch's
    /// `Linear` and convolutions. With the hidden size for fan_in, all of torch's RNN, LSTM and GRU.
    #[must_use]
    pub const fn torch_bias(fan_in: u64) -> Self {
        Self::FanInUniform { fan_in: Some(fan_in) }
    }

    /// N(0, 1): the weight of torch's `Embedding`, whose padding row is zero.
    #[must_use]
    pub const fn torch_embedding() -> Self {
        Self::normal(0.0, 1.0)
    }

    /// Every element 1: the weight of torch's `LayerNorm`, `RMSNorm`, `BatchNorm` and `GroupNorm`.
    #[must_use]
    pub const fn torch_norm_weight() -> Self {
        Self::ones()
    }

    /// Every element 0: the bias of torch's `LayerNorm`, `BatchNorm` and `GroupNorm`.
    #[must_use]
    pub const fn torch_norm_bias() -> Self {
        Self::zeros()
    }
    /// N(0, std^2), std = norm / sqrt(n) with n elements: the squared Frobenius norm is norm^2 in expectation, within a
    /// relative sqrt(2 / n) (one std). Independent feed-forward weights made with `a` and `b` have squared norms whose product
    /// is (a b)^2 in expectation. For a norm that is met exactly, [`crate::cpu::normalize`] scales what was drawn.
    #[must_use]
    pub const fn unit_frobenius(norm: f64) -> Self {
        Self::UnitFrobenius { norm }
    }
}
