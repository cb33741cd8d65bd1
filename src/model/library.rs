//! What `transformers` does in each of its model types that no name and no shape tells: norms of 1 + weight, padding
//! rows, tensors that stay float32, and how each tensor begins. The table is `traits.json`, which
//! tests/data/models/traits.py writes from the library itself.

use super::config_text;
use super::role::Role;
use super::tensor::ModelTensor;
use crate::value::text::clip;
use crate::{DType, Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What the table says of a `model_type`, and the numbers that a config gives to it.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::model::{LibraryType, ModelTensor, Role};
/// let opt = LibraryType::of_config(r#"{"model_type": "opt", "pad_token_id": 1}"#)?.unwrap();
/// let mut embedding = ModelTensor::new("model.decoder.embed_tokens.weight", [50, 8], Role::Embedding)?;
/// opt.complete(&mut embedding)?;
/// assert_eq!(embedding.zero_rows, [1]);
/// assert_eq!(opt.law(&embedding), "normal(std=0.02)");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct LibraryType {
    model_type: String,
    row: &'static Row,
    config: Map<String, Value>,
}

/// The file.
#[derive(Deserialize)]
struct Table {
    about: About,
    types: BTreeMap<String, Row>,
}

/// Where it comes from.
#[derive(Deserialize)]
struct About {
    transformers: String,
}

/// A line of it. Names are told by patterns: see [`ends`].
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Row {
    /// The field whose value is the std of matrices and embeddings, and what holds where it is absent.
    std: Option<String>,
    std_default: Option<f64>,
    /// Norms that multiply by 1 + weight.
    offset: Vec<String>,
    /// Embeddings whose row of a field's number is zero, by the field, and what holds where it is absent.
    pad: BTreeMap<String, Vec<String>>,
    pad_default: BTreeMap<String, i64>,
    /// Rows that are zero whatever the config says.
    rows: BTreeMap<String, u64>,
    /// Tensors that stay float32 in 16 bits, and in float16 alone.
    float32: Vec<String>,
    float32_half: Vec<String>,
    /// The laws of all that begins otherwise than a matrix, a norm or a bias.
    special: BTreeMap<String, String>,
    /// Why nothing is known.
    error: Option<String>,
}

static TABLE: LazyLock<Table> =
    LazyLock::new(|| serde_json::from_str(include_str!("traits.json")).expect("a test reads the table"));

impl LibraryType {
    /// The version of `transformers` that the table was made from.
    #[must_use]
    pub fn version() -> &'static str {
        &TABLE.about.transformers
    }

    /// Every `model_type` of the table.
    pub fn all() -> impl Iterator<Item = &'static str> {
        TABLE.types.keys().map(String::as_str)
    }

    /// What the table says of the type that a config names; nothing where it names none that the table has.
    ///
    /// # Errors
    /// [`Error::Config`] where the text is not a JSON object.
    pub fn of_config(text: &str) -> Result<Option<Self>> {
        let config = config_text::parse(text)?;
        let Some(Value::String(model_type)) = config.get("model_type") else { return Ok(None) };
        let Some(row) = TABLE.types.get(model_type) else { return Ok(None) };
        Ok(Some(Self { model_type: model_type.clone(), row, config }))
    }

    /// What the table says of a type without a config; nothing of a type that it does not have.
    pub(super) fn named(model_type: &str) -> Self {
        static NOTHING: LazyLock<Row> = LazyLock::new(Row::default);
        let row = TABLE.types.get(model_type).unwrap_or(&NOTHING);
        Self { model_type: model_type.to_owned(), row, config: Map::new() }
    }

    /// The `model_type`.
    #[must_use]
    pub fn model_type(&self) -> &str {
        &self.model_type
    }

    /// Why the table knows nothing of the type; none where it does.
    #[must_use]
    pub fn unknown(&self) -> Option<&str> {
        self.row.error.as_deref()
    }

    /// Adds to a tensor what its name and its shape do not tell: that it multiplies by 1 + weight, its zero rows, and
    /// that it stays float32.
    ///
    /// # Errors
    /// [`Error::Config`] where the config names a padding row that the tensor does not have.
    pub fn complete(&self, tensor: &mut ModelTensor) -> Result<()> {
        if self.adds_one(tensor) && matches!(tensor.role, Role::Norm | Role::Other) {
            tensor.role = Role::NormOffset;
        }
        if self.stays_float32(&tensor.name) {
            tensor.kept_dtype = Some(DType::F32);
        }
        for row in self.zero_rows(tensor)? {
            if !tensor.zero_rows.contains(&row) {
                tensor.zero_rows.push(row);
            }
        }
        tensor.zero_rows.sort_unstable();
        Ok(())
    }

    /// Whether a norm of this name multiplies by 1 + weight.
    fn adds_one(&self, tensor: &ModelTensor) -> bool {
        tensor.shape.rank() == 1 && any_ends(&tensor.name, &self.row.offset)
    }

    /// Whether a tensor of this name stays float32 in a model of 16 bits.
    #[must_use]
    pub fn stays_float32(&self, name: &str) -> bool {
        any_ends(name, &self.row.float32)
    }

    /// Whether a tensor of this name stays float32 in a model of float16: there are more of these.
    #[must_use]
    pub fn stays_float32_in_half(&self, name: &str) -> bool {
        self.stays_float32(name) || any_ends(name, &self.row.float32_half)
    }

    fn zero_rows(&self, tensor: &ModelTensor) -> Result<Vec<u64>> {
        let mut zero = Vec::new();
        let &[rows, _] = tensor.shape.dims() else { return Ok(zero) };
        for (field, names) in &self.row.pad {
            let Some(pad) = self.pad(field)?.filter(|_| any_ends(&tensor.name, names)) else { continue };
            // torch counts a negative one from the end.
            let row = if pad < 0 { rows.checked_sub(pad.unsigned_abs()) } else { Some(pad.unsigned_abs()) };
            match row {
                Some(row) if row < rows => zero.push(row),
                _ => {
                    let shape = tensor.shape.dims();
                    let error = Error::Config(format!("{field}: {pad} is no row of an embedding of shape {shape:?}"));
                    return Err(error.in_tensor(&tensor.name));
                }
            }
        }
        let fixed = self.row.rows.iter().filter(|(pattern, _)| ends(&tensor.name, pattern));
        zero.extend(fixed.map(|(_, &row)| row).filter(|&row| row < rows));
        Ok(zero)
    }

    /// The number of a padding row.
    fn pad(&self, field: &str) -> Result<Option<i64>> {
        match self.field(field) {
            None => Ok(self.row.pad_default.get(field).copied()),
            Some(Value::Null) => Ok(None),
            Some(value) => match value.as_i64() {
                Some(pad) => Ok(Some(pad)),
                None => {
                    Err(Error::Config(format!("{field}: expected a whole number, found {}", clip(&value.to_string()))))
                }
            },
        }
    }

    /// A field by its path, such as `text_config.pad_token_id`.
    fn field(&self, path: &str) -> Option<&Value> {
        let (inner, name) = path.rsplit_once('.').map_or((None, path), |(inner, name)| (Some(inner), name));
        let mut map = &self.config;
        for name in inner.iter().flat_map(|inner| inner.split('.')) {
            map = map.get(name)?.as_object()?;
        }
        map.get(name)
    }

    /// The law with which the library begins a tensor, as far as the table says it: the text of a scheme where it can
    /// be told, words else.
    #[must_use]
    pub fn law(&self, tensor: &ModelTensor) -> String {
        // The longest pattern is the one that means this tensor.
        let special = self.row.special.iter().filter(|(pattern, _)| ends(&tensor.name, pattern));
        if let Some((_, law)) = special.max_by_key(|(pattern, _)| pattern.len()) {
            return self.with_numbers(law);
        }
        if tensor.shape.rank() <= 1 {
            let last = tensor.name.rsplit('.').next().unwrap_or_default();
            let is_zero = last.contains("bias") || last == "running_mean" || self.adds_one(tensor);
            return format!("constant({})", u8::from(!is_zero));
        }
        let given = self.row.std.as_deref().and_then(|path| self.field(path)).and_then(Value::as_f64);
        match given.or(self.row.std_default) {
            Some(std) => format!("normal(std={std})"),
            None => "a law of its own".to_owned(),
        }
    }

    /// The text with the numbers of the config in place of its fields.
    fn with_numbers(&self, law: &str) -> String {
        let Some((head, rest)) = law.split_once('(') else { return law.to_owned() };
        let Some(argument) = rest.strip_suffix(')') else { return law.to_owned() };
        let (key, value) = argument.split_once('=').map_or(("", argument), |(key, value)| (key, value));
        let Some(number) = self.field(value).and_then(Value::as_f64) else { return law.to_owned() };
        let equals = if key.is_empty() { "" } else { "=" };
        format!("{head}({key}{equals}{number})")
    }
}

/// Whether a name has an end that a pattern means: the pattern's components one by one, `*` standing for a number. With
/// `^` before it the pattern is the whole name.
fn ends(name: &str, pattern: &str) -> bool {
    let (pattern, is_whole) = pattern.strip_prefix('^').map_or((pattern, false), |whole| (whole, true));
    let mut parts = name.rsplit('.');
    let fits = pattern.rsplit('.').all(|wanted| {
        parts.next().is_some_and(|part| match wanted {
            "*" => !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()),
            wanted => part == wanted,
        })
    });
    fits && (!is_whole || parts.next().is_none())
}

fn any_ends(name: &str, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| ends(name, pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_ends_of_names() {
        for (name, pattern, fits) in [
            ("model.norm.weight", "norm.weight", true),
            ("model.q_norm.weight", "norm.weight", false),
            ("norm.weight", "^norm.weight", true),
            ("model.norm.weight", "^norm.weight", false),
            ("h.12.attn.weight", "*.attn.weight", true),
            ("h.x.attn.weight", "*.attn.weight", false),
            ("weight", "norm.weight", false),
        ] {
            assert_eq!(ends(name, pattern), fits, "{name} {pattern}");
        }
    }

    #[test]
    fn the_table_can_be_read_and_knows_the_families() {
        assert!(LibraryType::all().count() > 500);
        for family in crate::model::Family::all() {
            // Kimi's code is DeepSeek's; transformers does not know the name.
            let model_type = family.model_type();
            assert!(TABLE.types.contains_key(model_type), "{model_type}");
        }
    }

    #[test]
    fn the_page_names_every_type_that_has_something_to_tell() {
        let page = include_str!("../../docs/recipes.md");
        let telling = TABLE.types.iter().filter(|(_, row)| {
            !(row.offset.is_empty() && row.pad.is_empty() && row.float32.is_empty() && row.float32_half.is_empty())
        });
        let missing: Vec<_> = telling.filter(|(name, _)| !page.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "python tests/data/models/traits.py --page; missing: {missing:?}");
    }

    #[test]
    fn what_no_name_tells_is_told_by_the_type() {
        let read = |text: &str| LibraryType::of_config(text).unwrap().unwrap();
        let tensor = |name: &str, dims: &[u64], role| ModelTensor::new(name, dims, role).unwrap();
        let completed = |library: &LibraryType, mut tensor: ModelTensor| {
            library.complete(&mut tensor).unwrap();
            tensor
        };
        // Gemma multiplies by 1 + weight, and Qwen3-Next does but for one norm.
        let gemma = read(r#"{"model_type": "gemma"}"#);
        assert_eq!(completed(&gemma, tensor("model.norm.weight", &[8], Role::Norm)).role, Role::NormOffset);
        let next = read(r#"{"model_type": "qwen3_next"}"#);
        assert_eq!(completed(&next, tensor("model.norm.weight", &[8], Role::Norm)).role, Role::NormOffset);
        let gated = tensor("model.layers.0.linear_attn.norm.weight", &[8], Role::Norm);
        assert_eq!(completed(&next, gated.clone()).role, Role::Norm);
        assert_eq!(next.law(&gated), "constant(1)");
        // Padding: the field, its default, null, a negative number, and a row that is not there.
        let embedding = || tensor("model.decoder.embed_tokens.weight", &[50, 8], Role::Embedding);
        for (config, rows) in [
            (r#"{"model_type": "opt", "pad_token_id": 3}"#, vec![3]),
            (r#"{"model_type": "opt"}"#, vec![1]),
            (r#"{"model_type": "opt", "pad_token_id": null}"#, vec![]),
            (r#"{"model_type": "opt", "pad_token_id": -1}"#, vec![49]),
            (r#"{"model_type": "gpt_neox", "pad_token_id": 3}"#, vec![]),
        ] {
            assert_eq!(completed(&read(config), embedding()).zero_rows, rows, "{config}");
        }
        let error = read(r#"{"model_type": "opt", "pad_token_id": 50}"#).complete(&mut embedding()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "tensor model.decoder.embed_tokens.weight: config: pad_token_id: 50 is no row of an embedding of shape \
             [50, 8]"
        );
        // A model of text inside another one has its own field.
        let llava = read(r#"{"model_type": "llava", "pad_token_id": 9, "text_config": {"pad_token_id": 2}}"#);
        let inner = tensor("language_model.model.embed_tokens.weight", &[50, 8], Role::Embedding);
        assert_eq!(completed(&llava, inner).zero_rows, [2]);
        // Float32.
        let deepseek = read(r#"{"model_type": "deepseek_v3"}"#);
        for (name, kept) in [
            ("model.layers.3.mlp.gate.e_score_correction_bias", Some(DType::F32)),
            ("model.layers.3.mlp.gate.weight", Some(DType::F32)),
            ("model.layers.3.mlp.gate_proj.weight", None),
        ] {
            assert_eq!(completed(&deepseek, tensor(name, &[8], Role::Other)).kept_dtype, kept, "{name}");
        }
        let t5 = read(r#"{"model_type": "t5"}"#);
        let output = "encoder.block.0.layer.1.DenseReluDense.wo.weight";
        assert!(!t5.stays_float32(output) && t5.stays_float32_in_half(output));
    }
}
