//! Where a model's tensors come from: a Hugging Face `config.json` becomes the tensors that `save_pretrained` of
//! `transformers` writes for it, with the same names and shapes, each with the role it plays. A recipe gives them laws.
//!
//! The tests compare with fixtures that `tests/data/models/make.py` makes from `transformers` itself.

mod build;
mod families;
mod fields;
mod role;
mod serde_text;
mod tensor;
#[cfg(test)]
pub(crate) mod tests;
mod text;

pub use families::Family;
pub use fields::numbers_of_config;
pub use role::Role;
pub use tensor::{ModelTensor, Variables};
pub(crate) use text::clip;

use crate::{DType, Error, Result};
use build::Build;
use families::Class;
use fields::Fields;
use serde_json::Value;

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
        let mut build = Build::new(class);
        (family.build)(&fields, class, &mut build)?;
        let (tensors, ties) = build.finish();
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

    /// Tensors that are not stored, for they share another: (name, the stored tensor's name).
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
            _ => Err(Error::unknown("dtype of the config", text::clip(name), DType::ALL.map(DType::long_name))),
        }
    }

    /// The stored tensors, in the order of the model's `state_dict`.
    #[must_use]
    pub fn tensors(&self) -> &[ModelTensor] {
        &self.tensors
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
    // The weights beside it are not quantized: a loader must not look for scales.
    map.remove("quantization_config");
    let text = serde_json::to_string_pretty(&map).map_err(|e| Error::Config(e.to_string()))?;
    Ok(text::unmark_infinities(&text) + "\n")
}
