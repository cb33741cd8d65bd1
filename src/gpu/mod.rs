//! Fills on the GPU: the kernels of `shaders/` through wgpu.
//!
//! An engine builds a [`Filler`] on its own device and records into its own encoder; the binary opens a [`Gpu`]. Either
//! way the kernels run once against the CPU twin before they are used, and the [`Tier`] that gives its bits is taken.

mod alloc;
#[cfg(not(target_arch = "wasm32"))]
pub mod blocking;
pub mod descriptor;
mod device;
mod filler;
mod kernels;
pub(crate) mod lower;
mod normalize;
#[doc(hidden)]
pub mod orthogonal;
mod readback;
mod record;
mod scope;
mod selftest;
mod stream;
mod upload;

pub use device::{Choice, Gpu, adapters, is_software};
pub use filler::{Filler, Options};
pub use kernels::{MulWide, Tier, source};
pub use normalize::{Normalizer, Region, normalize_source};
pub use selftest::{compare, schemes, structured_schemes};
pub(crate) use stream::WORKING_BYTES;
/// The wgpu that this crate's API speaks: its major version is part of ours.
pub use wgpu;
