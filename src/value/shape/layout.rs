//! Which axes of a weight feed in and out, and the fans that follow.

use super::{Fans, Shape};
use crate::value::text::{self, Args, Form};
use crate::{Error, Result};

/// Which axes of a weight feed in and out.
///
/// Its text form, read by `parse` and written by `to_string`: `out_in`, `in_out`, `conv(groups=4)`,
/// `conv_transpose(groups=2)`, `conv_in_out(groups=4)`, `axes(in=-2, out=-1, batch=[0])`. Below, kernel is
/// the product of the kernel's dimensions.
///
/// ```
/// # use seedbed::shape::{Layout, Shape};
/// let layout: Layout = "conv(groups=4)".parse()?;
/// assert_eq!(layout, Layout::conv(4));
/// let fans = layout.fans(&Shape::new([64, 16, 3, 3])?)?;
/// assert_eq!((fans.fan_in, fans.fan_out), (16 * 9, 64 / 4 * 9));
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Layout {
    /// `[out, in, kernel..]`, rank 2 or more: torch's own formula, whatever the tensor is.
    ///
    /// fan_in = dims\[1\] * kernel, fan_out = dims\[0\] * kernel. For a grouped convolution its fan_out is not
    /// divided by the groups, and for a transposed convolution the two fans change places: torch's
    /// `_calculate_fan_in_and_fan_out` does that, and weights meant to be torch's need it. [`Layout::Conv`] and
    /// [`Layout::ConvTranspose`] give the true fans.
    ///
    /// ```
    /// # use seedbed::shape::{Layout, Shape};
    /// let fans = Layout::OutIn.fans(&Shape::new([64, 16, 3, 3])?)?;
    /// assert_eq!((fans.fan_in, fans.fan_out), (16 * 9, 64 * 9));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[default]
    OutIn,
    /// `[kernel.., in, out]`, rank 2 or more: jax, flax, keras; GPT-2's `Conv1D`.
    ///
    /// fan_in = dims\[-2\] * kernel, fan_out = dims\[-1\] * kernel; not divided by groups, as there.
    ///
    /// ```
    /// # use seedbed::shape::{Layout, Shape};
    /// let fans = Layout::InOut.fans(&Shape::new([3, 3, 16, 64])?)?;
    /// assert_eq!((fans.fan_in, fans.fan_out), (16 * 9, 64 * 9));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    InOut,
    /// `[out, in/groups, kernel..]`, rank 3 to 5: torch's convolutions of 1 to 3 dimensions, with their true fans.
    ///
    /// fan_in = dims\[1\] * kernel, fan_out = dims\[0\] / groups * kernel.
    ///
    /// ```
    /// # use seedbed::shape::{Layout, Shape};
    /// let fans = Layout::conv(4).fans(&Shape::new([64, 16, 3])?)?;
    /// assert_eq!((fans.fan_in, fans.fan_out), (16 * 3, 16 * 3));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    Conv {
        /// The groups; they divide dims\[0\].
        groups: u64,
    },
    /// `[in, out/groups, kernel..]`, rank 3 to 5: torch's transposed convolutions, with their true fans at stride 1.
    ///
    /// fan_in = dims\[0\] / groups * kernel, fan_out = dims\[1\] * kernel.
    ///
    /// ```
    /// # use seedbed::shape::{Layout, Shape};
    /// let fans = Layout::conv_transpose(2).fans(&Shape::new([16, 64, 3])?)?;
    /// assert_eq!((fans.fan_in, fans.fan_out), (8 * 3, 64 * 3));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    ConvTranspose {
        /// The groups; they divide dims\[0\].
        groups: u64,
    },
    /// `[kernel.., in/groups, out]`, rank 3 to 5: the convolutions of flax and keras, channels last, with their true
    /// fans.
    ///
    /// fan_in = dims\[-2\] * kernel, fan_out = dims\[-1\] / groups * kernel.
    ///
    /// ```
    /// # use seedbed::shape::{Layout, Shape};
    /// let fans = Layout::conv_in_out(4).fans(&Shape::new([3, 3, 16, 64])?)?;
    /// assert_eq!((fans.fan_in, fans.fan_out), (16 * 9, 64 / 4 * 9));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    ConvInOut {
        /// The groups; they divide dims\[-1\].
        groups: u64,
    },
    /// Any rank, with the axes named: `in_axis`, `out_axis` and `batch_axis` of jax's `variance_scaling`.
    ///
    /// The axes in none of the three lists are the kernel. fan_in = product of `in_axis` * kernel,
    /// fan_out = product of `out_axis` * kernel; an empty list has the product 1, and a batch axis enters neither.
    /// A negative axis counts from the last, -1. A vector has fans by `axes(in=[0], out=[])`: its length, and 1.
    ///
    /// ```
    /// # use seedbed::shape::{Layout, Shape};
    /// let eight_experts = Layout::axes([1], [2], [0]);
    /// let fans = eight_experts.fans(&Shape::new([8, 100, 300])?)?;
    /// assert_eq!((fans.fan_in, fans.fan_out), (100, 300));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    Axes {
        /// Axes that feed in.
        in_axis: Vec<i64>,
        /// Axes that feed out.
        out_axis: Vec<i64>,
        /// Axes that hold independent weights, such as the experts of a stack.
        batch_axis: Vec<i64>,
    },
}

impl Layout {
    /// A convolution of torch's, `[out, in/groups, kernel..]`.
    #[must_use]
    pub const fn conv(groups: u64) -> Self {
        Self::Conv { groups }
    }

    /// A transposed convolution of torch's, `[in, out/groups, kernel..]`.
    #[must_use]
    pub const fn conv_transpose(groups: u64) -> Self {
        Self::ConvTranspose { groups }
    }

    /// A convolution of flax's or keras', `[kernel.., in/groups, out]`.
    #[must_use]
    pub const fn conv_in_out(groups: u64) -> Self {
        Self::ConvInOut { groups }
    }

    /// A weight whose axes are named one by one; see [`Layout::Axes`].
    #[must_use]
    pub fn axes(in_axis: impl Into<Vec<i64>>, out_axis: impl Into<Vec<i64>>, batch_axis: impl Into<Vec<i64>>) -> Self {
        Self::Axes { in_axis: in_axis.into(), out_axis: out_axis.into(), batch_axis: batch_axis.into() }
    }

    /// The fans of a tensor of this shape, by the formula of each variant.
    ///
    /// # Errors
    /// [`Error::Shape`] where the rank is below 2 and no axis is named, or does not suit a convolution, the groups are
    /// 0 or do not divide the channels, or an axis is out of range or named twice.
    pub fn fans(&self, shape: &Shape) -> Result<Fans> {
        let dims = shape.dims();
        let rank = dims.len();
        // A vector has the fans of the axes that someone names, not those of axes that it has not.
        let is_named = || matches!(self, Self::Axes { .. }) && *self != Self::axes([-2], [-1], []);
        if rank < 2 && !is_named() {
            return Err(shape.error(format!(
                "rank {rank} has no fan_in and fan_out, a scheme of fans needs rank 2 or more; for a bias name its \
                 fan_in, as in torch_bias(fan_in=768), or its axes, as in axes(in=[0], out=[]), or take a scheme \
                 without fans, as zeros"
            )));
        }
        // A shape holds at most 2^60 elements, and each product below takes an axis at most once: none overflows.
        let product = |dims: &[u64]| dims.iter().product::<u64>();
        match self {
            Self::OutIn => {
                let kernel = product(&dims[2..]);
                Ok(Fans { fan_in: dims[1] * kernel, fan_out: dims[0] * kernel })
            }
            Self::InOut => {
                let kernel = product(&dims[..rank - 2]);
                Ok(Fans { fan_in: dims[rank - 2] * kernel, fan_out: dims[rank - 1] * kernel })
            }
            Self::Conv { groups } => {
                let per_group = self.per_group(shape, *groups, 0, "output")?;
                let kernel = product(&dims[2..]);
                Ok(Fans { fan_in: dims[1] * kernel, fan_out: per_group * kernel })
            }
            Self::ConvTranspose { groups } => {
                let per_group = self.per_group(shape, *groups, 0, "input")?;
                let kernel = product(&dims[2..]);
                Ok(Fans { fan_in: per_group * kernel, fan_out: dims[1] * kernel })
            }
            Self::ConvInOut { groups } => {
                let per_group = self.per_group(shape, *groups, rank - 1, "output")?;
                let kernel = product(&dims[..rank - 2]);
                Ok(Fans { fan_in: dims[rank - 2] * kernel, fan_out: per_group * kernel })
            }
            Self::Axes { in_axis, out_axis, batch_axis } => {
                let mut free = vec![true; rank];
                let mut take = |what: &str, axes: &[i64]| -> Result<u64> {
                    let mut size = 1;
                    for &axis in axes {
                        let at = resolve(axis, rank).ok_or_else(|| match rank.checked_sub(1) {
                            Some(last) => shape.error(format!("{what} axis {axis}: must lie in [-{rank}, {last}]")),
                            None => shape.error(format!("{what} axis {axis}: shape [] has no axis")),
                        })?;
                        if !std::mem::replace(&mut free[at], false) {
                            return Err(shape.error(format!("{what} axis {axis}: axis {at} is named twice")));
                        }
                        size *= dims[at];
                    }
                    Ok(size)
                };
                let (ins, outs, _) = (take("in", in_axis)?, take("out", out_axis)?, take("batch", batch_axis)?);
                let kernel: u64 = dims.iter().zip(&free).filter_map(|(&d, &f)| f.then_some(d)).product();
                Ok(Fans { fan_in: ins * kernel, fan_out: outs * kernel })
            }
        }
    }

    /// The channels of an axis that one group holds.
    fn per_group(&self, shape: &Shape, groups: u64, axis: usize, channels: &str) -> Result<u64> {
        let (rank, count) = (shape.rank(), shape.dims()[axis]);
        if !(3..=5).contains(&rank) {
            return Err(shape.error(format!(
                "rank {rank} as {self}: a convolution of 1 to 3 dimensions has rank 3 to 5; a dense weight is out_in"
            )));
        }
        if groups == 0 {
            return Err(shape.error(format!("{self}: groups is 0, needs 1 or more")));
        }
        if count % groups != 0 {
            return Err(shape.error(format!("{self}: groups {groups} does not divide the {count} {channels} channels")));
        }
        Ok(count / groups)
    }
}

fn resolve(axis: i64, rank: usize) -> Option<usize> {
    let at = usize::try_from(axis.unsigned_abs()).ok()?;
    let at = if axis < 0 { rank.checked_sub(at)? } else { at };
    (at < rank).then_some(at)
}

impl std::fmt::Display for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OutIn => f.write_str("out_in"),
            Self::InOut => f.write_str("in_out"),
            Self::Conv { groups } => write!(f, "conv(groups={groups})"),
            Self::ConvTranspose { groups } => write!(f, "conv_transpose(groups={groups})"),
            Self::ConvInOut { groups } => write!(f, "conv_in_out(groups={groups})"),
            Self::Axes { in_axis, out_axis, batch_axis } => {
                write!(f, "axes(in={in_axis:?}, out={out_axis:?}, batch={batch_axis:?})")
            }
        }
    }
}

const FORMS: &[Form<Layout>] = &[
    Form { names: &["out_in"], params: &[], build: |_| Ok(Layout::OutIn) },
    Form { names: &["in_out"], params: &[], build: |_| Ok(Layout::InOut) },
    Form { names: &["conv"], params: &["groups"], build: |a| Ok(Layout::conv(groups(a)?)) },
    Form { names: &["conv_transpose"], params: &["groups"], build: |a| Ok(Layout::conv_transpose(groups(a)?)) },
    Form { names: &["conv_in_out"], params: &["groups"], build: |a| Ok(Layout::conv_in_out(groups(a)?)) },
    Form {
        names: &["axes"],
        params: &["in", "out", "batch"],
        build: |a| {
            let list = |param, default: &[i64]| Ok(a.list(param)?.unwrap_or_else(|| default.to_vec()));
            Ok(Layout::Axes {
                in_axis: list("in", &[-2])?,
                out_axis: list("out", &[-1])?,
                batch_axis: list("batch", &[])?,
            })
        },
    },
];

fn groups(args: &Args<'_>) -> Result<u64> {
    match args.whole("groups")? {
        Some(0) => Err(args.error("groups is 0, needs 1 or more")),
        groups => Ok(groups.unwrap_or(1)),
    }
}

impl std::str::FromStr for Layout {
    type Err = Error;

    /// Reads the text form: `conv` is `conv(groups=1)`, `axes` is jax's default, `axes(in=-2, out=-1, batch=[])`.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an unknown name; [`Error::Scheme`] with the text as typed, for an argument that is
    /// unknown, given twice or no number, or zero groups.
    fn from_str(text: &str) -> Result<Self> {
        text::parse("layout", FORMS, text, None)
    }
}

#[cfg(feature = "model")]
impl Layout {
    /// Reads the text form, in which whole numbers may be expressions.
    pub(crate) fn parse_with(text: &str, evaluate: text::Evaluate<'_>) -> Result<Self> {
        text::parse("layout", FORMS, text, Some(evaluate))
    }
}

#[cfg(test)]
mod tests;
