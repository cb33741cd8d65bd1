//! The files that a plan of a model is made of.

use super::Weights;
use super::names::CONFIG;
use super::text_file::{read_config, read_recipe};
use crate::Result;
use crate::model_plan::{HeaderTensor, ModelRequest};
use std::path::{Path, PathBuf};

/// The files that a [`ModelRequest`] is read from, and from which [`ModelWriter`](super::ModelWriter) copies what the
/// plan keeps. All of them are optional.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::checkpoint::ModelPaths;
/// use seedbed::model_plan::ModelRequest;
///
/// let paths = ModelPaths { config: Some("examples/gpt2".into()), ..ModelPaths::default() };
/// let planned = paths.read(ModelRequest::new().recipe("gpt2"))?.plan(42)?;
/// assert_eq!(planned.plan.elements(), 124_439_808);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelPaths {
    /// A model's `config.json`, or its directory: [`ModelRequest::config`].
    pub config: Option<PathBuf>,
    /// A checkpoint whose names, shapes and dtypes are taken: [`ModelRequest::like`].
    pub like: Option<PathBuf>,
    /// Recipes, each a file in TOML or the name of a built-in one: [`ModelRequest::recipe_text`] and
    /// [`ModelRequest::recipe`]. What ends in `.toml` is a file, and so is what has a directory in front, other than
    /// `transformers/`.
    pub recipes: Vec<String>,
    /// A checkpoint: only tensors, or rows, that it lacks: [`ModelRequest::missing_from`].
    pub missing_from: Option<PathBuf>,
}

impl ModelPaths {
    /// The config's file, where there is one.
    pub(super) fn config_file(&self) -> Option<PathBuf> {
        let path = self.config.as_deref()?;
        Some(if path.is_dir() { path.join(CONFIG) } else { path.to_path_buf() })
    }

    /// Adds what is in the files to a request: of checkpoints only the headers are read.
    ///
    /// # Errors
    /// Those of [`read_config`], for recipes too, and of [`Weights::open`].
    pub fn read(&self, mut request: ModelRequest) -> Result<ModelRequest> {
        if let Some(path) = &self.config {
            let (path, text) = read_config(path)?;
            request = request.config(path.display().to_string(), text);
        }
        for name in &self.recipes {
            request = match is_file(name) {
                true => {
                    let recipe = read_recipe(Path::new(name))?;
                    request.recipe_text(recipe.name, recipe.text)
                }
                false => request.recipe(name),
            };
        }
        if let Some(path) = &self.like {
            let weights = Weights::open(path)?;
            request = request.like(weights.path().display().to_string(), header(&weights));
        }
        if let Some(path) = &self.missing_from {
            request = request.missing_from(path.display().to_string(), header(&Weights::open(path)?));
        }
        Ok(request)
    }
}

/// Whether a recipe is a file: the built-in recipes of model families have names with a slash too.
fn is_file(recipe: &str) -> bool {
    recipe.ends_with(".toml") || (recipe.contains(std::path::is_separator) && !recipe.starts_with("transformers/"))
}

fn header(weights: &Weights) -> Vec<HeaderTensor> {
    let entry =
        |t: &super::StoredTensor| HeaderTensor { name: t.name.clone(), dims: t.dims.clone(), dtype: t.dtype_name() };
    weights.tensors().map(entry).collect()
}
