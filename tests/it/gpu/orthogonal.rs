//! Orthogonal matrices: the device's words are the twin's.

use super::errors::{another, check_lost};
use super::{POISON, poisoned, read, shared};
use crate::orthogonal::{batch, matrices};
use seedbed::cpu::orthogonal::Batch;
use seedbed::gpu::orthogonal::{OrthogonalKernels, workspace_bytes};
use seedbed::gpu::{Gpu, MulWide, wgpu};

fn kernels(gpu: &Gpu, mul_wide: MulWide) -> OrthogonalKernels {
    pollster::block_on(OrthogonalKernels::new(gpu.device(), mul_wide, gpu.filler().tier(), None)).unwrap()
}

fn workspace(gpu: &Gpu, size: u64) -> wgpu::Buffer {
    poisoned(gpu.device(), (size / 4) as usize)
}

/// Records the batches one after another, each with guards around it, and compares every word.
fn check(gpu: &Gpu, kernels: &OrthogonalKernels, batches: &[Batch], together: u64) {
    const GUARD: usize = 5;
    let mut wanted = vec![POISON; GUARD];
    let mut offsets = Vec::new();
    for batch in batches {
        offsets.push(4 * wanted.len() as u64);
        wanted.extend(matrices(batch).iter().map(|v| v.to_bits()));
        wanted.extend([POISON; GUARD]);
    }
    let buffer = poisoned(gpu.device(), wanted.len());
    let work = workspace(gpu, together * batches.iter().map(workspace_bytes).max().unwrap());
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    for (batch, &offset) in batches.iter().zip(&offsets) {
        assert!(kernels.record(&mut encoder, batch, &buffer, offset, &work).unwrap());
    }
    let got = read(gpu, encoder, &buffer);
    for (i, batch) in batches.iter().enumerate() {
        let from = offsets[i] as usize / 4;
        let len = batch.elements().unwrap() as usize;
        let differing = (from..from + len).filter(|&k| got[k] != wanted[k]).count();
        assert_eq!(differing, 0, "{batch:?}: words of {len} that differ");
    }
    assert!(got == wanted, "guards");
}

#[test]
fn the_device_gives_the_twin_s_orthogonal_matrices() {
    let gpu = shared();
    let batches: Vec<Batch> = [
        (1, 1, 1),
        (1, 1, 7),
        (1, 7, 1),
        (1, 3, 35),
        (1, 5, 3),
        (1, 64, 64),
        (1, 65, 33),
        (1, 130, 130),
        (1, 20, 300),
        (3, 30, 70),
        (4, 2, 2),
    ]
    .map(|(count, rows, cols)| Batch { gain: 1.5, ..batch(9, count, rows, cols) })
    .into();
    let wide = gpu.filler().mul_wide() == MulWide::U64;
    for mul_wide in [MulWide::U64, MulWide::U32].into_iter().filter(|m| wide || *m == MulWide::U32) {
        check(gpu, &kernels(gpu, mul_wide), &batches, 2);
    }
}

/// Two chunks of rows and five blocks: sums that cross dispatches.
#[test]
fn the_device_gives_the_twin_s_words_across_chunks() {
    let gpu = shared();
    check(gpu, &kernels(gpu, gpu.filler().mul_wide()), &[batch(0, 1, 290, 140)], 1);
}

#[test]
fn bad_recordings_are_errors() {
    let gpu = shared();
    let kernels = kernels(gpu, gpu.filler().mul_wide());
    let buffer = poisoned(gpu.device(), 64);
    let batch = batch(0, 1, 8, 8);
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let enough = workspace(gpu, workspace_bytes(&batch));
    let mut record =
        |batch: &Batch, offset, work: &wgpu::Buffer| kernels.record(&mut encoder, batch, &buffer, offset, work);
    assert!(record(&batch, 0, &enough).unwrap());
    assert!(record(&batch, 4, &enough).is_err());
    assert!(record(&Batch { rows: 4, ..batch }, 2, &enough).is_err());
    assert!(record(&Batch { gain: f32::INFINITY, ..batch }, 0, &enough).is_err());
    assert!(record(&batch, 0, &workspace(gpu, workspace_bytes(&batch) - 4)).is_err());
    assert!(record(&Batch { count: 0, ..batch }, 0, &enough).unwrap());
}

/// Here and not in errors.rs: these kernels are not compiled on every driver that the tests run on.
#[test]
fn a_lost_device_is_an_error_of_matrices_too() {
    let gpu = shared();
    let (device, _queue) = another(gpu);
    let kernels = pollster::block_on(OrthogonalKernels::new(&device, MulWide::U32, gpu.filler().tier(), None)).unwrap();
    let matrix = Batch { key: [1, 2], first: 0, count: 1, rows: 4, cols: 4, gain: 1.0 };
    let [out, work] = [64, workspace_bytes(&matrix)].map(|size| poisoned(&device, size as usize / 4));
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    device.destroy();
    check_lost(&kernels.record(&mut encoder, &matrix, &out, 0, &work).unwrap_err());
}
