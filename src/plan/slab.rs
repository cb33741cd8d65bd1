//! Slabs of a tensor, and where the elements of its parts lie in them.

use super::placement::{Axis, MAX_AXES, Placement};
use crate::{Error, Result};

/// An axis-aligned box of a tensor: along axis `k`, the indices `start[k]..start[k] + extent[k]`.
///
/// Its text form, for both [`Display`](std::fmt::Display) and [`FromStr`](std::str::FromStr), is `start:extent` of each
/// axis, with commas between them.
///
/// ```
/// use seedbed::plan::{Plan, Slab, TensorSpec};
/// use seedbed::{Scheme, StreamVersion, cpu};
///
/// let mut plan = Plan::new(StreamVersion::V1, 42);
/// let tensor = plan.push(&TensorSpec::new("head.weight", [4, 6], Scheme::normal(0.0, 0.02))?)?;
/// let mut whole = [0; 4 * 4 * 6];
/// cpu::fill(&tensor.fill(), &mut whole)?;
///
/// // Rows 2 and 3 whole: the last 12 of the 24 elements, by the same bits.
/// let slab = Slab::new([2, 0], [2, 6]);
/// assert_eq!(slab, "2:2,0:6".parse()?);
/// let mut rows = [0; 4 * 12];
/// cpu::fill(&tensor.fill_slab(&slab)?, &mut rows)?;
/// assert_eq!(rows, whole[48..]);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slab {
    /// The first index along each axis.
    pub start: Vec<u64>,
    /// How many indices along each axis.
    pub extent: Vec<u64>,
}

impl Slab {
    /// The whole of a tensor of these dimensions.
    #[must_use]
    pub fn whole(dims: &[u64]) -> Self {
        Self { start: vec![0; dims.len()], extent: dims.to_vec() }
    }

    /// A box from its first index and its extent along each axis.
    pub fn new(start: impl Into<Vec<u64>>, extent: impl Into<Vec<u64>>) -> Self {
        Self { start: start.into(), extent: extent.into() }
    }

    /// The number of elements, or `u64::MAX` where the product of the extents is larger: no tensor has so many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.extent.iter().fold(1, |n: u64, &e| n.saturating_mul(e))
    }

    /// # Errors
    /// [`Error::Placement`] where the box does not lie in a tensor of these dimensions, or is empty.
    pub(crate) fn check(&self, dims: &[u64]) -> Result<()> {
        let fits = self.start.len() == dims.len()
            && self.extent.len() == dims.len()
            && (self.start.iter().zip(&self.extent).zip(dims))
                .all(|((&s, &e), &d)| e > 0 && s.checked_add(e).is_some_and(|end| end <= d));
        if fits {
            return Ok(());
        }
        let count = |n: usize| if n == 1 { "one axis".to_owned() } else { format!("{n} axes") };
        let (starts, extents) = (self.start.len(), self.extent.len());
        Err(Error::Placement(if starts != extents {
            format!(
                "slab: {starts} starts and {extents} extents given, the shape {dims:?} needs {} of each",
                dims.len()
            )
        } else if starts != dims.len() {
            format!("slab {self}: {} given, the tensor of shape {dims:?} has {}", count(starts), count(dims.len()))
        } else {
            format!("slab {self}: empty or outside of shape {dims:?}; write start:extent of each axis")
        }))
    }
}

impl std::fmt::Display for Slab {
    /// `start:extent` of each axis, with commas between them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let axes: Vec<String> = self.start.iter().zip(&self.extent).map(|(s, e)| format!("{s}:{e}")).collect();
        f.pad(&axes.join(","))
    }
}

impl std::str::FromStr for Slab {
    type Err = Error;

    /// Reads `start:extent` of each axis, with commas between them: `0:768,1024:512`. Whether it fits a tensor is not
    /// checked.
    ///
    /// # Errors
    /// [`Error::Placement`] with the axis that is no pair of whole numbers.
    fn from_str(text: &str) -> Result<Self> {
        let (mut start, mut extent) = (Vec::new(), Vec::new());
        for axis in text.split(',').filter(|_| !text.trim().is_empty()) {
            let pair = axis.split_once(':').and_then(|(s, e)| Some((s.trim().parse().ok()?, e.trim().parse().ok()?)));
            let Some((s, e)) = pair else {
                return Err(Error::Placement(format!("slab {text:?}: {axis:?} is not start:extent, as 0:768")));
            };
            start.push(s);
            extent.push(e);
        }
        Ok(Self { start, extent })
    }
}

/// Where a logical tensor lies in a stored one. The stored tensor is viewed as `view`, its axes split further, in
/// order; the part is a box of that view; its axes, taken in `order`, are those of the logical tensor, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub dims: &'a [u64],
    pub view: &'a [u64],
    pub part: &'a Slab,
    pub order: &'a [usize],
    /// The box of the view, inside the part's, that is wanted.
    pub clip: &'a Slab,
}

impl Place<'_> {
    /// Where the part's elements lie in a slab of the stored tensor, stored row-major: one placement per box.
    pub fn in_slab(&self, slab: &Slab) -> Result<Vec<Placement>> {
        let mut src_step = vec![0; self.view.len()];
        let mut step = 1;
        for &axis in self.order.iter().rev() {
            src_step[axis] = step;
            step *= self.part.extent[axis];
        }
        // Along each stored axis, the boxes of view indices that its range is made of, and the steps of the view's
        // axes.
        let mut boxes: Vec<Vec<(u64, u64)>> = vec![Vec::new()];
        let mut dst_step = Vec::with_capacity(self.view.len());
        let mut inner: u64 = slab.count();
        let mut begin = 0;
        for (axis, &dim) in self.dims.iter().enumerate() {
            let end = split_end(self.view, begin, dim).ok_or_else(|| {
                Error::Placement(format!("view {:?} does not split the axes of shape {:?}", self.view, self.dims))
            })?;
            let factors = &self.view[begin..end];
            inner /= slab.extent[axis];
            let mut inside: u64 = factors.iter().product();
            for &f in factors {
                inside /= f;
                dst_step.push(inside * inner);
            }
            let range = mixed_radix(factors, slab.start[axis], slab.start[axis] + slab.extent[axis]);
            boxes = boxes.iter().flat_map(|b| range.iter().map(|r| [b.as_slice(), r].concat())).collect();
            begin = end;
        }
        if begin != self.view.len() {
            boxes = boxes.into_iter().map(|b| [b, vec![(0, 1); self.view.len() - begin]].concat()).collect();
            dst_step.resize(self.view.len(), 1);
        }
        let origin: u64 = {
            let mut inner: u64 = slab.count();
            (slab.start.iter().zip(&slab.extent))
                .map(|(&s, &e)| {
                    inner /= e;
                    s.wrapping_mul(inner)
                })
                .fold(0, u64::wrapping_add)
        };
        let mut placements = Vec::new();
        for b in boxes {
            let mut p = Placement { src: 0, dst: 0u64.wrapping_sub(origin), axes: Vec::new() };
            let mut empty = false;
            for (k, &(start, extent)) in b.iter().enumerate() {
                let (lo, hi) = (self.clip.start[k], self.clip.start[k] + self.clip.extent[k]);
                let (from, to) = (start.max(lo), (start + extent).min(hi));
                if from >= to {
                    empty = true;
                    break;
                }
                p.src += (from - self.part.start[k]) * src_step[k];
                p.dst = p.dst.wrapping_add(from.wrapping_mul(dst_step[k]));
                p.axes.push(Axis { extent: to - from, src: src_step[k], dst: dst_step[k] });
            }
            if empty {
                continue;
            }
            let p = p.collapse();
            if p.axes.len() > MAX_AXES {
                return Err(Error::Placement(format!(
                    "slab {}: needs {} axes, at most {MAX_AXES} are possible",
                    self.part,
                    p.axes.len()
                )));
            }
            placements.push(p);
        }
        Ok(placements)
    }
}

/// The end of the view's axes, from `begin`, whose product is `dim`: the fewest that make it.
fn split_end(view: &[u64], begin: usize, dim: u64) -> Option<usize> {
    let mut product = 1u64;
    let mut end = begin;
    while product < dim {
        product = product.checked_mul(*view.get(end)?)?;
        end += 1;
    }
    (product == dim).then_some(end)
}

/// The boxes of mixed-radix digits that make up the numbers `from..to`, in order.
fn mixed_radix(factors: &[u64], from: u64, to: u64) -> Vec<Vec<(u64, u64)>> {
    let Some((_, rest)) = factors.split_first() else { return vec![Vec::new()] };
    let inside: u64 = rest.iter().product();
    let below = |digit: u64, from: u64, to: u64| {
        mixed_radix(rest, from, to).into_iter().map(move |b| [vec![(digit, 1)], b].concat())
    };
    let (first, last) = (from / inside, (to - 1) / inside);
    let (head, tail) = (from % inside, (to - 1) % inside + 1);
    if first == last && (head != 0 || tail != inside) {
        return below(first, head, tail).collect();
    }
    let mut boxes = Vec::new();
    let whole_from = if head == 0 { first } else { first + 1 };
    let whole_to = if tail == inside { last + 1 } else { last };
    if head != 0 {
        boxes.extend(below(first, head, inside));
    }
    if whole_from < whole_to {
        boxes.push([vec![(whole_from, whole_to - whole_from)], rest.iter().map(|&f| (0, f)).collect()].concat());
    }
    if tail != inside {
        boxes.extend(below(last, 0, tail));
    }
    boxes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_too_many_axes_is_named_by_its_slab() {
        let dims = [2; MAX_AXES + 1];
        let whole = Slab::whole(&dims);
        let order: Vec<usize> = (0..dims.len()).rev().collect();
        let place = Place { dims: &dims, view: &dims, part: &whole, order: &order, clip: &whole };
        let error = place.in_slab(&whole).unwrap_err().to_string();
        assert!(error.ends_with("slab 0:2,0:2,0:2,0:2,0:2,0:2,0:2: needs 7 axes, at most 6 are possible"), "{error}");
    }

    #[test]
    fn mixed_radix_boxes_cover_each_number_once() {
        let factors = [3, 4, 5];
        for from in 0..60 {
            for to in from + 1..=60 {
                let mut seen = Vec::new();
                for b in mixed_radix(&factors, from, to) {
                    for i in b[0].0..b[0].0 + b[0].1 {
                        for j in b[1].0..b[1].0 + b[1].1 {
                            for k in b[2].0..b[2].0 + b[2].1 {
                                seen.push((i * 4 + j) * 5 + k);
                            }
                        }
                    }
                }
                assert_eq!(seen, (from..to).collect::<Vec<_>>());
            }
        }
    }
}
