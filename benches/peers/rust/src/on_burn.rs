//! burn's `Tensor::random` and the kernels, on one adapter.

use super::{Result, STD, Side, compare, normal};
use burn::tensor::{Device, DeviceKind, Distribution, Tensor};
use seedbed::gpu::{Options, Tier, blocking, wgpu};

pub fn compare_on_device(elements: u64, device: &str) -> Result {
    let gpu = match blocking::open(device.parse()?, &Options::default(), &mut |notice| eprintln!("{notice}")) {
        Ok(Some(gpu)) => gpu,
        Ok(None) => return Err("burn is compared on a GPU: --device gpu or gpu:N".into()),
        Err(e) => {
            println!("burn: nothing measured, {e}");
            return Ok(());
        }
    };
    let info = gpu.info();
    // The first of its kind: with two alike, burn may take the other one.
    let kind = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu(0),
        wgpu::DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu(0),
        wgpu::DeviceType::VirtualGpu => DeviceKind::VirtualGpu(0),
        wgpu::DeviceType::Cpu => DeviceKind::Cpu,
        wgpu::DeviceType::Other => DeviceKind::DefaultDevice,
    };
    println!("{}, {} {}", info.name, info.driver, info.driver_info);
    let burn_device = Device::wgpu(kind);
    let random = || Tensor::<1>::random([elements as usize], Distribution::Normal(0.0, f64::from(STD)), &burn_device);

    let mut options = Options::default();
    options.tier = Some(Tier::NativeFma);
    let native = blocking::filler_unchecked(gpu.device(), &options)?;
    let fill = normal(elements)?;
    let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: fill.bytes(),
        usage: wgpu::BufferUsages::STORAGE,
        mapped_at_creation: false,
    });
    let submit = |filler: &seedbed::gpu::Filler| -> Result {
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        filler.record(&mut encoder, &fill, &buffer, 0)?;
        gpu.queue().submit([encoder.finish()]);
        gpu.device().poll(wgpu::PollType::wait_indefinitely())?;
        Ok(())
    };
    let mut sides = vec![
        Side::new("seedbed, native fma (bits not compared)", || submit(&native)),
        Side::new("burn 0.22.1 Tensor::random", || {
            let tensor = random();
            burn_device.sync().map_err(|e| format!("{e:?}"))?;
            drop(tensor);
            Ok(())
        }),
    ];
    if gpu.filler().tier() != Tier::NativeFma {
        sides.push(Side::new("seedbed, soft fma (the bits of the stream)", || submit(gpu.filler())));
    }
    compare("normal f32 on the device", fill.bytes(), sides)?;
    let std = random().var(0).sqrt().into_data();
    println!("  burn's std: {std:?}, {STD} was asked for");
    Ok(())
}
