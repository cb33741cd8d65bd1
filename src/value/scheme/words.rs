//! The words of which schemes are made: modes, distributions, nonlinearities, bounds.

use crate::value::law::SinusoidalLayout;
use crate::value::shape::Fans;
use crate::{Error, Result};
use std::fmt::{Display, Formatter};
use std::str::FromStr;

/// The n of `variance = scale / n`.
///
/// ```
/// # use seedbed::{scheme::Mode, shape::Fans};
/// let fans = Fans { fan_in: 16, fan_out: 64 };
/// assert_eq!("fan_avg".parse::<Mode>()?, Mode::FanAvg);
/// assert_eq!((Mode::FanAvg.fan(fans), Mode::FanGeoAvg.fan(fans)), (40.0, 32.0));
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Mode {
    /// n = fan_in: keeps the variance of activations, forward.
    #[default]
    FanIn,
    /// n = fan_out: keeps the variance of gradients, backward.
    FanOut,
    /// n = (fan_in + fan_out) / 2.
    FanAvg,
    /// n = sqrt(fan_in * fan_out).
    FanGeoAvg,
}

impl Mode {
    /// n, in f64: each fan is converted first, to nearest even.
    #[must_use]
    pub fn fan(self, fans: Fans) -> f64 {
        let (fan_in, fan_out) = (fans.fan_in as f64, fans.fan_out as f64);
        match self {
            Self::FanIn => fan_in,
            Self::FanOut => fan_out,
            Self::FanAvg => (fan_in + fan_out) / 2.0,
            Self::FanGeoAvg => (fan_in * fan_out).sqrt(),
        }
    }
}

/// The shape of a distribution of mean 0 whose std a scheme gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Distribution {
    /// N(0, std^2).
    #[default]
    Normal,
    /// N(0, sigma^2) cut at +-2 sigma, sigma = std / 0.87962566103423978, so that `std` is the std after the cut.
    TruncatedNormal,
    /// U(-b, b), b = sqrt(3) std.
    Uniform,
}

/// What follows a layer, and so the gain that its weights make up for.
///
/// ```
/// # use seedbed::scheme::Nonlinearity;
/// assert_eq!("selu".parse::<Nonlinearity>()?.gain(), 0.75);
/// assert_eq!(Nonlinearity::LeakyRelu(0.0).gain(), Nonlinearity::Relu.gain());
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Nonlinearity {
    /// Nothing: gain 1.
    Linear,
    /// A convolution, of any dimension, transposed or not: gain 1. Also read under torch's words for it, `conv1d` to
    /// `conv_transpose3d`.
    Conv,
    /// Gain 1.
    Sigmoid,
    /// Gain 5/3.
    Tanh,
    /// Gain sqrt(2).
    Relu,
    /// Negative slope a: gain sqrt(2 / (1 + a * a)).
    ///
    /// [`Nonlinearity::LEAKY_RELU`] has torch's `LeakyReLU` slope of 0.01. The `kaiming_*_` functions of torch default
    /// to a = 0 instead, which is [`Nonlinearity::Relu`].
    LeakyRelu(f64),
    /// Gain 3/4.
    Selu,
}

impl Nonlinearity {
    /// The leaky ReLU of slope 0.01.
    pub const LEAKY_RELU: Self = Self::LeakyRelu(0.01);

    /// The gain, as torch's `calculate_gain`.
    ///
    /// Not positive or not finite only for a slope that is NaN or beyond 1e150.
    #[must_use]
    pub fn gain(self) -> f64 {
        match self {
            Self::Linear | Self::Conv | Self::Sigmoid => 1.0,
            Self::Tanh => 5.0 / 3.0,
            Self::Relu => 2f64.sqrt(),
            Self::LeakyRelu(a) => (2.0 / (1.0 + a * a)).sqrt(),
            Self::Selu => 3.0 / 4.0,
        }
    }
}

/// The window of a truncated normal, low then high; an end may be infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Bounds {
    /// Multiples of sigma around the mean, sigma being the std before the cut: `Sigma(-2.0, 2.0)` is
    /// \[mean - 2 sigma, mean + 2 sigma\]. What jax, flax, keras and timm's `trunc_normal_tf_` mean.
    Sigma(f64, f64),
    /// The values themselves. What torch's `trunc_normal_(a, b)` means: its default of -2, 2 with std 0.02 cuts at
    /// +-100 sigma, which is no cut.
    Absolute(f64, f64),
}

impl Bounds {
    /// Cut at +-2 sigma.
    pub const TWO_SIGMA: Self = Self::Sigma(-2.0, 2.0);
}

/// Of what a truncated normal's std is the standard deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum StdOf {
    /// Of the normal before it is cut: the elements' own std is smaller. What torch and jax's `truncated_normal` mean.
    #[default]
    Parent,
    /// Of the elements, after the cut: the normal is widened to make up for it.
    Cut,
}

/// The text forms of words: each variant once, with its name, so that the compiler names the one that lacks a name, and
/// with the other names by which it is read. A variant that holds a number is read with the number given here.
macro_rules! words {
    ($($type:ident $what:literal {
        $($variant:ident $(($default:expr))? $name:literal $(| $other:literal)*,)*
    })*) => {$(
        impl FromStr for $type {
            type Err = Error;

            /// Reads the word, as `to_string` writes it; [`Error::Unknown`] lists the known ones.
            fn from_str(text: &str) -> Result<Self> {
                match text {
                    $($name $(| $other)* => Ok(Self::$variant $(($default))?),)*
                    _ => Err(Error::unknown($what, text, [$($name $(, $other)*),*])),
                }
            }
        }

        impl Display for $type {
            fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
                f.pad(match self {
                    $(Self::$variant { .. } => $name,)*
                })
            }
        }
    )*};
}

words! {
    Mode "mode" {
        FanIn "fan_in",
        FanOut "fan_out",
        FanAvg "fan_avg",
        FanGeoAvg "fan_geo_avg",
    }
    Distribution "distribution" {
        Normal "normal",
        TruncatedNormal "truncated_normal",
        Uniform "uniform",
    }
    Nonlinearity "nonlinearity" {
        Linear "linear",
        Conv "conv" | "conv1d" | "conv2d" | "conv3d" | "conv_transpose1d" | "conv_transpose2d" | "conv_transpose3d",
        Sigmoid "sigmoid",
        Tanh "tanh",
        Relu "relu",
        LeakyRelu(0.01) "leaky_relu",
        Selu "selu",
    }
    StdOf "std_of" {
        Parent "parent",
        Cut "cut",
    }
    SinusoidalLayout "layout" {
        Interleaved "interleaved",
        Halves "halves",
        HalvesToEnd "halves_to_end",
    }
}
