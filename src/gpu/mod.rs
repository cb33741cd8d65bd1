//! Fills on the GPU.

mod kernels;

pub use kernels::{MulWide, Tier, source};
pub use wgpu;
