//! seedbed fills the weight buffers of neural networks, on the GPU where there is one, on the CPU where there is none.
//! **A weight is a pure function of (seed, tensor name, element index)**: the same bytes come out on every GPU and on
//! the CPU, in one buffer or in a thousand shards, in any order; f16 and bf16 are the f32 value rounded once.
//!
//! A user names a [`Scheme`], a [`plan::TensorSpec`] and a [`plan::Plan`] first, then [`cpu::fill`], a `gpu::Filler`,
//! or [`backend::Backend`] for whichever there is:
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
//!
//! # The way of the data
//!
//! The modules, each of which imports those above it alone (tests/it/rooms checks it):
//!
//! | module | what it has |
//! |---|---|
//! | `error` | [`Error`], the one error of the library |
//! | `value` | what a weight is, re-exported as [`scheme`], [`shape`], [`law`], [`params`] and [`key`] |
//! | [`plan`] | which weights, where: tensors with names become work, each a [`Fill`]; errors are found here |
//! | [`cpu`] | fills on the CPU: the twin of the GPU's kernels, with the same bits |
//! | `gpu` | fills on the GPU: kernels, devices, and the self-test that compares them with the twin |
//! | [`backend`] | a GPU or the CPU behind one call |
//! | `rng` | the generator alone, for `rand` |
//! | [`stats`] | moments, and the p-value of a z-score, to compare a tensor with its law |
//! | `model` | a model's config becomes its tensors, each with its role |
//! | `recipe` | a recipe gives each role a scheme |
//! | `model_plan` | both together: a whole model's plan from texts in memory, and its table `init.json` |
//! | `checkpoint` | safetensors files: whole models written, verified and inspected |
//!
//! In words: a scheme, a shape and a layout make a law, which is a distribution with its numbers; a seed and a name
//! make a key. A plan takes tensors and gives fills, each of a whole tensor or of a [`plan::Slab`] of it, which moves
//! offsets, never bits. No device is touched up to there. The twins, `cpu` and `gpu`, write the bytes of a fill.
//!
//! # Features
//!
//! | feature | what it is for | what it brings |
//! |---|---|---|
//! | `parallel` (default) | CPU fills on all cores | rayon |
//! | `gpu` | fills on a GPU through wgpu 30, which is re-exported | wgpu without backends, futures-channel, pollster |
//! | `vulkan` | wgpu's Vulkan, and buffers that are not cleared before they are filled | `gpu` |
//! | `metal` | wgpu's Metal | `gpu` |
//! | `dx12` | wgpu's Direct3D 12 | `gpu` |
//! | `webgpu` | wgpu's WebGPU: a browser's GPU | `gpu` |
//! | `model` | model configs, recipes, and plans of whole models | serde, serde_json, toml, globset, exmex |
//! | `safetensors` | safetensors files read, inspected and verified; for wasm32 too | `model`, safetensors |
//! | `checkpoint` | safetensors files written, and whole models in them | `safetensors`, tempfile, fs4 |
//! | `mean-rows` | new rows of a grown tensor from the mean and the covariance of its old ones | `checkpoint`, nalgebra |
//! | `rand_core` | `Philox` as a generator for `rand` | rand_core |
//!
//! The features of wgpu's backends are the embedder's choice. Without any feature the library depends on blake3,
//! bytemuck, half, strsim and thiserror, and also compiles for `wasm32-unknown-unknown`, as it does with `webgpu`,
//! `model` and `safetensors`.
#![cfg_attr(docsrs, feature(doc_cfg))]

// The modules stand in the order of the table above, which is the order of the rooms.
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

#[cfg(feature = "model")]
pub mod model_plan;

#[cfg(feature = "safetensors")]
pub mod checkpoint;

pub use error::{Error, Result};
pub use plan::Fill;
pub use value::dtype::DType;
pub use value::key::StreamVersion;
pub use value::rounding::Rounding;
pub use value::scheme::Scheme;
pub use value::{key, law, params, scheme, shape};
