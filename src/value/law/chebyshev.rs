//! Interpolation at Chebyshev's points, delivered as monomials.

/// cos(pi m / 18), m = 0..=9, as f64 bits.
const COSINES: [f64; 10] = [
    1.0,
    f64::from_bits(0x3fef_838b_8c81_1c17),
    f64::from_bits(0x3fee_11f6_4252_2d1c),
    f64::from_bits(0x3feb_b67a_e858_4caa),
    f64::from_bits(0x3fe8_836f_a2cf_5039),
    f64::from_bits(0x3fe4_91b7_523c_161d),
    0.5,
    f64::from_bits(0x3fd5_e3a8_748a_0bf5),
    f64::from_bits(0x3fc6_3a1a_7e0b_738a),
    0.0,
];

/// cos(pi m / 18) for any m, folded into the first quarter: the angles of nine points.
pub(super) fn cosine_18(m: usize) -> f64 {
    match m % 36 {
        m @ 0..=9 => COSINES[m],
        m @ 10..=18 => -COSINES[18 - m],
        m @ 19..=26 => -COSINES[m - 18],
        m => COSINES[36 - m],
    }
}

/// Where a function is interpolated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    /// [0, 1], at (1 + cosine) / 2.
    Unit,
    /// [-1, 1], at the cosines.
    Symmetric,
}

/// Coefficients, constant first, of the polynomial of degree N - 1 that equals `f` at Chebyshev's N points of the
/// domain.
///
/// `cosine(m)` is cos(pi m / 2N). It is the caller's, since its last bits are a part of the stream. The conversion to
/// monomials loses digits: 5 of f64's 16 with 9 points on [0, 1], where the coefficients of T_8 reach 212992; f32 needs
/// 8.
pub(super) fn interpolate<const N: usize>(
    domain: Domain,
    cosine: impl Fn(usize) -> f64,
    f: impl Fn(f64) -> f64,
) -> [f64; N] {
    let values: [f64; N] = std::array::from_fn(|j| match domain {
        Domain::Unit => f((1.0 + cosine(2 * j + 1)) / 2.0),
        Domain::Symmetric => f(cosine(2 * j + 1)),
    });
    // T_k by T_{k+1}(x) = 2 x T_k - T_{k-1}, where x is 2 v - 1 on [0, 1]: integers, exact.
    let (mut monomials, mut basis, mut before) = ([0.0; N], [0.0; N], [0.0; N]);
    basis[0] = 1.0;
    for k in 0..N {
        let mut c = 0.0;
        for (j, value) in values.iter().enumerate() {
            c += value * cosine(k * (2 * j + 1));
        }
        c = if k == 0 { c / N as f64 } else { c * 2.0 / N as f64 };
        for (m, t) in monomials.iter_mut().zip(basis) {
            *m += c * t;
        }
        // The step from T_0 to T_1 is half of the recurrence.
        let double = if k == 0 { 1.0 } else { 2.0 };
        let next = std::array::from_fn(|i| {
            let shifted = if i == 0 { 0.0 } else { basis[i - 1] };
            let by_x = match domain {
                Domain::Unit => 2.0 * shifted - basis[i],
                Domain::Symmetric => shifted,
            };
            double * by_x - before[i]
        });
        before = basis;
        basis = next;
    }
    monomials
}
