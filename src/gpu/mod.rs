//! Fills on the GPU: the kernels of `shaders/` through wgpu.
//!
//! An engine builds a [`Filler`] on its own device and records fills into its own encoder; a program without a device
//! opens a [`Gpu`]. Either way the kernels run once against the CPU twin before they are used, and the first [`Tier`]
//! that gives the twin's bits is taken.
//!
//! The modules below stand in an order in which each imports those above it alone.

// What a kernel reads, as structs of the host.
pub mod descriptor;

// The text of the kernels.
mod source;

// Which kernels there are, and which a fill needs.
mod kernel_id;

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

// Every pipeline against the twin.
mod selftest;

// The first pipelines that pass the self-test.
mod open;

// The Frobenius norm of tensors, brought to a wanted number.
mod normalize;

// An adapter, opened for callers that have no device.
mod device;

// The device against the twin, on demand.
mod compare;

// The bytes of fills, in order, on the host.
mod readback_stream;

// Buffers that hold whole plans.
mod alloc;

// The asynchronous functions, waiting.
#[cfg(not(target_arch = "wasm32"))]
pub mod blocking;

pub use compare::compare;
pub use device::{Choice, Gpu, adapters, is_software};
pub use filler::{Filler, FillerOptions};
pub use normalize::{Normalizer, Region, normalize_source};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use readback_stream::WORKING_BYTES;
pub use record::PlacedFill;
pub use selftest::{schemes, structured_schemes};
pub use source::{MulWide, Tier, source};
/// The wgpu that this crate's API speaks: its major version is part of ours.
pub use wgpu;
