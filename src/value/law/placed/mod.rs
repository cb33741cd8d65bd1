//! The laws whose values depend on the row and the column of an element: patterns over a constant or a normal.

mod block_diagonal;
mod dirac;
mod identity;
mod near_identity;
mod sparse;

pub use block_diagonal::BlockDiagonal;
pub use dirac::Dirac;
pub use identity::Identity;
pub use near_identity::NearIdentity;
pub use sparse::Sparse;

/// Mean and std over a tensor where a share `on` of the elements has this mean and std, and the rest is 0.
fn mixed(on: f64, mean: f64, std: f64) -> (f64, f64) {
    let first = on * mean;
    (first, (on * (std * std + mean * mean) - first * first).max(0.0).sqrt())
}

/// The share of a matrix's elements that lie on its diagonal.
fn diagonal(rows: u64, cols: u64) -> f64 {
    1.0 / rows.max(cols) as f64
}
