//! The tensors that get no law because nothing says for certain what they are, and the lines of a recipe that settle
//! them.

use crate::model::{ModelTensor, Role};
use crate::{Error, Result};

/// The parameter that says how small LayerScale begins.
pub(super) const LAYER_SCALE: &str = "layer_scale";

/// Whether a tensor that no rule serves is one that nobody knows, rather than one that the recipe forgot.
pub(super) fn is_uncertain(t: &ModelTensor) -> bool {
    t.role.must_be_named() || !t.role.class().is_empty() || (t.role == Role::Bias && t.fans.is_none())
}

/// The tensors that nobody knows.
#[derive(Default)]
pub(super) struct Unknown {
    tensors: Vec<ModelTensor>,
}

impl Unknown {
    pub fn push(&mut self, tensor: &ModelTensor) {
        self.tensors.push(tensor.clone());
    }

    /// The error about them, where there are any. `all` are the tensors of the model, `recipe` the names of its files.
    pub fn refuse(&self, all: &[ModelTensor], recipe: &[&str]) -> Result<()> {
        if self.tensors.is_empty() {
            return Ok(());
        }
        let first: Vec<String> =
            (self.tensors.iter().take(5)).map(|t| format!("{} {:?}", t.name.escape_debug(), t.shape.dims())).collect();
        let reason = format!(
            "{} of {} tensors are unknown to {}: {}",
            self.tensors.len(),
            all.len(),
            recipe.join(", "),
            first.join(", ")
        );
        Err(Error::UnknownTensors { reason, toml: String::new() })
    }
}
