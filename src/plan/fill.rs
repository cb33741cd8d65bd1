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
    #[cfg(feature = "checkpoint")]
    pub(crate) fn matrix_bytes(&self) -> u64 {
        let bytes = |m: Matrices| {
            m.size().saturating_mul(8).saturating_add(crate::plan::matrices::workspace_bytes(m.rows, m.cols))
        };
        self.pieces.iter().filter_map(|p| p.matrices).map(bytes).max().unwrap_or(0)
    }

    /// # Errors
    /// [`Error::Buffer`] where the bytes `from..from + len` do not start at a multiple of 4, do not hold whole elements
    /// or leave the fill.
    pub(crate) fn check_range(&self, from: u64, len: u64) -> Result<()> {
        let end = from.checked_add(len).filter(|&end| end <= self.device_bytes());
        if from.is_multiple_of(4) && len.is_multiple_of(self.dtype.size()) && end.is_some() {
            return Ok(());
        }
        Err(Error::Buffer(format!(
            "bytes {from} + {len}: must start at a multiple of 4, hold whole {} elements and end by {}",
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

/// Cuts the words where the set of pieces changes. A word that two pieces share becomes a segment of its own,
/// so that one thread writes it.
fn sweep(pieces: &[Piece], per_word: u64) -> Vec<Segment> {
    let mut events: Vec<(u64, bool, usize)> = Vec::with_capacity(2 * pieces.len());
    for (i, p) in pieces.iter().enumerate() {
        events.push((p.placement.dst / per_word, true, i));
        events.push((p.placement.dst_end().div_ceil(per_word), false, i));
    }
    events.sort_unstable();
    let mut segments: Vec<Segment> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut from = 0;
    for (at, opens, piece) in events {
        if at > from && !open.is_empty() {
            segments.push(Segment { words: from..at, pieces: open.clone() });
        }
        from = at;
        if opens { open.push(piece) } else { open.retain(|&p| p != piece) }
    }
    segments
}
