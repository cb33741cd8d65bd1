//! Integrals, by Gauss and Legendre's rule of eight points.

/// Nodes of order 8 on [0, 1], ascending: f64 bits of node and weight.
pub(super) const GAUSS: [(f64, f64); 8] = [
    (f64::from_bits(0x3f94_54e3_4f53_3998), f64::from_bits(0x3fa9_ea1d_04ca_0374)),
    (f64::from_bits(0x3fba_06d5_36d8_2f88), f64::from_bits(0x3fbc_76fb_531d_2b96)),
    (f64::from_bits(0x3fce_5dad_4f9a_f698), f64::from_bits(0x3fc4_13c5_0a25_5615)),
    (f64::from_bits(0x3fda_214d_ac30_e32f), f64::from_bits(0x3fc7_3636_0b19_9343)),
    (f64::from_bits(0x3fe2_ef59_29e7_8e69), f64::from_bits(0x3fc7_3636_0b19_9343)),
    (f64::from_bits(0x3fe8_6894_ac19_425a), f64::from_bits(0x3fc4_13c5_0a25_5615)),
    (f64::from_bits(0x3fec_bf25_5924_fa0f), f64::from_bits(0x3fbc_76fb_531d_2b96)),
    (f64::from_bits(0x3fef_5d58_e585_6633), f64::from_bits(0x3fa9_ea1d_04ca_0374)),
];

/// The integral of `f` over [from, to], by 32 equal panels of 8 points. All weights are positive: the sum adds
/// no cancellation of its own.
pub(super) fn integrate(from: f64, to: f64, f: impl Fn(f64) -> f64) -> f64 {
    const PANELS: u32 = 32;
    let width = (to - from) / f64::from(PANELS);
    let mut sum = 0.0;
    for panel in 0..PANELS {
        let start = from + width * f64::from(panel);
        for (node, weight) in GAUSS {
            sum += weight * f(start + width * node);
        }
    }
    sum * width
}
