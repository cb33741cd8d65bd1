//! The fields of a config, each read by name, so that an error can name it.

use super::config_text::{self, plain};
use super::tensor::Variables;
use crate::value::law::Law;
use crate::value::text::clip;
use crate::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// No size exceeds this, so that the product of any two fits a u64.
const MAX_SIZE: u64 = 1 << 31;

/// The top-level object of a `config.json`, or one inside it.
pub(super) struct Fields {
    map: Map<String, Value>,
    /// Stands before the names in errors, of an inner object: `text_config.`.
    path: String,
    /// The numbers of the object, and the defaults of absent fields that were read.
    numbers: RefCell<Variables>,
}

impl Fields {
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self::of(config_text::parse(text)?, String::new()))
    }

    fn of(map: Map<String, Value>, path: String) -> Self {
        let number = |(name, value): (&String, &Value)| {
            let number = value.as_f64().or_else(|| value.as_bool().map(f64::from));
            Some((name.clone(), number?))
        };
        let numbers = RefCell::new(map.iter().filter_map(number).collect());
        Self { map, path, numbers }
    }

    /// A config inside this one, empty where it is absent or null.
    pub fn inner(&self, name: &str) -> Result<Self> {
        let map = self.read::<Option<Map<String, Value>>>(name)?.flatten().unwrap_or_default();
        Ok(Self::of(map, format!("{}{name}.", self.path)))
    }

    /// The numbers of the config by the names of their fields: those it holds, and the defaults of absent fields that
    /// were read.
    pub fn numbers(&self) -> Variables {
        self.numbers.borrow().clone()
    }

    /// A field's name as errors write it.
    pub fn path_of(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    /// An error of a field.
    pub fn error(&self, name: &str, reason: impl std::fmt::Display) -> Error {
        Error::Config(format!("{}{name}: {reason}", self.path))
    }

    /// Adds a number under a name that is no field's, or under which the field is absent.
    pub fn note(&self, name: &str, number: f64) {
        self.numbers.borrow_mut().insert(name.to_owned(), number);
    }

    /// A field's value; `None` where the field is absent.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let Some(value) = self.map.get(name) else { return Ok(None) };
        T::deserialize(value).map(Some).map_err(|e| self.error(name, clip(&plain(&e.to_string()))))
    }

    /// A size from 1 to 2^31, where null counts as absent.
    pub fn optional_size(&self, name: &str) -> Result<Option<u64>> {
        let size = self.read::<Option<u64>>(name)?.flatten();
        match size {
            Some(0) => Err(self.error(name, "is 0, must be at least 1")),
            Some(n) if n > MAX_SIZE => Err(self.error(name, format!("{n} is more than {MAX_SIZE}"))),
            size => Ok(size),
        }
    }

    /// A size from 1 to 2^31.
    pub fn size(&self, name: &str, default: u64) -> Result<u64> {
        // Null is no size: transformers 5 refuses it.
        self.read::<u64>(name)?;
        let size = self.optional_size(name)?.unwrap_or(default);
        self.note(name, size as f64);
        Ok(size)
    }

    /// A count from 0 to 2^31.
    pub fn count(&self, name: &str, default: u64) -> Result<u64> {
        let count = self.read::<u64>(name)?.unwrap_or(default);
        if count > MAX_SIZE {
            return Err(self.error(name, format!("{count} is more than {MAX_SIZE}")));
        }
        self.note(name, count as f64);
        Ok(count)
    }

    /// How many classes a classifier tells apart, which can be 0: `num_labels`, else the entries of `id2label`, else 2.
    pub fn labels(&self) -> Result<u64> {
        let names = self.read::<Option<Map<String, Value>>>("id2label")?.flatten();
        let ids = names.map(|names| {
            let id = |name: &String| {
                name.trim().parse::<i64>().map_err(|_| self.error("id2label", format!("{:?} is no number", clip(name))))
            };
            names.keys().map(id).collect::<Result<BTreeSet<_>>>()
        });
        let labels = self.count("num_labels", ids.transpose()?.map_or(2, |ids| ids.len() as u64))?;
        if labels == 1 && self.word("problem_type")?.as_deref() == Some("single_label_classification") {
            return Err(self.error("problem_type", "single_label_classification needs more than the 1 of num_labels"));
        }
        Ok(labels)
    }

    /// A number for height and width, or a list of the two.
    pub fn pair(&self, name: &str, default: u64) -> Result<[u64; 2]> {
        if !matches!(self.map.get(name), Some(Value::Array(_))) {
            return Ok([self.size(name, default)?; 2]);
        }
        let pair = self.read::<[u64; 2]>(name)?.unwrap_or([default; 2]);
        match pair.into_iter().find(|n| !(1..=MAX_SIZE).contains(n)) {
            Some(n) => Err(self.error(name, format!("{n} must lie from 1 to {MAX_SIZE}"))),
            None => Ok(pair),
        }
    }

    /// A finite number.
    pub fn number(&self, name: &str, default: f64) -> Result<f64> {
        let number = self.read::<f64>(name)?.unwrap_or(default);
        self.note(name, number);
        Ok(number)
    }

    /// A truth value.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool> {
        let flag = self.read(name)?.unwrap_or(default);
        self.note(name, f64::from(flag));
        Ok(flag)
    }

    /// A word, where null counts as absent.
    pub fn word(&self, name: &str) -> Result<Option<String>> {
        Ok(self.read::<Option<String>>(name)?.flatten())
    }

    /// Refuses a size that does not divide another: `part` must divide `whole`.
    pub fn divides(&self, (whole, n): (&str, u64), (part, d): (&str, u64)) -> Result<()> {
        match n % d {
            0 => Ok(()),
            _ => Err(Error::Config(format!("{}{whole} {n} is not divisible by {}{part} {d}", self.path, self.path))),
        }
    }

    /// The product of two sizes, where it is at most 2^31 too.
    pub fn product(&self, (a, x): (&str, u64), (b, y): (&str, u64)) -> Result<u64> {
        match x * y {
            n if n > MAX_SIZE => Err(self.error(a, format!("{x} times {b} {y} is more than {MAX_SIZE}"))),
            n => Ok(n),
        }
    }

    /// Refuses a part that is more than the whole.
    pub fn at_most(&self, (part, n): (&str, u64), (whole, most): (&str, u64)) -> Result<()> {
        match n > most {
            true => Err(self.error(part, format!("{n} is more than {whole} {most}"))),
            false => Ok(()),
        }
    }

    /// A std above 0 that a config names, such as `initializer_range`.
    pub fn std(&self, name: &str, default: f64) -> Result<f64> {
        let std = self.number(name, default)?;
        // To transformers, 0 means 0.02 in some modules and 0 in others.
        if std <= 0.0 {
            return Err(self.error(name, format!("is {std}, must be above 0")));
        }
        Law::normal(0.0, std).map_err(|e| self.error(name, e))?;
        Ok(std)
    }

    /// An embedding's padding row; torch counts a negative one from the end.
    pub fn pad_row(&self, name: &str, (field, rows): (&str, u64), default: Option<i64>) -> Result<Option<u64>> {
        let given = match self.map.contains_key(name) {
            true => self.read::<Option<i64>>(name)?.flatten(),
            false => default,
        };
        let Some(pad) = given else { return Ok(None) };
        let row = if pad < 0 { rows.checked_sub(pad.unsigned_abs()) } else { Some(pad.unsigned_abs()) };
        match row {
            Some(row) if row < rows => Ok(Some(row)),
            _ => Err(self.error(name, format!("{pad} is no row of an embedding of {field} {rows}"))),
        }
    }

    /// `dtype`, else `torch_dtype`, as `transformers` reads them.
    pub fn dtype(&self) -> Result<Option<String>> {
        Ok(self.word("dtype")?.or(self.word("torch_dtype")?))
    }

    /// Whether a field says something: it is there, and neither null nor an empty object.
    pub fn is_set(&self, name: &str) -> bool {
        match self.map.get(name) {
            None | Some(Value::Null) => false,
            Some(Value::Object(map)) => !map.is_empty(),
            Some(_) => true,
        }
    }

    /// Whether a field is there and not null.
    pub fn is_given(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }

    /// Refuses fields that would turn the model into one with other tensors or other shapes.
    pub fn refuse_altered_models(&self) -> Result<()> {
        for (name, what) in
            [("pruned_heads", "a model with pruned heads"), ("per_layer_config", "a model whose layers differ")]
        {
            if self.is_set(name) {
                return Err(self.error(name, format!("{what} is not supported; remove the field")));
            }
        }
        Ok(())
    }
}

/// The general names of sizes, and the fields that mean the same in the configs of `transformers`: the names that its
/// `attribute_map`s give to them.
const GENERAL: [(&str, &[&str]); 10] = [
    ("hidden", &["hidden_size", "n_embd", "d_model", "dim", "hidden_dim", "embed_dim", "emb_dim"]),
    ("intermediate", &["intermediate_size", "n_inner", "d_ff", "ffn_dim", "encoder_ffn_dim", "ffn_hidden_size"]),
    ("layers", &["num_hidden_layers", "n_layer", "num_layers", "n_layers", "encoder_layers", "depth"]),
    ("heads", &["num_attention_heads", "n_head", "num_heads", "n_heads", "encoder_attention_heads"]),
    ("kv_heads", &["num_key_value_heads", "n_kv_heads"]),
    ("head_dim", &["head_dim", "d_kv", "kv_channels"]),
    ("vocab", &["vocab_size"]),
    ("positions", &["max_position_embeddings", "n_positions", "context_length", "max_seq_len"]),
    ("experts", &["num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"]),
    ("active_experts", &["num_experts_per_tok", "num_experts_per_token", "moe_k", "moe_topk"]),
];

/// Configs inside a config that describe its model of text, whose numbers hold where the outer config has none.
const OF_TEXT: [&str; 4] = ["text_config", "llm_config", "language_config", "decoder"];

/// The numbers of a config of any type: its fields by their names, and the usual ones under their general names too, as
/// `hidden_size` under `hidden`, `tie_word_embeddings` under `tied`; of a model that has one of text in it, that one's
/// where the whole has none. A recipe's expressions can name them where the tensors come from elsewhere.
///
/// ```
/// let numbers = seedbed::model::numbers_of_config(r#"{"model_type": "rwkv", "hidden_size": 768}"#)?;
/// assert_eq!((numbers["hidden_size"], numbers["hidden"]), (768.0, 768.0));
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::Config`] where the text is not a JSON object.
pub fn numbers_of_config(text: &str) -> Result<Variables> {
    let fields = Fields::parse(text)?;
    let mut numbers = fields.numbers();
    for name in OF_TEXT {
        // Something else than an object under such a name is no config.
        let Ok(inner) = fields.inner(name) else { continue };
        for (name, number) in inner.numbers() {
            numbers.entry(name).or_insert(number);
        }
    }
    if let Some(&tied) = numbers.get("tie_word_embeddings") {
        numbers.entry("tied".to_owned()).or_insert(tied);
    }
    for (general, names) in GENERAL {
        if let Some(&value) = names.iter().find_map(|name| numbers.get(*name)) {
            numbers.entry(general.to_owned()).or_insert(value);
        }
    }
    Ok(numbers)
}
