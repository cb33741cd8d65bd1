//! burn's `Tensor::random` and the kernels, on one adapter.

use super::{Result, STD, Side, compare, normal};
use burn::tensor::{Device, DeviceKind, Distribution, Tensor};
use seedbed::gpu::{FillerOptions, Tier, blocking, wgpu};

pub fn compare_on_device(elements: u64, device: &str) -> Result {
    let gpu = match blocking::open(device.parse()?, &FillerOptions::default(), &mut |notice| eprintln!("{notice}")) {
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

    let mut options = FillerOptions::default();
    options.tier = Some(Tier::NativeFma);
    let fill = normal(elements)?;
    options.kernels = (&fill).into();
    let native = blocking::filler_unchecked(gpu.device(), gpu.queue(), &options)?;
    blocking::prepare(gpu.filler(), &fill)?;
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
    let sides = vec![
        Side::new("seedbed, native fma (bits not compared)", || submit(&native)),
        Side::new("burn 0.22.1 Tensor::random", || {
            let tensor = random();
            burn_device.sync().map_err(|e| format!("{e:?}"))?;
            drop(tensor);
            Ok(())
        }),
    ];
    compare("normal f32 on the device", fill.bytes(), sides)?;
    // On the host: what was timed must have been filled, whatever the device's own reductions say.
    let values = random().into_data().to_vec::<f32>().map_err(|e| format!("{e:?}"))?;
    let square = values.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() / values.len() as f64;
    let zeros = values.iter().filter(|&&x| x == 0.0).count();
    println!("  burn's values: std {:.5}, {STD} was asked for; {zeros} zeros", square.sqrt());
    if gpu.filler().tier() != Tier::NativeFma {
        // Apart: it is so slow that it would take the others' rounds.
        let soft = Side::new("seedbed, soft fma (the bits of the stream)", || submit(gpu.filler()));
        compare("normal f32 on the device", fill.bytes(), vec![soft])?;
    }
    Ok(())
}
