//! The user's language: every named scheme is a case of a law, most of them of variance scaling.

use crate::Result;
use crate::law::Law;
use crate::shape::{Layout, Shape};

/// How the elements of a tensor are to be distributed, before its shape is known.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Scheme {
    /// Every element the same.
    Constant(f64),
    /// N(mean, std^2).
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
}

impl Scheme {
    /// The law of a tensor of this shape.
    ///
    /// # Errors
    /// See [`Law`]'s constructors.
    pub fn law(&self, _shape: &Shape, _layout: &Layout) -> Result<Law> {
        match *self {
            Self::Constant(value) => Law::constant(value),
            Self::Normal { mean, std } => Law::normal(mean, std),
        }
    }
}
