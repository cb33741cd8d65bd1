//! What `inspect` and `verify` say about values that are there: their moments, and how likely those are.

mod moments;
pub mod special;

pub use moments::Moments;
