//! A model as its config describes it.

use super::build::Build;
use super::family::{Class, Family};
use super::fields::Fields;
use super::library::LibraryType;
use super::tensor::ModelTensor;
use crate::value::text::clip;
use crate::{DType, Error, Result};

/// A model as its config describes it: which tensors it stores.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::{DType, model::{Model, Role}};
/// let config = r#"{"model_type": "llama", "hidden_size": 64, "num_attention_heads": 4, "torch_dtype": "bfloat16"}"#;
/// let model = Model::from_json(config)?;
/// assert_eq!(model.architecture(), "LlamaForCausalLM");
/// assert_eq!(model.dtype()?, Some(DType::BF16));
/// let first = &model.tensors()[0];
/// assert_eq!((first.name.as_str(), first.role), ("model.embed_tokens.weight", Role::Embedding));
/// assert_eq!(first.shape.dims(), [32000, 64]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    family: &'static Family,
    class: Class,
    ties: Vec<(String, String)>,
    dtype: Option<String>,
    quantized: bool,
    tensors: Vec<ModelTensor>,
}

impl Model {
    /// Reads the text of a `config.json`.
    ///
    /// ```
    /// use seedbed::model::Model;
    /// let model = Model::from_json(r#"{"model_type": "gpt2"}"#)?;
    /// assert_eq!((model.family().model_type(), model.parameters()), ("gpt2", 124_439_808));
    /// let error = Model::from_json(r#"{"model_type": "gpt2", "n_embd": 10, "n_head": 3}"#).unwrap_err();
    /// assert_eq!(error.to_string(), "config: n_embd 10 is not divisible by n_head 3");
    /// # Ok::<(), seedbed::Error>(())
    /// ```
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
        let class = family.class(&fields)?;
        let mut build = Build::new(class.prefix);
        (family.build)(&fields, class, &mut build)?;
        let (mut tensors, ties) = build.finish();
        // Kimi's code is a copy of DeepSeek's, which the table has.
        let library = LibraryType::named(family.model_type());
        for tensor in tensors.iter_mut().filter(|t| library.stays_float32(&t.name)) {
            tensor.kept_dtype = Some(DType::F32);
        }
        let quantized = fields.is_set("quantization_config");
        Ok(Self { family, class, ties, dtype: fields.dtype()?, quantized, tensors })
    }

    /// The family.
    #[must_use]
    pub fn family(&self) -> &'static Family {
        self.family
    }

    /// The class of `transformers` whose tensors these are, such as `GPT2LMHeadModel`.
    #[must_use]
    pub fn architecture(&self) -> &'static str {
        self.class.name
    }

    /// Tensors that are not stored, because they share another one: (name, the stored tensor's name).
    #[must_use]
    pub fn ties(&self) -> &[(String, String)] {
        &self.ties
    }

    /// Whether the config is that of a quantized checkpoint. The tensors are those of the model before it is quantized.
    #[must_use]
    pub fn is_quantized(&self) -> bool {
        self.quantized
    }

    /// The number of stored elements, at most 2^60.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        self.tensors.iter().map(|t| t.shape.count()).sum()
    }

    /// The dtype that the config names, as `dtype` or, in files of `transformers` 4, as `torch_dtype`. Where both are
    /// there, `dtype` holds.
    ///
    /// # Errors
    /// [`Error::Unknown`] where it names a dtype that cannot be written, such as `float64`.
    pub fn dtype(&self) -> Result<Option<DType>> {
        let Some(name) = &self.dtype else { return Ok(None) };
        // torch's names and their aliases, in torch's spelling: transformers loads no other.
        match name.as_str() {
            "float32" | "float" => Ok(Some(DType::F32)),
            "float16" | "half" => Ok(Some(DType::F16)),
            "bfloat16" => Ok(Some(DType::BF16)),
            _ => Err(Error::unknown("dtype of the config", clip(name), DType::ALL.map(DType::long_name))),
        }
    }

    /// The stored tensors, in the order of the model's `state_dict`.
    ///
    /// ```
    /// use seedbed::model::{Model, Role};
    /// let model = Model::from_json(r#"{"model_type": "gemma2", "num_hidden_layers": 1}"#)?;
    /// let last = model.tensors().last().unwrap();
    /// assert_eq!((last.name.as_str(), last.role), ("model.norm.weight", Role::NormOffset));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    #[must_use]
    pub fn tensors(&self) -> &[ModelTensor] {
        &self.tensors
    }
}
