//! The schemes whose values depend on where an element lies, each with the shapes that it takes.

use super::{Scheme, SinusoidalLayout};
use crate::value::law::Law;
use crate::value::shape::{Layout, Shape};
use crate::{Error, Result};

impl Scheme {
    /// `gain` where the row is the column, else 0, of any matrix: torch's `eye_`, keras' `Identity`.
    #[must_use]
    #[doc(alias = "eye")]
    pub const fn identity(gain: f64) -> Self {
        Self::Identity { gain }
    }

    /// 1 at the kernel's middle (index k / 2, rounded down) where output g out/groups + d meets input d, else 0, of a convolution
    /// \[out, in / groups, kernel..\] of rank 3 to 5: torch's `dirac_`.
    #[must_use]
    pub const fn dirac(groups: u64) -> Self {
        Self::Dirac { groups }
    }

    /// N(0, std^2), and `alpha` more where the row is the column, of any matrix.
    #[must_use]
    pub const fn near_identity(alpha: f64, std: f64) -> Self {
        Self::NearIdentity { alpha, std }
    }

    /// N(0, std^2) in `blocks` equal blocks on the diagonal, else 0, of a matrix both of whose sides they divide.
    #[must_use]
    pub const fn block_diagonal(blocks: u64, std: f64) -> Self {
        Self::BlockDiagonal { blocks, std }
    }

    /// N(0, std^2), but exactly ceil(sparsity * rows) elements of each column are 0, any of them as likely as any other: torch's
    /// `sparse_`, whose std is .01 unless given. Martens 2010.
    ///
    /// The others are the elements of `normal(0, std)`.
    #[must_use]
    pub const fn sparse(sparsity: f64, std: f64) -> Self {
        Self::Sparse { sparsity, std }
    }

    /// A table of positions of shape \[positions, d\]: sines and cosines of position * base^-e, with e and the columns by `layout`.
    /// Vaswani et al. 2017 take base 10000.
    #[must_use]
    #[doc(alias = "positional_encoding")]
    pub const fn sinusoidal(base: f64, layout: SinusoidalLayout) -> Self {
        Self::Sinusoidal { base, layout }
    }

    /// ln(1 + c) at index c of the last axis: Mamba's `A_log`, the logarithm of 1..n along the state.
    #[must_use]
    #[doc(alias = "a_log")]
    pub const fn log_range() -> Self {
        Self::LogRange
    }

    /// ln(e^dt - 1) of a step dt that is log-uniform on (min, max), and at least `floor`: the bias of Mamba's `dt_proj`, which
    /// softplus turns into dt. There min .001, max .1, floor 1e-4.
    #[must_use]
    pub const fn dt_bias(min: f64, max: f64, floor: f64) -> Self {
        Self::DtBias { min, max, floor }
    }

    /// The law, where the scheme is one of these.
    pub(super) fn structured_law(&self, shape: &Shape, layout: &Layout) -> Option<Result<Law>> {
        let dims = shape.dims();
        let matrix = || match *dims {
            [rows, cols] => Ok((rows, cols)),
            _ => Err(self.unfit(dims, "needs rank 2")),
        };
        let law = match *self {
            Self::Identity { gain } => matrix().and_then(|(rows, cols)| Law::identity(rows, cols, gain)),
            Self::Dirac { groups } => match layout {
                Layout::OutIn | Layout::Conv { .. } => Law::dirac(dims, groups),
                _ => Err(self.unfit(dims, &format!("layout {layout}, needs out_in or conv"))),
            },
            Self::NearIdentity { alpha, std } => {
                matrix().and_then(|(rows, cols)| Law::near_identity(rows, cols, alpha, std))
            }
            Self::BlockDiagonal { blocks, std } => {
                matrix().and_then(|(rows, cols)| Law::block_diagonal(rows, cols, blocks, std))
            }
            Self::Sparse { sparsity, std } => matrix().and_then(|(rows, cols)| Law::sparse(rows, cols, sparsity, std)),
            Self::Sinusoidal { base, layout } => {
                matrix().and_then(|(rows, cols)| Law::sinusoidal(rows, cols, base, layout))
            }
            Self::LogRange => match dims.last() {
                Some(&length) => Law::log_range(length),
                None => Err(self.unfit(dims, "needs rank 1 or more")),
            },
            Self::DtBias { min, max, floor } => Law::dt_bias(min, max, floor),
            _ => return self.orthogonal_law(shape, layout),
        };
        Some(law)
    }

    /// What can be checked of one of these before its shape is known: whether the smallest shape that could suit it does.
    pub(super) fn check_structured(&self) -> Result<()> {
        let dims: &[u64] = match *self {
            Self::Dirac { groups } => &[groups.max(1), 1, 1],
            Self::BlockDiagonal { blocks, .. } => &[blocks.max(1), blocks.max(1)],
            Self::Sinusoidal { .. } => &[1, 4],
            Self::LogRange | Self::DtBias { .. } => &[1],
            Self::Orthogonal { batch, .. } if batch > 30 => {
                return Err(Error::Scheme(format!("{self}: {batch} leading axes are more than any shape has")));
            }
            Self::Orthogonal { batch, .. } => &[1; 32][..batch as usize + 2],
            Self::DeltaOrthogonal { .. } => &[1; 3],
            _ => &[1, 1],
        };
        let shape = Shape::new(dims).map_err(|_| Error::Scheme(format!("{self}: no shape holds as many")))?;
        self.structured_law(&shape, &Layout::OutIn).map_or(Ok(()), |law| law.map(|_| ()))
    }

    fn unfit(&self, dims: &[u64], reason: &str) -> Error {
        Error::Shape { shape: dims.to_vec(), reason: format!("{self}: {reason}") }
    }
}
