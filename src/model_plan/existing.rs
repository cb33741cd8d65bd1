//! What a model has beyond an existing checkpoint: tensors, rows that tensors have grown by, and tensors of another
//! shape that are drawn anew.

use super::header::{Header, HeaderTensor};
use super::names::compile;
use super::unplanned::{Content, UnplannedTensor};
use crate::recipe::Assigned;
use crate::{DType, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A tensor that is written whole, whose first rows are those of another checkpoint: a vocabulary that has grown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptRows {
    /// The tensor's name.
    pub name: String,
    /// How many rows are kept.
    pub rows: u64,
    /// What the rows behind them are.
    pub new_rows: NewRows,
    /// The name of the checkpoint that has them, as the request gave it.
    pub from: String,
}

/// What the new rows of a tensor are whose first rows are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NewRows {
    /// Drawn by the tensor's law, as if the whole tensor were.
    #[default]
    Drawn,
    /// The mean of the kept rows, and noise with 1e-9 of their covariance: as `resize_token_embeddings` of
    /// `transformers` draws them. They depend on the kept rows, so that no table says which bytes they have.
    Mean,
}

impl std::str::FromStr for NewRows {
    type Err = Error;

    /// Reads `drawn` or `mean`.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "drawn" => Ok(Self::Drawn),
            "mean" => Ok(Self::Mean),
            _ => Err(Error::unknown("kind of new rows", text, ["drawn", "mean"])),
        }
    }
}

impl NewRows {
    /// Whether the law makes them.
    #[must_use]
    pub fn is_drawn(&self) -> bool {
        *self == Self::Drawn
    }
}

/// What is to be done with the tensors that the checkpoint has.
#[derive(Clone, Debug, Default)]
pub(super) struct Growth {
    /// Globs of tensors that are drawn anew where the checkpoint has another shape of them.
    pub redraw: Vec<String>,
    /// Whether the checkpoint's tensors are written too.
    pub complete: bool,
    pub new_rows: NewRows,
}

impl Growth {
    /// Whether any of it was asked for.
    pub fn is_asked_for(&self) -> bool {
        !self.redraw.is_empty() || self.complete || !self.new_rows.is_drawn()
    }
}

/// What is taken from the checkpoint.
#[derive(Default)]
pub(super) struct Taken {
    pub rows: Vec<KeptRows>,
    pub whole: Vec<UnplannedTensor>,
    pub notices: Vec<String>,
}

impl Header {
    /// Takes out the tensors that this checkpoint has. One that has more rows in the model stays, and its first rows
    /// are kept: where a dtype is `asked` for, it must be the checkpoint's. `model` are the names of all tensors of the
    /// model, those too that are not asked for.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where a shape differs in another way, a dtype is not the one asked for or none that
    /// seedbed fills, or nothing is missing; where a glob of `growth` matches nothing, or the growth has no effect.
    pub fn keep_missing(
        &self,
        tensors: &mut Vec<Assigned>,
        buffers: &mut Vec<UnplannedTensor>,
        model: &HashSet<String>,
        growth: &Growth,
        asked: Option<DType>,
    ) -> Result<Taken> {
        let existing: HashMap<&str, &HeaderTensor> = self.tensors.iter().map(|t| (t.name.as_str(), t)).collect();
        let redraw = self.redrawn(tensors, &existing, &growth.redraw)?;
        let mut taken = Taken::default();
        let mut missing = Vec::new();
        for mut assigned in std::mem::take(tensors) {
            let dims = assigned.spec.shape.dims();
            match existing.get(assigned.spec.name.as_str()) {
                None => missing.push(assigned),
                Some(existing) if existing.dims == dims => {
                    if growth.complete {
                        taken.whole.push(self.whole(&assigned, existing, asked)?);
                    }
                }
                Some(_) if redraw.contains(&assigned.spec.name) => missing.push(assigned),
                Some(existing) => {
                    let rows = self.grown(&mut assigned, existing, growth.new_rows, asked)?;
                    taken.rows.extend(Some(rows).filter(|kept| kept.rows > 0));
                    missing.push(assigned);
                }
            }
        }
        buffers.retain(|buffer| match existing.get(buffer.name.as_str()) {
            Some(existing) if existing.dims == buffer.shape => {
                if growth.complete {
                    taken.whole.push(copied(existing, &self.name));
                }
                false
            }
            _ => true,
        });
        if missing.is_empty() && buffers.is_empty() {
            return Err(self.refuse("has every tensor of the model: nothing is missing".to_owned()));
        }
        if growth.complete {
            self.complete(&mut missing, &mut taken, model, asked)?;
        }
        if !growth.new_rows.is_drawn() && taken.rows.is_empty() {
            let reason = "no tensor of the model has more rows than it has there: no row is new";
            return Err(self.refuse(reason.to_owned()));
        }
        *tensors = missing;
        Ok(taken)
    }

    /// The tensors of the model that are drawn anew.
    fn redrawn(
        &self,
        tensors: &[Assigned],
        existing: &HashMap<&str, &HeaderTensor>,
        globs: &[String],
    ) -> Result<HashSet<String>> {
        let mut redrawn = HashSet::new();
        for text in globs {
            let glob = compile("redraw", std::slice::from_ref(text))?;
            let matches = |name: &str| glob.as_ref().is_some_and(|glob| glob.is_match(name));
            let of_model: Vec<&Assigned> = tensors.iter().filter(|t| matches(&t.spec.name)).collect();
            let Some(first) = of_model.first() else {
                let count = tensors.len();
                return Err(self.refuse(format!("redraw: glob {text:?} matches none of the model's {count} tensors")));
            };
            if !self.tensors.iter().any(|t| matches(&t.name)) {
                let reason = format!("redraw: glob {text:?} matches none of its {} tensors", self.tensors.len());
                return Err(self.refuse(reason));
            }
            let other = |t: &&&Assigned| {
                existing.get(t.spec.name.as_str()).is_some_and(|existing| existing.dims != t.spec.shape.dims())
            };
            let others: Vec<_> = of_model.iter().filter(other).map(|t| t.spec.name.clone()).collect();
            if others.is_empty() {
                return Err(self.refuse(format!(
                    "redraw: no tensor that glob {text:?} matches, as {:?}, has another shape there: nothing is drawn \
                     anew",
                    first.spec.name
                )));
            }
            redrawn.extend(others);
        }
        Ok(redrawn)
    }

    /// A tensor that is copied as it is.
    fn whole(&self, assigned: &Assigned, existing: &HeaderTensor, asked: Option<DType>) -> Result<UnplannedTensor> {
        let refuse = |reason: String| self.refuse(format!("tensor {:?}: {reason}", existing.name));
        let dtype = existing.filled_dtype();
        if dtype.is_none() && existing.dtype != "F64" {
            return Err(refuse(format!(
                "is {}: a quantized checkpoint has other tensors than its model, and is not completed",
                existing.dtype
            )));
        }
        let kept = if assigned.keeps_dtype { Some(assigned.spec.dtype) } else { asked };
        if let Some(asked) = kept.filter(|&kept| dtype != Some(kept) && asked.is_some()) {
            let there = existing.dtype.to_lowercase();
            return Err(refuse(format!("is {there} there and is kept as it is, but {asked} is asked for")));
        }
        Ok(copied(existing, &self.name))
    }

    /// Gives new tensors the dtype that most of the kept ones have, and says what the model lacks.
    fn complete(
        &self,
        missing: &mut [Assigned],
        taken: &mut Taken,
        model: &HashSet<String>,
        asked: Option<DType>,
    ) -> Result<()> {
        if taken.whole.is_empty() && taken.rows.is_empty() {
            return Err(self.refuse("has no tensor of the model: there is nothing to complete".to_owned()));
        }
        let mut sizes: BTreeMap<DType, u128> = BTreeMap::new();
        for tensor in &taken.whole {
            if let Ok(dtype) = tensor.dtype.parse::<DType>() {
                let count = tensor.shape.iter().map(|&d| u128::from(d)).product::<u128>();
                *sizes.entry(dtype).or_default() += count * u128::from(dtype.size());
            }
        }
        let prevailing = sizes.into_iter().max_by_key(|&(_, bytes)| bytes).map(|(dtype, _)| dtype);
        if let (Some(dtype), None) = (prevailing, asked) {
            let grown: HashSet<&str> = taken.rows.iter().map(|kept| &*kept.name).collect();
            let new = missing.iter_mut().filter(|t| !t.keeps_dtype && !grown.contains(&*t.spec.name));
            new.for_each(|t| t.spec.dtype = dtype);
        }
        let mut left_out = self.tensors.iter().filter(|t| !model.contains(&t.name));
        if let Some(first) = left_out.next() {
            let (count, are) = match left_out.count() {
                0 => ("1 of its tensors".to_owned(), "is"),
                more => (format!("{} of its tensors", more + 1), "are"),
            };
            let text = format!("{}: {count} {are} none of the model's and left out, as {:?}", self.name, first.name);
            taken.notices.push(text);
        }
        Ok(())
    }

    fn grown(
        &self,
        assigned: &mut Assigned,
        existing: &HeaderTensor,
        new_rows: NewRows,
        asked: Option<DType>,
    ) -> Result<KeptRows> {
        let dims = assigned.spec.shape.dims();
        let refuse = |reason: String| self.refuse(format!("tensor {:?}: {reason}", existing.name));
        let rows = match (existing.dims.split_first(), dims.split_first()) {
            (Some((old, old_rest)), Some((new, new_rest))) if old_rest == new_rest && old < new => *old,
            _ => {
                let shape = &existing.dims;
                return Err(refuse(format!(
                    "its shape is {shape:?}, the model's {dims:?}: only rows can be added, unless it is drawn anew"
                )));
            }
        };
        if rows == 0 && !new_rows.is_drawn() {
            return Err(refuse("has no row there that a mean could be taken of".to_owned()));
        }
        let Some(dtype) = existing.filled_dtype() else {
            return Err(refuse(format!("is {}, which seedbed does not write", existing.dtype)));
        };
        // Rows of two dtypes make no tensor: the checkpoint's dtype holds.
        if let Some(asked) = asked.filter(|&asked| asked != dtype) {
            let reason =
                format!("is {dtype} there and its first rows are kept, but {asked} is asked for: ask for {dtype}");
            return Err(refuse(reason));
        }
        assigned.spec.dtype = dtype;
        Ok(KeptRows { name: existing.name.clone(), rows, new_rows, from: self.name.clone() })
    }

    fn refuse(&self, reason: String) -> Error {
        Error::Checkpoint { path: self.name.clone(), reason }
    }
}

fn copied(tensor: &HeaderTensor, from: &str) -> UnplannedTensor {
    UnplannedTensor {
        name: tensor.name.clone(),
        shape: tensor.dims.clone(),
        dtype: tensor.dtype.clone(),
        content: if tensor.dims.contains(&0) { Content::Empty } else { Content::Copied { from: from.to_owned() } },
    }
}
