//! The normalizer: the device's words are the twin's, and the norms those that were asked for.

use super::{POISON, read, shared};
use seedbed::gpu::{Normalizer, Region, blocking, wgpu};
use seedbed::plan::{Plan, TensorSpec};
use seedbed::{Scheme, StreamVersion, cpu};
use std::sync::OnceLock;

fn normalizer() -> &'static Normalizer {
    static NORMALIZER: OnceLock<Normalizer> = OnceLock::new();
    NORMALIZER.get_or_init(|| blocking::normalizer(shared().filler(), shared().queue()).unwrap())
}

fn drawn(name: &str, n: u64, std: f64) -> Vec<f32> {
    let spec = TensorSpec::new(name, [n], Scheme::normal(0.0, std)).unwrap();
    let fill = Plan::new(StreamVersion::V1, 3).push(&spec).unwrap().fill();
    let mut values = vec![0f32; n as usize];
    cpu::fill(&fill, bytemuck::cast_slice_mut(&mut values)).unwrap();
    values
}

fn norm(w: &[f32]) -> f64 {
    w.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt()
}

/// Tensors in one buffer, `lead` words of poison before each and after the last; the buffer and where each begins.
fn laid_out(tensors: &[&[f32]], lead: usize) -> (Vec<u32>, Vec<u64>) {
    let mut words = vec![POISON; lead];
    let mut offsets = Vec::new();
    for tensor in tensors {
        offsets.push(4 * words.len() as u64);
        words.extend(tensor.iter().map(|x| x.to_bits()));
        words.extend(vec![POISON; lead]);
    }
    (words, offsets)
}

/// What the device makes of the tensors, poison included.
fn on_device(tensors: &[&[f32]], lead: usize, wanted: f64) -> Vec<u32> {
    let gpu = shared();
    let (words, offsets) = laid_out(tensors, lead);
    let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 4 * words.len() as u64,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: true,
    });
    buffer.get_mapped_range_mut(..).unwrap().copy_from_slice(bytemuck::cast_slice(&words));
    buffer.unmap();
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let region = |i: usize| Region { buffer: &buffer, offset: offsets[i], elements: tensors[i].len() as u64 };
    let normalizer = normalizer();
    match tensors.len() {
        1 => normalizer.record(&mut encoder, region(0), wanted).unwrap(),
        _ => normalizer.record_pair(&mut encoder, [region(0), region(1)], wanted).unwrap(),
    }
    read(gpu, encoder, &buffer)
}

const SIZES: [u64; 7] = [1, 2, 63, 64, 65, 4099, 1_000_003];

#[test]
fn one_tensor_of_any_size_is_scaled_as_the_twin_scales_it() {
    for n in SIZES {
        for (std, wanted) in [(0.02, 1.0), (1e-18, 0.3), (1e30, 2.5e4)] {
            let mut tensor = drawn("one", n, std);
            let got = on_device(&[&tensor], 3, wanted);
            assert!(cpu::normalize(&mut tensor, wanted).unwrap());
            assert_eq!(got, laid_out(&[&tensor], 3).0, "{n} of std {std}");
            let error = norm(&tensor) / wanted - 1.0;
            assert!(error.abs() < 1e-6, "{n} of std {std}: {error:e}");
        }
    }
}

#[test]
fn a_pair_s_product_is_met_and_its_words_are_the_twin_s() {
    for (n, m) in SIZES.into_iter().zip(SIZES.into_iter().rev()) {
        for (std, wanted) in [(0.02, 1.0), (1e-18, 0.3)] {
            let (mut a, mut b) = (drawn("in", n, std), drawn("out", m, 0.5));
            let got = on_device(&[&a, &b], 5, wanted);
            assert!(cpu::normalize_pair(&mut a, &mut b, wanted).unwrap());
            assert_eq!(got, laid_out(&[&a, &b], 5).0, "{n} and {m}");
            let error = norm(&a) * norm(&b) / wanted - 1.0;
            assert!(error.abs() < 1e-6, "{n} and {m}: {error:e}");
        }
    }
}

#[test]
fn what_has_no_factor_is_left_as_it_is() {
    let zeros = vec![0.0; 130];
    let mut infinite = drawn("infinite", 130, 1.0);
    infinite[77] = f32::INFINITY;
    let good = drawn("good", 70, 1.0);
    for tensors in [vec![&zeros[..]], vec![&infinite[..]], vec![&good[..], &zeros[..]], vec![&infinite[..], &good[..]]]
    {
        assert_eq!(on_device(&tensors, 2, 1.0), laid_out(&tensors, 2).0);
    }
    // The control.
    assert_ne!(on_device(&[&good], 2, 1.0), laid_out(&[&good], 2).0);
}

/// The twin and the device take an empty tensor, alone or in a pair, and scale nothing; they refuse the same norms.
#[test]
fn an_empty_tensor_is_no_error_and_scales_nothing() {
    let good = drawn("good", 70, 1.0);
    for tensors in [vec![&[][..]], vec![&[], &good[..]], vec![&good[..], &[]], vec![&[], &[]]] {
        let mut owned: Vec<Vec<f32>> = tensors.iter().map(|t| t.to_vec()).collect();
        let scaled = match &mut owned[..] {
            [one] => cpu::normalize(one, 2.0),
            [a, b] => cpu::normalize_pair(a, b, 2.0),
            _ => unreachable!(),
        };
        assert!(!scaled.unwrap());
        let twin: Vec<&[f32]> = owned.iter().map(Vec::as_slice).collect();
        assert_eq!(twin, tensors);
        assert_eq!(on_device(&tensors, 2, 2.0), laid_out(&tensors, 2).0);
    }
    // An empty region within the other overlaps nothing.
    let gpu = shared();
    let buffer = super::poisoned(gpu.device(), 10);
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let region = |offset, elements| Region { buffer: &buffer, offset, elements };
    normalizer().record_pair(&mut encoder, [region(0, 10), region(20, 0)], 1.0).unwrap();
    let text = normalizer().record(&mut encoder, region(0, 0), 0.0).unwrap_err().to_string();
    assert_eq!(text, cpu::normalize(&mut [], 0.0).unwrap_err().to_string());
}

/// A tensor that is larger than one binding.
#[test]
fn a_tensor_of_several_ranges() {
    let gpu = shared();
    let limit = gpu.device().limits().max_storage_buffer_binding_size;
    if limit > 1 << 28 {
        eprintln!("the device binds {limit} bytes: not tested here");
        return;
    }
    let mut tensor = drawn("long", limit / 4 + 1001, 0.02);
    let got = on_device(&[&tensor], 1, 1.0);
    cpu::normalize(&mut tensor, 1.0).unwrap();
    assert!(got == laid_out(&[&tensor], 1).0);
    assert!((norm(&tensor) - 1.0).abs() < 1e-6);
}

#[test]
fn what_cannot_be_recorded_is_an_error() {
    let gpu = shared();
    let normalizer = normalizer();
    let buffer = super::poisoned(gpu.device(), 100);
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let region = |offset, elements| Region { buffer: &buffer, offset, elements };
    let mut refused = |tensor, norm: f64| normalizer.record(&mut encoder, tensor, norm).unwrap_err().to_string();
    assert!(refused(region(0, 101), 1.0).contains("404 bytes"));
    assert!(refused(region(2, 4), 1.0).contains("multiples of 4"));
    assert!(refused(region(404, 0), 1.0).contains("0 bytes at offset 404"));
    assert!(refused(region(0, 4), 0.0).starts_with("norm 0"));
    let error = normalizer.record_pair(&mut encoder, [region(0, 50), region(196, 51)], 1.0).unwrap_err();
    assert!(error.to_string().contains("overlap"), "{error}");
    // Ends that no u64 holds, of either.
    for huge in [region(0, u64::MAX), region(0, 1 << 62), region(u64::MAX - 3, 1), region(u64::MAX - 3, 1 << 32)] {
        for pair in [[huge, region(0, 1)], [region(0, 1), huge]] {
            let text = normalizer.record_pair(&mut encoder, pair, 1.0).unwrap_err().to_string();
            assert!(text.starts_with("buffer: ") && !text.contains('\n'), "{text}");
            assert!(text.contains("at most 2^32") || text.contains("exceed its 400 bytes"), "{text}");
        }
    }
    // The control: side by side is no overlap.
    normalizer.record_pair(&mut encoder, [region(0, 49), region(196, 51)], 1.0).unwrap();
}
