//! seedbed fills the weight buffers of neural networks, on the GPU where there is one, on the CPU where
//! there is none. **A weight is a pure function of (seed, tensor name, element index)**: the same bytes come out on every
//! GPU and on the CPU, in one buffer or in a thousand shards, in any order; f16 and bf16 are the f32 value rounded once.
//!
//! The way of the data, which is also the order of the modules:
//!
//! 1. [`scheme`] and [`shape`]: the user's language. A [`Scheme`] and a [`shape::Shape`] make a [`law::Law`], a distribution
//!    with numbers in it; [`params`], its numbers as a kernel reads them; [`key`], a tensor's key.
//! 2. [`plan`]: many tensors, with names and a seed, and each as work, a [`Fill`]: of the whole tensor, or of a
//!    [`plan::Slab`] of it, which moves offsets, never bits. Pure: no device, and whatever can be wrong is found here.
//! 3. [`cpu`] and `gpu`: the twins that do the work; [`backend`] is one of them behind one call.
//! 4. `rng`: the generator alone, for `rand`.
//! 5. `model`, `recipe`: the tensors of whole models, each with its role, and the laws that a recipe gives to roles.
//! 6. `checkpoint`, [`stats`]: safetensors files, and what is in them.
//!
//! ```
//! use seedbed::plan::{Plan, TensorSpec};
//! use seedbed::{DType, Scheme, StreamVersion, cpu};
//!
//! let mut plan = Plan::new(StreamVersion::V1, 42);
//! let spec = TensorSpec::new("h.0.mlp.c_fc.weight", [768, 3072], Scheme::normal(0.0, 0.02))?.dtype(DType::BF16);
//! let fill = plan.push(&spec)?.fill();
//! let mut bytes = vec![0; fill.bytes() as usize];
//! cpu::fill(&fill, &mut bytes)?;
//! # Ok::<(), seedbed::Error>(())
//! ```
mod error;
mod value;

pub mod plan;

pub mod cpu;

#[cfg(feature = "gpu")]
pub mod gpu;

#[cfg(not(target_arch = "wasm32"))]
pub mod backend;

#[cfg(feature = "rand_core")]
pub mod rng;

pub mod stats;

#[cfg(feature = "model")]
pub mod model;

#[cfg(feature = "model")]
pub mod recipe;

#[cfg(all(feature = "checkpoint", not(target_arch = "wasm32")))]
pub mod checkpoint;

pub use error::{Error, Result};
pub use plan::Fill;
pub use value::dtype::{DType, Rounding};
pub use value::key::StreamVersion;
pub use value::scheme::Scheme;
pub use value::{key, law, params, scheme, shape};
