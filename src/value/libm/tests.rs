//! The copy against the crate that it was taken from, bit for bit.

/// Arguments on both sides of every branch: zeros, subnormals, the ends of the range, and what lies beside a threshold.
const SPECIAL: [f64; 24] = [
    0.0,
    f64::MIN_POSITIVE,
    f64::from_bits(1),
    f64::from_bits(0x000f_ffff_ffff_ffff),
    f64::EPSILON,
    1e-10,
    0.25,
    0.5,
    0.84375,
    1.0,
    std::f64::consts::SQRT_2,
    1.25,
    std::f64::consts::FRAC_PI_4,
    std::f64::consts::PI,
    2.0,
    3.0,
    6.0,
    28.0,
    708.396_418_532_264_1,
    709.782_712_893_384,
    745.133_219_101_941_1,
    1e300,
    f64::MAX,
    f64::INFINITY,
];

/// splitmix64.
struct Words(u64);

impl Words {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// In [-1, 1).
    fn unit(&mut self) -> f64 {
        (self.next() >> 10) as f64 / (1_u64 << 53) as f64 - 1.0
    }
}

fn specials() -> impl Iterator<Item = f64> {
    SPECIAL
        .into_iter()
        .flat_map(|x| [x, f64::from_bits(x.to_bits() + 1), f64::from_bits(x.to_bits().saturating_sub(1))])
        .chain([f64::NAN])
        .flat_map(|x| [x, -x])
}

/// Equal bits; of a NaN the sign and payload are the processor's choice.
fn same(name: &str, x: f64, ours: f64, theirs: f64) {
    assert!(
        ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan(),
        "{name}({x:e}): {ours:e}, {theirs:e}"
    );
}

#[test]
fn the_copy_is_the_crate() {
    type Function = fn(f64) -> f64;
    let functions: [(&str, Function, Function); 10] = [
        ("cos", super::cos, ::libm::cos),
        ("erf", super::erf, ::libm::erf),
        ("erfc", super::erfc, ::libm::erfc),
        ("exp", super::exp, ::libm::exp),
        ("expm1", super::expm1, ::libm::expm1),
        ("log", super::log, ::libm::log),
        ("log1p", super::log1p, ::libm::log1p),
        ("log2", super::log2, ::libm::log2),
        ("sin", super::sin, ::libm::sin),
        ("scalbn by 3", |x| super::scalbn(x, 3), |x| ::libm::scalbn(x, 3)),
    ];
    for (name, ours, theirs) in functions {
        specials().for_each(|x| same(name, x, ours(x), theirs(x)));
        let mut words = Words(0x5eed_bed0);
        // Of every exponent, then of the ranges where the functions have their shape.
        for _ in 0..500_000 {
            let x = f64::from_bits(words.next());
            same(name, x, ours(x), theirs(x));
        }
        for scale in [1.0, 8.0, 40.0, 1000.0, 1e7] {
            for _ in 0..100_000 {
                let x = scale * words.unit();
                same(name, x, ours(x), theirs(x));
            }
        }
    }
}

#[test]
fn pow_and_scalbn_are_the_crates() {
    let pow = |x: f64, y: f64| same(&format!("pow(., {y:e})"), x, super::pow(x, y), ::libm::pow(x, y));
    for x in specials() {
        for y in specials() {
            pow(x, y);
        }
    }
    let mut words = Words(0xba5e_ba11);
    for _ in 0..300_000 {
        pow(f64::from_bits(words.next()), f64::from_bits(words.next()));
        pow(f64::from_bits(words.next() >> 1), 2.0 * words.unit());
        pow(100.0 * words.unit().abs(), 40.0 * words.unit());
        pow(16.0 * words.unit(), (16.0 * words.unit()).floor());
    }
    for _ in 0..300_000 {
        let (x, n) = (f64::from_bits(words.next()), (words.next() % 6001) as i32 - 3000);
        same(&format!("scalbn(., {n})"), x, super::scalbn(x, n), ::libm::scalbn(x, n));
    }
}
