//! A logical tensor as planned, and whether the parts of a stored tensor hold each element once.

use super::spec::Part;
use crate::plan::matrices::Matrices;
use crate::plan::slab::Slab;
use crate::value::key::{Key, StreamVersion};
use crate::value::law::Law;
use crate::value::params::LawParams;
use crate::value::shape::{Layout, Shape};
use crate::{DType, Error, Result};
use std::sync::Arc;

/// A logical tensor of a plan; made by [`Plan::push`](super::Plan::push).
#[derive(Clone, Debug)]
pub struct PlannedPart {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) layout: Layout,
    pub(super) law: Law,
    pub(super) key: Key,
    pub(super) params: LawParams,
    pub(super) table: Option<Arc<[u64]>>,
    pub(super) matrices: Option<Matrices>,
    pub(super) slab: Slab,
    pub(super) order: Vec<usize>,
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

    pub(super) fn new(version: StreamVersion, seed: u64, part: &Part, dtype: DType, view: &[u64]) -> Result<Self> {
        part.slab.check(view)?;
        let mut axes = part.order.clone();
        axes.sort_unstable();
        if axes != (0..view.len()).collect::<Vec<_>>() {
            return Err(Error::Placement(format!(
                "order {:?}: must name each of the {} axes of view {view:?} once",
                part.order,
                view.len()
            )));
        }
        if part.slab.count() != part.shape.count() {
            return Err(Error::Placement(format!(
                "shape {} has {} elements, its slab of extent {:?} has {}",
                part.shape,
                part.shape.count(),
                part.slab.extent,
                part.slab.count()
            )));
        }
        let law = part.scheme.law(&part.shape, &part.layout)?;
        let params = LawParams::new(&law, dtype).map_err(|error| error.about(part.scheme))?;
        let key = Key::of_tensor(version, seed, &part.name);
        Ok(Self {
            name: part.name.clone(),
            shape: part.shape.clone(),
            layout: part.layout.clone(),
            params,
            table: law.frequencies(),
            matrices: Matrices::of(&law, key.0),
            law,
            key,
            slab: part.slab.clone(),
            order: part.order.clone(),
        })
    }
}

/// Checks that the slabs of the parts hold every element of the view exactly once.
pub(super) fn check_cover(shape: &Shape, view: &[u64], parts: &[PlannedPart]) -> Result<()> {
    let of_view = view.iter().try_fold(1u64, |n, &d| n.checked_mul(d));
    let of_parts = parts.iter().try_fold(0u64, |n, p| n.checked_add(p.slab.count()));
    if of_view != Some(shape.count()) || of_parts != Some(shape.count()) {
        let held = |n: Option<u64>| n.map_or_else(|| "2^64 or more".to_owned(), |n| n.to_string());
        let plural = if parts.len() == 1 { "" } else { "s" };
        return Err(Error::Placement(format!(
            "{} part{plural} of {} elements, view {view:?} of {}, shape {shape} of {}: the three must be equal",
            parts.len(),
            held(of_parts),
            held(of_view),
            shape.count()
        )));
    }
    // With the counts equal, disjoint is covering. Sorted by first index, only neighbors along the first axis can meet.
    let mut sorted: Vec<&PlannedPart> = parts.iter().collect();
    sorted.sort_by_key(|p| p.slab.start.first().copied());
    for (i, a) in sorted.iter().enumerate() {
        for b in &sorted[i + 1..] {
            let end = |p: &PlannedPart, k: usize| p.slab.start[k] + p.slab.extent[k];
            if view.is_empty() || b.slab.start[0] >= end(a, 0) {
                break;
            }
            if (0..view.len()).all(|k| a.slab.start[k] < end(b, k) && b.slab.start[k] < end(a, k)) {
                let [a_slab, b_slab] = [&a.slab, &b.slab];
                return Err(Error::Placement(format!(
                    "parts {:?} (slab {a_slab}) and {:?} (slab {b_slab}) overlap: each element must lie in one part",
                    a.name, b.name
                )));
            }
        }
    }
    Ok(())
}
