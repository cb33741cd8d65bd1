//! seedbed fills the weight buffers of neural networks, on the GPU where there is one, on the CPU where
//! there is none. **A weight is a pure function of (seed, tensor name, element index).**
#![deny(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]

pub mod cpu;
pub mod descriptor;
mod dtype;
mod error;
mod fill;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod law;
#[cfg(feature = "checkpoint")]
pub mod model;
pub mod placement;
pub mod plan;
pub mod scheme;
pub mod shape;
pub mod stream;
mod truncated;
#[cfg(any(feature = "gpu", test))]
mod window;

pub use dtype::DType;
pub use error::{Error, Result};
pub use fill::Fill;
