//! Where the elements of a logical tensor lie in memory: affine maps, cut to slabs and ranges.

/// Axes that a placement may have after collapsing.
pub(crate) const MAX_AXES: usize = 6;

/// One axis of a placement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// How many steps.
    pub extent: u64,
    /// Elements of the logical tensor per step.
    pub src: u64,
    /// Elements of the destination per step.
    pub dst: u64,
}

/// Where a box of elements lies: logical index `src + sum m_k axes[k].src` lies at destination element
/// `dst + sum m_k axes[k].dst`, for every `m_k < axes[k].extent`.
///
/// The axes are outermost first; a destination step of each axis is larger than all that the axes inside it span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    /// The logical index of the first element.
    pub src: u64,
    /// The destination of the first element.
    pub dst: u64,
    /// The axes, collapsed: none for a single element.
    pub axes: Vec<Axis>,
}

impl Placement {
    /// The number of elements.
    pub fn count(&self) -> u64 {
        self.axes.iter().map(|a| a.extent).product()
    }

    /// One past the last destination element.
    pub fn dst_end(&self) -> u64 {
        self.dst + self.axes.iter().map(|a| (a.extent - 1) * a.dst).sum::<u64>() + 1
    }

    /// Drops axes of one step and joins axes that continue each other.
    pub(crate) fn collapse(mut self) -> Self {
        let mut axes: Vec<Axis> = Vec::with_capacity(self.axes.len());
        for axis in self.axes.drain(..).filter(|a| a.extent > 1) {
            match axes.last_mut() {
                Some(outer) if outer.src == axis.src * axis.extent && outer.dst == axis.dst * axis.extent => {
                    *outer = Axis { extent: outer.extent * axis.extent, ..axis };
                }
                _ => axes.push(axis),
            }
        }
        if axes.is_empty() {
            axes.push(Axis { extent: 1, src: 1, dst: 1 });
        }
        self.axes = axes;
        self
    }

    /// The boxes that this placement's elements in the destination elements `from..to` are, in ascending order, at
    /// most two for each axis; their destination is counted from `from`.
    pub(crate) fn cut(&self, from: u64, to: u64, found: &mut Vec<Self>) {
        if self.dst >= from && self.dst_end() <= to {
            found.push(Self { dst: self.dst - from, ..self.clone() }.collapse());
            return;
        }
        let Some((outer, inner)) = self.axes.split_first() else { return };
        let (first, last) = steps_between(self.dst, outer, inner, from, to);
        if first > last {
            return;
        }
        let steps = |m: u64, extent: u64| {
            let axes = std::iter::once(Axis { extent, ..*outer }).filter(|a| a.extent > 1 || inner.is_empty());
            Self {
                src: self.src.wrapping_add(m.wrapping_mul(outer.src)),
                dst: self.dst + m * outer.dst,
                axes: axes.chain(inner.iter().copied()).collect(),
            }
        };
        // Only the first and the last step can lie across an end of the range.
        let is_whole = |m: u64| self.dst + m * outer.dst >= from && steps(m, 1).dst_end() <= to;
        let whole_from = if is_whole(first) { first } else { first + 1 };
        let whole_to = if is_whole(last) { last + 1 } else { last };
        if whole_from > first {
            steps(first, 1).cut(from, to, found);
        }
        if whole_from < whole_to {
            steps(whole_from, whole_to - whole_from).cut(from, to, found);
        }
        if whole_to <= last && last >= whole_from {
            steps(last, 1).cut(from, to, found);
        }
    }

    /// Calls `run` for each run of elements that lies in the destination elements `from..to`.
    pub(crate) fn runs(&self, from: u64, to: u64, run: &mut impl FnMut(Run)) {
        descend(self.src, self.dst, &self.axes, from, to, run);
    }

    /// The parts of this placement that cover the destination elements `from..to`, cut until every step of an axis is
    /// less than 2^30 elements: a box that lies across a binding of as many elements stays below what a device's 32-bit
    /// indices can address. The ends of the range may lie inside a part.
    #[cfg(feature = "gpu")]
    pub(crate) fn in_range(&self, from: u64, to: u64, found: &mut Vec<Self>) {
        let Some((outer, inner)) = self.axes.split_first() else { return };
        let (first, last) = steps_between(self.dst, outer, inner, from, to);
        if outer.dst < 1 << 30 {
            if first <= last {
                let axes = std::iter::once(Axis { extent: last - first + 1, ..*outer }).chain(inner.iter().copied());
                found.push(Self {
                    src: self.src.wrapping_add(first.wrapping_mul(outer.src)),
                    dst: self.dst + first * outer.dst,
                    axes: axes.collect(),
                });
            }
            return;
        }
        for m in first..=last {
            let src = self.src.wrapping_add(m.wrapping_mul(outer.src));
            let axes = if inner.is_empty() { vec![Axis { extent: 1, src: 1, dst: 1 }] } else { inner.to_vec() };
            Self { src, dst: self.dst + m * outer.dst, axes }.in_range(from, to, found);
        }
    }
}

/// Elements along the innermost axis of a placement: `count` of them, `src_step` apart in the logical tensor and
/// `dst_step` apart in the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub src: u64,
    pub dst: u64,
    pub count: u64,
    pub src_step: u64,
    pub dst_step: u64,
}

/// The first and last step of `outer` whose contents can touch `from..to`; empty where first > last.
fn steps_between(dst: u64, outer: &Axis, inner: &[Axis], from: u64, to: u64) -> (u64, u64) {
    let span = inner.iter().map(|a| (a.extent - 1) * a.dst).sum::<u64>();
    if to <= dst || from > dst + (outer.extent - 1) * outer.dst + span {
        return (1, 0);
    }
    let first = from.saturating_sub(dst + span).div_ceil(outer.dst);
    let last = ((to - 1 - dst) / outer.dst).min(outer.extent - 1);
    (first, last)
}

fn descend(src: u64, dst: u64, axes: &[Axis], from: u64, to: u64, run: &mut impl FnMut(Run)) {
    let Some((outer, inner)) = axes.split_first() else { return };
    let (first, last) = steps_between(dst, outer, inner, from, to);
    if first > last {
        return;
    }
    let at = |m: u64| (src.wrapping_add(m.wrapping_mul(outer.src)), dst + m * outer.dst);
    if inner.is_empty() {
        let (src, dst) = at(first);
        run(Run { src, dst, count: last - first + 1, src_step: outer.src, dst_step: outer.dst });
        return;
    }
    for m in first..=last {
        let (src, dst) = at(m);
        descend(src, dst, inner, from, to, run);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_holds_the_elements_of_its_range_in_few_boxes() {
        let axes = vec![
            Axis { extent: 3, src: 100, dst: 40 },
            Axis { extent: 3, src: 1, dst: 12 },
            Axis { extent: 4, src: 3, dst: 3 },
        ];
        let p = Placement { src: 7, dst: 5, axes };
        for from in 0..125 {
            for to in from + 1..=125 {
                let (mut expected, mut seen, mut boxes) = (Vec::new(), Vec::new(), Vec::new());
                p.runs(from, to, &mut |s| {
                    expected.extend((0..s.count).map(|k| (s.src + k * s.src_step, s.dst + k * s.dst_step - from)));
                });
                p.cut(from, to, &mut boxes);
                for b in &boxes {
                    b.runs(0, to - from, &mut |s| {
                        seen.extend((0..s.count).map(|k| (s.src + k * s.src_step, s.dst + k * s.dst_step)));
                    });
                }
                assert_eq!(seen, expected, "{from}..{to}");
                assert!(boxes.len() < 2 * p.axes.len(), "{from}..{to}: {boxes:?}");
            }
        }
    }

    #[test]
    fn runs_visit_a_placement_once_and_only_inside_the_range() {
        let p = Placement {
            src: 7,
            dst: 5,
            axes: vec![Axis { extent: 3, src: 1, dst: 20 }, Axis { extent: 4, src: 3, dst: 4 }],
        };
        let all: Vec<(u64, u64)> =
            (0..3).flat_map(|i| (0..4).map(move |j| (7 + i + 3 * j, 5 + 20 * i + 4 * j))).collect();
        for from in 0..60 {
            for to in from..=60 {
                let mut seen = Vec::new();
                p.runs(from, to, &mut |s| {
                    seen.extend((0..s.count).map(|k| (s.src + k * s.src_step, s.dst + k * s.dst_step)));
                });
                let expected: Vec<_> = all.iter().copied().filter(|&(_, d)| from <= d && d < to).collect();
                assert_eq!(seen, expected, "{from}..{to}");
            }
        }
    }
}
