//! How the role of each tensor of a request was told.

use super::request::ModelRequest;
use super::settings::RecipeText;
use super::source::Source;
use crate::Result;
use crate::model::ModelTensor;

impl ModelRequest {
    /// The tensors of the request with their roles, and how each role was told: also where no recipe gives them laws.
    ///
    /// ```
    /// use seedbed::model_plan::{HeaderTensor, ModelRequest};
    /// let tensor = |name: &str, dims: &[u64]| {
    ///     HeaderTensor { name: name.to_owned(), dims: dims.to_vec(), dtype: "F32".to_owned() }
    /// };
    /// let tensors = [tensor("0.weight", &[20, 10]), tensor("0.bias", &[20]), tensor("mask", &[4])];
    /// let told = ModelRequest::new().like("m.safetensors", tensors).explain()?;
    /// let told: Vec<String> = told.iter().map(|t| format!("{} {}: {}", t.name, t.role, t.told)).collect();
    /// assert_eq!(told[1], "0.bias bias: neighbors: the bias of the weight beside it");
    /// assert_eq!(told[2], "mask other: unknown");
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`plan`](Self::plan) that concern the tensors, and the reading of the config and the recipes.
    pub fn explain(&self) -> Result<Vec<ModelTensor>> {
        let mut request = self.clone();
        // Roles need no laws: `transformers`, the default, would ask for a config.
        if request.settings.recipes.is_empty() && request.listed.is_some() {
            request.settings.recipes.push(RecipeText::Builtin("fixed".to_owned()));
        }
        let is_chosen = request.chosen.filter()?;
        let source = Source::find(&request)?;
        Ok(source.tensors().iter().filter(|t| is_chosen(&t.name)).cloned().collect())
    }
}
