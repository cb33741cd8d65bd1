//! The roles of tensors that come without one, such as a checkpoint's: by their shapes and the tensors beside them
//! first, by their usual names second.
//!
//! Tensors with one prefix, their name up to the last piece, are a module. What stands together there tells what it is:
//! a vector beside running statistics is a batch norm's, a matrix with a bias of its own rows is a linear layer. A name
//! then says which linear layer it is, where it is one of the usual names and does not contradict that. What neither
//! tells keeps the role `other`, and gets no law from a recipe that does not name it.
//!
//! The modules below stand in the order in which they build on each other: each imports those above it alone.

// The role that a tensor's usual name tells.
mod names;

// The tensors of a checkpoint as modules, and what is found about them.
mod modules;

// Batch norms and norms.
mod norms;

// Linear layers and convolutions, with their biases.
mod layers;

// torch's MultiheadAttention, whose three input matrices are parameters of its own.
mod attention;

// LSTM, GRU and RNN.
mod recurrent;

// Experts stacked on the first axis.
mod experts;

// LoRA pairs.
mod lora;

// LayerScale, and CLIP's logit_scale.
mod scales;

// Gains, temperatures, and the biases of queries and values.
mod gains;

// Usual names, where they agree with shapes and neighbors.
mod named;

use self::modules::{Finding, Modules};
use crate::Result;
use crate::model::{ModelTensor, Role};

pub(super) use names::layer_of;
#[cfg(test)]
pub(super) use names::{kind_of, of_name};

/// Tells the roles of the tensors that have none, with their layout, the fans of biases, and the size of recurrent
/// cells.
///
/// # Errors
/// [`crate::Error::Model`] where tensors of one module contradict each other.
pub(super) fn tell(tensors: &mut [ModelTensor]) -> Result<()> {
    let mut modules = Modules::new(tensors);
    norms::find(&mut modules)?;
    layers::find(&mut modules)?;
    attention::find(&mut modules)?;
    recurrent::find(&mut modules);
    lora::find(&mut modules)?;
    experts::find(&mut modules)?;
    scales::find(&mut modules);
    gains::find(&mut modules);
    named::find(&mut modules);
    let found: Vec<Option<Finding>> = modules.found;
    for (tensor, finding) in tensors.iter_mut().zip(found) {
        if let Some(finding) = finding {
            finding.give(tensor);
        }
    }
    Ok(())
}

/// Whether the tensor waits for a role.
fn is_open(tensor: &ModelTensor) -> bool {
    tensor.role == Role::Other
}
