//! Integration tests in one binary: the public API, on the CPU twin.

mod bad_input;
mod laws;
mod levels;
mod placement;
mod reference;
mod statistics;
