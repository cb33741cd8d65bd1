//! The twin of shaders/sample.wgsl: from words to a constant, a uniform, a normal or a truncated normal.

use super::fma::Fma;
use super::math::{neg_2_ln, root, turn};
use crate::value::params::LawParams;

/// x cut at lo and hi, lo <= hi; none of them is NaN or -0.
#[inline(always)]
pub(super) fn clamp(x: f32, lo: f32, hi: f32) -> f32 {
    let x = if x < lo { lo } else { x };
    if x > hi { hi } else { x }
}

/// A uniform value: an odd multiple of 2^-24 in (-1, 1), scaled. The 2^-24 is part of `scale`.
#[inline(always)]
pub(crate) fn uniform<A: Fma>(law: &LawParams, w: u32) -> f32 {
    let t = (2 * (w >> 8) as i32 - 0x00ff_ffff) as f32;
    clamp(A::fma(t, law.scale, law.center), law.lo, law.hi)
}

/// A pair of normal values from a pair of words (Box and Muller, 1958).
#[inline(always)]
pub(crate) fn normal<A: Fma>(law: &LawParams, w0: u32, w1: u32) -> [f32; 2] {
    let [x, y] = turn::<A>(w1, root::<A>(neg_2_ln::<A>(w0)));
    [A::fma(x, law.scale, law.center), A::fma(y, law.scale, law.center)]
}

/// w - t for a multiple t of 2^16, rounded once.
#[inline(always)]
fn above<A: Fma>(w: u32, t: u32) -> f32 {
    A::fma(((w >> 16) as i32 - (t >> 16) as i32) as f32, 65536.0, (w & 0xffff) as i32 as f32)
}

/// 2^32 - w, rounded once.
#[inline(always)]
fn below_top<A: Fma>(w: u32) -> f32 {
    A::fma((0x1_0000 - (w >> 16) as i32) as f32, 65536.0, -((w & 0xffff) as i32 as f32))
}

/// The probability between the nearer end of the window and the word: the tail's argument.
#[inline(always)]
fn tail_probability<A: Fma>(law: &LawParams, w: u32) -> f32 {
    let left = w < law.threshold;
    let k = if left { above::<A>(w, 0) } else { below_top::<A>(w) };
    A::fma(k, law.step, if left { law.left } else { law.right })
}

/// [`tail_probability`] within 2^20 words of the window's end, in steps of 2^-32 words: `fine` is the lane's word of
/// draw 1.
#[inline(always)]
pub(crate) fn fine_probability<A: Fma>(law: &LawParams, w: u32, fine: u32) -> f32 {
    let left = w < law.threshold;
    let k = if left { w } else { !w };
    // The mask changes no word that `is_fine` takes; it bounds the conversion of the others, whose result is not used.
    let steps = A::fma(above::<A>(fine | 1, 0), f32::from_bits(0x2f80_0000), (k & 0x000f_ffff) as i32 as f32);
    A::fma(steps, law.step, if left { law.left_edge } else { law.right_edge })
}

/// Whether the value at this word is made from [`fine_probability`].
#[inline(always)]
pub(crate) fn is_fine(law: &LawParams, w: u32) -> bool {
    law.refine == 1 && (if w < law.threshold { w } else { !w }) < 0x0010_0000
}

/// y = (1 + f) 2^e with f in [sqrt(1/2) - 1, sqrt(2) - 1], and h(f) = ln(1 + f) / f: (e 2^23, f, h).
#[inline(always)]
fn log_parts<A: Fma>(y: f32) -> (f32, f32, f32) {
    let b = y.to_bits();
    let e = b.wrapping_sub(0x3f35_04f3) & 0xff80_0000;
    let f = f32::from_bits(b.wrapping_sub(e)) - 1.0;
    (e as i32 as f32, f, log_ratio::<A>(f))
}

/// ln(1 + f) / f for f in [sqrt(1/2) - 1, sqrt(2) - 1].
#[inline(always)]
pub(super) fn log_ratio<A: Fma>(f: f32) -> f32 {
    let mut h = f32::from_bits(0xbdcf_198b);
    h = A::fma(f, h, f32::from_bits(0x3e26_1b9c));
    h = A::fma(f, h, f32::from_bits(0xbe30_9f18));
    h = A::fma(f, h, f32::from_bits(0x3e4b_c6fa));
    h = A::fma(f, h, f32::from_bits(0xbe7f_b1d6));
    h = A::fma(f, h, f32::from_bits(0x3eaa_acf3));
    h = A::fma(f, h, f32::from_bits(0xbf00_003c));
    A::fma(f, h, f32::from_bits(0x3f7f_ffff))
}

/// A window that reaches into the middle ("mode C" of docs/stream/truncated.md): the value at word `w`, whose tail
/// probability is `p`.
#[inline(always)]
fn central<A: Fma>(law: &LawParams, w: u32, p: f32) -> f32 {
    let c = A::fma(above::<A>(w, law.threshold), law.step, law.offset);
    let (e, f, h) = log_parts::<A>(A::fma(-p, p, p));
    let t = A::fma(f, h, A::fma(e, f32::from_bits(0x33b1_7218), f32::from_bits(0x4084_5c86)));
    let z = if t >= f32::from_bits(0xc028_d342) { c * middle::<A>(t) } else { far::<A>(w < law.threshold, -t) };
    clamp(A::fma(z, law.scale, law.center), law.lo, law.hi)
}

/// z / c for |z| up to 3.05, in t = ln(p (1 - p)) + 4.136.
#[inline(always)]
fn middle<A: Fma>(t: f32) -> f32 {
    let mut q = f32::from_bits(0x32bb_fe80);
    q = A::fma(t, q, f32::from_bits(0x32a1_034a));
    q = A::fma(t, q, f32::from_bits(0xb5b7_1c50));
    q = A::fma(t, q, f32::from_bits(0xb6fb_91a4));
    q = A::fma(t, q, f32::from_bits(0x37e1_5aa2));
    q = A::fma(t, q, f32::from_bits(0x3a1b_27fa));
    q = A::fma(t, q, f32::from_bits(0x3b40_8228));
    q = A::fma(t, q, f32::from_bits(0xbc69_611c));
    q = A::fma(t, q, f32::from_bits(0xbf30_e9fb));
    A::fma(t, q, f32::from_bits(0x408d_7294))
}

/// z for |z| from 3.045 to 12.6, in u = -t: a quotient of two polynomials, divided by Newton's method.
#[inline(always)]
fn far<A: Fma>(left: bool, u: f32) -> f32 {
    let mut n = f32::from_bits(0x33a8_6a86);
    n = A::fma(u, n, f32::from_bits(0x38b2_a006));
    n = A::fma(u, n, f32::from_bits(0x3c13_b3e2));
    n = A::fma(u, n, f32::from_bits(0x3e52_b014));
    n = A::fma(u, n, f32::from_bits(0x3fa0_e2a7));
    n = A::fma(u, n, f32::from_bits(0x4008_de67));
    let mut d = f32::from_bits(0x3638_a19d);
    d = A::fma(u, d, f32::from_bits(0x3a49_c366));
    d = A::fma(u, d, f32::from_bits(0x3d13_822a));
    d = A::fma(u, d, f32::from_bits(0x3ecb_7e49));
    d = A::fma(u, d, 1.0);
    let y = f32::from_bits(0x7ef0_0000u32.wrapping_sub(d.to_bits()));
    let y = y * A::fma(-f32::from_bits(0x3f83_fd5b) * d, y, f32::from_bits(0x4002_0e65));
    let e = A::fma(-d, y, 1.0);
    let e = A::fma(e, e, e);
    let y = A::fma(y, e, y);
    let q = n * y;
    let z = A::fma(A::fma(-d, q, n), y, q);
    if left { -z } else { z }
}

/// A thin or far window ("mode H"): the value, measured from the near edge.
#[inline(always)]
fn from_edge<A: Fma>(law: &LawParams, w: u32, p: f32) -> f32 {
    let c = A::fma(above::<A>(w, 0), law.step, law.offset);
    let b = p.to_bits();
    let e = (b.wrapping_sub(0x3f35_04f3) as i32) >> 23;
    let f = f32::from_bits(b.wrapping_sub((e << 23) as u32)) - 1.0;
    let f = if e == 0 { -c } else { f };
    // e ln 2, rounded once: a product that feeds an addition must stand inside an fma.
    let k = A::fma((e + 64) as f32, f32::from_bits(0x3f31_7218), f32::from_bits(0xc231_7218));
    let v = A::fma(f, log_ratio::<A>(f), k) * law.inverse;
    let mut h = law.poly[8];
    h = A::fma(v, h, law.poly[7]);
    h = A::fma(v, h, law.poly[6]);
    h = A::fma(v, h, law.poly[5]);
    h = A::fma(v, h, law.poly[4]);
    h = A::fma(v, h, law.poly[3]);
    h = A::fma(v, h, law.poly[2]);
    h = A::fma(v, h, law.poly[1]);
    h = A::fma(v, h, law.poly[0]);
    clamp(A::fma(v, h, law.center), law.lo, law.hi)
}

/// A truncated normal value from a word and its tail probability.
#[inline(always)]
pub(crate) fn truncated_at<A: Fma>(law: &LawParams, w: u32, p: f32) -> f32 {
    if law.tail == 0 { central::<A>(law, w, p) } else { from_edge::<A>(law, w, p) }
}

/// A truncated normal value from a word, away from the fine steps at the end.
#[inline(always)]
pub(crate) fn truncated<A: Fma>(law: &LawParams, w: u32) -> f32 {
    truncated_at::<A>(law, w, tail_probability::<A>(law, w))
}
