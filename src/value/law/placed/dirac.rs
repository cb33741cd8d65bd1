//! A convolution that hands its inputs on.

use super::{diagonal, mixed};
use crate::value::law::limits::check_sides;
use crate::value::law::share::Share;
use crate::value::law::{Describe, Law};
use crate::{Error, Result};
use std::fmt::{Display, Formatter};

numbers! {
    /// A convolution that hands its inputs on; see [`Law::dirac`].
    pub struct Dirac {
        /// Outputs.
        out: u64,
        /// Inputs of a group.
        inputs: u64,
        /// Elements of a kernel.
        kernel: u64,
        /// The kernel's middle, row-major.
        spot: u64,
        /// Groups.
        groups: u64,
    }
}

impl Law {
    /// 1 at the middle of a convolution's kernel where an output meets the input of its own number in its group, else
    /// 0. `dims` are \[out, in / groups, kernel..\].
    ///
    /// # Errors
    /// [`Error::Law`] where the rank is not 3 to 5, the groups do not divide the outputs, or a side is 2^32 or more.
    pub fn dirac(dims: &[u64], groups: u64) -> Result<Self> {
        if !(3..=5).contains(&dims.len()) {
            return Err(Error::Law(format!("dirac on {dims:?}: needs [out, in, kernel..] of rank 3 to 5")));
        }
        let (out, inputs) = (dims[0], dims[1]);
        if groups == 0 || !out.is_multiple_of(groups) {
            return Err(Error::Law(format!("dirac on {dims:?}: {groups} groups do not divide {out} outputs")));
        }
        let kernel = dims[2..].iter().fold(1u64, |n, &d| n.saturating_mul(d));
        check_sides("dirac", &[out, inputs, kernel])?;
        let spot = dims[2..].iter().fold(0, |at, &d| at * d + d / 2);
        Ok(Self::Dirac(Dirac { out, inputs, kernel, spot, groups }))
    }
}

impl Describe for Dirac {
    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn moments(&self) -> (f64, f64) {
        mixed(diagonal(self.out / self.groups, self.inputs) / self.kernel as f64, 1.0, 0.0)
    }

    fn kurtosis(&self) -> Option<f64> {
        None
    }

    fn shares(&self, count: u64) -> Vec<Share> {
        Share::constant(self.groups * self.inputs.min(self.out / self.groups), 1.0).among_zeros(count)
    }
}

impl Display for Dirac {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { out, inputs, kernel, groups, .. } = self;
        write!(f, "dirac of {out} x {inputs}, kernel of {kernel}, {groups} groups")
    }
}
