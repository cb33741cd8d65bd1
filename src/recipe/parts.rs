//! Logical tensors inside a stored one: the `[[parts]]` entries of a recipe.

use super::expression::Expression;
use super::pattern::Pattern;
use super::raw::{NumberOrText, RawParts};
use super::text_with_numbers::{TextWithNumbers, check_layout};
use crate::model::{ModelTensor, Role};
use crate::plan::Slab;
use crate::value::shape::{Fans, Layout};
use crate::{Error, Result};

/// A `[[parts]]` entry: how a stored tensor is cut into logical ones, and what these are called.
#[derive(Clone, Debug)]
pub(super) struct PartsRule {
    pub line: usize,
    pub pattern: Pattern,
    /// The text of the stored name that each part's own name replaces.
    pub find: String,
    /// The axis that is cut, of those that `stack` leaves.
    pub axis: usize,
    /// How many times all the parts repeat along the axis.
    pub groups: Option<Expression>,
    /// Axis 0 enumerates this many tensors, which do not have that axis themselves.
    pub stack: Option<Expression>,
    /// Axis 0 is this many tensors, one after another.
    pub blocks: Option<Expression>,
    /// Whether the logical tensors are the transposed matrices.
    pub transpose: bool,
    pub parts: Vec<PartRule>,
}

/// One of the parts of an entry.
#[derive(Clone, Debug)]
pub(super) struct PartRule {
    pub name: String,
    /// Its length along the axis, in one group.
    pub size: Option<Expression>,
    pub role: Option<Role>,
    pub layout: Option<TextWithNumbers>,
}

/// A logical tensor: what it is, and where it lies in the stored tensor.
#[derive(Clone, Debug)]
pub(super) struct PlacedPart {
    pub tensor: ModelTensor,
    /// The box of the stored tensor's view that holds it.
    pub slab: Slab,
    /// The axes of the view, in the order of the logical tensor's.
    pub order: Vec<usize>,
}

/// No tensor has more parts.
const MAX_PARTS: u64 = 1 << 16;

impl PartsRule {
    pub fn read(raw: RawParts, line: usize) -> Result<Self> {
        let pattern = Pattern::parse(raw.name.as_ref(), raw.role.as_ref(), raw.rank.as_deref(), raw.when.as_deref())?;
        if raw.stack.is_some() && raw.blocks.is_some() {
            return Err(Error::Scheme("stack and blocks exclude each other".to_owned()));
        }
        if raw.part.is_empty() || raw.find.is_empty() {
            return Err(Error::Scheme("parts need a text to find in the name, and at least one part".to_owned()));
        }
        let many = raw.part.len() > 1;
        let parts = raw.part.iter().map(|part| {
            if many && part.size.is_none() {
                return Err(Error::Scheme(format!("part {:?} has no size", part.name)));
            }
            Ok(PartRule {
                name: part.name.clone(),
                size: NumberOrText::optional(&part.size)?,
                role: part.role.as_deref().map(str::parse).transpose()?,
                layout: part.layout.as_deref().map(TextWithNumbers::layout).transpose()?,
            })
        });
        Ok(Self {
            line,
            pattern,
            find: raw.find,
            axis: raw.axis,
            groups: NumberOrText::optional(&raw.groups)?,
            stack: NumberOrText::optional(&raw.stack)?,
            blocks: NumberOrText::optional(&raw.blocks)?,
            transpose: raw.transpose,
            parts: parts.collect::<Result<_>>()?,
        })
    }

    /// The variables that its expressions name.
    pub fn variables(&self) -> impl Iterator<Item = &String> {
        let sizes = self.parts.iter().flat_map(|part| &part.size);
        let counts = [&self.pattern.when, &self.groups, &self.stack, &self.blocks].into_iter().flatten();
        let layouts = self.parts.iter().flat_map(|part| &part.layout).flat_map(TextWithNumbers::variables);
        counts.chain(sizes).flat_map(Expression::variables).chain(layouts)
    }

    /// The view of a stored tensor, and its logical tensors. `value` gives what a name means.
    pub fn cut(&self, t: &ModelTensor, value: &dyn Fn(&str) -> Result<f64>) -> Result<(Vec<u64>, Vec<PlacedPart>)> {
        let size = |what: &str, e: &Expression| {
            let x = e.value(value)?;
            let whole = x.trunc() == x && (1.0..=9_007_199_254_740_992.0).contains(&x);
            if whole {
                Ok(x as u64)
            } else {
                Err(Error::Scheme(format!("{what} is {x}, must be a whole number from 1")))
            }
        };
        let or_one = |what: &str, e: &Option<Expression>| e.as_ref().map_or(Ok(1), |e| size(what, e));
        let dims = t.shape.dims();
        let rank = dims.len();
        if t.name.matches(&self.find).count() != 1 {
            return Err(Error::Scheme(format!("{:?} does not stand once in the name", self.find)));
        }
        // The view's axes: the copies (of `stack` or `blocks`), the axes before the cut one, the groups, the length of
        // one group, the axes behind.
        let (copies, rest) = match (&self.stack, &self.blocks) {
            (Some(e), _) => {
                let n = size("stack", e)?;
                match dims.split_first() {
                    Some((&first, rest)) if first == n => (n, rest.to_vec()),
                    _ => return Err(Error::Scheme(format!("stack is {n}, the shape {dims:?}"))),
                }
            }
            (None, Some(e)) => {
                let n = size("blocks", e)?;
                match dims.split_first() {
                    Some((&first, rest)) if first % n == 0 => (n, [&[first / n], rest].concat()),
                    _ => return Err(Error::Scheme(format!("{n} blocks do not divide axis 0 of shape {dims:?}"))),
                }
            }
            (None, None) => (1, dims.to_vec()),
        };
        if !t.zero_rows.is_empty() {
            return Err(Error::Scheme("a tensor with rows of zeros has no parts".to_owned()));
        }
        let Some(&length) = rest.get(self.axis) else {
            return Err(Error::Scheme(format!("axis {}: rank {rank} has no such axis here", self.axis)));
        };
        if self.transpose && rest.len() != 2 {
            return Err(Error::Scheme(format!("transpose needs matrices, given shape {rest:?}")));
        }
        let groups = or_one("groups", &self.groups)?;
        let each = length / groups;
        let sizes = (self.parts.iter())
            .map(|p| p.size.as_ref().map_or(Ok(each), |e| size(&format!("the size of {}", p.name), e)))
            .collect::<Result<Vec<u64>>>()?;
        let sum = sizes.iter().try_fold(0u64, |n, &s| n.checked_add(s));
        if length % groups != 0 || sum != Some(each) {
            return Err(Error::Scheme(format!(
                "axis {} has length {length}: {groups} groups of parts {sizes:?} do not make it",
                self.axis
            )));
        }
        if copies.saturating_mul(sizes.len() as u64) > MAX_PARTS {
            return Err(Error::Scheme(format!("more than {MAX_PARTS} parts")));
        }
        let (before, behind) = (&rest[..self.axis], &rest[self.axis + 1..]);
        let view = [&[copies], before, &[groups, each], behind].concat();
        let mut cuts = Vec::with_capacity(copies as usize * sizes.len());
        for copy in 0..copies {
            let mut from = 0;
            for (part, &size) in self.parts.iter().zip(&sizes) {
                let mut slab = Slab::whole(&view);
                (slab.start[0], slab.extent[0]) = (copy, 1);
                (slab.start[self.axis + 2], slab.extent[self.axis + 2]) = (from, size);
                from += size;
                let mut own = [before, &[groups * size], behind].concat();
                let mut order: Vec<usize> = (0..view.len()).collect();
                let layout = match &part.layout {
                    Some(text) => text.to_layout(value)?,
                    None => self.layout_of_part(&t.layout),
                };
                if self.transpose {
                    own.reverse();
                    // The two axes of the matrix change places; the axis that is cut is two axes of the view.
                    order = if self.axis == 0 { vec![0, 3, 1, 2] } else { vec![0, 2, 3, 1] };
                }
                let name = t.name.replacen(&self.find, &part.name.replace("{i}", &copy.to_string()), 1);
                let mut tensor = ModelTensor::new(name, own, part.role.unwrap_or(t.role))?;
                tensor.layer = t.layer;
                tensor.depth = t.depth;
                tensor.variables = std::sync::Arc::clone(&t.variables);
                if part.layout.is_some() {
                    check_layout(&layout, &tensor.shape).map_err(|e| e.in_tensor(&tensor.name))?;
                }
                tensor.layout = layout;
                tensor.fans = match (t.fans, tensor.shape.dims()) {
                    (Some(fans), &[out]) => Some(Fans { fan_out: out, ..fans }),
                    (fans, _) => fans,
                };
                cuts.push(PlacedPart { tensor, slab, order });
            }
        }
        Ok((view, cuts))
    }

    /// The layout of a part that names none itself: what the stored tensor's becomes.
    fn layout_of_part(&self, stored: &Layout) -> Layout {
        let is_block = self.blocks.is_some();
        match stored {
            // Each block is one group of the convolution: a convolution of its own, with one group.
            Layout::Conv { .. } if is_block => Layout::conv(1),
            Layout::ConvTranspose { .. } if is_block => Layout::conv_transpose(1),
            Layout::InOut if self.transpose => Layout::OutIn,
            Layout::OutIn if self.transpose => Layout::InOut,
            Layout::OutIn
            | Layout::InOut
            | Layout::Conv { .. }
            | Layout::ConvTranspose { .. }
            | Layout::ConvInOut { .. }
            | Layout::Axes { .. } => stored.clone(),
        }
    }
}
