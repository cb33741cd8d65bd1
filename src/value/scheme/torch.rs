//! The defaults of torch's layers, under torch's names.

use super::Scheme;

impl Scheme {
    /// U(-b, b), b = 1 / sqrt(fan_in): the weight of torch's `Linear`.
    ///
    /// Values: as of [`Scheme::uniform`]. Rank 2 or more. Errors: fans that the shape does not have.
    ///
    /// Source: torch's `Linear`, which writes it as `kaiming_uniform_(a=sqrt(5))`.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// assert_eq!("torch_linear".parse::<Scheme>()?, Scheme::torch_linear());
    /// let law = Scheme::torch_linear().law(&Shape::new([64, 16])?, &Layout::OutIn)?;
    /// assert_eq!(law.range(), (-0.25, 0.25));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn torch_linear() -> Self {
        Self::FanInUniform { fan_in: None }
    }

    /// U(-b, b), b = 1 / sqrt(fan_in): the weight of torch's convolutions, the law of [`Scheme::torch_linear`].
    ///
    /// Take [`Layout::OutIn`](crate::shape::Layout::OutIn) for torch's own numbers: in it the fan_in of a transposed
    /// convolution comes from axis 1.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// assert_eq!("torch_conv".parse::<Scheme>()?, Scheme::torch_conv());
    /// let law = Scheme::torch_conv().law(&Shape::new([64, 16, 2, 2])?, &Layout::OutIn)?;
    /// assert_eq!(law.range(), (-0.125, 0.125));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn torch_conv() -> Self {
        Self::torch_linear()
    }

    /// U(-b, b), b = 1 / sqrt(fan_in), with the weight's fan_in, which a bias's own shape does not tell.
    ///
    /// Values: as of [`Scheme::uniform`]. Any shape. Errors: a `fan_in` of 0.
    ///
    /// Source: the bias of torch's `Linear` and convolutions. With the hidden size for fan_in, every weight and bias of
    /// torch's `RNN`, `LSTM` and `GRU`.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// let scheme: Scheme = "torch_bias(fan_in=16)".parse()?;
    /// assert_eq!(scheme, Scheme::torch_bias(16));
    /// assert_eq!(scheme.law(&Shape::new([64])?, &Layout::OutIn)?.range(), (-0.25, 0.25));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn torch_bias(fan_in: u64) -> Self {
        Self::FanInUniform { fan_in: Some(fan_in) }
    }

    /// N(0, 1): the weight of torch's `Embedding`. Its padding row is a
    /// [`zero_row`](crate::plan::TensorSpec::zero_row) of the tensor. Any shape, no errors.
    ///
    /// ```
    /// # use seedbed::Scheme;
    /// assert_eq!("torch_embedding".parse::<Scheme>()?, Scheme::torch_embedding());
    /// assert_eq!(Scheme::torch_embedding(), Scheme::normal(0.0, 1.0));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn torch_embedding() -> Self {
        Self::normal(0.0, 1.0)
    }

    /// Every element 1: the weight of torch's `LayerNorm`, `RMSNorm`, `BatchNorm` and `GroupNorm`. Any shape, no
    /// errors.
    ///
    /// ```
    /// # use seedbed::Scheme;
    /// assert_eq!("torch_norm_weight".parse::<Scheme>()?, Scheme::torch_norm_weight());
    /// assert_eq!(Scheme::torch_norm_weight(), Scheme::ones());
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn torch_norm_weight() -> Self {
        Self::ones()
    }

    /// Every element 0: the bias of torch's `LayerNorm`, `BatchNorm` and `GroupNorm`. Any shape, no errors.
    ///
    /// ```
    /// # use seedbed::Scheme;
    /// assert_eq!("torch_norm_bias".parse::<Scheme>()?, Scheme::torch_norm_bias());
    /// assert_eq!(Scheme::torch_norm_bias(), Scheme::zeros());
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn torch_norm_bias() -> Self {
        Self::zeros()
    }
}
