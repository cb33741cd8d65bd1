//! What to write where: the pieces of one destination, and the segments of words that they lie in.

#[cfg(feature = "gpu")]
use crate::plan::matrices::Batch;
use crate::plan::matrices::Matrices;
use crate::plan::placement::{MAX_AXES, Placement};
use crate::value::params::LawParams;
use crate::{DType, Error, Result, Rounding};
use std::ops::Range;
use std::sync::Arc;

/// A box of elements of one logical tensor, with its key and its law's numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Piece {
    pub key: [u32; 2],
    pub law: LawParams,
    /// The frequencies of a table of positions.
    pub table: Option<Arc<[u64]>>,
    /// Where the elements are those of orthogonal matrices, which are made as a whole: of which.
    pub matrices: Option<Matrices>,
    pub placement: Placement,
    pub rounding: Rounding,
}

/// A range of 32-bit words of the destination, and the pieces that have elements in it, as indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub words: Range<u64>,
    pub pieces: Vec<usize>,
}

/// The bytes of one tensor, or of one slab of it, row-major: made by [`crate::plan::PlannedTensor`], served by
/// [`crate::cpu::fill`] and by the GPU.
///
/// ```
/// # use seedbed::plan::{Plan, TensorSpec};
/// # use seedbed::{DType, Scheme, StreamVersion, cpu};
/// let spec = TensorSpec::new("w", [3], Scheme::ones())?.dtype(DType::BF16);
/// let fill = Plan::new(StreamVersion::V1, 42).push(&spec)?.fill();
/// // On a device an odd number of 16-bit elements is padded to a whole 32-bit word.
/// assert_eq!((fill.elements(), fill.bytes(), fill.device_bytes()), (3, 6, 8));
/// let mut bytes = [0xff; 6];
/// cpu::fill(&fill, &mut bytes)?;
/// assert_eq!(bytes, [0x80, 0x3f, 0x80, 0x3f, 0x80, 0x3f]);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Fill {
    pub(crate) name: String,
    pub(crate) dtype: DType,
    pub(crate) elements: u64,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) segments: Vec<Segment>,
}

impl Fill {
    /// A fill of pieces that cover each of the `elements` exactly once: the plan has checked that.
    pub(crate) fn new(name: String, dtype: DType, elements: u64, pieces: Vec<Piece>) -> Result<Self> {
        debug_assert_eq!(elements, pieces.iter().map(|p| p.placement.count()).sum::<u64>());
        debug_assert!(pieces.iter().all(|p| p.placement.axes.len() <= MAX_AXES));
        let segments = sweep(&pieces, dtype.per_word());
        Ok(Self { name, dtype, elements, pieces, segments })
    }

    /// The name of the stored tensor.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of the elements.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The number of elements.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.elements
    }

    /// The elements `elements` of this fill, as a fill of their own: any start and any end, odd 16-bit elements too.
    ///
    /// # Errors
    /// [`Error::Placement`], with the tensor's name, where the range is empty or leaves the fill.
    ///
    /// ```
    /// # use seedbed::plan::{Plan, TensorSpec};
    /// # use seedbed::{DType, Scheme, StreamVersion, cpu};
    /// let spec = TensorSpec::new("w", [4, 3], Scheme::normal(0.0, 0.02))?.dtype(DType::BF16);
    /// let fill = Plan::new(StreamVersion::V1, 42).push(&spec)?.fill();
    /// let (mut whole, mut some) = ([0; 24], [0; 8]);
    /// cpu::fill(&fill, &mut whole)?;
    /// cpu::fill(&fill.range(3..7)?, &mut some)?;
    /// assert_eq!(some, whole[6..14]);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    pub fn range(&self, elements: Range<u64>) -> Result<Self> {
        let Range { start, end } = elements;
        if start >= end || end > self.elements {
            let reason = format!("elements {start}..{end}: empty or outside of 0..{}", self.elements);
            return Err(Error::Placement(reason).in_tensor(&self.name));
        }
        let mut pieces = Vec::new();
        for piece in &self.pieces {
            let mut boxes = Vec::new();
            piece.placement.cut(start, end, &mut boxes);
            pieces.extend(boxes.into_iter().map(|placement| Piece { placement, ..piece.clone() }));
        }
        Self::new(self.name.clone(), self.dtype, end - start, pieces)
    }

    /// Bytes of the elements, without padding: the length in a file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.elements * self.dtype.size()
    }

    /// Whether some of its elements are those of orthogonal matrices.
    pub(crate) fn has_matrices(&self) -> bool {
        self.pieces.iter().any(|p| p.matrices.is_some())
    }

    /// The matrices that the fill consists of, one after another in f32; `None` where it is anything else.
    #[cfg(feature = "gpu")]
    pub(crate) fn batch(&self) -> Option<Batch> {
        let [Piece { matrices: Some(matrices), placement, .. }] = &self.pieces[..] else { return None };
        let [axis] = placement.axes[..] else { return None };
        let in_order = (placement.dst, axis.dst, axis.src, axis.extent) == (0, 1, 1, self.elements);
        (self.dtype == DType::F32 && in_order).then(|| matrices.whole_batch(placement.src, self.elements)).flatten()
    }

    /// Peak bytes to copy out of orthogonal matrices: two in f32 (a range may straddle two) plus the workspace of one;
    /// 0 without any.
    #[cfg(feature = "safetensors")]
    pub(crate) fn matrix_bytes(&self) -> u64 {
        let bytes = |m: Matrices| {
            m.size().saturating_mul(8).saturating_add(crate::plan::matrices::workspace_bytes(m.rows, m.cols))
        };
        self.pieces.iter().filter_map(|p| p.matrices).map(bytes).max().unwrap_or(0)
    }

    /// # Errors
    /// [`Error::Buffer`] where the bytes `from..from + len` are not whole elements of the fill and of its padding.
    pub(crate) fn check_range(&self, from: u64, len: u64) -> Result<()> {
        let end = from.checked_add(len).filter(|&end| end <= self.device_bytes());
        let size = self.dtype.size();
        if from.is_multiple_of(size) && len.is_multiple_of(size) && end.is_some() {
            return Ok(());
        }
        Err(Error::Buffer(format!(
            "bytes {from} + {len}: must be multiples of {size}, whole {} elements, and end by {}",
            self.dtype,
            self.device_bytes()
        ))
        .in_tensor(&self.name))
    }

    /// Bytes on a device: whole 32-bit words, the padding half-word of an odd 16-bit tensor included.
    #[must_use]
    pub fn device_bytes(&self) -> u64 {
        self.bytes().next_multiple_of(4)
    }
}

/// The segments of the pieces: pieces that lie inside one another share one, so that their number alone counts; a word
/// that merely neighbors share is one of its own, so that one thread writes it.
fn sweep(pieces: &[Piece], per_word: u64) -> Vec<Segment> {
    // The words that it has from end to end, apart from those that its first and its last element begin or end inside.
    let whole_words = |p: &Placement| p.dst.div_ceil(per_word)..p.dst_end() / per_word;
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_unstable_by_key(|&i| pieces[i].placement.dst);
    let mut segments: Vec<Segment> = Vec::new();
    // The segment of each piece that has whole words.
    let mut own = vec![None; pieces.len()];
    for &i in &order {
        let words = whole_words(&pieces[i].placement);
        if words.is_empty() {
            continue;
        }
        match segments.last_mut().filter(|last| words.start < last.words.end) {
            Some(last) => {
                last.words.end = last.words.end.max(words.end);
                last.pieces.push(i);
            }
            None => segments.push(Segment { words, pieces: vec![i] }),
        }
        own[i] = Some(segments.len() - 1);
    }
    // Where a piece begins or ends inside a word: that word may lie in a segment or in none.
    let joined = segments.len();
    let mut shared: Vec<(u64, usize)> = Vec::new();
    for &i in &order {
        let p = &pieces[i].placement;
        for end in [p.dst, p.dst_end()].into_iter().filter(|end| !end.is_multiple_of(per_word)) {
            let word = end / per_word;
            let at = segments[..joined].partition_point(|s| s.words.end <= word);
            match segments[..joined].get_mut(at).filter(|s| s.words.contains(&word)) {
                Some(segment) if own[i] == Some(at) || segment.pieces.last() == Some(&i) => {}
                Some(segment) => segment.pieces.push(i),
                None => shared.push((word, i)),
            }
        }
    }
    shared.sort_unstable();
    shared.dedup();
    segments.extend(
        shared.chunk_by(|a, b| a.0 == b.0).map(|pieces| Segment {
            words: pieces[0].0..pieces[0].0 + 1,
            pieces: pieces.iter().map(|p| p.1).collect(),
        }),
    );
    if segments.len() > joined {
        segments.sort_unstable_by_key(|s| s.words.start);
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::placement::Axis;

    fn piece(dst: u64, axes: &[(u64, u64)]) -> Piece {
        let axes = axes.iter().map(|&(extent, dst)| Axis { extent, src: dst, dst }).collect();
        let placement = Placement { src: 0, dst, axes };
        let law = LawParams::zero();
        Piece { key: [0; 2], law, table: None, matrices: None, placement, rounding: Rounding::NearestEven }
    }

    /// Whether each word that a piece has an element in lies in one segment, and that segment has the piece.
    fn check(pieces: &[Piece], per_word: u64) -> Vec<Segment> {
        let segments = sweep(pieces, per_word);
        assert!(segments.windows(2).all(|s| s[0].words.end <= s[1].words.start), "{segments:?}");
        for (i, piece) in pieces.iter().enumerate() {
            piece.placement.runs(0, u64::MAX, &mut |run| {
                for k in 0..run.count {
                    let word = (run.dst + k * run.dst_step) / per_word;
                    let of_word: Vec<_> = segments.iter().filter(|s| s.words.contains(&word)).collect();
                    assert_eq!(of_word.len(), 1, "word {word}: {segments:?}");
                    assert_eq!(of_word[0].pieces.iter().filter(|&&p| p == i).count(), 1, "piece {i}: {segments:?}");
                }
            });
        }
        segments
    }

    #[test]
    fn every_element_lies_in_one_segment_that_has_its_piece() {
        for per_word in [1, 2] {
            for (a, b, c) in (0..12u64).flat_map(|a| (1..9u64).flat_map(move |b| (1..7u64).map(move |c| (a, b, c)))) {
                // Columns of widths b, 1 and c, in three rows, between a and b elements side by side.
                let row = b + 1 + c;
                let mut pieces = vec![
                    piece(a, &[(3, row), (b, 1)]),
                    piece(a + b, &[(3, row)]),
                    piece(a + b + 1, &[(3, row), (c, 1)]),
                    piece(a + 3 * row, &[(b, 1)]),
                ];
                if a > 0 {
                    pieces.push(piece(0, &[(a, 1)]));
                }
                check(&pieces, per_word);
                pieces.reverse();
                check(&pieces, per_word);
            }
        }
    }

    #[test]
    fn columns_take_one_segment_and_neighbors_share_a_word_alone() {
        let columns: Vec<_> = (0..1000).map(|k| piece(3 * k, &[(9, 3000), (3, 1)])).collect();
        assert_eq!(check(&columns, 2).len(), 1);
        let neighbors: Vec<_> = (0..10).map(|k| piece(5 * k, &[(5, 1)])).collect();
        let segments = check(&neighbors, 2);
        assert_eq!(segments.iter().map(|s| s.pieces.len()).collect::<Vec<_>>(), [1, 2, 1].repeat(5));
    }
}
