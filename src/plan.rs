//! Names, schemes, shapes and a seed become descriptors and byte offsets. Pure: no device.

use crate::scheme::Scheme;
use crate::shape::{Layout, Shape};
use crate::{DType, Result};

/// One stored tensor, as its user describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorSpec {
    /// The name, exactly as the checkpoint holds it: it is part of the key.
    pub name: String,
    /// The stored shape.
    pub shape: Shape,
    /// The element type.
    pub dtype: DType,
    /// How the elements are distributed.
    pub scheme: Scheme,
    /// Which axes feed in and out.
    pub layout: Layout,
    /// Rows (indices of the first axis) that are zero, such as an embedding's padding row.
    pub zero_rows: Vec<u64>,
}

impl TensorSpec {
    /// A tensor stored as f32 in torch's layout.
    ///
    /// # Errors
    /// [`crate::Error::Shape`], with the tensor's name.
    pub fn new(name: impl Into<String>, dims: impl Into<Vec<u64>>, scheme: Scheme) -> Result<Self> {
        let name = name.into();
        let shape = Shape::new(dims).map_err(|e| e.in_tensor(&name))?;
        Ok(Self { name, shape, dtype: DType::F32, scheme, layout: Layout::default(), zero_rows: Vec::new() })
    }
}
