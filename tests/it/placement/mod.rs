//! A slab, a part, a range or a row of zeros moves offsets, never bits: each gives the bytes that plain indexing of the
//! whole gives.

mod billions;
pub mod elements;
mod far;
mod parts;
mod ranges;
mod slabs;

use crate::reference::Cases;
use seedbed::cpu::{self, Level};
use seedbed::plan::Slab;
use seedbed::{DType, Fill};

const POISON: u8 = 0xa5;
const GUARD: usize = 64;

/// What `write` leaves in `len` bytes that lie between guards, `shift` bytes off any alignment.
#[track_caller]
fn guarded(len: usize, shift: usize, write: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut memory = vec![POISON; GUARD + shift + len + GUARD];
    let from = GUARD + shift;
    write(&mut memory[from..from + len]);
    let outside = memory[..from].iter().chain(&memory[from + len..]);
    assert!(outside.into_iter().all(|&b| b == POISON), "guard bytes around {len} bytes have changed");
    memory.drain(..from);
    memory.truncate(len);
    memory
}

/// The elements of a fill, and the padding checked.
#[track_caller]
fn bytes(fill: &Fill) -> Vec<u8> {
    let mut padded = guarded(fill.device_bytes() as usize, 1, |out| cpu::fill(fill, out).unwrap());
    assert!(padded[fill.bytes() as usize..].iter().all(|&b| b == 0), "{}: the padding is not 0", fill.name());
    padded.truncate(fill.bytes() as usize);
    padded
}

/// The bytes `from..from + len` of a fill.
#[track_caller]
fn range(fill: &Fill, from: u64, len: usize) -> Vec<u8> {
    guarded(len, 3, |out| cpu::fill_range(fill, Level::best(), from, out).unwrap())
}

/// Calls `visit` with each index of a box, row-major.
fn each_index(slab: &Slab, mut visit: impl FnMut(&[u64])) {
    let mut index = slab.start.clone();
    loop {
        visit(&index);
        // The last axis runs fastest.
        let Some(axis) = (0..index.len()).rev().find(|&k| index[k] + 1 < slab.start[k] + slab.extent[k]) else {
            return;
        };
        index[axis] += 1;
        index[axis + 1..].copy_from_slice(&slab.start[axis + 1..]);
    }
}

/// The row-major number of the element at an index.
fn flat(dims: &[u64], index: &[u64]) -> u64 {
    dims.iter().zip(index).fold(0, |at, (&d, &i)| at * d + i)
}

/// The elements of a box of the whole, by plain indexing.
fn indexed(whole: &[u8], dims: &[u64], slab: &Slab, dtype: DType) -> Vec<u8> {
    let size = dtype.size() as usize;
    let mut picked = Vec::new();
    each_index(slab, |index| {
        let at = flat(dims, index) as usize * size;
        picked.extend_from_slice(&whole[at..at + size]);
    });
    picked
}

/// A box of a tensor of these dimensions.
fn random_slab(cases: &mut Cases, dims: &[u64]) -> Slab {
    let (mut start, mut extent) = (Vec::new(), Vec::new());
    for &dim in dims {
        let from = cases.below(dim);
        start.push(from);
        extent.push(1 + cases.below(dim - from));
    }
    Slab::new(start, extent)
}

/// Every box of a tensor of these dimensions.
fn every_slab(dims: &[u64]) -> Vec<Slab> {
    dims.iter().fold(vec![Slab::whole(&[])], |slabs, &dim| {
        let ranges = || (0..dim).flat_map(move |from| (1..=dim - from).map(move |extent| (from, extent)));
        let longer = |slab: &Slab, (from, extent)| {
            Slab::new([slab.start.as_slice(), &[from]].concat(), [slab.extent.as_slice(), &[extent]].concat())
        };
        slabs.iter().flat_map(|slab| ranges().map(|range| longer(slab, range)).collect::<Vec<_>>()).collect()
    })
}
