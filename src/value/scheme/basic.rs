//! The schemes that need no shape, but for one that counts the elements: constants, uniforms, normals.

use super::{Bounds, Scheme, StdOf};

impl Scheme {
    /// Every element `value`.
    ///
    /// Values: `value` rounded to f32, then to the dtype.
    ///
    /// Any shape. Errors: a `value` that is not finite, or that rounds to a subnormal f32; one beyond the dtype's
    /// range, when a plan takes it.
    ///
    /// Source: torch's `constant_`, jax's `constant`, keras' `Constant`.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// let scheme: Scheme = "constant(0.5)".parse()?;
    /// assert_eq!(scheme, Scheme::constant(0.5));
    /// assert_eq!(scheme.law(&Shape::new([3, 4])?, &Layout::OutIn)?.range(), (0.5, 0.5));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn constant(value: f64) -> Self {
        Self::Constant(value)
    }

    /// Every element 0: [`Scheme::constant`] of 0. Any shape, no errors.
    ///
    /// Source: torch's `zeros_`, jax's `zeros`, keras' `Zeros`.
    ///
    /// ```
    /// # use seedbed::Scheme;
    /// assert_eq!("zeros".parse::<Scheme>()?, Scheme::zeros());
    /// assert_eq!(Scheme::zeros(), Scheme::constant(0.0));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn zeros() -> Self {
        Self::Constant(0.0)
    }

    /// Every element 1: [`Scheme::constant`] of 1. Any shape, no errors.
    ///
    /// Source: torch's `ones_`, jax's `ones`, keras' `Ones`.
    ///
    /// ```
    /// # use seedbed::Scheme;
    /// assert_eq!("ones".parse::<Scheme>()?, Scheme::ones());
    /// assert_eq!(Scheme::ones(), Scheme::constant(1.0));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn ones() -> Self {
        Self::Constant(1.0)
    }

    /// U(lo, hi), open at both ends.
    ///
    /// Values: between `lo` and `hi`, each rounded to f32; an end itself only where rounding a value gives it, and a
    /// 16-bit value may pass an end by its own rounding.
    ///
    /// Any shape. Errors: `lo >= hi`, an end that is not finite, a half-width outside \[2^-76, 2^120\], a midpoint that
    /// is not 0 nor of such a magnitude.
    ///
    /// Source: torch's `uniform_`, keras' `RandomUniform`; jax's `uniform(scale)` is `uniform(0, scale)`.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// let scheme: Scheme = "uniform(-0.5, 0.5)".parse()?;
    /// assert_eq!(scheme, Scheme::uniform(-0.5, 0.5));
    /// let law = scheme.law(&Shape::new([3, 4])?, &Layout::OutIn)?;
    /// assert_eq!((law.std(), law.range()), (1.0 / 12.0_f64.sqrt(), (-0.5, 0.5)));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn uniform(lo: f64, hi: f64) -> Self {
        Self::Uniform { lo, hi }
    }

    /// N(mean, std^2).
    ///
    /// Values: within `std` times 6.77 of `mean` ([`MAX_NORMAL`](crate::law::MAX_NORMAL)).
    ///
    /// Any shape. Errors: a `std` outside \[2^-76, 2^120\], a `mean` that is not 0 nor of such a magnitude.
    ///
    /// Source: torch's `normal_`, jax's `normal`, keras' `RandomNormal`.
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// let scheme: Scheme = "normal(std=0.02)".parse()?;
    /// assert_eq!(scheme, Scheme::normal(0.0, 0.02));
    /// let law = scheme.law(&Shape::new([768, 3072])?, &Layout::OutIn)?;
    /// assert_eq!((law.mean(), law.std()), (0.0, 0.02));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn normal(mean: f64, std: f64) -> Self {
        Self::Normal { mean, std }
    }

    /// N(mean, sigma^2) conditioned on the window \[lo, hi\], or \[mean + lo * sigma, mean + hi * sigma\].
    ///
    /// Values: those of the dtype inside the window, both ends possible.
    ///
    /// sigma is `std` with [`StdOf::Parent`]. With [`StdOf::Cut`] sigma is chosen so that the elements' own std is
    /// `std`: for [`Bounds::Sigma`], sigma = std / s, with s the std of N(0, 1) cut at the same multiples; for
    /// [`Bounds::Absolute`], sigma is found by bisection. `mean` is always that of the normal before the cut: a
    /// lopsided window moves the elements'.
    ///
    /// Any shape. Errors: `lo >= hi`; a `std` outside \[2^-76, 2^120\]; a window that holds no value of the dtype, or
    /// too little of the normal; with `StdOf::Cut` a `std` that the window cannot hold: on a finite window it stays
    /// below (hi - lo) / sqrt(12), the std of the uniform that an ever wider normal tends to.
    ///
    /// Source: torch's `trunc_normal_` ([`Bounds::Absolute`]), jax's `truncated_normal` and keras' `TruncatedNormal`
    /// ([`Bounds::Sigma`]).
    ///
    /// ```
    /// # use seedbed::{Scheme, scheme::{Bounds, StdOf}, shape::{Layout, Shape}};
    /// let scheme: Scheme = "truncated_normal(std=0.02, lo=-1, hi=1, bounds=sigma)".parse()?;
    /// assert_eq!(scheme, Scheme::truncated_normal(0.0, 0.02, Bounds::Sigma(-1.0, 1.0), StdOf::Parent));
    /// let law = scheme.law(&Shape::new([768, 3072])?, &Layout::OutIn)?;
    /// assert_eq!(law.range(), (-0.02, 0.02));
    /// assert!((law.std() - 0.02 * 0.539_560_093_754_897).abs() < 1e-15);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn truncated_normal(mean: f64, std: f64, bounds: Bounds, std_of: StdOf) -> Self {
        Self::TruncatedNormal { mean, std, bounds, std_of }
    }

    /// N(0, std^2), std = norm / sqrt(n) with n elements: the expected squared Frobenius norm is norm^2.
    ///
    /// Values: as of [`Scheme::normal`].
    ///
    /// The squared norm that is drawn lies within a relative sqrt(2 / n) (one std) of norm^2. Independent feed-forward
    /// weights made with `a` and `b` have squared norms whose product is (a b)^2 in expectation. For a norm that is met
    /// exactly, `cpu::normalize` scales what was drawn.
    ///
    /// Any shape. Errors: a `norm` that is not finite and above 0; a std outside \[2^-76, 2^120\].
    ///
    /// ```
    /// # use seedbed::{Scheme, shape::{Layout, Shape}};
    /// let scheme: Scheme = "unit_frobenius(norm=2)".parse()?;
    /// assert_eq!(scheme, Scheme::unit_frobenius(2.0));
    /// assert_eq!(scheme.law(&Shape::new([32, 32])?, &Layout::OutIn)?.std(), 2.0 / 32.0);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub const fn unit_frobenius(norm: f64) -> Self {
        Self::UnitFrobenius { norm }
    }
}
