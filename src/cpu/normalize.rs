//! The twin of shaders/normalize.wgsl: scales one tensor to a wanted Frobenius norm, or two to a wanted product of
//! norms.
//!
//! An element is m 2^(e - 150), m of 24 bits. The m^2 are shifted to the largest element's exponent and added as
//! integers, so that any number of threads, in any order, comes to the same sum.

use super::fma::{Fma, Wide};
use super::math::root;
use crate::value::law::{MAX_SCALE, MIN_SCALE};
use crate::{Error, Result};

/// m^2 2^16 of an element, shifted from its own exponent to `top`, the largest one's, rounded down.
#[inline(always)]
fn square(b: u32, top: u32) -> u64 {
    let biased = (b >> 23) & 0xff;
    let m = u64::from((b & 0x007f_ffff) | 0x0080_0000);
    let n = 2 * top.wrapping_sub(biased);
    // A subnormal counts as 0, and so does what lies 2^32 below the largest.
    if biased == 0 || n >= 64 { 0 } else { (m * m) << 16 >> n }
}

/// 1 / d, d normal and positive, by Newton's steps from within 12 %.
fn reciprocal<A: Fma>(d: f32) -> f32 {
    let y = f32::from_bits(0x7ef3_11c7 - d.to_bits());
    let y = A::fma(A::fma(-d, y, 1.0), y, y);
    let y = A::fma(A::fma(-d, y, 1.0), y, y);
    let y = A::fma(A::fma(-d, y, 1.0), y, y);
    A::fma(A::fma(-d, y, 1.0), y, y)
}

/// The square root, with one residual step more than [`root`].
fn sharp_root<A: Fma>(v: f32) -> f32 {
    let r = root::<A>(v);
    A::fma(A::fma(-r, r, v), 0.5 * reciprocal::<A>(r), r)
}

/// The root of a sum of squares: a number in [1, 2], and the exponent of 2 that it is to be multiplied with.
fn root_of<A: Fma>(sum: u128, top: u32) -> (f32, i32) {
    // The place of the leading bit: at least 62, by the square of the largest element alone.
    let place = sum.ilog2();
    let upper = (sum << 32 >> (place + 1)) as u32;
    // In [1, 4], rounded once: an even power of 2 is left.
    let v = f32::from_bits(((127 + (place & 1)) << 23) + ((upper >> 8) & 0x007f_ffff) + ((upper >> 7) & 1));
    (sharp_root::<A>(v), (place >> 1) as i32 + top as i32 - 158)
}

/// q 2^e as a number in [1, 2) and an exponent.
fn split(q: f32, e: i32) -> (f32, i32) {
    let b = q.to_bits();
    (f32::from_bits((b & 0x007f_ffff) | 0x3f80_0000), e + (b >> 23) as i32 - 127)
}

/// wanted / norm.
fn factor_of_one<A: Fma>(wanted: f32, a: (f32, i32)) -> (f32, i32) {
    let w = split(wanted, 0);
    split(w.0 * reciprocal::<A>(a.0), w.1 - a.1)
}

/// The root of wanted / (norm norm), for either tensor.
fn factor_of_two<A: Fma>(wanted: f32, a: (f32, i32), b: (f32, i32)) -> (f32, i32) {
    let w = split(wanted, 0);
    let q = w.0 * reciprocal::<A>(a.0 * b.0);
    let e = w.1 - a.1 - b.1;
    // An odd exponent gives one 2 to the root.
    let v = f32::from_bits(q.to_bits() + (((e & 1) as u32) << 23));
    split(sharp_root::<A>(v), (e - (e & 1)) >> 1)
}

/// An element times the factor: 0 where the product would be subnormal, never beyond the largest f32.
#[inline(always)]
fn scaled(b: u32, f: (f32, i32)) -> u32 {
    let biased = (b >> 23) & 0xff;
    let p = (f32::from_bits((b & 0x007f_ffff) | 0x3f80_0000) * f.0).to_bits();
    let e = biased as i32 + f.1 + (p >> 23) as i32 - 127;
    let kept = if e > 254 { 0x7f7f_ffff } else { ((e as u32) << 23) | (p & 0x007f_ffff) };
    (b & 0x8000_0000) | if biased == 0 || e < 1 { 0 } else { kept }
}

/// Elements per task.
const TASK: usize = 1 << 16;

/// `of` each [`TASK`] elements, joined by `join`, which may take them in any order.
fn over<T: Copy + Send + Sync>(
    w: &[f32],
    none: T,
    of: impl Fn(&[f32]) -> T + Send + Sync,
    join: impl Fn(T, T) -> T + Send + Sync,
) -> T {
    #[cfg(feature = "parallel")]
    {
        use rayon::prelude::*;
        w.par_chunks(TASK).map(of).reduce(|| none, join)
    }
    #[cfg(not(feature = "parallel"))]
    w.chunks(TASK).map(of).fold(none, join)
}

/// The largest magnitude, as bits.
fn largest(w: &[f32]) -> u32 {
    over(w, 0, |w| w.iter().fold(0, |top, x| top.max(x.to_bits() & 0x7fff_ffff)), u32::max)
}

/// The sum of the squares of the elements.
fn squares(w: &[f32], top: u32) -> u128 {
    over(w, 0, |w| w.iter().map(|x| u128::from(square(x.to_bits(), top))).sum(), |a, b| a + b)
}

/// The factor of one tensor or of two; `None` where a tensor has none: all 0, or not all finite.
fn factor<A: Fma>(wanted: f32, tensors: &[&[f32]]) -> Option<(f32, i32)> {
    let tops: Vec<u32> = tensors.iter().map(|w| largest(w) >> 23).collect();
    if tops.iter().any(|&top| !(1..=254).contains(&top)) {
        return None;
    }
    let norm = |i: usize| root_of::<A>(squares(tensors[i], tops[i]), tops[i]);
    Some(if tensors.len() == 1 {
        factor_of_one::<A>(wanted, norm(0))
    } else {
        factor_of_two::<A>(wanted, norm(0), norm(1))
    })
}

/// Each element times the factor.
fn scale(w: &mut [f32], f: (f32, i32)) {
    let task = |w: &mut [f32]| w.iter_mut().for_each(|x| *x = f32::from_bits(scaled(x.to_bits(), f)));
    #[cfg(feature = "parallel")]
    {
        use rayon::prelude::*;
        w.par_chunks_mut(TASK).for_each(task);
    }
    #[cfg(not(feature = "parallel"))]
    w.chunks_mut(TASK).for_each(task);
}

/// The wanted number as an f32.
///
/// # Errors
/// [`Error::Law`] where it does not lie in [2^-76, 2^120].
pub(crate) fn checked(what: &str, wanted: f64) -> Result<f32> {
    if (MIN_SCALE..=MAX_SCALE).contains(&wanted) {
        return Ok(wanted as f32);
    }
    Err(Error::Law(format!("{what} {wanted:?}: must lie in [{MIN_SCALE:e}, {MAX_SCALE:e}]")))
}

/// Scales the elements so that their Frobenius norm is `norm`, within a few parts in 10^7. This is not a scheme, as the
/// factor depends on every element: it is a pass over a tensor that is there, of at most 2^32 elements.
/// `gpu::Normalizer` gives the same bits.
///
/// Returns whether anything was scaled: a tensor that is all 0, or has a NaN or an infinity, is left as it is.
/// Subnormal elements count as 0 and become 0, and so does what the factor makes smaller than the least normal f32.
///
/// ```
/// let mut weights = [3.0, -4.0];
/// assert!(seedbed::cpu::normalize(&mut weights, 10.0)?);
/// assert_eq!(weights, [6.0, -8.0]);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::Law`] where `norm` does not lie in [2^-76, 2^120].
pub fn normalize(weights: &mut [f32], norm: f64) -> Result<bool> {
    let f = factor::<Wide>(checked("norm", norm)?, &[weights]);
    if let Some(f) = f {
        scale(weights, f);
    }
    Ok(f.is_some())
}

/// Scales both tensors by one factor, so that the product of their Frobenius norms is `product`: for the two weights of
/// a feed-forward layer, in and out. Both are left as they are where [`normalize`] would leave either. Where the norms
/// lie so far apart that an element would pass the largest f32, it becomes that.
///
/// ```
/// let (mut up, mut down) = ([3.0, 4.0], [0.0, 20.0]);
/// assert!(seedbed::cpu::normalize_pair(&mut up, &mut down, 25.0)?);
/// // The norms were 5 and 20: both are halved.
/// assert!((up[0] - 1.5).abs() < 1e-6 && (down[1] - 10.0).abs() < 1e-5);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// As [`normalize`].
pub fn normalize_pair(a: &mut [f32], b: &mut [f32], product: f64) -> Result<bool> {
    let f = factor::<Wide>(checked("product of norms", product)?, &[a, b]);
    if let Some(f) = f {
        scale(a, f);
        scale(b, f);
    }
    Ok(f.is_some())
}

#[cfg(test)]
mod tests {
    use super::super::fma::{Native, Soft};
    use super::*;

    /// Words of a fixed sequence as floats of these exponents.
    fn floats(n: usize, low: u32, high: u32) -> Vec<f32> {
        let mut state = 0x853c_49e6_748f_ea9bu64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 18 ^ state) >> 27) as u32
        };
        (0..n).map(|_| f32::from_bits((next() & 0x807f_ffff) | (low + next() % (high - low + 1)) << 23)).collect()
    }

    fn norm(w: &[f32]) -> f64 {
        w.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt()
    }

    #[test]
    fn the_norm_is_what_was_asked_for() {
        let mut worst = 0.0f64;
        for n in [1, 2, 3, 63, 64, 65, 4099, 1_000_003] {
            for (low, high) in [(127, 127), (100, 130), (1, 3), (1, 254), (250, 254)] {
                for wanted in [1.0, 0.37, 3.0e5, 2f64.powi(-76), 2f64.powi(120)] {
                    let mut w = floats(n, low, high);
                    assert!(normalize(&mut w, wanted).unwrap());
                    worst = worst.max((norm(&w) / wanted - 1.0).abs());
                }
            }
        }
        println!("worst error of a norm: {worst:e}");
        assert!(worst < 4e-7, "{worst:e}");
    }

    #[test]
    fn the_product_of_norms_is_what_was_asked_for() {
        let mut worst = 0.0f64;
        for (n, m) in [(1, 1), (64, 65), (1000, 4099), (1_000_003, 7)] {
            for (low, high) in [(127, 127), (100, 130), (60, 70), (180, 190)] {
                for wanted in [1.0, 0.37, 3.0e5] {
                    let (mut a, mut b) = (floats(n, low, high), floats(m, 120, 127));
                    let ratio = norm(&a) / norm(&b);
                    assert!(normalize_pair(&mut a, &mut b, wanted).unwrap());
                    worst = worst.max((norm(&a) * norm(&b) / wanted - 1.0).abs());
                    assert!((norm(&a) / norm(&b) / ratio - 1.0).abs() < 1e-6);
                }
            }
        }
        println!("worst error of a product: {worst:e}");
        assert!(worst < 8e-7, "{worst:e}");
    }

    #[test]
    fn every_fma_gives_the_same_factor() {
        for n in 1..2000 {
            let (a, b) = (floats(n, 90, 150), floats(2 * n, 110, 120));
            let one = factor::<Wide>(0.7, &[&a]);
            assert_eq!(one, factor::<Soft>(0.7, &[&a]));
            assert_eq!(one, factor::<Native>(0.7, &[&a]));
            let two = factor::<Wide>(0.7, &[&a, &b]);
            assert_eq!(two, factor::<Soft>(0.7, &[&a, &b]));
            assert_eq!(two, factor::<Native>(0.7, &[&a, &b]));
        }
    }

    #[test]
    fn what_has_no_factor_is_left_as_it_is() {
        let subnormal = f32::from_bits(0x007f_ffff);
        for w in [vec![], vec![0.0, -0.0], vec![subnormal], vec![1.0, f32::INFINITY], vec![f32::NAN, 2.0]] {
            let bits = |w: &[f32]| w.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            let mut same = w.clone();
            assert!(!normalize(&mut same, 1.0).unwrap());
            assert_eq!(bits(&same), bits(&w));
            let mut other = vec![3.0, 4.0];
            assert!(!normalize_pair(&mut other, &mut same, 1.0).unwrap());
            assert_eq!((bits(&same), other), (bits(&w), vec![3.0, 4.0]));
        }
        for norm in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-30] {
            assert!(normalize(&mut [1.0], norm).unwrap_err().to_string().starts_with("norm "), "{norm}");
        }
    }

    #[test]
    fn exact_cases_are_exact_and_signs_stay() {
        let mut w = [3.0, -4.0, 0.0, -0.0, f32::from_bits(1)];
        normalize(&mut w, 10.0).unwrap();
        assert_eq!(w.map(f32::to_bits), [6.0f32, -8.0, 0.0, -0.0, 0.0].map(f32::to_bits));
        // The order of the elements does not enter.
        let mut ascending = floats(10_000, 100, 130);
        let mut descending: Vec<f32> = ascending.iter().rev().copied().collect();
        normalize(&mut ascending, 1.0).unwrap();
        normalize(&mut descending, 1.0).unwrap();
        descending.reverse();
        assert_eq!(ascending, descending);
        // Far apart: what would pass the largest f32 is that.
        let (mut a, mut b) = ([2f32.powi(127), 1.0], [2f32.powi(-126)]);
        normalize_pair(&mut a, &mut b, 2f64.powi(119)).unwrap();
        assert_eq!((a[0], b[0]), (f32::MAX, 2f32.powi(-67)));
    }
}
