//! What a user says of a tensor: name, shape, dtype, scheme, and where it is made of parts, the parts.

use crate::plan::Slab;
use crate::value::scheme::Scheme;
use crate::value::shape::{Layout, Shape};
use crate::{DType, Result, Rounding};

/// One stored tensor, as a [`Plan`](crate::plan::Plan) takes it.
///
/// By default it is one logical tensor of the same name. [`TensorSpec::with_parts`] makes it of several, each with its
/// own name, stream, scheme and fans: a fused `qkv_proj` whose thirds hold what `q_proj`, `k_proj` and `v_proj` would.
///
/// ```
/// # use seedbed::plan::TensorSpec;
/// # use seedbed::{DType, Scheme, shape::Layout};
/// let spec = TensorSpec::new("conv.weight", [64, 16, 3, 3], Scheme::torch_conv())?
///     .dtype(DType::BF16)
///     .layout(Layout::conv(4));
/// assert_eq!(spec.shape.count(), 64 * 16 * 9);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TensorSpec {
    /// The name, exactly as the checkpoint holds it: it is part of the key.
    pub name: String,
    /// The stored shape.
    pub shape: Shape,
    /// The element type.
    pub dtype: DType,
    /// How the elements are distributed; unused where there are parts.
    pub scheme: Scheme,
    /// Which axes feed in and out; unused where there are parts.
    pub layout: Layout,
    /// Rows (indices of the first axis) that are zero, such as an embedding's padding row. Other rows do not shift.
    pub zero_rows: Vec<u64>,
    /// The axes of the stored tensor, split further, in which the parts are boxes; empty: the shape itself.
    /// Unused where there are no parts.
    pub view: Vec<u64>,
    /// The parts; none: the tensor is one logical tensor of its own name.
    pub parts: Vec<Part>,
    /// How values are rounded to the dtype.
    pub rounding: Rounding,
}

/// A logical tensor inside a stored one: `stored.reshape(view)[slab].permute(order).reshape(shape)`.
///
/// ```
/// # use seedbed::plan::{Part, Slab};
/// # use seedbed::Scheme;
/// // Columns 8 to 15 of a matrix of 4 rows, transposed.
/// let part = Part::new("k", [8, 4], Scheme::lecun_normal(), Slab::new([0, 8], [4, 8]))?.order([1, 0]);
/// assert_eq!((part.shape.count(), part.slab.count()), (32, 32));
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Part {
    /// The logical tensor's name: it is part of the key.
    pub name: String,
    /// The logical shape, row-major over the permuted box.
    pub shape: Shape,
    /// How the elements are distributed.
    pub scheme: Scheme,
    /// Which axes of the logical shape feed in and out.
    pub layout: Layout,
    /// The box of the view.
    pub slab: Slab,
    /// The axes of the view, in the order in which the logical tensor has them.
    pub order: Vec<usize>,
}

impl TensorSpec {
    /// A tensor of this shape and scheme, stored as f32, its axes in torch's layout `out_in`.
    ///
    /// # Errors
    /// [`crate::Error::Shape`], with the tensor's name.
    pub fn new(name: impl Into<String>, dims: impl Into<Vec<u64>>, scheme: Scheme) -> Result<Self> {
        let name = name.into();
        let shape = Shape::new(dims).map_err(|e| e.in_tensor(&name))?;
        Ok(Self {
            name,
            shape,
            dtype: DType::F32,
            scheme,
            layout: Layout::default(),
            zero_rows: Vec::new(),
            view: Vec::new(),
            parts: Vec::new(),
            rounding: Rounding::default(),
        })
    }

    /// A tensor made of `parts`, boxes of `view` that cover it exactly once.
    ///
    /// `view` splits the axes of the shape further, in order: `[3 * heads * size, hidden]` viewed as
    /// `[heads, 3, size, hidden]`, say.
    ///
    /// # Errors
    /// [`crate::Error::Shape`], with the tensor's name. The parts are checked when a plan takes them.
    ///
    /// ```
    /// # use seedbed::plan::{Part, Plan, Slab, TensorSpec};
    /// # use seedbed::{Scheme, StreamVersion, cpu};
    /// // Three matrices of 4 rows and 2 columns, one below the other.
    /// let scheme = Scheme::normal(0.0, 0.02);
    /// let part = |name: &str, at| Part::new(name, [4, 2], scheme, Slab::new([at, 0, 0], [1, 4, 2]));
    /// let parts = vec![part("q", 0)?, part("k", 1)?, part("v", 2)?];
    /// let mut fused = Plan::new(StreamVersion::V1, 42);
    /// let qkv = fused.push(&TensorSpec::with_parts("qkv", [12, 2], [3, 4, 2], parts)?)?;
    /// let fill = qkv.fill_slab(&Slab::new([4, 0], [4, 2]))?;
    /// let mut alone = Plan::new(StreamVersion::V1, 42);
    /// let k = alone.push(&TensorSpec::new("k", [4, 2], scheme)?)?.fill();
    /// let (mut a, mut b) = ([0; 32], [1; 32]);
    /// cpu::fill(&fill, &mut a)?;
    /// cpu::fill(&k, &mut b)?;
    /// assert_eq!(a, b);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    pub fn with_parts(
        name: impl Into<String>,
        dims: impl Into<Vec<u64>>,
        view: impl Into<Vec<u64>>,
        parts: Vec<Part>,
    ) -> Result<Self> {
        Ok(Self { view: view.into(), parts, ..Self::new(name, dims, Scheme::Constant(0.0))? })
    }

    /// A matrix that a checkpoint stores transposed: stored as `[rows, cols]`, with the elements, fans and stream of
    /// the logical matrix `[cols, rows]`.
    ///
    /// # Errors
    /// [`crate::Error::Shape`], with the tensor's name.
    ///
    /// ```
    /// # use seedbed::plan::{Plan, TensorSpec};
    /// # use seedbed::{Scheme, StreamVersion};
    /// let mut plan = Plan::new(StreamVersion::V1, 42);
    /// let tensor = plan.push(&TensorSpec::transposed("w", [16, 64], Scheme::lecun_normal())?)?;
    /// assert_eq!((tensor.shape().dims(), tensor.parts()[0].shape().dims()), (&[16, 64][..], &[64, 16][..]));
    /// assert_eq!(tensor.parts()[0].law().std(), 0.25); // of fan_in 16
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    pub fn transposed(name: impl Into<String>, [rows, cols]: [u64; 2], scheme: Scheme) -> Result<Self> {
        let name = name.into();
        let part = Part::new(name.clone(), [cols, rows], scheme, Slab::whole(&[rows, cols]))?.order([1, 0]);
        Self::with_parts(name, [rows, cols], [rows, cols], vec![part])
    }

    /// The same tensor stored as `dtype`.
    ///
    /// ```
    /// # use seedbed::{DType, Scheme, plan::TensorSpec};
    /// assert_eq!(TensorSpec::new("w", [4], Scheme::ones())?.dtype(DType::F16).dtype, DType::F16);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub fn dtype(mut self, dtype: DType) -> Self {
        self.dtype = dtype;
        self
    }

    /// The same tensor with another layout of its axes, from which its scheme takes the fans.
    ///
    /// ```
    /// # use seedbed::plan::{Plan, TensorSpec};
    /// # use seedbed::{Scheme, StreamVersion, shape::Layout};
    /// let spec = TensorSpec::new("w", [16, 64], Scheme::lecun_normal())?.layout(Layout::InOut);
    /// let mut plan = Plan::new(StreamVersion::V1, 42);
    /// assert_eq!(plan.push(&spec)?.parts()[0].law().std(), 0.25);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// The same tensor with its values rounded in another way; [`Rounding::Stochastic`] is for f16 and bf16, a plan
    /// refuses it for f32.
    ///
    /// ```
    /// # use seedbed::{DType, Rounding, Scheme, plan::TensorSpec};
    /// let spec = TensorSpec::new("w", [4], Scheme::ones())?.dtype(DType::BF16).rounding(Rounding::Stochastic);
    /// assert!(spec.rounding.check(spec.dtype).is_ok());
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub fn rounding(mut self, rounding: Rounding) -> Self {
        self.rounding = rounding;
        self
    }

    /// The same tensor with one more row of zeros; the other rows keep their values.
    ///
    /// ```
    /// # use seedbed::plan::{Plan, TensorSpec};
    /// # use seedbed::{Scheme, StreamVersion, cpu};
    /// let spec = TensorSpec::new("embedding", [3, 1], Scheme::ones())?.zero_row(1);
    /// let fill = Plan::new(StreamVersion::V1, 42).push(&spec)?.fill();
    /// let mut bytes = [0xff; 12];
    /// cpu::fill(&fill, &mut bytes)?;
    /// assert_eq!(bytes, [0, 0, 0x80, 0x3f, 0, 0, 0, 0, 0, 0, 0x80, 0x3f]);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub fn zero_row(mut self, row: u64) -> Self {
        self.zero_rows.push(row);
        self
    }
}

impl Part {
    /// The box `slab` of the view as a logical tensor: its axes in the view's order, in torch's layout `out_in`.
    ///
    /// # Errors
    /// [`crate::Error::Shape`], with the part's name.
    pub fn new(name: impl Into<String>, dims: impl Into<Vec<u64>>, scheme: Scheme, slab: Slab) -> Result<Self> {
        let name = name.into();
        let shape = Shape::new(dims).map_err(|e| e.in_tensor(&name))?;
        let order = (0..slab.extent.len()).collect();
        Ok(Self { name, shape, scheme, layout: Layout::default(), slab, order })
    }

    /// The same part with its view axes taken in another order.
    #[must_use]
    pub fn order(mut self, order: impl Into<Vec<usize>>) -> Self {
        self.order = order.into();
        self
    }

    /// The same part with another layout of its axes.
    #[must_use]
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }
}
