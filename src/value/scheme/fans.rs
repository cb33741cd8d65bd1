//! The schemes whose scale follows from fan_in and fan_out: variance scaling, Xavier, Kaiming, LeCun.
//!
//! Each takes a shape of rank 2 or more, and a [`Layout`](crate::shape::Layout) that says which axes feed in and out.
//! Each is an error where the layout does not suit the shape, and where its std or half-width lies outside \[2^-76,
//! 2^120\].

use super::{Distribution, Mode, Nonlinearity, Scheme};

impl Scheme {
    /// Mean 0, variance = scale / n, with n the fan that `mode` says.
    ///
    /// Normal: std = sqrt(variance). Truncated normal: sigma = sqrt(variance) / 0.87962566103423978, on
    /// \[-2 * sigma, 2 * sigma\]. Uniform: U(-b, b), b = sqrt(3 * variance). Values: as of [`Scheme::normal`],
    /// [`Scheme::truncated_normal`], [`Scheme::uniform`].
    ///
    /// Rank 2 or more. Errors: a `scale` that is not finite and above 0; fans that the shape does not have; a std or
    /// half-width outside \[2^-76, 2^120\].
    ///
    /// Source: jax's and flax's `variance_scaling`, keras' `VarianceScaling`.
    ///
    /// ```
    /// # use seedbed::{Scheme, scheme::{Distribution, Mode}, shape::{Layout, Shape}};
    /// let scheme: Scheme = "variance_scaling(2, mode=fan_out)".parse()?;
    /// assert_eq!(scheme, Scheme::variance_scaling(2.0, Mode::FanOut, Distribution::Normal));
    /// let law = scheme.law(&Shape::new([32, 100])?, &Layout::OutIn)?;
    /// assert_eq!(law.std(), (2.0 / 32.0_f64).sqrt());
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn variance_scaling(scale: f64, mode: Mode, distribution: Distribution) -> Self {
        Self::VarianceScaling { scale, mode, distribution }
    }

    /// U(-b, b), b = sqrt(3) * (gain * sqrt(2 / (fan_in + fan_out))).
    ///
    /// Values: as of [`Scheme::uniform`]. Rank 2 or more. Errors: a `gain` that is not finite and above 0; fans that
    /// the shape does not have; a half-width outside \[2^-76, 2^120\].
    ///
    /// Source: Glorot and Bengio 2010; torch's `xavier_uniform_`; with gain 1 the `glorot_uniform` of jax and keras,
    /// whose default it is.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// let scheme: Scheme = "glorot_uniform".parse()?;
    /// assert_eq!(scheme, Scheme::xavier_uniform(1.0));
    /// let law = scheme.law(&Shape::new([34, 62])?, &Layout::OutIn)?;
    /// assert!((law.range().1 - (6.0 / 96.0_f64).sqrt()).abs() < 1e-15);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    #[doc(alias = "glorot_uniform")]
    pub const fn xavier_uniform(gain: f64) -> Self {
        Self::Xavier { gain, distribution: Distribution::Uniform }
    }

    /// N(0, std^2), std = gain * sqrt(2 / (fan_in + fan_out)).
    ///
    /// Values: as of [`Scheme::normal`]. Rank 2 or more. Errors: a `gain` that is not finite and above 0; fans that the
    /// shape does not have; a std outside \[2^-76, 2^120\].
    ///
    /// Source: Glorot and Bengio 2010; torch's `xavier_normal_`. The `glorot_normal` of jax, flax and keras is
    /// [`Scheme::xavier_truncated_normal`].
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// let scheme: Scheme = "xavier_normal(gain=2)".parse()?;
    /// assert_eq!(scheme, Scheme::xavier_normal(2.0));
    /// let law = scheme.law(&Shape::new([34, 94])?, &Layout::OutIn)?;
    /// assert_eq!(law.std(), 2.0 / 8.0);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    #[doc(alias = "glorot_normal")]
    pub const fn xavier_normal(gain: f64) -> Self {
        Self::Xavier { gain, distribution: Distribution::Normal }
    }

    /// N(0, sigma^2) cut at +-2 sigma, so that the std after the cut is gain * sqrt(2 / (fan_in + fan_out)).
    ///
    /// sigma is that std / 0.87962566103423978. Values: as of [`Scheme::truncated_normal`]. Rank 2 or more. Errors: a
    /// `gain` that is not finite and above 0; fans that the shape does not have; a sigma outside \[2^-76, 2^120\].
    ///
    /// Source: Glorot and Bengio 2010; with gain 1 the `glorot_normal` of jax, flax and keras.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// let scheme: Scheme = "glorot_truncated_normal".parse()?;
    /// assert_eq!(scheme, Scheme::xavier_truncated_normal(1.0));
    /// let law = scheme.law(&Shape::new([34, 94])?, &Layout::OutIn)?;
    /// assert!((law.std() - 1.0 / 8.0).abs() < 1e-12);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    #[doc(alias = "glorot_normal")]
    pub const fn xavier_truncated_normal(gain: f64) -> Self {
        Self::Xavier { gain, distribution: Distribution::TruncatedNormal }
    }

    /// U(-b, b), b = sqrt(3) * (gain / sqrt(n)), with n the fan that `mode` says and the gain of `nonlinearity`.
    ///
    /// Values: as of [`Scheme::uniform`]. Rank 2 or more. Errors: a leaky slope whose gain is not finite and above 0;
    /// fans that the shape does not have; a half-width outside \[2^-76, 2^120\].
    ///
    /// Source: He et al. 2015; torch's `kaiming_uniform_`; with fan_in and ReLU the `he_uniform` of jax and keras.
    ///
    /// ```
    /// # use seedbed::{Scheme, scheme::{Mode, Nonlinearity}, shape::{Layout, Shape}};
    /// let scheme: Scheme = "he_uniform".parse()?;
    /// assert_eq!(scheme, Scheme::kaiming_uniform(Mode::FanIn, Nonlinearity::Relu));
    /// let law = scheme.law(&Shape::new([64, 24])?, &Layout::OutIn)?;
    /// assert!((law.range().1 - (6.0 / 24.0_f64).sqrt()).abs() < 1e-15);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    #[doc(alias = "he_uniform")]
    pub const fn kaiming_uniform(mode: Mode, nonlinearity: Nonlinearity) -> Self {
        Self::Kaiming { mode, nonlinearity, distribution: Distribution::Uniform }
    }

    /// N(0, std^2), std = gain / sqrt(n), with n the fan that `mode` says and the gain of `nonlinearity`.
    ///
    /// Values: as of [`Scheme::normal`]. Rank 2 or more. Errors: a leaky slope whose gain is not finite and above 0;
    /// fans that the shape does not have; a std outside \[2^-76, 2^120\].
    ///
    /// Source: He et al. 2015; torch's `kaiming_normal_`. The `he_normal` of jax, flax and keras is
    /// [`Scheme::kaiming_truncated_normal`].
    ///
    /// ```
    /// # use seedbed::{Scheme, scheme::{Mode, Nonlinearity}, shape::{Layout, Shape}};
    /// let scheme: Scheme = "kaiming_normal(nonlinearity=selu)".parse()?;
    /// assert_eq!(scheme, Scheme::kaiming_normal(Mode::FanIn, Nonlinearity::Selu));
    /// let law = scheme.law(&Shape::new([64, 36])?, &Layout::OutIn)?;
    /// assert_eq!(law.std(), 0.75 / 6.0);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    #[doc(alias = "he_normal")]
    pub const fn kaiming_normal(mode: Mode, nonlinearity: Nonlinearity) -> Self {
        Self::Kaiming { mode, nonlinearity, distribution: Distribution::Normal }
    }

    /// N(0, sigma^2) cut at +-2 sigma, so that the std after the cut is gain / sqrt(n).
    ///
    /// sigma is that std / 0.87962566103423978; n is the fan that `mode` says, the gain that of `nonlinearity`. Values:
    /// as of [`Scheme::truncated_normal`]. Rank 2 or more. Errors: a leaky slope whose gain is not finite and above 0;
    /// fans that the shape does not have; a sigma outside \[2^-76, 2^120\].
    ///
    /// Source: He et al. 2015; with fan_in and ReLU the `he_normal` of jax, flax and keras.
    ///
    /// ```
    /// # use seedbed::{Scheme, scheme::{Mode, Nonlinearity}, shape::{Layout, Shape}};
    /// let scheme: Scheme = "he_truncated_normal".parse()?;
    /// assert_eq!(scheme, Scheme::kaiming_truncated_normal(Mode::FanIn, Nonlinearity::Relu));
    /// let law = scheme.law(&Shape::new([64, 32])?, &Layout::OutIn)?;
    /// assert!((law.std() - 0.25).abs() < 1e-12);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    #[doc(alias = "he_normal")]
    pub const fn kaiming_truncated_normal(mode: Mode, nonlinearity: Nonlinearity) -> Self {
        Self::Kaiming { mode, nonlinearity, distribution: Distribution::TruncatedNormal }
    }

    /// Mean 0, variance 4 / (fan_in + fan_out): He's variance averaged over both directions.
    ///
    /// It is [`Scheme::variance_scaling`] with scale 2 and fan_avg, and has its values, shapes and errors. The
    /// uniform's bound is sqrt(12 / (fan_in + fan_out)).
    ///
    /// Source: He et al. 2015, where each direction has a variance of its own; jax's `variance_scaling(2, "fan_avg",
    /// ..)`.
    ///
    /// ```
    /// # use seedbed::{Scheme, scheme::Distribution, shape::{Layout, Shape}};
    /// let scheme: Scheme = "he_fan_avg(uniform)".parse()?;
    /// assert_eq!(scheme, Scheme::he_fan_avg(Distribution::Uniform));
    /// let law = scheme.law(&Shape::new([34, 14])?, &Layout::OutIn)?;
    /// assert!((law.range().1 - 0.5).abs() < 1e-15);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn he_fan_avg(distribution: Distribution) -> Self {
        Self::variance_scaling(2.0, Mode::FanAvg, distribution)
    }

    /// U(-b, b), b = sqrt(3 * (1 / fan_in)).
    ///
    /// It is [`Scheme::variance_scaling`] with scale 1 and fan_in, and has its values, shapes and errors.
    ///
    /// Source: LeCun et al. 1998; jax's `lecun_uniform`, keras' `LecunUniform`.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// assert_eq!("lecun_uniform".parse::<Scheme>()?, Scheme::lecun_uniform());
    /// let law = Scheme::lecun_uniform().law(&Shape::new([64, 12])?, &Layout::OutIn)?;
    /// assert!((law.range().1 - 0.5).abs() < 1e-15);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn lecun_uniform() -> Self {
        Self::variance_scaling(1.0, Mode::FanIn, Distribution::Uniform)
    }

    /// N(0, std^2), std = sqrt(1 / fan_in).
    ///
    /// It is [`Scheme::variance_scaling`] with scale 1 and fan_in, and has its values, shapes and errors.
    ///
    /// Source: LeCun et al. 1998. The `lecun_normal` of jax, flax and keras is [`Scheme::lecun_truncated_normal`].
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// assert_eq!("lecun_normal".parse::<Scheme>()?, Scheme::lecun_normal());
    /// let law = Scheme::lecun_normal().law(&Shape::new([64, 16])?, &Layout::OutIn)?;
    /// assert_eq!(law.std(), 0.25);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn lecun_normal() -> Self {
        Self::variance_scaling(1.0, Mode::FanIn, Distribution::Normal)
    }

    /// N(0, sigma^2) cut at +-2 sigma, so that the std after the cut is sqrt(1 / fan_in).
    ///
    /// It is [`Scheme::variance_scaling`] with scale 1 and fan_in, and has its values, shapes and errors.
    ///
    /// Source: LeCun et al. 1998; the `lecun_normal` of jax, flax and keras, and flax's default.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// assert_eq!("lecun_truncated_normal".parse::<Scheme>()?, Scheme::lecun_truncated_normal());
    /// let law = Scheme::lecun_truncated_normal().law(&Shape::new([64, 16])?, &Layout::OutIn)?;
    /// assert!((law.std() - 0.25).abs() < 1e-12);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    #[doc(alias = "lecun_normal")]
    pub const fn lecun_truncated_normal() -> Self {
        Self::variance_scaling(1.0, Mode::FanIn, Distribution::TruncatedNormal)
    }
}
