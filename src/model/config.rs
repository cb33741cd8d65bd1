//! The fields of a config, each read by name, so that an error can name it.

use super::{Class, Family};
use crate::law::Law;
use crate::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// No dimension exceeds this, so that the product of any two fits a u64.
const MAX_SIZE: u64 = 1 << 31;

/// The top-level object of a `config.json`.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub fn parse(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text)
            .map_err(|e| Error::Config(format!("not JSON: {e}, near {:?}", near(text, e.line(), e.column()))))?;
        match value {
            Value::Object(map) => Ok(Self(map)),
            Value::Array(_) => Err(not_an_object("an array")),
            Value::String(_) => Err(not_an_object("a string")),
            other => Err(not_an_object(&other.to_string())),
        }
    }

    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// A field's value; `None` where the field is absent.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        T::deserialize(value).map(Some).map_err(|e| Error::Config(format!("{name}: {}", clip(&plain(&e.to_string())))))
    }

    /// A size from 1 to 2^31, where null counts as absent.
    pub fn optional_size(&self, name: &str) -> Result<Option<u64>> {
        let size = self.read::<Option<u64>>(name)?.flatten();
        match size {
            Some(0) => Err(Error::Config(format!("{name}: is 0, must be at least 1"))),
            Some(n) if n > MAX_SIZE => Err(Error::Config(format!("{name}: {n} is more than {MAX_SIZE}"))),
            size => Ok(size),
        }
    }

    /// A size from 1 to 2^31.
    pub fn size(&self, name: &str, default: u64) -> Result<u64> {
        // Null is no size: transformers 5 refuses it.
        self.read::<u64>(name)?;
        Ok(self.optional_size(name)?.unwrap_or(default))
    }

    pub fn flag(&self, name: &str, default: bool) -> Result<bool> {
        Ok(self.read(name)?.unwrap_or(default))
    }

    /// The std of a family's weights.
    pub fn initializer_range(&self) -> Result<f64> {
        let name = "initializer_range";
        let std: f64 = self.read(name)?.unwrap_or(0.02);
        // To transformers, 0 means 0.02 in some modules and 0 in others.
        if std <= 0.0 {
            return Err(Error::Config(format!("{name}: is {std}, must be above 0")));
        }
        Law::normal(0.0, std).map_err(|e| Error::Config(format!("{name}: {e}")))?;
        Ok(std)
    }

    /// `dtype`, else `torch_dtype`, as `transformers` reads them.
    pub fn dtype(&self) -> Result<Option<String>> {
        let dtype = self.read::<Option<String>>("dtype")?.flatten();
        Ok(dtype.or(self.read::<Option<String>>("torch_dtype")?.flatten()))
    }

    /// The class that `architectures` names.
    pub fn class(&self, family: Family) -> Result<Class> {
        let classes = family.classes();
        let given = self.read::<Option<Vec<String>>>("architectures")?.flatten().unwrap_or_default();
        let name = match given.as_slice() {
            [] => classes[0].name,
            [name] => name,
            more => return Err(Error::Config(format!("architectures: names {} classes, must be 1", more.len()))),
        };
        classes.into_iter().find(|c| c.name == name).ok_or_else(|| Error::Unknown {
            what: "architecture",
            given: clip(name),
            expected: format!("{} for model_type {family}", classes.map(|c| c.name).join(" or ")),
        })
    }

    /// Some fields turn a model into another one, with other tensors or other shapes.
    pub fn refuse_altered_models(&self) -> Result<()> {
        let set = |name: &str| match self.0.get(name) {
            None | Some(Value::Null) => false,
            Some(Value::Object(map)) => !map.is_empty(),
            Some(_) => true,
        };
        for (name, what) in [
            ("quantization_config", "a quantized model"),
            ("pruned_heads", "a model with pruned heads"),
            ("per_layer_config", "a model whose layers differ"),
        ] {
            if set(name) {
                return Err(Error::Config(format!("{name}: {what} is not supported; remove the field")));
            }
        }
        Ok(())
    }
}

fn not_an_object(what: &str) -> Error {
    Error::Config(format!("expected a JSON object, found {what}"))
}

/// An error of serde without the names of Rust's types.
fn plain(error: &str) -> String {
    for (rust, words) in [("u64", "a whole number"), ("i64", "a whole number"), ("f64", "a number")] {
        if let Some(head) = error.strip_suffix(&format!("expected {rust}")) {
            return format!("{head}expected {words}");
        }
    }
    error.to_owned()
}

/// At most 120 characters of a text that came from outside.
pub(super) fn clip(text: &str) -> String {
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_owned(),
    }
}

/// What stands before the place of a syntax error, and a little after.
fn near(text: &str, line: usize, column: usize) -> String {
    let line = text.split('\n').nth(line.saturating_sub(1)).unwrap_or_default().as_bytes();
    let range = column.saturating_sub(40).min(line.len())..(column + 10).min(line.len());
    String::from_utf8_lossy(&line[range]).trim().to_owned()
}
