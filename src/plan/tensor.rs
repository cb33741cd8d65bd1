//! A tensor as planned: validated, with keys and laws, ready to be lowered to a fill.

use super::DEVICE_ALIGNMENT;
use super::spec::{Part, TensorSpec};
use crate::plan::fill::{Fill, Piece};
use crate::plan::matrices::Matrices;
use crate::plan::slab::{Place, Slab};
use crate::value::key::{Key, StreamVersion};
use crate::value::law::Law;
use crate::value::params::LawParams;
use crate::value::shape::{Layout, Shape};
use crate::{DType, Error, Result, Rounding};
use std::sync::Arc;

/// A stored tensor of a plan.
#[derive(Clone, Debug)]
pub struct PlannedTensor {
    name: String,
    shape: Shape,
    dtype: DType,
    view: Vec<u64>,
    parts: Vec<PlannedPart>,
    zero_rows: Vec<u64>,
    offset: u64,
    rounding: Rounding,
}

/// A logical tensor of a plan.
#[derive(Clone, Debug)]
pub struct PlannedPart {
    name: String,
    shape: Shape,
    layout: Layout,
    law: Law,
    key: Key,
    params: LawParams,
    table: Option<Arc<[u64]>>,
    matrices: Option<Matrices>,
    slab: Slab,
    order: Vec<usize>,
}

impl PlannedPart {
    /// The logical tensor's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The logical shape.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Which of its axes feed in and out.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The law of its elements.
    #[must_use]
    pub fn law(&self) -> &Law {
        &self.law
    }

    /// Its Philox key.
    #[must_use]
    pub fn key(&self) -> Key {
        self.key
    }

    fn new(version: StreamVersion, seed: u64, part: &Part, dtype: DType, view: &[u64]) -> Result<Self> {
        part.slab.check(view)?;
        let mut axes = part.order.clone();
        axes.sort_unstable();
        if axes != (0..view.len()).collect::<Vec<_>>() || part.slab.count() != part.shape.count() {
            return Err(Error::Placement(format!(
                "part {:?} of shape {:?}: its box {:?} in order {:?} does not hold that shape",
                part.name,
                part.shape.dims(),
                part.slab.extent,
                part.order
            )));
        }
        let law = part.scheme.law(&part.shape, &part.layout)?;
        let key = Key::of_tensor(version, seed, &part.name);
        Ok(Self {
            name: part.name.clone(),
            shape: part.shape.clone(),
            layout: part.layout.clone(),
            params: LawParams::new(&law, dtype)?,
            table: law.frequencies(),
            matrices: Matrices::of(&law, key.0),
            law,
            key,
            slab: part.slab.clone(),
            order: part.order.clone(),
        })
    }
}

impl PlannedTensor {
    pub(super) fn new(version: StreamVersion, seed: u64, spec: &TensorSpec) -> Result<Self> {
        spec.rounding.check(spec.dtype)?;
        let dims = spec.shape.dims();
        // Without parts the view has nothing to say: rows of zeros are rows of the shape.
        let view = if spec.view.is_empty() || spec.parts.is_empty() { dims } else { &spec.view };
        let parts = if spec.parts.is_empty() {
            let whole = Part::new(spec.name.clone(), dims, spec.scheme, Slab::whole(view))?.layout(spec.layout.clone());
            vec![PlannedPart::new(version, seed, &whole, spec.dtype, view)?]
        } else {
            (spec.parts.iter())
                .map(|p| PlannedPart::new(version, seed, p, spec.dtype, view).map_err(|e| e.in_tensor(&p.name)))
                .collect::<Result<Vec<_>>>()?
        };
        check_cover(&spec.shape, view, &parts)?;
        let mut zero_rows = spec.zero_rows.clone();
        zero_rows.sort_unstable();
        zero_rows.dedup();
        if let Some(&row) = zero_rows.last() {
            let rows = dims.first().copied().unwrap_or(0);
            if row >= rows {
                return Err(Error::Placement(format!("zero row {row}: shape {dims:?} has {rows} rows")));
            }
            if !spec.parts.is_empty() {
                return Err(Error::Placement("zero rows and parts exclude each other: make the row a part".to_owned()));
            }
        }
        let tensor = Self {
            name: spec.name.clone(),
            shape: spec.shape.clone(),
            dtype: spec.dtype,
            view: view.to_vec(),
            parts,
            zero_rows,
            offset: 0,
            rounding: spec.rounding,
        };
        // Lowering can only fail on the view: find that out now.
        tensor.lower(&Slab::whole(dims))?;
        Ok(tensor)
    }

    /// Gives the tensor the next aligned offset; the end of its bytes there.
    pub(super) fn place_at(&mut self, from: u64) -> Option<u64> {
        self.offset = from.checked_next_multiple_of(DEVICE_ALIGNMENT)?;
        let bytes = self.shape.count().checked_mul(self.dtype.size())?.checked_next_multiple_of(4)?;
        self.offset.checked_add(bytes)
    }

    /// The stored name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The stored shape.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The element type.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// How values are rounded to the element type.
    #[must_use]
    pub fn rounding(&self) -> Rounding {
        self.rounding
    }

    /// The logical tensors it is made of, at least one.
    #[must_use]
    pub fn parts(&self) -> &[PlannedPart] {
        &self.parts
    }

    /// Rows of zeros, ascending.
    #[must_use]
    pub fn zero_rows(&self) -> &[u64] {
        &self.zero_rows
    }

    /// Bytes of its elements.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shape.count() * self.dtype.size()
    }

    /// Where a device arena that holds the whole plan has its first byte: a multiple of [`DEVICE_ALIGNMENT`].
    #[must_use]
    pub fn device_offset(&self) -> u64 {
        self.offset
    }

    /// One past its last byte in the arena: a multiple of 4.
    #[must_use]
    pub fn device_end(&self) -> u64 {
        self.offset + self.bytes().next_multiple_of(4)
    }

    /// The whole tensor.
    ///
    /// # Panics
    /// Never: the plan has lowered it once.
    #[must_use]
    pub fn fill(&self) -> Fill {
        self.lower(&Slab::whole(self.shape.dims())).expect("the plan has lowered the whole tensor")
    }

    /// An axis-aligned box of the stored tensor, as a row-major tensor of its own: exactly the bytes of those elements in the
    /// whole.
    ///
    /// # Errors
    /// [`Error::Placement`] where the box is empty or leaves the tensor.
    pub fn fill_slab(&self, slab: &Slab) -> Result<Fill> {
        slab.check(self.shape.dims()).and_then(|()| self.lower(slab)).map_err(|e| e.in_tensor(&self.name))
    }

    fn lower(&self, slab: &Slab) -> Result<Fill> {
        let mut pieces = Vec::new();
        for part in &self.parts {
            for (clip, zero) in self.clips(part) {
                let place = Place {
                    dims: self.shape.dims(),
                    view: &self.view,
                    part: &part.slab,
                    order: &part.order,
                    clip: &clip,
                };
                // A zero is no number to round: the faster way serves.
                let (law, table, matrices, rounding) = match zero {
                    true => (LawParams::zero(), None, None, Rounding::NearestEven),
                    false => (part.params, part.table.clone(), part.matrices, self.rounding),
                };
                pieces.extend(place.in_slab(slab)?.into_iter().map(|placement| Piece {
                    key: part.key.0,
                    law,
                    table: table.clone(),
                    matrices,
                    placement,
                    rounding,
                }));
            }
        }
        Fill::new(self.name.clone(), self.dtype, slab.count(), pieces)
    }

    /// The boxes of a part, cut at the rows of zeros: (box, is zero).
    fn clips(&self, part: &PlannedPart) -> Vec<(Slab, bool)> {
        let mut clips = Vec::new();
        let mut rows = |from: u64, to: u64, zero: bool| {
            if from < to {
                let mut clip = part.slab.clone();
                if let (Some(start), Some(extent)) = (clip.start.first_mut(), clip.extent.first_mut()) {
                    *start = from;
                    *extent = to - from;
                }
                clips.push((clip, zero));
            }
        };
        let (start, extent) = (part.slab.start.first().unwrap_or(&0), part.slab.extent.first().unwrap_or(&1));
        let mut from = *start;
        // Neighbours are one box: a padded vocabulary has many of them.
        for run in self.zero_rows.chunk_by(|a, b| a + 1 == *b) {
            let end = run[run.len() - 1] + 1;
            rows(from, run[0], false);
            rows(run[0], end, true);
            from = end;
        }
        rows(from, start + extent, false);
        clips
    }
}

/// The parts' boxes must hold every element of the view exactly once.
fn check_cover(shape: &Shape, view: &[u64], parts: &[PlannedPart]) -> Result<()> {
    let of_view = view.iter().try_fold(1u64, |n, &d| n.checked_mul(d));
    let of_parts = parts.iter().try_fold(0u64, |n, p| n.checked_add(p.slab.count()));
    if of_view != Some(shape.count()) || of_parts != Some(shape.count()) {
        return Err(Error::Placement(format!(
            "{} parts with {:?} elements in view {view:?} do not cover the {} elements of shape {:?}",
            parts.len(),
            of_parts,
            shape.count(),
            shape.dims()
        )));
    }
    // With the counts equal, disjoint is covering. Sorted by first index, only neighbours along the first axis can meet.
    let mut sorted: Vec<&PlannedPart> = parts.iter().collect();
    sorted.sort_by_key(|p| p.slab.start.first().copied());
    for (i, a) in sorted.iter().enumerate() {
        for b in &sorted[i + 1..] {
            let end = |p: &PlannedPart, k: usize| p.slab.start[k] + p.slab.extent[k];
            if view.is_empty() || b.slab.start[0] >= end(a, 0) {
                break;
            }
            if (0..view.len()).all(|k| a.slab.start[k] < end(b, k) && b.slab.start[k] < end(a, k)) {
                return Err(Error::Placement(format!("parts {:?} and {:?} overlap", a.name, b.name)));
            }
        }
    }
    Ok(())
}
