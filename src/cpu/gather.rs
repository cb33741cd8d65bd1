//! Elements of drawn laws, block by block: short runs, and elements that lie apart, are gathered until a tile of blocks
//! is full, so that what they cost goes by their number.

use super::fill::{FillTiles, Series, fill_tile, tile_bytes};
use super::level::{Arithmetic, Available, Work};
use crate::plan::placement::Run;

/// Blocks of a tile that is gathered: two vectors of AVX-512.
const BLOCKS: usize = 32;

/// Where some of a block's four elements go.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// The first of them.
    lane: u8,
    /// How many follow each other.
    count: u8,
    /// The destination element of the first, and how far the others lie apart.
    at: usize,
    step: usize,
}

/// The blocks of one series that were gathered so far.
pub(super) struct Gather<'a> {
    level: Available,
    series: &'a Series<'a>,
    blocks: [u64; BLOCKS],
    places: [Place; BLOCKS],
    len: usize,
}

impl<'a> Gather<'a> {
    pub fn new(level: Available, series: &'a Series<'a>) -> Self {
        Self { level, series, blocks: [0; BLOCKS], places: [Place::default(); BLOCKS], len: 0 }
    }

    /// Takes the elements of a run, whose destination elements are those of `out`. Some are only written by
    /// [`Gather::finish`].
    pub fn take(&mut self, run: &Run, out: &mut [u8]) {
        let (mut src, mut at, mut left) = (run.src, run.dst as usize, run.count);
        let step = run.dst_step as usize;
        if run.src_step != 1 {
            for _ in 0..left {
                self.push(src / 4, Place { lane: (src % 4) as u8, count: 1, at, step }, out);
                (src, at) = (src.wrapping_add(run.src_step), at + step);
            }
            return;
        }
        while left > 0 {
            let lane = src % 4;
            let size = self.series.dtype.size() as usize;
            let tile = tile_bytes(self.series.dtype);
            let whole = if step == 1 && lane == 0 { left as usize * size / tile * tile } else { 0 };
            if whole > 0 {
                let out = &mut out[at * size..at * size + whole];
                self.level.run(FillTiles { series: self.series, block: src / 4, out });
                let count = whole / size;
                (src, at, left) = (src + count as u64, at + count, left - count as u64);
                continue;
            }
            let count = (4 - lane).min(left);
            self.push(src / 4, Place { lane: lane as u8, count: count as u8, at, step }, out);
            (src, at, left) = (src + count, at + count as usize * step, left - count);
        }
    }

    fn push(&mut self, block: u64, place: Place, out: &mut [u8]) {
        (self.blocks[self.len], self.places[self.len]) = (block, place);
        self.len += 1;
        if self.len == BLOCKS {
            self.finish(out);
        }
    }

    /// Writes what was taken and is not written yet.
    pub fn finish(&mut self, out: &mut [u8]) {
        if self.len == 0 {
            return;
        }
        let mut values = [0; 16 * BLOCKS];
        let size = self.series.dtype.size() as usize;
        let values = &mut values[..4 * size * BLOCKS];
        self.level.run(FillGathered { series: self.series, blocks: &self.blocks, out: values });
        let places = &self.places[..self.len];
        if size == 2 {
            scatter::<2>(places, values, out);
        } else {
            scatter::<4>(places, values, out);
        }
        self.len = 0;
    }
}

/// Copies elements of `SIZE` bytes from where they were made, four of each block, to where they go.
fn scatter<const SIZE: usize>(places: &[Place], values: &[u8], out: &mut [u8]) {
    let (values, _) = values.as_chunks::<SIZE>();
    let (out, _) = out.as_chunks_mut::<SIZE>();
    for (place, four) in places.iter().zip(values.as_chunks::<4>().0) {
        if (place.step, place.count) == (1, 4) {
            out[place.at..place.at + 4].copy_from_slice(four);
            continue;
        }
        for k in 0..usize::from(place.count) {
            out[place.at + k * place.step] = four[usize::from(place.lane) + k];
        }
    }
}

/// Fills `out` with the four elements of each block.
struct FillGathered<'a, 'b> {
    series: &'a Series<'a>,
    blocks: &'a [u64; BLOCKS],
    out: &'b mut [u8],
}

impl Work for FillGathered<'_, '_> {
    #[inline(always)]
    fn run<A: Arithmetic, const NR: usize>(self) {
        fill_tile::<A, BLOCKS>(self.series, |i| self.blocks[i], self.out);
    }
}
