//! seedbed fills the weight buffers of neural networks, on the GPU where there is one, on the CPU where
//! there is none. **A weight is a pure function of (seed, tensor name, element index).**
#![deny(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]

#[cfg(feature = "checkpoint")]
pub mod checkpoint;
pub mod descriptor;
mod dtype;
mod error;
pub mod law;
pub mod plan;
pub mod scheme;
pub mod shape;
pub mod stats;
pub mod stream;
mod truncated;

pub use dtype::DType;
pub use error::{Error, Result};
