//! Integration tests in one binary.

mod stream;
mod values;
