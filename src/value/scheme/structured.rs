//! The schemes whose values depend on where an element lies: identities, blocks, sparse columns, tables of positions,
//! Mamba's.

use super::{Scheme, SinusoidalLayout};

impl Scheme {
    /// `gain` where the row is the column, else 0.
    ///
    /// Values: 0 and `gain`, rounded to f32, then to the dtype.
    ///
    /// A matrix, of any sides below 2^32. Errors: another rank; a `gain` that is not 0 nor a normal finite f32.
    ///
    /// Source: torch's `eye_`, keras' `Identity`; Le et al. 2015 for recurrent layers.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// let scheme: Scheme = "eye(2)".parse()?;
    /// assert_eq!(scheme, Scheme::identity(2.0));
    /// let law = scheme.law(&Shape::new([4, 4])?, &Layout::OutIn)?;
    /// assert_eq!((law.range(), law.mean()), ((0.0, 2.0), 0.5));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    #[doc(alias = "eye")]
    pub const fn identity(gain: f64) -> Self {
        Self::Identity { gain }
    }

    /// 1 at the kernel's middle where output g * (out / groups) + d meets input d, else 0.
    ///
    /// Values: 0 and 1. The middle of k elements is index k / 2, rounded down.
    ///
    /// A convolution `[out, in / groups, kernel..]` of rank 3 to 5, in the layouts `out_in` and `conv`. Errors: another
    /// rank or layout; 0 `groups`, or `groups` that do not divide the outputs.
    ///
    /// Source: Zagoruyko and Komodakis 2017; torch's `dirac_`.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// let scheme: Scheme = "dirac(2)".parse()?;
    /// assert_eq!(scheme, Scheme::dirac(2));
    /// // Each of the 8 outputs has one 1 among 4 inputs and 3 elements of the kernel.
    /// let law = scheme.law(&Shape::new([8, 4, 3])?, &Layout::OutIn)?;
    /// assert_eq!((law.range(), law.mean()), ((0.0, 1.0), 1.0 / 12.0));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn dirac(groups: u64) -> Self {
        Self::Dirac { groups }
    }

    /// N(0, std^2), and `alpha` more where the row is the column.
    ///
    /// Values: as of [`Scheme::normal`], with the mean `alpha` on the diagonal and 0 off it.
    ///
    /// A matrix, of any sides below 2^32. Errors: another rank; a `std` outside \[2^-76, 2^120\], an `alpha` that is
    /// not 0 nor of such a magnitude.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// let scheme: Scheme = "near_identity(std=0.01)".parse()?;
    /// assert_eq!(scheme, Scheme::near_identity(1.0, 0.01));
    /// let law = scheme.law(&Shape::new([4, 4])?, &Layout::OutIn)?;
    /// assert_eq!(law.mean(), 0.25);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn near_identity(alpha: f64, std: f64) -> Self {
        Self::NearIdentity { alpha, std }
    }

    /// N(0, std^2) in `blocks` equal blocks on the diagonal, else 0.
    ///
    /// Values: as of [`Scheme::normal`] in the blocks; 0 elsewhere.
    ///
    /// A matrix both of whose sides `blocks` divides. Errors: another rank; 0 `blocks`, or `blocks` that do not divide
    /// a side; a `std` outside \[2^-76, 2^120\].
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// let scheme: Scheme = "block_diagonal(4, 0.5)".parse()?;
    /// assert_eq!(scheme, Scheme::block_diagonal(4, 0.5));
    /// let law = scheme.law(&Shape::new([8, 12])?, &Layout::OutIn)?;
    /// assert_eq!(law.std(), (0.25_f64 * 0.5 * 0.5).sqrt());
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn block_diagonal(blocks: u64, std: f64) -> Self {
        Self::BlockDiagonal { blocks, std }
    }

    /// N(0, std^2), but exactly ceil(sparsity * rows) elements of each column are 0, any of them as likely as any
    /// other.
    ///
    /// Values: 0, and the elements of `normal(0, std)` of the same tensor.
    ///
    /// A matrix of at most 2^31 rows. Errors: another rank; a `sparsity` outside \[0, 1\]; a `std` outside \[2^-76,
    /// 2^120\].
    ///
    /// Source: Martens 2010; torch's `sparse_`, whose std is 0.01 unless given.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// let scheme: Scheme = "sparse(0.75)".parse()?;
    /// assert_eq!(scheme, Scheme::sparse(0.75, 0.01));
    /// let law = scheme.law(&Shape::new([8, 5])?, &Layout::OutIn)?;
    /// assert!((law.std() - 0.01 * 0.5).abs() < 1e-15);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn sparse(sparsity: f64, std: f64) -> Self {
        Self::Sparse { sparsity, std }
    }

    /// Sines and cosines of position * base^-e, with e and the columns by `layout`: a table of positions.
    ///
    /// Values: in \[-1, 1\].
    ///
    /// A matrix `[positions, d]`, d even and at most 2^16. Errors: another rank or d; a `base` outside (1, 2^100\].
    ///
    /// Source: Vaswani et al. 2017, with base 10000; [`SinusoidalLayout`] names the others'.
    ///
    /// ```
    /// # use seedbed::{Scheme, scheme::SinusoidalLayout, shape::{Layout, Shape}};
    /// let scheme: Scheme = "sinusoidal(layout=halves)".parse()?;
    /// assert_eq!(scheme, Scheme::sinusoidal(10_000.0, SinusoidalLayout::Halves));
    /// let law = scheme.law(&Shape::new([1500, 384])?, &Layout::OutIn)?;
    /// assert_eq!(law.range(), (-1.0, 1.0));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    #[doc(alias = "positional_encoding")]
    pub const fn sinusoidal(base: f64, layout: SinusoidalLayout) -> Self {
        Self::Sinusoidal { base, layout }
    }

    /// ln(1 + c) at index c of the last axis.
    ///
    /// Values: ln 1 to ln n, in f32, rounded to the dtype; n is the length of the last axis.
    ///
    /// Rank 1 or more, with a last axis of at most 2^24. Errors: a rank of 0, a longer axis.
    ///
    /// Source: Gu and Dao 2023, Mamba's `A_log`: the logarithm of 1..n along the state.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// assert_eq!("log_range".parse::<Scheme>()?, Scheme::log_range());
    /// let law = Scheme::log_range().law(&Shape::new([1536, 16])?, &Layout::OutIn)?;
    /// assert!((law.range().1 - 16.0_f64.ln()).abs() < 1e-12);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    #[doc(alias = "a_log")]
    pub const fn log_range() -> Self {
        Self::LogRange
    }

    /// first + c (last - first) / (n - 1) at index c of the last axis, of n elements.
    ///
    /// Values: from first to last, both met, in f32, rounded to the dtype; a single element is `first`.
    ///
    /// Rank 1 or more, with a last axis of at most 2^24. Errors: a rank of 0, a longer axis; an end that is not 0 and
    /// of a magnitude outside \[2^-76, 2^120\]; a step that is not 0 and below 2^-100.
    ///
    /// Source: torch's and numpy's `linspace`.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// assert_eq!("linspace(-1, 1)".parse::<Scheme>()?, Scheme::linspace(-1.0, 1.0));
    /// let law = Scheme::linspace(-1.0, 1.0).law(&Shape::new([3, 5])?, &Layout::OutIn)?;
    /// assert_eq!((law.mean(), law.range()), (0.0, (-1.0, 1.0)));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn linspace(first: f64, last: f64) -> Self {
        Self::Linspace { first, last }
    }

    /// ln u for u uniform on (lo, hi).
    ///
    /// Values: in \[ln lo, ln hi\], in f32, rounded to the dtype; 2^24 of them.
    ///
    /// Any shape. Errors: numbers that do not keep 0 < lo < hi; an end or a half-width outside \[2^-76, 2^120\].
    ///
    /// Source: Dao and Gu 2024, `A_log` of mamba_ssm's Mamba-2, with 1 and 16; Qwen3-Next, with 0.01 and 16.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// assert_eq!("log_of_uniform(1, 16)".parse::<Scheme>()?, Scheme::log_of_uniform(1.0, 16.0));
    /// let law = Scheme::log_of_uniform(1.0, 16.0).law(&Shape::new([80])?, &Layout::OutIn)?;
    /// assert_eq!(law.range(), (0.0, 16_f64.ln()));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn log_of_uniform(lo: f64, hi: f64) -> Self {
        Self::LogOfUniform { lo, hi }
    }

    /// ln(e^dt - 1) of a step dt that is log-uniform on (min, max), steps below `floor` raised to `floor`.
    ///
    /// Values: between ln(e^m - 1) and ln(e^max - 1), with m the larger of `min` and `floor`; softplus turns them into
    /// dt.
    ///
    /// Any shape. Errors: numbers that do not keep 1e-30 <= min < max <= 1000 and 0 <= floor < max; a ratio max / min
    /// too large for the polynomial that the kernels evaluate.
    ///
    /// Source: Gu and Dao 2023, the bias of Mamba's `dt_proj`: there min 0.001, max 0.1, floor 1e-4.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// assert_eq!("dt_bias".parse::<Scheme>()?, Scheme::dt_bias(0.001, 0.1, 0.0001));
    /// let law = Scheme::dt_bias(0.001, 0.1, 0.01).law(&Shape::new([1536])?, &Layout::OutIn)?;
    /// assert!((law.range().0 - (0.01_f64.exp() - 1.0).ln()).abs() < 1e-5);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn dt_bias(min: f64, max: f64, floor: f64) -> Self {
        Self::DtBias { min, max, floor }
    }
}
