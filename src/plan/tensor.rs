//! A stored tensor as planned: validated, with keys and laws, ready to be made into a fill.

use super::DEVICE_ALIGNMENT;
use super::part::{PlannedPart, check_cover};
use super::spec::{Part, TensorSpec};
use crate::plan::fill::{Fill, Piece};
use crate::plan::placement::Placement;
use crate::plan::slab::{Place, Slab};
use crate::value::key::StreamVersion;
use crate::value::params::LawParams;
use crate::value::shape::Shape;
use crate::{DType, Error, Result, Rounding};
use std::ops::Range;

/// A stored tensor of a plan; made by [`Plan::push`](super::Plan::push).
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

impl PlannedTensor {
    pub(super) fn new(version: StreamVersion, seed: u64, spec: &TensorSpec) -> Result<Self> {
        spec.rounding.check(spec.dtype)?;
        let dims = spec.shape.dims();
        // The view is for parts. Without them it is the shape, so that rows of zeros are rows of the shape.
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
                return Err(Error::Placement(format!(
                    "zero row {row}: shape {dims:?} has {rows} rows, counted from 0"
                )));
            }
            if !spec.parts.is_empty() {
                return Err(Error::Placement(
                    "zero rows and parts exclude each other: give the rows a part of scheme zeros".to_owned(),
                ));
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
        // Making a fill can only fail on the view: find that out now.
        tensor.lower(&[Slab::whole(dims)])?;
        Ok(tensor)
    }

    /// Gives the tensor the first aligned offset from `from` on; returns where its bytes end, or `None` beyond 64 bits.
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

    /// The law and rounding of a tensor that is one run of a logical tensor's elements, which are not those of
    /// matrices; `None` of any other.
    #[cfg(feature = "gpu")]
    pub(crate) fn run_law(&self) -> Option<(&LawParams, Rounding)> {
        let [part] = &self.parts[..] else { return None };
        let in_order = part.order.iter().copied().eq(0..part.order.len());
        let plain = in_order && self.zero_rows.is_empty() && part.matrices.is_none();
        plain.then_some((&part.params, self.rounding))
    }

    /// Bytes of its elements.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shape.count() * self.dtype.size()
    }

    /// Where the first byte of the tensor lies in device memory that holds the whole plan: a multiple of
    /// [`DEVICE_ALIGNMENT`].
    #[must_use]
    pub fn device_offset(&self) -> u64 {
        self.offset
    }

    /// Where the tensor ends in device memory that holds the whole plan: a multiple of 4.
    #[must_use]
    pub fn device_end(&self) -> u64 {
        self.offset + self.bytes().next_multiple_of(4)
    }

    /// What to write for the whole tensor.
    ///
    /// # Panics
    /// Never: the plan made this fill once, when it took the tensor.
    #[must_use]
    pub fn fill(&self) -> Fill {
        self.lower(&[Slab::whole(self.shape.dims())]).expect("the plan made this fill when it took the tensor")
    }

    /// What to write for a slab of the stored tensor, as a row-major tensor of its own: exactly the bytes of those
    /// elements in the whole.
    ///
    /// # Errors
    /// [`Error::Placement`], with the tensor's name, where the slab is empty or leaves the tensor.
    ///
    /// ```
    /// # use seedbed::plan::{Plan, Slab, TensorSpec};
    /// # use seedbed::{Scheme, StreamVersion, cpu};
    /// let mut plan = Plan::new(StreamVersion::V1, 42);
    /// let tensor = plan.push(&TensorSpec::new("w", [4, 3], Scheme::normal(0.0, 0.02))?)?;
    /// let (mut whole, mut rows) = ([0; 48], [0; 24]);
    /// cpu::fill(&tensor.fill(), &mut whole)?;
    /// cpu::fill(&tensor.fill_slab(&Slab::new([1, 0], [2, 3]))?, &mut rows)?;
    /// assert_eq!(rows, whole[12..36]);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    pub fn fill_slab(&self, slab: &Slab) -> Result<Fill> {
        self.fill_boxes(std::slice::from_ref(slab))
    }

    /// What to write for several slabs of the stored tensor, each row-major, one after another without gaps: what one
    /// rank holds of a tensor whose rows are dealt out in turns. Slabs may overlap: an element is written once for each
    /// slab that has it.
    ///
    /// # Errors
    /// [`Error::Placement`], with the tensor's name, where there are no slabs, one is empty or leaves the tensor, or
    /// they have more than 2^62 bytes together.
    ///
    /// ```
    /// # use seedbed::plan::{Plan, Slab, TensorSpec};
    /// # use seedbed::{Scheme, StreamVersion, cpu};
    /// let mut plan = Plan::new(StreamVersion::V1, 42);
    /// let tensor = plan.push(&TensorSpec::new("w", [16, 3], Scheme::normal(0.0, 0.02))?)?;
    /// // Rows 0 to 3 and 8 to 11.
    /// let fill = tensor.fill_boxes(&[Slab::new([0, 0], [4, 3]), Slab::new([8, 0], [4, 3])])?;
    /// let (mut whole, mut rows) = ([0; 192], [0; 96]);
    /// cpu::fill(&tensor.fill(), &mut whole)?;
    /// cpu::fill(&fill, &mut rows)?;
    /// assert_eq!((&rows[..48], &rows[48..]), (&whole[..48], &whole[96..144]));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    pub fn fill_boxes(&self, slabs: &[Slab]) -> Result<Fill> {
        self.check_boxes(slabs).and_then(|()| self.lower(slabs)).map_err(|e| e.in_tensor(&self.name))
    }

    fn check_boxes(&self, slabs: &[Slab]) -> Result<()> {
        if slabs.is_empty() {
            return Err(Error::Placement("no slabs are given: one or more are needed".to_owned()));
        }
        slabs.iter().try_for_each(|slab| slab.check(self.shape.dims()))?;
        let elements: u128 = slabs.iter().map(|slab| u128::from(slab.count())).sum();
        if elements * u128::from(self.dtype.size()) > 1 << 62 {
            let count = slabs.len();
            return Err(Error::Placement(format!("{count} slabs of {elements} {} exceed 2^62 bytes", self.dtype)));
        }
        Ok(())
    }

    /// What to write for a range of the stored tensor's elements, row-major: a flat shard, as where a tensor is
    /// flattened and cut into equal lengths. Any start and any end, odd 16-bit elements too.
    ///
    /// # Errors
    /// [`Error::Placement`], with the tensor's name, where the range is empty or leaves the tensor.
    ///
    /// ```
    /// # use seedbed::plan::{Plan, TensorSpec};
    /// # use seedbed::{DType, Scheme, StreamVersion, cpu};
    /// let mut plan = Plan::new(StreamVersion::V1, 42);
    /// let spec = TensorSpec::new("w", [5, 3], Scheme::normal(0.0, 0.02))?.dtype(DType::F16);
    /// let tensor = plan.push(&spec)?;
    /// let (mut whole, mut shard) = ([0; 30], [0; 10]);
    /// cpu::fill(&tensor.fill(), &mut whole)?;
    /// cpu::fill(&tensor.fill_elements(5..10)?, &mut shard)?;
    /// assert_eq!(shard, whole[10..20]);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    pub fn fill_elements(&self, elements: Range<u64>) -> Result<Fill> {
        self.fill().range(elements)
    }

    fn lower(&self, slabs: &[Slab]) -> Result<Fill> {
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
                // Zeros need no rounding; nearest even is the faster kernel.
                let (law, table, matrices, rounding) = match zero {
                    true => (LawParams::zero(), None, None, Rounding::NearestEven),
                    false => (part.params, part.table.clone(), part.matrices, self.rounding),
                };
                let mut before = 0;
                for slab in slabs {
                    pieces.extend(place.in_slab(slab)?.into_iter().map(|p| Piece {
                        key: part.key.0,
                        law,
                        table: table.clone(),
                        matrices,
                        placement: Placement { dst: before + p.dst, ..p },
                        rounding,
                    }));
                    before += slab.count();
                }
            }
        }
        let elements = slabs.iter().map(Slab::count).sum();
        Fill::new(self.name.clone(), self.dtype, elements, pieces)
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
        // Neighbors are one box: a padded vocabulary has many of them.
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
