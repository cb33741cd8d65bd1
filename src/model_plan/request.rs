//! What is asked for of a model.

use super::existing::{Growth, NewRows};
use super::header::{Header, HeaderTensor};
use super::names::Chosen;
use super::settings::{PlanSettings, RecipeText};
use super::text::NamedText;
use crate::model::ModelTensor;
use crate::{DType, Rounding};

/// What is asked for: where a model's tensors come from, which laws they get, and which of them are wanted.
///
/// The tensors are those of [`tensors`](Self::tensors) or [`like`](Self::like), the last one called, where there is
/// such a call; else those that a recipe lists; else those of the [`config`](Self::config). Everything is in memory:
/// nothing here reads a file. Nothing is checked before [`plan`](Self::plan).
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::DType;
/// use seedbed::model_plan::ModelRequest;
///
/// let config = r#"{"model_type": "gpt2", "n_embd": 32, "n_head": 4, "n_layer": 2, "vocab_size": 100}"#;
/// let planned = ModelRequest::new().config("config.json", config).recipe("mitchell").dtype(DType::BF16).plan(42)?;
/// let tensor = &planned.plan.tensors()[2];
/// assert_eq!((tensor.name(), tensor.dtype()), ("transformer.h.0.ln_1.weight", DType::BF16));
/// let output = planned.rows().find(|row| row.name == "transformer.h.1.attn.c_proj.weight").unwrap();
/// assert_eq!(output.role.to_string(), "attention.output");
/// // Any tensor is a fill now, for the CPU or a GPU.
/// let mut bytes = vec![0; tensor.bytes() as usize];
/// seedbed::cpu::fill(&tensor.fill(), &mut bytes)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ModelRequest {
    pub(super) config: Option<NamedText>,
    /// Whether the config was found beside the listed tensors, and not given.
    pub(super) is_found: bool,
    pub(super) listed: Option<Listed>,
    pub(super) settings: PlanSettings,
    pub(super) chosen: Chosen,
    pub(super) missing_from: Option<Header>,
    pub(super) growth: Growth,
    pub(super) notices: Vec<String>,
    pub(super) dtype: Option<DType>,
    pub(super) rounding: Rounding,
}

/// Tensors that are listed one by one.
#[derive(Clone, Debug)]
pub(super) enum Listed {
    /// By the caller.
    Model(Vec<ModelTensor>),
    /// By a checkpoint's header.
    Header(Header),
}

impl ModelRequest {
    /// Nothing asked for yet: no tensors, the recipe `transformers`, f32, nearest rounding.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The text of a model's `config.json`, and what errors call it. Beside listed tensors it gives its numbers to a
    /// recipe's expressions, and to tensors that it knows by name and shape what the list leaves open.
    #[must_use]
    pub fn config(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.config = Some(NamedText { name: name.into(), text: text.into() });
        self.is_found = false;
        self
    }

    /// The same for a config that nobody named, but that stands beside the listed tensors: the plan says in a line that
    /// it was read.
    ///
    /// ```
    /// # fn main() -> seedbed::Result<()> {
    /// use seedbed::model_plan::{HeaderTensor, ModelRequest};
    ///
    /// let name = "model.norm.weight".to_owned();
    /// let norm = HeaderTensor { name, dims: vec![64], dtype: "F32".to_owned() };
    /// let config = r#"{"model_type": "gemma2", "num_hidden_layers": 1, "hidden_size": 64, "head_dim": 16}"#;
    /// let listed = ModelRequest::new().like("old", [norm]).recipe("llama");
    /// // Gemma multiplies by 1 + weight, which no name and no shape tells.
    /// let scheme = |planned: seedbed::model_plan::ModelPlan| planned.plan.tensors()[0].parts()[0].law().to_string();
    /// assert_eq!(scheme(listed.clone().plan(0)?), "constant 1");
    /// assert_eq!(scheme(listed.config_beside("old/config.json", config).plan(0)?), "constant 0");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn config_beside(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self = self.config(name, text);
        self.is_found = true;
        self
    }

    /// These tensors. A role [`Other`](crate::model::Role::Other) and a layer that is absent are told from the name.
    ///
    /// ```
    /// # fn main() -> seedbed::Result<()> {
    /// use seedbed::model::{ModelTensor, Role};
    /// use seedbed::model_plan::ModelRequest;
    ///
    /// let tensors = [
    ///     ModelTensor::new("embed.weight", [100, 16], Role::Embedding)?,
    ///     ModelTensor::new("layers.0.mlp.up_proj.weight", [64, 16], Role::Other)?,
    /// ];
    /// let rules = "[[rule]]\nrole = 'mlp.*'\nscheme = 'kaiming_normal'\n[[rule]]\nscheme = 'normal(std = 0.02)'\n";
    /// let planned = ModelRequest::new().tensors(tensors).recipe_text("mine.toml", rules).plan(0)?;
    /// let rules: Vec<String> = planned.rows().map(|row| row.rule).collect();
    /// assert_eq!(rules, ["mine.toml:4", "mine.toml:1"]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn tensors(mut self, tensors: impl Into<Vec<ModelTensor>>) -> Self {
        self.listed = Some(Listed::Model(tensors.into()));
        self
    }

    /// The tensors that a checkpoint's header lists: their names, shapes and dtypes. `name` is what errors call it.
    ///
    /// Not all of them get laws. Integers and truth values are buffers, which [`ModelPlan::buffers`] lists:
    /// `num_batches_tracked` is written as 0, the others are to be copied from that checkpoint, and tensors without
    /// elements are written as they are. Scales beside weights of 8 bits or fewer are left out, since they belong to
    /// the quantized form alone. Floats of other types than seedbed's, `F64` and `F8_E4M3` among them, need a
    /// [`dtype`](Self::dtype).
    ///
    /// [`ModelPlan::buffers`]: super::ModelPlan::buffers
    #[must_use]
    pub fn like(mut self, name: impl Into<String>, tensors: impl Into<Vec<HeaderTensor>>) -> Self {
        self.listed = Some(Listed::Header(Header { name: name.into(), tensors: tensors.into() }));
        self
    }

    /// One more built-in recipe, by its name. Of several recipes the rules of the first one come first; with none, the
    /// laws are those of `transformers`.
    #[must_use]
    pub fn recipe(mut self, name: impl Into<String>) -> Self {
        self.settings.recipes.push(RecipeText::Builtin(name.into()));
        self
    }

    /// One more recipe, by its text in TOML. `name` is what errors and [`PlanRow::rule`](super::PlanRow::rule) call it.
    #[must_use]
    pub fn recipe_text(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.settings.recipes.push(RecipeText::Own(NamedText { name: name.into(), text: text.into() }));
        self
    }

    /// Another value for a parameter of a recipe, or for a number of the config.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: f64) -> Self {
        self.settings.set.insert(name.into(), value);
        self
    }

    /// A value that a file asks for: another one that is set holds over it, whenever it is set.
    #[must_use]
    #[cfg(feature = "safetensors")]
    pub(crate) fn set_if_absent(mut self, name: &str, value: f64) -> Self {
        self.settings.set.entry(name.to_owned()).or_insert(value);
        self
    }

    /// Only tensors whose names match this glob, or one of the others that are given so: `*` stands for any characters,
    /// dots too.
    #[must_use]
    pub fn only(mut self, glob: impl Into<String>) -> Self {
        self.chosen.only.push(glob.into());
        self
    }

    /// No tensor whose name matches this glob.
    #[must_use]
    pub fn skip(mut self, glob: impl Into<String>) -> Self {
        self.chosen.skip.push(glob.into());
        self
    }

    /// Only what a checkpoint lacks: the tensors that its header lists are left out. A tensor that has fewer rows there
    /// is planned whole, in the checkpoint's dtype, and its first rows are the checkpoint's: see
    /// [`ModelPlan::kept`](super::ModelPlan::kept). `name` is what errors call the checkpoint.
    #[must_use]
    pub fn missing_from(mut self, name: impl Into<String>, tensors: impl Into<Vec<HeaderTensor>>) -> Self {
        self.missing_from = Some(Header { name: name.into(), tensors: tensors.into() });
        self
    }

    /// Beside [`missing_from`](Self::missing_from): tensors whose names match this glob are drawn anew where the
    /// checkpoint has another shape of them, such as the head over another number of classes.
    ///
    /// ```
    /// # fn main() -> seedbed::Result<()> {
    /// use seedbed::model_plan::{HeaderTensor, ModelRequest};
    ///
    /// let f32 = || "F32".to_owned();
    /// let tensor = |name: &str, dims: &[u64]| HeaderTensor { name: name.into(), dims: dims.into(), dtype: f32() };
    /// let up = "model.layers.0.mlp.up_proj.weight";
    /// let model = [tensor(up, &[8, 4]), tensor("lm_head.weight", &[2, 4])];
    /// let old = [tensor(up, &[8, 4]), tensor("lm_head.weight", &[3, 4])];
    /// let request = ModelRequest::new().like("model", model).recipe("llama").missing_from("old", old);
    /// // Three rows do not become two.
    /// assert!(request.clone().plan(0).is_err());
    /// let planned = request.redraw("lm_head.*").complete(true).plan(0)?;
    /// assert_eq!(planned.plan.tensors()[0].name(), "lm_head.weight");
    /// assert_eq!(planned.kept_whole[0].name, up);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn redraw(mut self, glob: impl Into<String>) -> Self {
        self.growth.redraw.push(glob.into());
        self
    }

    /// Beside [`missing_from`](Self::missing_from): the checkpoint's tensors are to be copied as they are, so that what
    /// is written is the whole model. [`ModelPlan::kept_whole`](super::ModelPlan::kept_whole) lists them. Where no
    /// dtype is asked for, new tensors have the one that most bytes of the kept ones have.
    #[must_use]
    pub fn complete(mut self, complete: bool) -> Self {
        self.growth.complete = complete;
        self
    }

    /// Beside [`missing_from`](Self::missing_from): what the rows are by which tensors have grown.
    #[must_use]
    pub fn new_rows(mut self, new_rows: NewRows) -> Self {
        self.growth.new_rows = new_rows;
        self
    }

    /// The recipes and values of weights that were written before, in the place of those given so far.
    #[must_use]
    pub fn settings(mut self, settings: PlanSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Something that is to be said of what is asked for: a line of [`ModelPlan::notices`](super::ModelPlan::notices).
    #[must_use]
    pub fn notice(mut self, text: impl Into<String>) -> Self {
        self.notices.push(text.into());
        self
    }

    /// The dtype of every tensor. Where none is asked for, a listed tensor has its own, a config's tensor the config's,
    /// and any other f32.
    #[must_use]
    pub fn dtype(mut self, dtype: DType) -> Self {
        self.dtype = Some(dtype);
        self
    }

    /// How values are rounded to f16 and bf16.
    #[must_use]
    pub fn rounding(mut self, rounding: Rounding) -> Self {
        self.rounding = rounding;
        self
    }
}
