//! Everything is validated before wgpu sees it: its uncaptured-error handler panics.

use super::{poisoned, shared};
use seedbed::gpu::{Choice, FillerOptions, Gpu, Region, blocking, wgpu};
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
    assert!(matches!(error, Error::Device(_)) && !text.contains('\n'), "{text}");
    assert!(text.contains("the device seems lost, open it again"), "{text}");
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

/// A driver that is reset, a card that falls off the bus: every call answers with an error, none panics or waits for
/// ever.
#[test]
fn a_lost_device_is_an_error() {
    let gpu = shared();
    let (device, queue) = another(gpu);
    let mut options = FillerOptions::default();
    options.dtypes = vec![DType::F32];
    options.tier = Some(gpu.filler().tier());
    let filler = blocking::filler(&device, &queue, &options).unwrap();
    let lost = Gpu::from_parts(gpu.info().clone(), device.clone(), queue.clone(), filler);
    let mut plan = Plan::new(StreamVersion::V1, 3);
    let fill = plan.push(&TensorSpec::new("w", [100], Scheme::normal(0.0, 1.0)).unwrap()).unwrap().fill();
    let mut bytes = [0; 400];
    blocking::fill_range(&lost, &fill, 0, &mut bytes).unwrap();
    let normalizer = blocking::normalizer(lost.filler(), &queue).unwrap();
    let buffer = poisoned(&device, 16);
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());

    device.destroy();
    let region = Region { buffer: &buffer, offset: 0, elements: 16 };
    let refused = [
        normalizer.record(&mut encoder, region, 1.0).unwrap_err(),
        blocking::fill_range(&lost, &fill, 0, &mut bytes).unwrap_err(),
        blocking::alloc(&lost, &plan).map(drop).unwrap_err(),
        blocking::filler(&device, &queue, &options).map(drop).unwrap_err(),
    ];
    refused.iter().for_each(check_lost);
}
