//! Which kernels there are, and which of them a fill needs.

use crate::plan::fill::Segment;
use crate::plan::placement::Placement;
use crate::value::params::{LawParams, kind, mask};
use crate::{DType, Fill, Rounding};
use std::collections::BTreeSet;

/// An entry point of `shaders/fill.wgsl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum EntryPoint {
    /// `fill_aligned`.
    Aligned,
    /// `fill_rows`.
    Rows,
    /// `fill_boxed`.
    Boxed,
    /// `fill_contiguous`.
    Contiguous,
    /// `fill_general`.
    General,
}

impl EntryPoint {
    /// Its name in the shader.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aligned => "fill_aligned",
            Self::Rows => "fill_rows",
            Self::Boxed => "fill_boxed",
            Self::Contiguous => "fill_contiguous",
            Self::General => "fill_general",
        }
    }
}

/// The laws that a kernel holds the code of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum KernelLaw {
    /// One [`kind`] with one [`mask`]; the two patterns are one.
    One { kind: u32, mask: u32 },
    /// Constants, uniforms, normals and truncated normals, without a mask: `fill_general` alone.
    Plain,
    /// Every law: `fill_general` alone.
    Any,
}

impl KernelLaw {
    /// The code that one law needs.
    pub fn of(law: &LawParams) -> Self {
        Self::One { kind: law.kind, mask: if law.mask == mask::CENTERED { mask::PATTERN } else { law.mask } }
    }

    /// Whether values depend on more than the words that their elements draw.
    pub fn depends_on_index(self) -> bool {
        match self {
            Self::One { kind, mask } => LawParams { kind, mask, ..LawParams::zero() }.depends_on_index(),
            Self::Plain => false,
            Self::Any => true,
        }
    }

    /// The least code that serves both.
    pub fn join(self, other: Self) -> Self {
        let is_plain = |law| match law {
            Self::One { kind, mask } => mask == mask::NONE && kind <= kind::TRUNCATED,
            Self::Plain => true,
            Self::Any => false,
        };
        match (is_plain(self), is_plain(other)) {
            _ if self == other => self,
            (true, true) => Self::Plain,
            _ => Self::Any,
        }
    }

    /// The constants KIND and MASK of the shader.
    pub fn constants(self) -> [u32; 2] {
        match self {
            Self::One { kind, mask } => [kind, mask],
            Self::Plain => [u32::MAX - 1, mask::NONE],
            Self::Any => [u32::MAX, u32::MAX],
        }
    }
}

/// A kernel: an entry point, and what its pipeline is specialized for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KernelId {
    pub dtype: DType,
    pub entry: EntryPoint,
    pub law: KernelLaw,
    /// Whether elements may be rounded stochastically.
    pub stochastic: bool,
}

impl KernelId {
    /// Whether recordings use it, where [`stores_steps`] is asked with the same `by_steps`.
    pub fn is_used(self, by_steps: bool) -> bool {
        match (self.entry, self.law) {
            (EntryPoint::Aligned, KernelLaw::One { kind, .. }) => stores_steps(by_steps, kind),
            _ => true,
        }
    }

    /// The constants of the shader that differ from kernel to kernel.
    pub fn constants(self) -> [(&'static str, f64); 3] {
        let [kind, mask] = self.law.constants().map(f64::from);
        [("KIND", kind), ("MASK", mask), ("STOCHASTIC_ROUNDING", f64::from(u8::from(self.stochastic)))]
    }
}

impl std::fmt::Display for KernelLaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = |names: &[(&str, u32)], code| {
            let found = names.iter().find(|(_, value)| *value == code);
            found.map_or("unknown", |(name, _)| name).to_lowercase().replace('_', " ")
        };
        match *self {
            Self::One { kind, mask: mask::NONE } => write!(f, "{}", name(kind::NAMES, kind)),
            Self::One { kind, mask } => {
                write!(f, "{} with mask {}", name(kind::NAMES, kind), name(mask::NAMES, mask))
            }
            Self::Plain => f.write_str("several plain laws"),
            Self::Any => f.write_str("several laws"),
        }
    }
}

impl std::fmt::Display for KernelId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rounding = if self.stochastic { ", stochastic rounding" } else { "" };
        write!(f, "{} of {} in {}{rounding}", self.entry.name(), self.law, self.dtype)
    }
}

/// Whether kernels that compute whole blocks serve the law: its value depends on the element's word alone, and nearest
/// rounding draws no word more.
pub(super) fn may_draw_blocks(law: &LawParams, rounding: Rounding) -> bool {
    rounding == Rounding::NearestEven && !law.depends_on_index()
}

/// Whether `fill_aligned` serves runs of the law beside `fill_contiguous`: with `by_steps` it serves every law, else
/// constants alone.
pub(super) fn stores_steps(by_steps: bool, kind: u32) -> bool {
    by_steps || kind == kind::CONSTANT
}

/// Adds to `found` every kernel that recording the fill needs: whole or any range of its words, at any offset, in any
/// tier.
pub(crate) fn kernels_of(fill: &Fill, found: &mut BTreeSet<KernelId>) {
    // The host makes such a fill, or kernels of matrices do.
    if fill.has_matrices() {
        return;
    }
    for segment in &fill.segments {
        let alone = segment.pieces.len() == 1;
        let mut general = false;
        for piece in segment.pieces.iter().map(|&piece| &fill.pieces[piece]) {
            let (law, stochastic) = (KernelLaw::of(&piece.law), piece.rounding == Rounding::Stochastic);
            if piece.law.depends_on_index() {
                general = true;
                continue;
            }
            let blocks = may_draw_blocks(&piece.law, piece.rounding);
            general |= add_entries(&piece.placement, alone, blocks, fill.dtype.per_word(), &mut |entry| {
                found.insert(KernelId { dtype: fill.dtype, entry, law, stochastic });
            });
        }
        if general {
            let (law, stochastic) = shared_code(fill, segment);
            found.insert(KernelId { dtype: fill.dtype, entry: EntryPoint::General, law, stochastic });
        }
    }
}

/// Adds to `found` what ranges of a 16-bit fill need that begin or end at any element: there the parts of its boxes
/// begin anywhere, and any of them may share a word.
pub(super) fn kernels_of_elements(fill: &Fill, found: &mut BTreeSet<KernelId>) {
    if fill.has_matrices() || fill.dtype.per_word() == 1 {
        return;
    }
    let dtype = fill.dtype;
    let mut add = |entry, law, stochastic| found.insert(KernelId { dtype, entry, law, stochastic });
    let laws: BTreeSet<_> = fill.pieces.iter().map(|p| KernelLaw::of(&p.law)).collect();
    let roundings: BTreeSet<_> = fill.pieces.iter().map(|p| p.rounding == Rounding::Stochastic).collect();
    let joined = laws.iter().copied().reduce(KernelLaw::join);
    for &stochastic in &roundings {
        for &law in &laws {
            add(EntryPoint::General, law, stochastic);
            if law.depends_on_index() {
                continue;
            }
            add(EntryPoint::Boxed, law, stochastic);
            if !stochastic {
                for entry in [EntryPoint::Aligned, EntryPoint::Contiguous, EntryPoint::Rows] {
                    add(entry, law, false);
                }
            }
        }
        // Of several laws, some may share a word and others not.
        if let (2.., Some(joined)) = (laws.len(), joined) {
            add(EntryPoint::General, KernelLaw::Plain, stochastic);
            add(EntryPoint::General, joined, stochastic);
        }
    }
}

/// The code that `fill_general` needs for a segment: that of all its pieces, whatever range of it is recorded.
pub(super) fn shared_code(fill: &Fill, segment: &Segment) -> (KernelLaw, bool) {
    let pieces = segment.pieces.iter().map(|&piece| &fill.pieces[piece]);
    let law = pieces.clone().map(|p| KernelLaw::of(&p.law)).reduce(KernelLaw::join).unwrap_or(KernelLaw::Any);
    (law, pieces.map(|p| p.rounding).any(|r| r == Rounding::Stochastic))
}

/// Adds the entry points that serve a placement by itself, whatever ranges cut from it; returns whether `fill_general`
/// may be needed too. [`super::lower`] decides by what a range holds: here stands what any range may come to.
fn add_entries(p: &Placement, alone: bool, blocks: bool, per_word: u64, add: &mut impl FnMut(EntryPoint)) -> bool {
    let Some((inner, outer)) = p.axes.split_last() else { return false };
    let follows = (inner.dst, inner.src) == (1, 1);
    // So long steps are cut, and what is left begins anywhere.
    if outer.iter().any(|a| a.dst >= 1 << 30) {
        let entries = [EntryPoint::Aligned, EntryPoint::Contiguous, EntryPoint::Rows];
        entries.into_iter().filter(|_| blocks && follows).chain([EntryPoint::Boxed]).for_each(add);
        return per_word > 1;
    }
    // A range may leave any extent of the outermost axis.
    let any_extent = outer.is_empty();
    if any_extent && alone && blocks && follows && p.src.wrapping_sub(p.dst).is_multiple_of(per_word) {
        add(EntryPoint::Aligned);
        add(EntryPoint::Contiguous);
        return false;
    }
    let step = 4 * per_word;
    let whole_blocks = any_extent
        || inner.extent.is_multiple_of(step)
            && p.src.is_multiple_of(4)
            && outer.iter().all(|a| a.dst.is_multiple_of(step) && a.src.is_multiple_of(4));
    if blocks && follows && whole_blocks && !(any_extent && alone) {
        add(EntryPoint::Rows);
    }
    if per_word == 1 {
        add(EntryPoint::Boxed);
        return false;
    }
    let whole_words = follows
        && [p.dst, inner.extent].iter().all(|n| n.is_multiple_of(per_word))
        && outer.iter().all(|a| a.dst.is_multiple_of(per_word));
    if whole_words || follows && any_extent {
        add(EntryPoint::Boxed);
    }
    !whole_words
}
