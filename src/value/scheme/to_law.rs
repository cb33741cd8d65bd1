//! From a scheme, a shape and a layout to a law; and what can be said against a scheme before its shape is known.

use super::{Bounds, Distribution, STD_CUT_AT_2, Scheme, StdOf, cut};
use crate::value::law::Law;
use crate::value::shape::{Layout, Shape};
use crate::value::text::Number;
use crate::{Error, Result};

impl Scheme {
    /// The law of a tensor of this shape.
    ///
    /// The schemes of fans ([`Scheme::needs_fans`]) and those of matrices and convolutions ([`Scheme::identity`] and
    /// its like) look at `shape` and `layout`; `sinusoidal`, `log_range`, `linspace` and `unit_frobenius` at `shape`
    /// alone; the others at neither.
    ///
    /// # Errors
    /// Those of [`Scheme::check`]; [`Error::Shape`] where the shape or the layout does not suit the scheme; and
    /// [`Error::Law`] where the fans bring a number outside the stream's range. Each text has the scheme's own text in
    /// front.
    pub fn law(&self, shape: &Shape, layout: &Layout) -> Result<Law> {
        self.unnamed_law(shape, layout).map_err(|error| {
            // A law's number is out of range: it follows from the fans, or from the number of elements.
            if matches!(error, Error::Law(_)) {
                if matches!(self, Self::UnitFrobenius { .. }) {
                    return error.about(format_args!("{self} of {} elements", shape.count()));
                }
                if self.needs_fans()
                    && let Ok(fans) = layout.fans(shape)
                {
                    return error.about(format_args!("{self} with fan_in {}, fan_out {}", fans.fan_in, fans.fan_out));
                }
            }
            error.about(self)
        })
    }

    /// Checks all that can be checked before a shape is known.
    ///
    /// # Errors
    /// [`Error::Scheme`] where a scale, gain, norm or fan_in is not finite and positive, or a std of a cut variable
    /// cannot be reached; [`Error::Law`] where a number of a scheme without fans is outside the stream's range;
    /// [`Error::Shape`] where no shape would do. Each text has the scheme's own text in front.
    pub fn check(&self) -> Result<()> {
        self.unnamed_check().map_err(|error| error.about(self))
    }

    /// Whether the law depends on fan_in or fan_out, and so on the tensor's shape and layout.
    #[must_use]
    pub const fn needs_fans(&self) -> bool {
        match self {
            Self::VarianceScaling { .. }
            | Self::Xavier { .. }
            | Self::Kaiming { .. }
            | Self::FanInUniform { fan_in: None } => true,
            Self::Constant(_)
            | Self::Uniform { .. }
            | Self::Normal { .. }
            | Self::TruncatedNormal { .. }
            | Self::FanInUniform { fan_in: Some(_) }
            | Self::Identity { .. }
            | Self::Dirac { .. }
            | Self::NearIdentity { .. }
            | Self::BlockDiagonal { .. }
            | Self::Sparse { .. }
            | Self::Sinusoidal { .. }
            | Self::LogRange
            | Self::Linspace { .. }
            | Self::LogOfUniform { .. }
            | Self::DtBias { .. }
            | Self::Orthogonal { .. }
            | Self::DeltaOrthogonal { .. }
            | Self::UnitFrobenius { .. } => false,
        }
    }

    /// The law; an error's text does not name the scheme. Fans are computed for the schemes that ask for them alone.
    fn unnamed_law(&self, shape: &Shape, layout: &Layout) -> Result<Law> {
        let fans = || layout.fans(shape);
        match *self {
            Self::Constant(value) => Law::constant(value),
            Self::Uniform { lo, hi } => Law::uniform(lo, hi),
            Self::Normal { mean, std } => Law::normal(mean, std),
            Self::TruncatedNormal { mean, std, bounds, std_of } => {
                let sigma = match std_of {
                    StdOf::Parent => std,
                    StdOf::Cut => cut::sigma(mean, std, bounds).map_err(Error::Scheme)?,
                };
                match bounds {
                    Bounds::Absolute(lo, hi) => Law::truncated_normal(mean, sigma, lo, hi),
                    Bounds::Sigma(lo, hi) => Law::truncated_normal(mean, sigma, mean + lo * sigma, mean + hi * sigma),
                }
            }
            Self::VarianceScaling { scale, mode, distribution } => {
                let variance = positive("scale", scale)? / mode.fan(fans()?);
                match distribution {
                    Distribution::Uniform => symmetric_uniform((3.0 * variance).sqrt()),
                    Distribution::Normal => Law::normal(0.0, variance.sqrt()),
                    Distribution::TruncatedNormal => cut_at_2(variance.sqrt()),
                }
            }
            Self::Xavier { gain, distribution } => {
                let (gain, fans) = (positive("gain", gain)?, fans()?);
                of_std(gain * (2.0 / (fans.fan_in as f64 + fans.fan_out as f64)).sqrt(), distribution)
            }
            Self::Kaiming { mode, nonlinearity, distribution } => {
                of_std(positive("gain", nonlinearity.gain())? / mode.fan(fans()?).sqrt(), distribution)
            }
            Self::FanInUniform { fan_in } => {
                let fan_in = match fan_in {
                    Some(0) => return Err(Error::Scheme("fan_in is 0, needs 1 or more".to_owned())),
                    Some(fan_in) => fan_in,
                    None => fans()?.fan_in,
                };
                symmetric_uniform(1.0 / (fan_in as f64).sqrt())
            }
            Self::Identity { gain } => shape.matrix().and_then(|[rows, cols]| Law::identity(rows, cols, gain)),
            Self::Dirac { groups } => dirac(shape, layout, groups),
            Self::NearIdentity { alpha, std } => {
                shape.matrix().and_then(|[rows, cols]| Law::near_identity(rows, cols, alpha, std))
            }
            Self::BlockDiagonal { blocks, std } => {
                shape.matrix().and_then(|[rows, cols]| Law::block_diagonal(rows, cols, blocks, std))
            }
            Self::Sparse { sparsity, std } => {
                shape.matrix().and_then(|[rows, cols]| Law::sparse(rows, cols, sparsity, std))
            }
            Self::Sinusoidal { base, layout } => {
                shape.matrix().and_then(|[rows, cols]| Law::sinusoidal(rows, cols, base, layout))
            }
            Self::LogRange => match shape.dims().last() {
                Some(&length) => Law::log_range(length),
                None => Err(shape.error("needs rank 1 or more")),
            },
            Self::Linspace { first, last } => match shape.dims().last() {
                Some(&length) => Law::linspace(first, last, length),
                None => Err(shape.error("needs rank 1 or more")),
            },
            Self::LogOfUniform { lo, hi } => Law::log_of_uniform(lo, hi),
            Self::DtBias { min, max, floor } => Law::dt_bias(min, max, floor),
            Self::Orthogonal { gain, batch } => super::orthogonal::batched(shape, layout, gain, batch),
            Self::DeltaOrthogonal { gain } => super::orthogonal::delta(shape, layout, gain),
            Self::UnitFrobenius { norm } => Law::normal(0.0, positive("norm", norm)? / (shape.count() as f64).sqrt()),
        }
    }

    /// Where a scheme takes no shape of its own, or the smallest shape tells all: the law of that shape. A fan or a
    /// number of elements may still bring a scale into the stream's range, or out of it.
    pub(super) fn unnamed_check(&self) -> Result<()> {
        let smallest: &[u64] = match *self {
            Self::VarianceScaling { scale, .. } => return positive("scale", scale).map(drop),
            Self::Xavier { gain, .. } => return positive("gain", gain).map(drop),
            Self::Kaiming { nonlinearity, .. } => return positive("gain", nonlinearity.gain()).map(drop),
            Self::UnitFrobenius { norm } => return positive("norm", norm).map(drop),
            Self::FanInUniform { fan_in: None } => return Ok(()),
            Self::Constant(_)
            | Self::Uniform { .. }
            | Self::Normal { .. }
            | Self::TruncatedNormal { .. }
            | Self::FanInUniform { fan_in: Some(_) }
            | Self::LogRange
            | Self::Linspace { .. }
            | Self::LogOfUniform { .. }
            | Self::DtBias { .. } => &[1],
            Self::Identity { .. } | Self::NearIdentity { .. } | Self::Sparse { .. } => &[1, 1],
            Self::Sinusoidal { .. } => &[1, 4],
            Self::DeltaOrthogonal { .. } => &[1; 3],
            Self::Dirac { groups: 0 } => return Err(Error::Scheme("0 groups, needs 1 or more".to_owned())),
            Self::Dirac { groups } => &[groups, 1, 1],
            Self::BlockDiagonal { blocks: 0, .. } => {
                return Err(Error::Scheme("0 blocks, needs 1 or more".to_owned()));
            }
            Self::BlockDiagonal { blocks, .. } => &[blocks, blocks],
            Self::Orthogonal { batch, .. } if batch > 30 => {
                return Err(Error::Scheme(format!("{batch} leading axes count matrices, at most 30 can")));
            }
            Self::Orthogonal { batch, .. } => &[1; 32][..batch as usize + 2],
        };
        let shape = Shape::new(smallest).map_err(|_| Error::Scheme("no shape holds as many".to_owned()))?;
        self.unnamed_law(&shape, &Layout::OutIn).map(drop)
    }
}

fn positive(what: &str, x: f64) -> Result<f64> {
    if x.is_finite() && x > 0.0 {
        return Ok(x);
    }
    Err(Error::Scheme(format!("{what} is {}, must be finite and above 0", Number(x))))
}

/// A law of mean 0 and this std, in torch's arithmetic.
fn of_std(std: f64, distribution: Distribution) -> Result<Law> {
    match distribution {
        Distribution::Uniform => symmetric_uniform(3f64.sqrt() * std),
        Distribution::Normal => Law::normal(0.0, std),
        Distribution::TruncatedNormal => cut_at_2(std),
    }
}

/// The normal cut at +-2 sigma whose std after the cut is `std`.
fn cut_at_2(std: f64) -> Result<Law> {
    let sigma = std / STD_CUT_AT_2;
    Law::truncated_normal(0.0, sigma, -2.0 * sigma, 2.0 * sigma)
}

fn symmetric_uniform(bound: f64) -> Result<Law> {
    Law::uniform(-bound, bound)
}

fn dirac(shape: &Shape, layout: &Layout, groups: u64) -> Result<Law> {
    match layout {
        Layout::OutIn | Layout::Conv { .. } => Law::dirac(shape.dims(), groups),
        Layout::InOut | Layout::ConvTranspose { .. } | Layout::ConvInOut { .. } | Layout::Axes { .. } => {
            Err(shape.error(format!("layout {layout}, needs out_in or conv")))
        }
    }
}
