//! Everything is validated before wgpu sees it: its uncaptured-error handler panics.

use super::{poisoned, shared};
use seedbed::gpu::{Choice, FillerOptions, Gpu, KernelSet, Region, blocking, wgpu};
use seedbed::plan::{Plan, TensorSpec};
use seedbed::{DType, Error, Scheme, StreamVersion};

/// A device of the same adapter that a test may destroy.
pub fn another(gpu: &Gpu) -> (wgpu::Device, wgpu::Queue) {
    let adapter = blocking::adapters().into_iter().find(|a| a.get_info() == *gpu.info()).unwrap();
    let desc = wgpu::DeviceDescriptor { required_limits: adapter.limits(), ..wgpu::DeviceDescriptor::default() };
    pollster::block_on(adapter.request_device(&desc)).unwrap()
}

/// What a lost device answers.
pub fn check_lost(error: &Error) {
    let text = error.to_string();
    let cause = if let Error::Tensor { source, .. } = error { source } else { error };
    assert!(matches!(cause, Error::Device(_)) && !text.contains('\n'), "{text}");
    assert!(text.ends_with("the device is lost: open it again, and make its buffers and fillers anew"), "{text}");
}

#[test]
fn a_buffer_that_cannot_take_the_fill_is_an_error_with_the_numbers() {
    let gpu = shared();
    let mut plan = Plan::new(StreamVersion::V1, 3);
    let fill = plan.push(&TensorSpec::new("w", [100], Scheme::normal(0.0, 1.0)).unwrap()).unwrap().fill();
    let buffer = poisoned(gpu.device(), 100);
    let unusable = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 4000,
        usage: wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    for (buffer, offset, says) in [
        (&buffer, 2, "offset 2 and length 400 must be multiples of 4"),
        (&buffer, 4, "400 bytes at offset 4 exceed its 400 bytes"),
        (&buffer, u64::MAX - 3, "exceed its 400 bytes"),
        (&unusable, 0, "lacks STORAGE"),
    ] {
        let text = gpu.filler().record(&mut encoder, &fill, buffer, offset).unwrap_err().to_string();
        assert!(text.starts_with("tensor w: buffer: ") && text.contains(says) && !text.contains('\n'), "{text}");
    }
    for (from, len) in [(2, 4), (0, 2), (396, 8), (u64::MAX - 3, 4)] {
        let text = gpu.filler().record_range(&mut encoder, &fill, from, len, &buffer, 0).unwrap_err().to_string();
        assert!(text.contains("must be multiples of 4, whole f32 elements, and end by 400"), "{text}");
    }
    assert!(blocking::fill_range(gpu, &fill, 1, &mut [0; 4]).is_err());
    assert!(blocking::fill_range(gpu, &fill, 400, &mut [0; 4]).is_err());
}

#[test]
fn an_adapter_that_is_not_there_is_an_error() {
    let text = blocking::open(Choice::Index(999), &FillerOptions::default(), &mut |_| {}).unwrap_err().to_string();
    assert!(text.contains("gpu:999") && !text.contains('\n'), "{text}");
}

/// A device of its own, a filler with the kernels of a plan, and that plan.
fn own(gpu: &Gpu) -> (Gpu, Plan) {
    let (device, queue) = another(gpu);
    let mut plan = Plan::new(StreamVersion::V1, 3);
    plan.push(&TensorSpec::new("w", [100], Scheme::normal(0.0, 1.0)).unwrap()).unwrap();
    let mut options = FillerOptions::default();
    options.tier = Some(gpu.filler().tier());
    options.kernels = (&plan).into();
    let filler = blocking::filler(&device, &queue, &options).unwrap();
    (Gpu::from_parts(gpu.info().clone(), device, queue, filler), plan)
}

/// A driver that is reset, a card that falls off the bus: every call answers with the same error, none panics or waits
/// for ever.
#[test]
fn a_lost_device_is_an_error() {
    let gpu = shared();
    let (lost, plan) = own(gpu);
    let (device, queue) = (lost.device(), lost.queue());
    let fill = plan.tensors()[0].fill();
    let matrix = TensorSpec::new("matrix", [5, 5], Scheme::orthogonal(1.0, 0)).unwrap();
    let matrix = Plan::new(StreamVersion::V1, 3).push(&matrix).unwrap().fill();
    let mut bytes = [0; 400];
    blocking::fill_range(&lost, &fill, 0, &mut bytes).unwrap();
    let normalizer = blocking::normalizer(lost.filler(), queue).unwrap();
    let buffer = poisoned(device, 100);
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());

    device.destroy();
    let region = Region { buffer: &buffer, offset: 0, elements: 16 };
    let other = KernelSet::of_schemes(&[Scheme::uniform(0.0, 1.0)], &[DType::BF16]).unwrap();
    let refused = [
        normalizer.record(&mut encoder, region, 1.0).unwrap_err(),
        lost.filler().record(&mut encoder, &fill, &buffer, 0).unwrap_err(),
        lost.filler().record(&mut encoder, &matrix, &buffer, 0).unwrap_err(),
        blocking::prepare(lost.filler(), other).unwrap_err(),
        blocking::fill_range(&lost, &fill, 0, &mut bytes).unwrap_err(),
        blocking::compare(&lost, Scheme::normal(0.0, 1.0), DType::F32, 1000, 4000, &mut |_| Ok(())).unwrap_err(),
        blocking::alloc(&lost, &plan).map(drop).unwrap_err(),
        blocking::normalizer(lost.filler(), queue).map(drop).unwrap_err(),
        blocking::filler(device, queue, &FillerOptions::default()).map(drop).unwrap_err(),
    ];
    refused.iter().for_each(check_lost);
}

/// The device goes while the host works on the first bytes that it sent, and others are on their way.
#[test]
fn a_device_that_is_lost_during_a_stream_is_an_error() {
    let gpu = shared();
    let (lost, mut plan) = own(gpu);
    let spec = TensorSpec::new("large", [40 << 20], Scheme::normal(0.0, 1.0)).unwrap();
    let fill = plan.push(&spec).unwrap().fill();
    let mut pieces = 0;
    let result = blocking::stream(&lost, [(&fill, 0, fill.bytes())], &mut |_| {
        pieces += 1;
        lost.device().destroy();
        Ok(())
    });
    check_lost(&result.unwrap_err());
    assert_eq!(pieces, 1);
}

/// The engine's buffer lies on another of its devices: an error with the tensor, and the encoder is none the worse.
#[test]
fn a_buffer_of_another_device_is_an_error() {
    let adapter = blocking::adapters().into_iter().find(|a| a.get_info() == *shared().info()).unwrap();
    let [gpu, theirs] =
        [(); 2].map(|()| pollster::block_on(Gpu::from_adapter(&adapter, &FillerOptions::default())).unwrap());
    let gpu = &gpu;
    let foreign = poisoned(theirs.device(), 100);
    let buffer = poisoned(gpu.device(), 100);
    let spec = TensorSpec::new("w", [100], Scheme::normal(0.0, 1.0)).unwrap();
    let fill = Plan::new(StreamVersion::V1, 3).push(&spec).unwrap().fill();
    blocking::prepare(gpu.filler(), &fill).unwrap();
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let text = gpu.filler().record(&mut encoder, &fill, &foreign, 0).unwrap_err().to_string();
    assert!(text.starts_with("tensor w: ") && !text.contains('\n'), "{text}");
    let matrix = TensorSpec::new("matrix", [9, 9], Scheme::orthogonal(1.0, 0)).unwrap();
    let matrix = Plan::new(StreamVersion::V1, 3).push(&matrix).unwrap().fill();
    let text = gpu.filler().record(&mut encoder, &matrix, &foreign, 0).unwrap_err().to_string();
    assert!(text.starts_with("tensor matrix: ") && !text.contains('\n'), "{text}");
    gpu.filler().record(&mut encoder, &fill, &buffer, 0).unwrap();
    assert_eq!(super::read(gpu, encoder, &buffer), super::twin(&fill));
}

/// The engine has destroyed the buffer.
#[test]
fn a_buffer_that_was_destroyed_is_an_error() {
    let gpu = shared();
    let (gone, buffer) = (poisoned(gpu.device(), 100), poisoned(gpu.device(), 100));
    gone.destroy();
    let spec = TensorSpec::new("w", [100], Scheme::normal(0.0, 1.0)).unwrap();
    let fill = Plan::new(StreamVersion::V1, 3).push(&spec).unwrap().fill();
    blocking::prepare(gpu.filler(), &fill).unwrap();
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let text = gpu.filler().record(&mut encoder, &fill, &gone, 0).unwrap_err().to_string();
    assert!(text.starts_with("tensor w: ") && !text.contains('\n'), "{text}");
    gpu.filler().record(&mut encoder, &fill, &buffer, 0).unwrap();
    assert_eq!(super::read(gpu, encoder, &buffer), super::twin(&fill));
}
