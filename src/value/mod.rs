//! What a weight is: its type, shape, key and law. Pure: no device, no file, no thread.
//!
//! The modules below stand in the order of their floors: each imports those above it alone. tests/it/rooms reads the
//! order here and checks it.

// The elementary functions of f64, with bits that do not depend on the platform.
pub(crate) mod libm;

// The stored types, and the rounding to them.
pub mod dtype;
pub mod rounding;

// `name(value, key=value)`: the text form of layouts and schemes.
pub(crate) mod text;

// Dimensions, layouts and fans.
pub mod shape;

// The version of the stream; (seed, name) to a key.
pub mod key;

// Distributions with their numbers, and those numbers as a kernel reads them.
pub mod law;
pub mod params;

// The user's language: a scheme, a shape and a layout make a law.
pub mod scheme;
