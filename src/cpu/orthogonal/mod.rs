//! The twin of shaders/orthogonal.wgsl: matrices with orthonormal columns (or rows), uniform over all of them (Haar).
//!
//! A product of Householder reflections of independent Gaussian vectors (Stewart 1980), with the signs that a QR
//! decomposition of positive diagonal has (Mezzadri 2007). docs/stream/orthogonal.md is the normative text: what follows it here is
//! free in tiles, threads and SIMD width, and bound in the order of every sum.

mod factor;
mod reflect;
mod slab;
mod tile;

use super::fma::{Fma, Native, Wide};
use super::{FUSED, Level};
pub use crate::plan::matrices::{BLOCK, Batch, workspace_bytes};
use crate::{Error, Result};

/// Rows whose products are summed apart, before the sums are added: part of the stream.
pub const CHUNK: usize = 256;
/// Reflectors that are kept side by side: a row's 16 numbers are a cache line.
const GROUP: usize = 16;
/// Columns of the matrix that a task takes together.
const SLAB: usize = 32;

type Line = [f32; GROUP];

/// What a matrix needs beside its output: 256 bytes for each row of the tall one of the matrix and its transpose, and 32 KiB. Kept
/// between calls it is allocated once.
#[derive(Debug, Default)]
pub struct Workspace {
    /// The block's reflectors: [`BLOCK`] / [`GROUP`] groups, each of as many lines as there are rows.
    v: Vec<Line>,
    gram: Vec<[f32; SLAB]>,
    /// Like `v`, of [`BLOCK`] rows.
    t: Vec<Line>,
}

/// Writes the matrices with the code of one level, on all cores where the feature `parallel` is on.
///
/// # Errors
/// Those of [`Batch::elements`]; [`Error::Buffer`] where `out` has another length; [`Error::Device`] where this processor lacks
/// the level.
pub fn fill(level: Level, batch: &Batch, out: &mut [f32], workspace: &mut Workspace) -> Result<()> {
    let len = batch.elements()?;
    if out.len() as u64 != len {
        return Err(Error::Buffer(format!("{} elements given, {len} are needed", out.len())));
    }
    if !Level::available().contains(&level) {
        return Err(Error::Device(format!("this processor has no {level:?}")));
    }
    if len == 0 {
        return Ok(());
    }
    let size = batch.matrix_len() as usize;
    // Small matrices go to a thread each; a large one goes to all of them.
    #[cfg(feature = "parallel")]
    if batch.count > 1 && size <= 1 << 16 {
        use rayon::prelude::*;
        out.par_chunks_mut(size).enumerate().for_each_init(Workspace::default, |workspace, (i, out)| {
            one(level, batch, batch.first + i as u32, out, workspace);
        });
        return Ok(());
    }
    for (i, out) in out.chunks_mut(size).enumerate() {
        one(level, batch, batch.first + i as u32, out, workspace);
    }
    Ok(())
}

/// Calls `f` for 0..n, on all cores where the feature `parallel` is on.
fn each(n: usize, f: impl Fn(usize) + Sync + Send) {
    #[cfg(feature = "parallel")]
    {
        use rayon::prelude::*;
        if n > 1 {
            return (0..n).into_par_iter().for_each(f);
        }
    }
    (0..n).for_each(f);
}

/// Calls `f` for each item with its index, on all cores where the feature `parallel` is on.
fn each_mut<T: Send>(items: &mut [T], f: impl Fn(usize, &mut T) + Sync + Send) {
    #[cfg(feature = "parallel")]
    {
        use rayon::prelude::*;
        items.par_iter_mut().enumerate().for_each(|(i, item)| f(i, item));
    }
    #[cfg(not(feature = "parallel"))]
    items.iter_mut().enumerate().for_each(|(i, item)| f(i, item));
}

/// One matrix: from the identity's columns, block by block from the last to the first.
fn one(level: Level, batch: &Batch, matrix: u32, out: &mut [f32], workspace: &mut Workspace) {
    let (p, q) = batch.tall();
    let (p, q) = (p as usize, q as usize);
    // The rows of `v` end in whole tiles.
    let lines = p.next_multiple_of(8);
    workspace.v.resize((BLOCK / GROUP) * lines, [0.0; GROUP]);
    workspace.gram.resize(BLOCK / SLAB * BLOCK, [0.0; SLAB]);
    workspace.t.resize((BLOCK / GROUP) * BLOCK, [0.0; GROUP]);
    let c = slab::Matrix::new(out, (batch.rows as usize, batch.cols as usize));
    for block in (0..q.div_ceil(BLOCK)).rev() {
        let first = block * BLOCK;
        let (width, rows) = (BLOCK.min(q - first), p - first);
        let padded = rows.next_multiple_of(8);
        let mut groups: Vec<reflect::Group<'_>> = workspace
            .v
            .chunks_exact_mut(lines)
            .enumerate()
            .map(|(g, lines)| reflect::Group {
                counter: [first as u32, matrix],
                key: batch.key,
                begin: g * GROUP,
                width,
                rows,
                lines: &mut lines[..padded],
                diagonal: [0.0; GROUP],
            })
            .collect();
        each_mut(&mut groups, |_, group| run(level, Task::Reflect(group)));
        let mut diagonal = [0.0; BLOCK];
        for (d, group) in diagonal.chunks_exact_mut(GROUP).zip(&groups) {
            d.copy_from_slice(&group.diagonal);
        }
        let v = split(&workspace.v, lines);
        let mut grams: Vec<_> = workspace.gram.chunks_exact_mut(BLOCK).collect();
        each_mut(&mut grams, |s, gram| run(level, Task::Gram(v, rows, s, gram)));
        run(level, Task::Factor(&workspace.gram, width, &mut workspace.t));
        let t = split(&workspace.t, BLOCK);
        let job = slab::Job { v, t, diagonal: &diagonal, first, rows, gain: batch.gain, c: &c };
        each((q - first).div_ceil(SLAB), |s| run(level, Task::Slab(&job, s)));
    }
}

/// The groups of a block: `lines` of each.
fn split(lines: &[Line], each: usize) -> [&[Line]; BLOCK / GROUP] {
    std::array::from_fn(|g| &lines[g * each..(g + 1) * each])
}

/// What runs with the code of one level.
enum Task<'a, 'b> {
    Reflect(&'a mut reflect::Group<'b>),
    /// The reflectors, their rows, the slab of their products with each other, and where that goes.
    Gram([&'a [Line]; BLOCK / GROUP], usize, usize, &'a mut [[f32; SLAB]]),
    Factor(&'a [[f32; SLAB]], usize, &'a mut [Line]),
    Slab(&'a slab::Job<'b>, usize),
}

/// `MR x NR` numbers are accumulated in registers.
#[inline(always)]
fn run_with<A: Fma, const MR: usize, const NR: usize>(task: Task<'_, '_>) {
    match task {
        Task::Reflect(group) => group.run::<A>(),
        Task::Gram(v, rows, s, gram) => slab::gram::<A, MR, NR>(v, rows, s, gram),
        Task::Factor(gram, width, t) => factor::factor::<A>(gram, width, t),
        Task::Slab(job, s) => job.run::<A, MR, NR>(s),
    }
}

fn run(level: Level, task: Task<'_, '_>) {
    match level {
        // SAFETY: a level above `Baseline` comes from `available`, which has asked the processor for these features.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { run_avx2(task) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { run_avx512(task) },
        _ if FUSED => run_with::<Native, 4, 16>(task),
        _ => run_with::<Wide, 4, 16>(task),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2(task: Task<'_, '_>) {
    run_with::<Native, 4, 16>(task);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn run_avx512(task: Task<'_, '_>) {
    run_with::<Native, 4, 32>(task);
}
