//! Fills on the GPU: the kernels of `shaders/` through wgpu.
//!
//! An engine builds a [`Filler`] on its own device, prepares what its plan needs, and records fills into its own
//! encoder; a program without a device opens a [`Gpu`], which prepares by itself. Either way each kernel runs once
//! against the CPU twin before it is used, and the first [`Tier`] that gives the twin's bits is taken.
//!
//! # Preparing
//! A pipeline holds the code of one kind of law in one dtype. [`Filler::new`] compiles one small pipeline, which finds
//! out how the device computes; [`Filler::prepare`] compiles what a plan, a fill or a [`KernelSet`] needs and is
//! missing, mostly two pipelines for each law and dtype, and compares each with the twin. Both wait for the queue on
//! native devices: call them while loading. Recording never compiles and never waits: what was not prepared is an error
//! that names the tensor and the kernel. Where all is there, `prepare` costs no more than looking at the plan.
//!
//! # What a device needs
//!
//! | Feature of wgpu | For |
//! |---|---|
//! | none | fills, orthogonal matrices, [`Normalizer`], [`Gpu::alloc`] |
//! | `SHADER_INT64` | 64-bit multiplication, which is faster: used where the device was opened with it |
//! | `PIPELINE_CACHE` | [`FillerOptions::pipeline_cache`] |
//!
//! | Limit, at least | fills, [`Normalizer`] | orthogonal matrices |
//! |---|---|---|
//! | `max_storage_buffers_per_shader_stage`, `max_bindings_per_bind_group` | 4 | 4 |
//! | `max_compute_invocations_per_workgroup`, `max_compute_workgroup_size_x` | 64 | 256 |
//! | `max_compute_workgroup_storage_size` | 0 | 16 KiB |
//! | `max_buffer_size`, `max_storage_buffer_binding_size` | 64 KiB | 64 KiB |
//!
//! Where a device has too little for orthogonal matrices, the host makes them. wgpu clears fresh buffers before their
//! first use; on Vulkan [`Gpu::alloc`] makes one that it does not clear, as large as the driver allows.
//!
//! Otherwise limits may be as low as wgpu allows: a fill is cut into as many bindings, dispatches and
//! parameter buffers as the device's own limits ask for. Where that is not possible, recording is an error before
//! anything reaches the encoder.
//!
//! # Foreign queues and encoders
//! A filler belongs to one device. Buffers must be of that device: one of another is an error, before anything is
//! recorded. So must encoders be, which wgpu lets nobody ask: an encoder of another device is refused when the engine
//! finishes it. Whatever comes from another [`wgpu::Instance`] wgpu itself meets with a panic.
//!
//! What is recorded runs in the encoder's order, between the engine's own passes and copies, which see its bytes
//! without a barrier of their own. An encoder may be submitted later, after others, or dropped: a recording owns its
//! parameters, and shares nothing with another that is written after it was recorded.
//!
//! The filler keeps a clone of the queue that [`Filler::new`] got, for self-tests alone: one submit in [`Filler::new`]
//! and one in each [`Filler::prepare`] that finds something missing, and one more for each tier that a kernel falls
//! back to, on buffers of their own. [`Gpu::alloc`], [`Gpu::stream`], [`Gpu::fill_range`] and [`compare()`] submit to
//! the queue of their [`Gpu`]. All of these may run beside the engine's own submits, from any thread.
//!
//! # A lost device
//! After a driver's reset or [`wgpu::Device::destroy`] every call answers [`crate::Error::Device`], "the device is
//! lost": buffers and fillers have to be made anew. In a browser a loss is seen by the calls that wait alone.
//!
//! The modules below stand in an order in which each imports those above it alone.

// What a kernel reads, as structs of the host.
pub mod descriptor;

// The text of the kernels.
mod source;

// Which kernels there are, and which a fill needs.
mod kernel_id;

// What is to be compiled, as a set of kernels.
mod kernel_set;

// Fills to descriptors, segments and dispatches.
mod lower;

// The errors of wgpu, as results.
mod scope;

// Bytes from the host to the device.
mod upload;

// Bytes from the device to the host.
mod readback;

// How pipelines and bind groups are made.
mod pipeline;

// The pipelines that fill.
mod kernels;

// The pipelines that make orthogonal matrices.
#[doc(hidden)]
pub mod orthogonal;

// The pipelines of one device, and the options that they are built with.
mod filler;

// Ranges of fills, and the buffers that take them.
mod range;

// Recording of orthogonal matrices.
mod matrices;

// Ranges of fills in buffers, checked, lowered and recorded.
mod recording;

// Recording of fills and plans.
mod record;

// Pipelines against the twin.
mod selftest;

// Opening a filler, and preparing kernels.
mod open;

// The Frobenius norm of tensors, brought to a wanted number.
mod normalize;

// Every pipeline above by name, for those who compile them without a device.
#[doc(hidden)]
pub mod listing;

// An adapter, opened for callers that have no device.
mod device;

// What the device is compared in, on demand.
mod cases;

// The device against the twin, on demand.
mod compare;

// The bytes of fills, in order, on the host.
mod readback_stream;

// Buffers that hold whole plans.
mod alloc;

// The asynchronous functions, waiting.
#[cfg(not(target_arch = "wasm32"))]
pub mod blocking;

pub use cases::{Case, Storage, cases};
pub use compare::{compare, compare_fill};
pub use device::{Choice, Gpu, adapters, driver, is_software};
pub use filler::{Filler, FillerOptions};
pub use kernel_set::KernelSet;
pub use normalize::{Normalizer, Region, normalize_source};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use readback_stream::WORKING_BYTES;
pub use record::PlacedFill;
pub use selftest::{schemes, structured_schemes};
pub use source::{MulWide, Tier, source};
/// The wgpu that this crate's API speaks: its major version is part of ours.
pub use wgpu;
