//! What is printed, how wide it may be, how far a job is, and the signals that end it.

pub mod print;
pub mod signals;
pub mod progress;
pub mod table;
