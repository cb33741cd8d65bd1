//! What a user says of a tensor: name, shape, dtype, scheme, and where it is made of parts, the parts.

use crate::plan::Slab;
use crate::value::scheme::Scheme;
use crate::value::shape::{Layout, Shape};
use crate::{DType, Result, Rounding};

/// One stored tensor.
///
/// By default it is one logical tensor of the same name. [`TensorSpec::with_parts`] makes it of several, each with its own
/// name, stream, scheme and fans: a fused `qkv_proj` whose thirds hold what `q_proj`, `k_proj` and `v_proj` would.
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

/// A logical tensor inside a stored one: `stored.reshape(view)[box].permute(order).reshape(shape)`.
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
    /// A tensor stored as f32 in torch's layout.
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
    pub fn with_parts(
        name: impl Into<String>,
        dims: impl Into<Vec<u64>>,
        view: impl Into<Vec<u64>>,
        parts: Vec<Part>,
    ) -> Result<Self> {
        Ok(Self { view: view.into(), parts, ..Self::new(name, dims, Scheme::Constant(0.0))? })
    }

    /// A matrix that the checkpoint stores transposed: its elements, fans and stream are those of `[cols, rows]`, the logical
    /// matrix; `dims` is the stored shape `[rows, cols]`.
    ///
    /// # Errors
    /// [`crate::Error::Shape`], with the tensor's name.
    pub fn transposed(name: impl Into<String>, [rows, cols]: [u64; 2], scheme: Scheme) -> Result<Self> {
        let name = name.into();
        let part = Part::new(name.clone(), [cols, rows], scheme, Slab::whole(&[rows, cols]))?.order([1, 0]);
        Self::with_parts(name, [rows, cols], [rows, cols], vec![part])
    }

    /// The same tensor stored as `dtype`.
    #[must_use]
    pub fn dtype(mut self, dtype: DType) -> Self {
        self.dtype = dtype;
        self
    }

    /// The same tensor with another layout of its axes.
    #[must_use]
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// The same tensor with its values rounded in another way: f16 and bf16 only, a plan refuses it for f32.
    #[must_use]
    pub fn rounding(mut self, rounding: Rounding) -> Self {
        self.rounding = rounding;
        self
    }

    /// The same tensor with one more row of zeros.
    #[must_use]
    pub fn zero_row(mut self, row: u64) -> Self {
        self.zero_rows.push(row);
        self
    }
}

impl Part {
    /// The box `slab` of the view, its axes in the view's order, as a logical tensor in torch's layout.
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
