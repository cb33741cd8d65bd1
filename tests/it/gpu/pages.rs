//! Any number of fills in any number of buffers, recorded at once.

use super::{POISON, poisoned, read, shared, twin};
use crate::laws::tensor;
use crate::placement::elements::{random_range, tensors};
use crate::reference::Cases;
use seedbed::gpu::{Filler, Gpu, KernelSet, PlacedFill, blocking, wgpu};
use seedbed::plan::{Part, Plan, Slab, TensorSpec};
use seedbed::{DType, Fill, Scheme, StreamVersion};

fn encoder(gpu: &Gpu) -> wgpu::CommandEncoder {
    gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
}

/// Places fills in pages of 64 KiB, in any order, at multiples of 4; records all of them, and compares every page.
fn check_pages(gpu: &Gpu, filler: &Filler, fills: &[Fill], cases: &mut Cases) {
    const WORDS: usize = 1 << 14;
    blocking::prepare(filler, KernelSet::of_fills(fills)).unwrap();
    let mut expected: Vec<Vec<u32>> = Vec::new();
    let mut places = Vec::new();
    for fill in fills {
        let words = twin(fill);
        assert!(words.len() + 8 < WORDS);
        let page = match expected.last() {
            Some(page) if page.len() + words.len() + 8 < WORDS => expected.len() - 1,
            _ => {
                expected.push(Vec::new());
                expected.len() - 1
            }
        };
        let gap = cases.below(5) as usize;
        expected[page].extend(vec![POISON; gap]);
        places.push((page, 4 * expected[page].len() as u64));
        expected[page].extend(words);
    }
    expected.iter_mut().for_each(|page| page.resize(WORDS, POISON));
    let pages: Vec<_> = expected.iter().map(|_| poisoned(gpu.device(), WORDS)).collect();
    let mut placed: Vec<_> = fills
        .iter()
        .zip(&places)
        .map(|(fill, &(page, offset))| PlacedFill { fill, buffer: &pages[page], offset })
        .collect();
    for k in (1..placed.len()).rev() {
        placed.swap(k, cases.below(k as u64 + 1) as usize);
    }
    let mut all = encoder(gpu);
    filler.record_all(&mut all, &placed).unwrap();
    gpu.queue().submit([all.finish()]);
    for (page, expected) in pages.iter().zip(&expected) {
        assert!(read(gpu, encoder(gpu), page) == *expected);
    }
}

#[test]
fn fills_of_every_kind_in_shared_pages() {
    let gpu = shared();
    let mut cases = Cases(31);
    let mut fills = Vec::new();
    for dtype in DType::ALL {
        for _ in 0..2 {
            for spec in tensors(&mut cases, dtype) {
                let tensor = crate::laws::planned(&spec);
                fills.push(tensor.fill());
                fills.push(tensor.fill_elements(random_range(&mut cases, tensor.shape().count())).unwrap());
            }
        }
    }
    check_pages(gpu, gpu.filler(), &fills, &mut cases);
    // None at all.
    gpu.filler().record_all(&mut encoder(gpu), &[]).unwrap();
}

/// A device that binds 64 KiB, less than the parameters of a thousand tensors, or of one that has four hundred parts.
#[test]
fn parameters_beyond_one_binding() {
    let gpu = shared();
    let small = gpu_of_limits(gpu, |limits| limits.max_storage_buffer_binding_size = 65536);
    let mut cases = Cases(32);
    let mut plan = Plan::new(StreamVersion::V1, 7);
    for k in 0..1000u64 {
        plan.push(&TensorSpec::new(format!("{k}"), [1 + k % 37], Scheme::normal(0.0, 1.0)).unwrap()).unwrap();
    }
    let list = (0..400).map(|k| {
        Part::new(format!("part {k}"), [9, 3], Scheme::normal(0.0, 1.0), Slab::new([0, 3 * k], [9, 3])).unwrap()
    });
    let fused = TensorSpec::with_parts("fused", [9, 1200], [9, 1200], list.collect()).unwrap().dtype(DType::BF16);
    plan.push(&fused).unwrap();
    let fills: Vec<_> = plan.tensors().iter().map(|t| t.fill()).collect();
    check_pages(&small, small.filler(), &fills, &mut cases);
    super::check(&small, small.filler(), &fills, 1);
}

/// A device whose buffers are as small as its bindings: what one binding's worth of descriptors and its segments take
/// together exceeds one buffer of parameters.
#[test]
fn parameters_beyond_one_buffer() {
    let gpu = shared();
    let small = gpu_of_limits(gpu, |limits| {
        limits.max_storage_buffer_binding_size = 65536;
        limits.max_buffer_size = 65536;
    });
    let mut plan = Plan::new(StreamVersion::V1, 7);
    for k in 0..1000u64 {
        plan.push(&TensorSpec::new(format!("{k}"), [1 + k % 37], Scheme::normal(0.0, 1.0)).unwrap()).unwrap();
    }
    let fills: Vec<_> = plan.tensors().iter().map(|t| t.fill()).collect();
    check_pages(&small, small.filler(), &fills, &mut Cases(33));
}

/// The shared device's adapter, opened with other limits.
pub(super) fn gpu_of_limits(gpu: &Gpu, change: impl Fn(&mut wgpu::Limits)) -> Gpu {
    let adapter = blocking::adapters().into_iter().find(|a| a.get_info().name == gpu.info().name).unwrap();
    let mut required_limits = adapter.limits();
    change(&mut required_limits);
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        required_features: adapter.features() & wgpu::Features::SHADER_INT64,
        required_limits,
        ..Default::default()
    }))
    .unwrap();
    let mut options = seedbed::gpu::FillerOptions::default();
    options.tier = Some(gpu.filler().tier());
    let filler: Filler = blocking::filler(&device, &queue, &options).unwrap();
    Gpu::from_parts(gpu.info().clone(), device, queue, filler)
}

/// Whatever is refused is refused before anything is recorded, with the tensor's name.
#[test]
fn fills_that_cannot_all_be_recorded_leave_the_encoder_as_it_was() {
    let gpu = shared();
    let fills = ["a", "b", "c"].map(|name| tensor(name, &[100], Scheme::normal(0.0, 1.0), DType::F16).fill());
    let matrix = tensor("matrix", &[5, 5], Scheme::orthogonal(1.0, 0), DType::F16).fill();
    blocking::prepare(gpu.filler(), KernelSet::of_fills(&fills)).unwrap();
    let [page, other] = [(); 2].map(|()| poisoned(gpu.device(), 1000));
    let of = |usage| {
        gpu.device().create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: 4000,
            usage,
            mapped_at_creation: false,
        })
    };
    let (unusable, no_copies) = (of(wgpu::BufferUsages::COPY_DST), of(wgpu::BufferUsages::STORAGE));
    let at = |fill, buffer, offset| PlacedFill { fill, buffer, offset };
    let mut encoder = encoder(gpu);
    let [a, b, c] = &fills;
    for (last, name, says) in [
        (at(c, &page, 2), "c", "offset 2 and length 200 must be multiples of 4"),
        (at(c, &page, 3804), "c", "200 bytes at offset 3804 exceed its 4000 bytes"),
        (at(c, &page, u64::MAX - 3), "c", "exceed its 4000 bytes"),
        (at(c, &unusable, 0), "c", "lacks STORAGE"),
        (at(&matrix, &no_copies, 0), "matrix", "lacks COPY_DST"),
        (at(c, &page, 404), "c", "its bytes from 404 on overlap those of tensor \"b\", 208..408"),
        (at(c, &page, 12), "b", "its bytes from 208 on overlap those of tensor \"c\", 12..212"),
    ] {
        let placed = [at(b, &page, 208), at(a, &other, 0), last];
        let refused = gpu.filler().record_all(&mut encoder, &placed).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("tensor {name}: buffer: ")) && refused.contains(says), "{refused}");
        assert!(!refused.contains('\n'), "{refused}");
    }
    // Next to each other is no overlap, nor is the same place in another page.
    let placed = [at(b, &page, 200), at(a, &page, 0), at(c, &other, 0)];
    assert!(read(gpu, encoder, &page) == vec![POISON; 1000]);
    let mut encoder = self::encoder(gpu);
    gpu.filler().record_all(&mut encoder, &placed).unwrap();
    let mut expected = [twin(a), twin(b)].concat();
    expected.resize(1000, POISON);
    assert_eq!(read(gpu, encoder, &page), expected);
}

/// Two devices of one adapter: what lies on the other one is refused by name, and the encoder is as it was.
#[test]
fn a_page_of_another_device_is_an_error() {
    let gpu = shared();
    let adapter = blocking::adapters().into_iter().find(|a| a.get_info() == *gpu.info()).unwrap();
    let open = || pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default())).unwrap();
    let ((device, queue), (theirs, _)) = (open(), open());
    let mut options = seedbed::gpu::FillerOptions::default();
    options.tier = Some(gpu.filler().tier());
    let filler = blocking::filler(&device, &queue, &options).unwrap();
    let own = Gpu::from_parts(gpu.info().clone(), device, queue, filler);
    let fill = tensor("w", &[100], Scheme::ones(), DType::F32).fill();
    let matrix = tensor("matrix", &[5, 5], Scheme::orthogonal(1.0, 0), DType::F32).fill();
    blocking::prepare(own.filler(), &fill).unwrap();
    let (page, foreign) = (poisoned(own.device(), 200), poisoned(&theirs, 200));
    let mut all = encoder(&own);
    for (other, name) in [(&fill, "w"), (&matrix, "matrix")] {
        let placed = [
            PlacedFill { fill: &fill, buffer: &page, offset: 0 },
            PlacedFill { fill: other, buffer: &foreign, offset: 0 },
        ];
        let text = own.filler().record_all(&mut all, &placed).unwrap_err().to_string();
        assert!(text.starts_with(&format!("tensor {name}: ")) && !text.contains('\n'), "{text}");
    }
    assert!(read(&own, all, &page) == vec![POISON; 200]);
}

/// The same where the device makes the matrices itself; and of a buffer that the engine has destroyed.
#[test]
fn a_page_that_matrices_cannot_be_made_in_is_an_error() {
    let adapter = blocking::adapters().into_iter().find(|a| a.get_info() == *shared().info()).unwrap();
    let open = || pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default())).unwrap();
    let ((device, queue), (theirs, _)) = (open(), open());
    let mut options = seedbed::gpu::FillerOptions::default();
    options.tier = Some(shared().filler().tier());
    options.orthogonal = true;
    let filler = blocking::filler(&device, &queue, &options).unwrap();
    let gpu = &Gpu::from_parts(shared().info().clone(), device, queue, filler);
    let filler = gpu.filler();
    let fill = tensor("w", &[100], Scheme::ones(), DType::F32).fill();
    let matrix = tensor("matrix", &[5, 5], Scheme::orthogonal(1.0, 0), DType::F32).fill();
    blocking::prepare(filler, KernelSet::of_fills([&fill, &matrix])).unwrap();
    let (page, foreign, gone) = (poisoned(gpu.device(), 200), poisoned(&theirs, 200), poisoned(gpu.device(), 200));
    gone.destroy();
    let mut all = encoder(gpu);
    for unusable in [&foreign, &gone] {
        let placed = [
            PlacedFill { fill: &fill, buffer: &page, offset: 0 },
            PlacedFill { fill: &matrix, buffer: unusable, offset: 0 },
        ];
        let text = filler.record_all(&mut all, &placed).unwrap_err().to_string();
        assert!(text.starts_with("tensor matrix: ") && !text.contains('\n'), "{text}");
    }
    assert!(read(gpu, all, &page) == vec![POISON; 200], "something was recorded before the error");
}
