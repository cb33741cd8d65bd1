//! The binary: parse, call, print.
fn main() {}
