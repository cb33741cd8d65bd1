//! A family of models: what one `model_type` of a config names.

use super::build::Build;
use super::fields::Fields;
use crate::value::text::clip;
use crate::{Error, Result};

/// A family of models: what the `model_type` of a config names.
///
/// ```
/// use seedbed::model::Family;
/// let types: Vec<&str> = Family::all().iter().map(|family| family.model_type()).collect();
/// assert!(types.contains(&"gemma2") && types.contains(&"deepseek_v3"));
/// ```
#[non_exhaustive]
pub struct Family {
    /// The `model_type`s, the family's own first.
    pub(super) model_types: &'static [&'static str],
    /// The classes that `architectures` can name. The first is taken where a config names none.
    pub(super) classes: &'static [Class],
    /// Reads the fields and adds the tensors of a class, in the order of the model's `state_dict`.
    pub(super) build: fn(&Fields, Class, &mut Build) -> Result<()>,
}

/// A class of `transformers`, and where it keeps the base model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Class {
    pub name: &'static str,
    /// What stands before the names of the base model's tensors.
    pub prefix: &'static str,
}

impl Family {
    /// The `model_type` that names this family: the first, where several do.
    #[must_use]
    pub fn model_type(&self) -> &'static str {
        self.model_types[0]
    }

    /// The class that `architectures` names, the family's first where it names none.
    pub(super) fn class(&self, fields: &Fields) -> Result<Class> {
        let given = fields.read::<Option<Vec<String>>>("architectures")?.flatten().unwrap_or_default();
        let name = match given.as_slice() {
            [] => self.classes[0].name,
            [name] => name,
            more => return Err(fields.error("architectures", format!("names {} classes, must be 1", more.len()))),
        };
        let known = || self.classes.iter().map(|c| c.name);
        self.classes.iter().find(|c| c.name == name).copied().ok_or_else(|| Error::Unknown {
            what: "architecture",
            given: clip(name),
            nearest: crate::error::nearest(name, known()).map(str::to_owned),
            expected: format!("{} for model_type {}", known().collect::<Vec<_>>().join(" or "), self.model_type()),
        })
    }
}

impl PartialEq for Family {
    fn eq(&self, other: &Self) -> bool {
        self.model_types == other.model_types
    }
}

impl Eq for Family {}

impl std::fmt::Debug for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Family").field(&self.model_type()).finish()
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.model_type())
    }
}
