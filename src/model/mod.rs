//! A Hugging Face `config.json` becomes the tensors that `save_pretrained` of `transformers` writes for it:
//! the same names and shapes, with the laws of its `_init_weights`.
//!
//! What is known is the GPT-2 and the Llama family, as `transformers` 5.23 builds them; 4.46 builds the same.
//! The tests compare with fixtures that `tests/data/model_fixtures.py` makes from `transformers` itself.

mod build;
mod config;
mod gpt2;
mod llama;
#[cfg(test)]
mod tests;

use crate::plan::TensorSpec;
use crate::{DType, Error, Result};
use config::Fields;
use serde_json::Value;

/// A family of models: the `model_type` of a config.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// `gpt2`: classes `GPT2LMHeadModel` and `GPT2Model`.
    Gpt2,
    /// `llama`: classes `LlamaForCausalLM` and `LlamaModel`.
    Llama,
}

impl Family {
    /// Every family, in the order of the enum.
    pub const ALL: [Self; 2] = [Self::Gpt2, Self::Llama];

    /// The `model_type` that names this family.
    #[must_use]
    pub const fn model_type(self) -> &'static str {
        match self {
            Self::Gpt2 => "gpt2",
            Self::Llama => "llama",
        }
    }

    /// The classes that can be named in `architectures`; the first, with a language-model head, where none is.
    const fn classes(self) -> [Class; 2] {
        match self {
            Self::Gpt2 => gpt2::CLASSES,
            Self::Llama => llama::CLASSES,
        }
    }

    fn read(fields: &Fields) -> Result<Self> {
        let known = Self::ALL.map(Self::model_type).join(", ");
        let given: String = fields
            .read("model_type")?
            .ok_or_else(|| Error::Config(format!("model_type is missing: known types are {known}")))?;
        let family = Self::ALL.into_iter().find(|f| f.model_type() == given);
        family.ok_or_else(|| Error::Unknown { what: "model_type", given: config::clip(&given), expected: known })
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.model_type())
    }
}

/// A class of `transformers`, and where it keeps the base model.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Class {
    name: &'static str,
    /// What stands before the names of the base model.
    prefix: &'static str,
    /// Whether it has a language-model head.
    head: bool,
}

/// A model as its config describes it: which tensors it stores, and how each is initialized.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::{DType, model::Model};
/// let config = r#"{"model_type": "llama", "hidden_size": 64, "num_attention_heads": 4, "torch_dtype": "bfloat16"}"#;
/// let model = Model::from_json(config)?;
/// assert_eq!(model.architecture(), "LlamaForCausalLM");
/// let tensors = model.tensors(None)?;
/// assert_eq!(tensors[0].name, "model.embed_tokens.weight");
/// assert_eq!(tensors[0].shape.dims(), [32000, 64]);
/// assert_eq!(tensors[0].dtype, DType::BF16);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    family: Family,
    class: Class,
    tied: bool,
    dtype: Option<String>,
    tensors: Vec<TensorSpec>,
}

impl Model {
    /// Reads the text of a `config.json`.
    ///
    /// An absent field takes the default of the family's config class; an absent, null or empty
    /// `architectures` means the class with a language-model head. Fields that shape no tensor are not read.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field and the numbers, where the text is not a JSON object, a field has the
    /// wrong type or is out of range, fields contradict each other, or more than 100,000 tensors or 2^60 elements
    /// would result; [`Error::Unknown`] for a `model_type` or an architecture that is not supported.
    pub fn from_json(text: &str) -> Result<Self> {
        let fields = Fields::parse(text)?;
        let family = Family::read(&fields)?;
        fields.refuse_altered_models()?;
        let class = fields.class(family)?;
        let (tied, tensors) = match family {
            Family::Gpt2 => gpt2::tensors(&fields, class)?,
            Family::Llama => llama::tensors(&fields, class)?,
        };
        Ok(Self { family, class, tied, dtype: fields.dtype()?, tensors })
    }

    /// The family.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// The class of `transformers` whose tensors these are, such as `GPT2LMHeadModel`.
    #[must_use]
    pub fn architecture(&self) -> &'static str {
        self.class.name
    }

    /// Whether there is a language-model head that shares the embedding's tensor and is not stored itself.
    #[must_use]
    pub fn has_tied_head(&self) -> bool {
        self.class.head && self.tied
    }

    /// The number of stored elements, at most 2^60.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        self.tensors.iter().map(|t| t.shape.count()).sum()
    }

    /// The dtype that the config names, as `dtype` or, in files of `transformers` 4, as `torch_dtype`; `dtype`
    /// holds where both stand.
    ///
    /// # Errors
    /// [`Error::Unknown`] where it names a dtype that cannot be written, such as `float64`.
    pub fn dtype(&self) -> Result<Option<DType>> {
        let Some(name) = &self.dtype else { return Ok(None) };
        // torch's own names and their aliases, spelled as torch spells them: nothing else loads.
        match name.as_str() {
            "float32" | "float" => Ok(Some(DType::F32)),
            "float16" | "half" => Ok(Some(DType::F16)),
            "bfloat16" => Ok(Some(DType::BF16)),
            _ => Err(Error::Unknown {
                what: "dtype of the config",
                given: config::clip(name),
                expected: DType::ALL.map(DType::long_name).join(", "),
            }),
        }
    }

    /// The stored tensors in the order of the model's `state_dict`, all of one dtype: the one given, else the
    /// config's, else f32.
    ///
    /// # Errors
    /// See [`Model::dtype`]; none where a dtype is given.
    pub fn tensors(&self, dtype: Option<DType>) -> Result<Vec<TensorSpec>> {
        let dtype = match dtype {
            Some(dtype) => dtype,
            None => self.dtype()?.unwrap_or(DType::F32),
        };
        Ok(self.tensors.iter().map(|t| TensorSpec { dtype, ..t.clone() }).collect())
    }
}

/// The text of a config that says which dtype was written beside it: `dtype` is set, and so is `torch_dtype`
/// where the config has it. The other fields keep their values and their order.
///
/// `transformers` 5.23 takes `dtype` over `torch_dtype`; 4.46 reads `torch_dtype` alone, and goes by the file's
/// tensors where it is absent, so it is never added.
///
/// # Errors
/// [`Error::Config`] where the text is not a JSON object.
pub fn config_with_dtype(text: &str, dtype: DType) -> Result<String> {
    let mut map = Fields::parse(text)?.into_map();
    let name = Value::from(dtype.long_name());
    if let Some(old) = map.get_mut("torch_dtype") {
        *old = name.clone();
    }
    map.insert("dtype".to_owned(), name);
    let text = serde_json::to_string_pretty(&map).map_err(|e| Error::Config(e.to_string()))?;
    Ok(text + "\n")
}
