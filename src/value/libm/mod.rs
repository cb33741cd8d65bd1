//! The elementary functions of f64 that the stream needs: a copy of the crate `libm`, version 0.2.16.
//!
//! The numbers of a law are part of the stream, and a release of `libm` may change their last bit: a range of versions in
//! Cargo.toml would let the bits drift, an exact version would block every dependent that needs another one. The copy does
//! neither. What it computes changes only with the version of the stream.
//!
//! Source: <https://github.com/rust-lang/compiler-builtins>, `libm` 0.2.16, taken under the MIT license: LICENSE.txt beside
//! this file. One file per function as there, with its notices. Left out: the branches for x87, the attributes of `no_panic`,
//! the tests (tests.rs compares with the crate, bit for bit), and the unsafe blocks: `i!` checks its index, and `force_eval!`,
//! which raises floating-point flags that nobody here reads, does nothing. `fabs`, `floor` and `sqrt` are the standard
//! library's, since IEEE 754 leaves them no choice of bits; `scalbn` is the generic function written out for f64.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the text is upstream's, so that the two can be compared line for line"
)]
#![allow(dead_code, unused_imports, reason = "which functions are called depends on the features")]

/// Indexing as upstream writes it, here always checked.
macro_rules! i {
    ($array:expr, $index:expr) => {
        $array[$index]
    };
    ($array:expr, $index:expr, = , $rhs:expr) => {
        $array[$index] = $rhs
    };
    ($array:expr, $index:expr, += , $rhs:expr) => {
        $array[$index] += $rhs
    };
    ($array:expr, $index:expr, -= , $rhs:expr) => {
        $array[$index] -= $rhs
    };
    ($array:expr, $index:expr, &= , $rhs:expr) => {
        $array[$index] &= $rhs
    };
    ($array:expr, $index:expr, == , $rhs:expr) => {
        $array[$index] == $rhs
    };
}

macro_rules! div {
    ($a:expr, $b:expr) => {
        $a / $b
    };
}

macro_rules! force_eval {
    ($e:expr) => {
        let _ = $e;
    };
}

#[rustfmt::skip]
mod cos;
#[rustfmt::skip]
mod erf;
#[rustfmt::skip]
mod exp;
#[rustfmt::skip]
mod expm1;
#[rustfmt::skip]
mod k_cos;
#[rustfmt::skip]
mod k_sin;
#[rustfmt::skip]
mod log;
#[rustfmt::skip]
mod log1p;
#[rustfmt::skip]
mod log2;
#[rustfmt::skip]
mod pow;
#[rustfmt::skip]
mod rem_pio2;
#[rustfmt::skip]
mod rem_pio2_large;
#[rustfmt::skip]
mod scalbn;
#[rustfmt::skip]
mod sin;
#[cfg(test)]
mod tests;

pub(crate) use cos::cos;
pub(crate) use erf::{erf, erfc};
pub(crate) use exp::exp;
pub(crate) use expm1::expm1;
pub(crate) use log::log;
pub(crate) use log1p::log1p;
pub(crate) use log2::log2;
pub(crate) use pow::pow;
pub(crate) use sin::sin;

use k_cos::k_cos;
use k_sin::k_sin;
use rem_pio2::rem_pio2;
use rem_pio2_large::rem_pio2_large;
use scalbn::scalbn;

fn fabs(x: f64) -> f64 {
    x.abs()
}

pub(crate) fn floor(x: f64) -> f64 {
    x.floor()
}

fn sqrt(x: f64) -> f64 {
    x.sqrt()
}

fn get_high_word(x: f64) -> u32 {
    (x.to_bits() >> 32) as u32
}

fn with_set_high_word(f: f64, hi: u32) -> f64 {
    f64::from_bits(f.to_bits() & 0x00000000_ffffffff | u64::from(hi) << 32)
}

fn with_set_low_word(f: f64, lo: u32) -> f64 {
    f64::from_bits(f.to_bits() & 0xffffffff_00000000 | u64::from(lo))
}
