//! The integration tests: one binary, a subject a module.

#[cfg(feature = "cli")]
mod cli;
mod kernels;
mod law4;
mod layout;
mod stream;
mod translate;
mod twins;
mod values;
