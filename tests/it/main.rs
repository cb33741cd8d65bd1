//! The integration tests: one binary, a subject a module.

mod bad_input;
mod exact_arithmetic;
mod gpu;
mod kernels;
mod laws;
mod layout;
mod levels;
mod mup;
mod orthogonal;
mod peers;
mod placement;
mod readme;
mod recipes;
mod reference;
mod rooms;
mod statistics;
mod stream;
mod structured;
mod support;
mod threads;
mod translate;
mod twins;
mod values;
mod vision;
