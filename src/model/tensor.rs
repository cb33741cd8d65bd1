//! A tensor of a model before it has a law: what it is, not what is in it.

use super::role::Role;
use super::told::Told;
use crate::value::shape::{Fans, Layout, Shape};
use crate::{DType, Result};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Numbers that a recipe's expressions can name: a model's sizes under their general names (`hidden`, `layers`,
/// `heads`, `vocab`, ..), and the numbers and truth values of its config under the names of their fields.
pub type Variables = BTreeMap<String, f64>;

/// A stored tensor of a model: its name, shape and role. A recipe gives it a law.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::model::{ModelTensor, Role};
/// let mut tensor = ModelTensor::new("blocks.3.mlp.up.weight", [1024, 256], Role::MlpIn)?;
/// tensor.layer = Some(3);
/// assert_eq!(tensor.layout.fans(&tensor.shape)?.fan_in, 256);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ModelTensor {
    /// The name in the checkpoint.
    pub name: String,
    /// The stored shape.
    pub shape: Shape,
    /// The element type, where it differs from the model's.
    pub dtype: Option<DType>,
    /// The element type that it keeps whatever dtype is asked for, such as the float32 of a router's correction bias.
    pub kept_dtype: Option<DType>,
    /// Which axes feed in and out.
    pub layout: Layout,
    /// What it does in the model.
    pub role: Role,
    /// How the role was told.
    pub told: Told,
    /// The layer it stands in, from 0.
    pub layer: Option<u64>,
    /// How far from the input it stands, for tensors outside layers: 0 before the first layer, the number of layers + 1
    /// behind the last. `None` in layers, and where the role tells it.
    pub depth: Option<u64>,
    /// The fans of the weight that a bias belongs to.
    pub fans: Option<Fans>,
    /// Rows that are zero whatever the law, such as an embedding's padding row.
    pub zero_rows: Vec<u64>,
    /// The numbers of the stack that it stands in: an encoder and a decoder each have their own.
    pub variables: Arc<Variables>,
}

impl ModelTensor {
    /// A tensor in torch's layout, outside any layer.
    ///
    /// # Errors
    /// [`crate::Error::Shape`], with the tensor's name.
    pub fn new(name: impl Into<String>, dims: impl Into<Vec<u64>>, role: Role) -> Result<Self> {
        let name = name.into();
        let shape = Shape::new(dims).map_err(|e| e.in_tensor(&name))?;
        Ok(Self {
            name,
            shape,
            dtype: None,
            kept_dtype: None,
            layout: Layout::default(),
            role,
            told: if role == Role::Other { Told::Unknown } else { Told::List },
            layer: None,
            depth: None,
            fans: None,
            zero_rows: Vec::new(),
            variables: Arc::default(),
        })
    }
}
