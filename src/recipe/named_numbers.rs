//! What the names in an expression mean.

use super::expression::{Expression, TENSOR_NUMBERS};
use super::file::RecipeFile;
use crate::error::did_you_mean;
use crate::model::{ModelTensor, Variables};
use crate::value::shape::Fans;
use crate::{Error, Result};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Parameters may name each other to this depth.
const MAX_DEPTH: usize = 64;

/// 1 where a head shares the embedding, else 0: a number that everything has.
const TIED: &str = "tied";

/// The numbers that an expression of one file can name. Of two with one name the first of these holds: the tensor's
/// own, what was set, the file's parameters, those of other files, the model's.
pub(super) struct NamedNumbers<'a> {
    files: &'a [Arc<RecipeFile>],
    set: &'a BTreeMap<String, f64>,
    tensor: Option<(&'a ModelTensor, Option<Fans>)>,
    model: &'a Variables,
    /// Parameters that have been evaluated: (file, name).
    known: RefCell<HashMap<(usize, String), f64>>,
    /// Parameters that are being evaluated, the innermost last: (file, name).
    open: RefCell<Vec<(usize, String)>>,
    /// Whether a number was asked for that this tensor does not have.
    absent: Cell<bool>,
    reads: Option<&'a RefCell<Reads>>,
}

/// What expressions have read, to find what has no effect.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// Names that were set.
    pub set: BTreeSet<String>,
    /// The numbers of files whose parameters were read by another file.
    pub lenders: BTreeSet<usize>,
    /// Whether someone asked for `tied` where nothing says it.
    pub unknown_ties: bool,
}

impl<'a> NamedNumbers<'a> {
    pub fn of_tensor(
        files: &'a [Arc<RecipeFile>],
        set: &'a BTreeMap<String, f64>,
        tensor: &'a ModelTensor,
        fans: Option<Fans>,
        reads: &'a RefCell<Reads>,
    ) -> Self {
        Self { tensor: Some((tensor, fans)), reads: Some(reads), ..Self::of_files(files, set, &tensor.variables) }
    }

    /// The numbers without a tensor's own.
    pub fn of_files(files: &'a [Arc<RecipeFile>], set: &'a BTreeMap<String, f64>, model: &'a Variables) -> Self {
        let (known, open, absent) = (RefCell::default(), RefCell::default(), Cell::new(false));
        Self { files, set, tensor: None, model, known, open, absent, reads: None }
    }

    /// Whether a condition holds: its value is not 0. A condition does not hold where it names a number that this
    /// tensor does not have, such as the `layer` of what stands outside layers.
    pub fn holds(&self, f: usize, condition: Option<&Expression>) -> Result<bool> {
        let Some(condition) = condition else { return Ok(true) };
        self.absent.set(false);
        match condition.value(|name| self.value(f, name)) {
            Ok(value) => Ok(value != 0.0),
            Err(_) if self.absent.get() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What a name means in file `f`.
    pub fn value(&self, f: usize, name: &str) -> Result<f64> {
        if name == "depth" && self.set.contains_key("layers") {
            self.note_set("layers");
        }
        if let Some((tensor, fans)) = self.tensor
            && let Some(value) = own_number(tensor, fans, self.set, name).inspect_err(|_| self.absent.set(true))?
        {
            return Ok(value);
        }
        if let Some(&value) = self.set.get(name) {
            self.note_set(name);
            return Ok(value);
        }
        // Inside a parameter, its own name means the same parameter of the files behind, and at last the model's
        // number: `layers = "layers / 2"`.
        let inside = self.open.borrow().last().is_some_and(|(i, open)| *i == f && open == name);
        let files: Vec<usize> = match inside {
            true => (f + 1..self.files.len()).collect(),
            false => std::iter::once(f).chain((0..self.files.len()).filter(|&i| i != f)).collect(),
        };
        let of_file = files.into_iter().find(|&i| self.files[i].parameters.contains_key(name));
        match (of_file, self.model.get(name)) {
            (Some(i), _) => {
                if let Some(reads) = self.reads.filter(|_| i != f) {
                    reads.borrow_mut().lenders.insert(i);
                }
                self.parameter(i, name)
            }
            (None, Some(&value)) => Ok(value),
            (None, None) if name == TIED && !inside => Ok(self.tied()),
            (None, None) if inside => Err(Error::Scheme(format!("parameter {name:?} depends on itself"))),
            (None, None) => Err(self.unknown(name)),
        }
    }

    fn note_set(&self, name: &str) {
        if let Some(reads) = self.reads
            && !reads.borrow().set.contains(name)
        {
            reads.borrow_mut().set.insert(name.to_owned());
        }
    }

    /// Whether a head shares the embedding, where the model does not say it by that name.
    fn tied(&self) -> f64 {
        let by_field = self.model.get("tie_word_embeddings").copied();
        if let Some(reads) = self.reads.filter(|_| by_field.is_none()) {
            reads.borrow_mut().unknown_ties = true;
        }
        by_field.unwrap_or(0.0)
    }

    fn parameter(&self, i: usize, name: &str) -> Result<f64> {
        let key = (i, name.to_owned());
        if let Some(&value) = self.known.borrow().get(&key) {
            return Ok(value);
        }
        if self.open.borrow().contains(&key) {
            return Err(Error::Scheme(format!("parameter {name:?} depends on itself")));
        }
        if self.open.borrow().len() >= MAX_DEPTH {
            let reason = format!("parameter {name:?}: more than {MAX_DEPTH} are made of each other");
            return Err(Error::Scheme(reason));
        }
        self.open.borrow_mut().push(key.clone());
        let value = self.files[i].parameters[name].value(|inner| self.value(i, inner));
        self.open.borrow_mut().pop();
        let value = value?;
        self.known.borrow_mut().insert(key, value);
        Ok(value)
    }

    fn unknown(&self, name: &str) -> Error {
        let own = if self.tensor.is_some() { &TENSOR_NUMBERS[..] } else { &[] };
        let mut known: BTreeSet<&str> = self.model.keys().map(String::as_str).collect();
        known.extend(self.files.iter().flat_map(|f| f.parameters.keys()).map(String::as_str));
        let known: Vec<&str> = own.iter().copied().chain(known).collect();
        let question = did_you_mean(name, known.iter().copied());
        Error::Scheme(format!("unknown variable {name:?}: known are {}{question}", known.join(", ")))
    }
}

/// A number of the tensor itself; an error where it is one that this tensor does not have.
fn own_number(t: &ModelTensor, fans: Option<Fans>, set: &BTreeMap<String, f64>, name: &str) -> Result<Option<f64>> {
    let none = |what: &str| Error::Scheme(format!("it has no {name}: {what}"));
    let dims = t.shape.dims();
    Ok(Some(match name {
        "fan_in" | "fan_out" => {
            let fans = fans.ok_or_else(|| none("its rank is below 2, and no weight is known that it belongs to"))?;
            if name == "fan_in" { fans.fan_in as f64 } else { fans.fan_out as f64 }
        }
        "rows" => dims.first().copied().unwrap_or(1) as f64,
        "cols" => dims.last().copied().unwrap_or(1) as f64,
        "rank" => dims.len() as f64,
        "elements" => t.shape.count() as f64,
        "layer" => t.layer.ok_or_else(|| none("it stands in no layer"))? as f64,
        "depth" => match (t.layer, t.depth, set.get("layers").or(t.variables.get("layers"))) {
            (Some(layer), ..) => layer as f64 + 1.0,
            (None, ..) if t.role.is_embedding() => 0.0,
            (None, Some(0), _) => 0.0,
            (None, _, Some(layers)) => layers + 1.0,
            (None, _, None) => return Err(none("the number of layers is not known")),
        },
        _ => return Ok(None),
    }))
}
