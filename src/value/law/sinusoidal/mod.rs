//! A table of positions: sines and cosines.

mod frequencies;

use super::{Describe, Law};
use crate::value::law::share::Share;
use crate::value::libm;
use crate::value::text::Number;
use crate::{Error, Result};
use std::f64::consts::PI;
use std::fmt::{Display, Formatter};
use std::sync::Arc;

/// The most columns of a table.
const MAX_WIDTH: u64 = 1 << 16;
const MAX_BASE: f64 = (1u128 << 100) as f64;

/// How a table of positions is laid out, and which frequencies it has.
///
/// With d columns and h = d / 2, column pair j turns by base^-e radians per position, one column its sine, the other
/// its cosine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SinusoidalLayout {
    /// Column 2j the sine, 2j + 1 the cosine, e = 2j / d: Vaswani et al. 2017.
    #[default]
    Interleaved,
    /// Column j the sine, h + j the cosine, e = 2j / d: Marian and Pegasus in transformers.
    Halves,
    /// Column j the sine, h + j the cosine, e = j / (h - 1): tensor2tensor and Whisper, where the last frequency is 1 /
    /// base.
    HalvesToEnd,
}

numbers! {
    /// A table of positions: sines and cosines; see [`Law::sinusoidal`].
    pub struct Sinusoidal {
        /// Rows.
        positions: u64,
        /// Columns.
        width: u64,
        /// The longest wave is about 2 pi times this.
        base: f64,
        /// Which column is what.
        layout: SinusoidalLayout,
    }
}

impl Law {
    /// A table of positions, a row each, of `width` columns: sines and cosines.
    ///
    /// # Errors
    /// [`Error::Law`] where the width is odd or above 2^16, or the base is not in (1, 2^100\].
    pub fn sinusoidal(positions: u64, width: u64, base: f64, layout: SinusoidalLayout) -> Result<Self> {
        if !(base > 1.0 && base <= MAX_BASE) {
            return Err(Error::Law(format!(
                "sinusoidal: base is {}, must lie above 1 and not above 2^100 (1.3e30)",
                Number(base)
            )));
        }
        let least = if layout == SinusoidalLayout::HalvesToEnd { 4 } else { 2 };
        if !width.is_multiple_of(2) || !(least..=MAX_WIDTH).contains(&width) {
            return Err(Error::Law(format!(
                "sinusoidal: {width} columns, needs an even number of them from {least} to {MAX_WIDTH}: a sine and a \
                 cosine for each frequency"
            )));
        }
        Ok(Self::Sinusoidal(Sinusoidal { positions, width, base, layout }))
    }
}

impl Describe for Sinusoidal {
    fn range(&self) -> (f64, f64) {
        (-1.0, 1.0)
    }

    fn moments(&self) -> (f64, f64) {
        let n = self.positions as f64;
        // The real and the imaginary part of the sum of e^(i w p) over the positions p.
        let sums = frequencies::frequencies(self.base, self.width, self.layout).into_iter().map(|f| {
            let half = f as f64 / 18_446_744_073_709_551_616.0 * PI;
            let size = if half == 0.0 { n } else { libm::sin(n * half) / libm::sin(half) };
            size * (libm::sin((n - 1.0) * half) + libm::cos((n - 1.0) * half))
        });
        let mean = sums.sum::<f64>() / (n * self.width as f64);
        (mean, (0.5 - mean * mean).max(0.0).sqrt())
    }

    fn kurtosis(&self) -> Option<f64> {
        None
    }

    fn shares(&self, count: u64) -> Vec<Share> {
        vec![Share::fixed(count, self)]
    }

    /// The frequency of each pair of columns, as a 64-bit fraction of a turn.
    fn frequencies(&self) -> Option<Arc<[u64]>> {
        Some(frequencies::frequencies(self.base, self.width, self.layout).into())
    }
}

impl Display for Sinusoidal {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let (positions, width, base) = (self.positions, self.width, Number(self.base));
        write!(f, "sines and cosines of {positions} positions, {width} columns, base {base}")
    }
}
