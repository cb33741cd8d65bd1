//! The twin of shaders/orthogonal.wgsl: matrices with orthonormal columns (or rows), uniform over all of them (Haar).
//!
//! A product of Householder reflections of independent Gaussian vectors (Stewart 1980), with the signs that a QR
//! decomposition of positive diagonal has (Mezzadri 2007). docs/stream/orthogonal.md is the normative text: it fixes
//! the order of every sum, and leaves tiles, threads and the width of vectors free.
//!
//! The steps are those of the shader: `reflect` (`reflect_block`), `gram` and `products` (`products`), `factor`,
//! `apply`, `update`. The shader takes a step for the whole block of reflectors in each dispatch; the twin takes the
//! last three for a strip of columns at a time, which stays in the cache.

mod factor;
mod product;
mod reflect;
mod strip;

use super::fma::Fma;
use super::level::{Available, Level, Work};
use super::threads::Threads;
pub use crate::plan::matrices::Batch;
use crate::plan::matrices::{BLOCK, CHUNK_ROWS};
use crate::{Error, Result};

/// Reflectors that are kept side by side: a row's 16 numbers are a cache line.
const GROUP: usize = 16;
/// Columns of the matrix that a task takes together, a strip.
const STRIP: usize = 32;

/// A row of a group of reflectors.
type Line = [f32; GROUP];

/// The memory that making a matrix takes beside its output: 256 bytes for each row of the taller one of the matrix and
/// its transpose, and 32 KiB. Kept between calls, it is allocated once.
#[derive(Debug, Default)]
pub struct Workspace {
    /// A block of reflectors: [`BLOCK`] / [`GROUP`] groups, each of as many lines as there are rows.
    v: Vec<Line>,
    gram: Vec<[f32; STRIP]>,
    /// Like `v`, of [`BLOCK`] rows.
    t: Vec<Line>,
}

/// Writes the matrices with the code of one level, on all cores where the feature `parallel` is on.
///
/// # Errors
/// Those of [`Batch::elements`]; [`Error::Buffer`] where `out` has another length; [`Error::Device`] where this
/// processor lacks the level.
pub fn fill(level: Level, batch: &Batch, out: &mut [f32], workspace: &mut Workspace) -> Result<()> {
    fill_on(Threads::Pool, level, batch, out, workspace)
}

/// [`fill`] on some threads.
pub(super) fn fill_on(
    threads: Threads,
    level: Level,
    batch: &Batch,
    out: &mut [f32],
    workspace: &mut Workspace,
) -> Result<()> {
    let len = batch.elements()?;
    if out.len() as u64 != len {
        return Err(Error::Buffer(format!("{} elements given, {len} are needed", out.len())));
    }
    let level = level.checked()?;
    if len == 0 {
        return Ok(());
    }
    let size = batch.matrix_len() as usize;
    // Small matrices go to a thread each; a large one goes to all of them.
    #[cfg(feature = "parallel")]
    if threads == Threads::Pool && batch.count > 1 && size <= 1 << 16 {
        use rayon::prelude::*;
        out.par_chunks_mut(size).enumerate().for_each_init(Workspace::default, |workspace, (i, out)| {
            one((threads, level), batch, batch.first + i as u32, out, workspace);
        });
        return Ok(());
    }
    for (i, out) in out.chunks_mut(size).enumerate() {
        one((threads, level), batch, batch.first + i as u32, out, workspace);
    }
    Ok(())
}

/// Calls `f` for 0..n, on some threads.
fn each(threads: Threads, n: usize, f: impl Fn(usize) + Sync + Send) {
    #[cfg(feature = "parallel")]
    if threads == Threads::Pool && n > 1 {
        use rayon::prelude::*;
        return (0..n).into_par_iter().for_each(f);
    }
    #[cfg(not(feature = "parallel"))]
    let _ = threads;
    (0..n).for_each(f);
}

/// Calls `f` for each item with its index, on some threads.
fn each_mut<T: Send>(threads: Threads, items: &mut [T], f: impl Fn(usize, &mut T) + Sync + Send) {
    #[cfg(feature = "parallel")]
    if threads == Threads::Pool {
        use rayon::prelude::*;
        return items.par_iter_mut().enumerate().for_each(|(i, item)| f(i, item));
    }
    #[cfg(not(feature = "parallel"))]
    let _ = threads;
    items.iter_mut().enumerate().for_each(|(i, item)| f(i, item));
}

/// One matrix: from the identity's columns, one block of reflectors after another, from the last to the first.
fn one((threads, level): (Threads, Available), batch: &Batch, matrix: u32, out: &mut [f32], workspace: &mut Workspace) {
    let (p, q) = batch.tall();
    let (p, q) = (p as usize, q as usize);
    // `over_columns` takes `MR` rows at once.
    let lines = p.next_multiple_of(8);
    workspace.v.resize((BLOCK / GROUP) * lines, [0.0; GROUP]);
    workspace.gram.resize(BLOCK / STRIP * BLOCK, [0.0; STRIP]);
    workspace.t.resize((BLOCK / GROUP) * BLOCK, [0.0; GROUP]);
    let c = strip::Tall::new(out, (batch.rows as usize, batch.cols as usize));
    for first in (0..q).step_by(BLOCK).rev() {
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
        each_mut(threads, &mut groups, |_, group| level.run(Task::Reflect(group)));
        let mut diagonal = [0.0; BLOCK];
        for (d, group) in diagonal.chunks_exact_mut(GROUP).zip(&groups) {
            d.copy_from_slice(&group.diagonal);
        }
        let v = split(&workspace.v, lines);
        let mut grams: Vec<_> = workspace.gram.chunks_exact_mut(BLOCK).collect();
        each_mut(threads, &mut grams, |s, gram| level.run(Task::Gram(v, rows, s, gram)));
        level.run(Task::Factor(&workspace.gram, width, &mut workspace.t));
        let t = split(&workspace.t, BLOCK);
        let block = strip::Reflectors { v, t, diagonal: &diagonal, first, rows, gain: batch.gain, c: &c };
        // Each strip is handed out once, and all are done before the next block of reflectors: `fill_strip` needs it.
        each(threads, (q - first).div_ceil(STRIP), |s| level.run(Task::Strip(&block, s)));
    }
}

/// The groups of a block of reflectors, of `each` lines.
fn split(lines: &[Line], each: usize) -> [&[Line]; BLOCK / GROUP] {
    std::array::from_fn(|g| &lines[g * each..(g + 1) * each])
}

/// What runs with the code of one level.
enum Task<'a, 'b> {
    Reflect(&'a mut reflect::Group<'b>),
    /// The reflectors, their rows, the strip of their products with each other, and where that goes.
    Gram([&'a [Line]; BLOCK / GROUP], usize, usize, &'a mut [[f32; STRIP]]),
    /// The products, the number of reflectors, and where `T` goes.
    Factor(&'a [[f32; STRIP]], usize, &'a mut [Line]),
    /// The block of reflectors, and the number of the strip: made by `one` alone, for no strip twice.
    Strip(&'a strip::Reflectors<'b>, usize),
}

impl Work for Task<'_, '_> {
    #[inline(always)]
    fn run<A: Fma, const NR: usize>(self) {
        match self {
            Self::Reflect(group) => group.reflect::<A>(),
            Self::Gram(v, rows, s, gram) => strip::gram::<A, 4, NR>(v, rows, s, gram),
            Self::Factor(gram, width, t) => factor::factor::<A>(gram, width, t),
            // SAFETY: `one` alone makes this task. It has the matrix alone, by its `&mut`, hands out each strip of a
            // block of reflectors once, and begins with the next block after all strips of this one; strips are
            // disjoint. So no other call is for these columns.
            Self::Strip(block, s) => unsafe { block.fill_strip::<A, 4, NR>(s) },
        }
    }
}
