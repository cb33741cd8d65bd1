//! What `inspect` says about values that are there: their moments, and how likely those are.

mod moments;
pub mod special;

pub use moments::Moments;
