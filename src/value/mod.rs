//! What a weight is: its type, shape, key and law. Pure: no device, no file, no thread.

pub mod dtype;
pub mod key;
pub mod law;
pub mod params;
pub mod scheme;
pub mod shape;
pub(crate) mod text;
