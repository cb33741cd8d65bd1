use super::oracle::sample;
use crate::DType;
use crate::descriptor::LawParams;
use crate::law::Law;

fn params(mean: f64, std: f64, lo: f64, hi: f64) -> LawParams {
    let law = Law::truncated_normal(mean, std, lo, hi).unwrap();
    LawParams::new(&law, DType::F32).unwrap()
}

#[test]
fn the_study_vectors_come_out_bit_for_bit() {
    let p = params(0.0, 1.0, -2.0, 2.0);
    assert_eq!((p.tail, p.refine, p.threshold), (0, 0, 0x8000_0000));
    assert_eq!([p.step, p.offset, p.left, p.right].map(f32::to_bits), [0x2f745a18, 0x2ef45a18, 0x3cba5e7c, 0x3cba5e7c]);
    for (word, bits) in
        [(0, 0xbfffffff), (0x12345678, 0xbfab1ff0), (0x80000000, 0x2f991ff7), (0xdeadbeef, 0x3f8653de)]
    {
        assert_eq!(sample(&p, word, 0).to_bits(), bits, "{word:08x}");
    }
}
