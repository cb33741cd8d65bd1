//! Degree-8 interpolation on [0, 1] at Chebyshev's points, delivered as monomials.

/// Coefficients of the interpolant.
pub(super) const TERMS: usize = 9;

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

/// cos(pi m / 18) for any m, folded into the first quarter.
fn cosine(m: usize) -> f64 {
    match m % 36 {
        m @ 0..=9 => COSINES[m],
        m @ 10..=18 => -COSINES[18 - m],
        m @ 19..=26 => -COSINES[m - 18],
        m => COSINES[36 - m],
    }
}

/// Coefficients, constant first, of the polynomial of degree 8 that equals `f` at (1 + cos(pi (2j + 1) / 18)) / 2, j = 0..9.
///
/// The conversion loses about 5 digits of f64's 16 (the coefficients of T8 on [0, 1] reach 212992); f32 needs 8.
pub(super) fn interpolate(f: impl Fn(f64) -> f64) -> [f64; TERMS] {
    let values: [f64; TERMS] = std::array::from_fn(|j| f((1.0 + cosine(2 * j + 1)) / 2.0));
    let mut monomials = [0.0; TERMS];
    // T_k(2v - 1) by T_{k+1} = (4v - 2) T_k - T_{k-1}: integers, exact.
    let mut basis = [0.0; TERMS];
    let mut before = [0.0; TERMS];
    basis[0] = 1.0;
    for k in 0..TERMS {
        let mut c = 0.0;
        for (j, value) in values.iter().enumerate() {
            c += value * cosine(k * (2 * j + 1));
        }
        c = if k == 0 { c / 9.0 } else { c * 2.0 / 9.0 };
        for (m, t) in monomials.iter_mut().zip(basis) {
            *m += c * t;
        }
        // The step from T_0 to T_1 is half of the recurrence.
        let double = if k == 0 { 1.0 } else { 2.0 };
        let next = std::array::from_fn(|i| {
            let shifted = if i == 0 { 0.0 } else { basis[i - 1] };
            double * (2.0 * shifted - basis[i]) - before[i]
        });
        before = basis;
        basis = next;
    }
    monomials
}
