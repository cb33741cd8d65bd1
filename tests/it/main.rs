//! The integration tests: one binary, a subject a module.

mod kernels;
mod layout;
mod translate;
