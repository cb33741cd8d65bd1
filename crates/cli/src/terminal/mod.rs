//! What is printed, how wide it may be, how far a job is, and the signals that end it.

pub mod print;
pub mod progress;
pub mod signals;
pub mod table;
