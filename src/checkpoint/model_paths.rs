//! The files that a plan of a model is made of.

use super::Weights;
use super::adapter::Adapter;
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
    /// A checkpoint whose names, shapes and dtypes are taken: [`ModelRequest::like`]. Where no config is given, the
    /// `config.json` in its directory is read as if it were: [`ModelRequest::config_beside`].
    pub like: Option<PathBuf>,
    /// Recipes, each a file in TOML or the name of a built-in one: [`ModelRequest::recipe_text`] and
    /// [`ModelRequest::recipe`]. What ends in `.toml` is a file, and so is what has a directory in front, other than
    /// `transformers/`.
    pub recipes: Vec<String>,
    /// A checkpoint: only tensors, or rows, that it lacks: [`ModelRequest::missing_from`].
    pub missing_from: Option<PathBuf>,
}

impl ModelPaths {
    /// The config's file, where there is one: the one that is given, else the one beside the checkpoint.
    #[cfg(feature = "checkpoint")]
    pub(super) fn config_file(&self) -> Option<PathBuf> {
        let Some(path) = self.config.as_deref() else { return self.config_beside() };
        Some(if path.is_dir() { path.join(CONFIG) } else { path.to_path_buf() })
    }

    /// The `config.json` that stands beside the checkpoint whose tensors are taken, where no config is given.
    fn config_beside(&self) -> Option<PathBuf> {
        let like = self.like.as_deref().filter(|_| self.config.is_none())?;
        let dir = if like.is_dir() { like } else { like.parent()? };
        // No pipe and no directory of that name: only a file can be a config.
        Some(dir.join(CONFIG)).filter(|path| path.is_file())
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
        if let Some(path) = self.config_beside() {
            let (path, text) = read_config(&path)?;
            request = request.config_beside(path.display().to_string(), text);
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
            if let Some(adapter) = Adapter::of(path)? {
                request = adapter.ask(&self.recipes, request)?;
            }
            request = weights.notices().into_iter().fold(request, |r, notice| r.notice(notice));
            request = request.like(weights.path().display().to_string(), header(&weights));
        }
        if let Some(path) = &self.missing_from {
            let weights = Weights::open(path)?;
            request = weights.notices().into_iter().fold(request, |r, notice| r.notice(notice));
            request = request.missing_from(path.display().to_string(), header(&weights));
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

#[cfg(test)]
#[cfg(feature = "checkpoint")]
mod tests {
    use super::*;
    use crate::backend::Backend;
    use crate::checkpoint::{WriteOptions, write_model};
    use crate::model_plan::ModelPlan;
    use crate::{DType, Rounding};

    const CONFIG_TEXT: &str = r#"{"model_type": "gpt2", "n_embd": 24, "n_head": 3, "n_layer": 2, "n_positions": 16,
                                  "vocab_size": 41}"#;
    const RECIPE_TEXT: &str = "extends = 'transformers'\n[[rule]]\nrole = 'mlp.*'\nscheme = 'kaiming_normal'\n";

    /// Names, keys, laws, roles, rules, dtypes: all that a plan says.
    fn assert_same(a: &ModelPlan, b: &ModelPlan) {
        assert!(a.rows().eq(b.rows()));
        assert_eq!(a.assignment, b.assignment);
        assert_eq!((&a.recipe, &a.warnings, &a.kept), (&b.recipe, &b.warnings, &b.kept));
        assert_eq!((&a.settings.set, &a.notices, &a.buffers), (&b.settings.set, &b.notices, &b.buffers));
        for (a, b) in a.plan.tensors().iter().zip(b.plan.tensors()) {
            let laws = |t: &crate::plan::PlannedTensor| {
                t.parts().iter().map(|p| (p.key(), p.law().clone())).collect::<Vec<_>>()
            };
            assert_eq!(laws(a), laws(b));
        }
    }

    #[test]
    fn files_and_memory_give_the_same_plan() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let text = |name: &str| path(name).display().to_string();
        std::fs::write(path("config.json"), CONFIG_TEXT).unwrap();
        std::fs::write(path("mine.toml"), RECIPE_TEXT).unwrap();
        let choices = ModelRequest::new().set("initializer_range", 0.05).skip("*.bias").dtype(DType::BF16);
        let choices = choices.rounding(Rounding::Stochastic);

        // `config` is the directory of the file.
        let recipes = vec![text("mine.toml"), "residual-sqrt-n".to_owned()];
        let paths = ModelPaths { config: Some(dir.path().into()), recipes, ..ModelPaths::default() };
        let by_paths = paths.read(choices.clone()).unwrap().plan(7).unwrap();
        let in_memory = choices.clone().config(text("config.json"), CONFIG_TEXT);
        let in_memory = in_memory.recipe_text(text("mine.toml"), RECIPE_TEXT).recipe("residual-sqrt-n");
        let in_memory = in_memory.plan(7).unwrap();
        assert_eq!(in_memory.plan.tensors().len(), 15);
        assert!(in_memory.rows().any(|row| row.rule == format!("{}:2", text("mine.toml"))));
        assert_same(&by_paths, &in_memory);
        assert_eq!(by_paths.config, in_memory.config);

        // The tensors of the checkpoint that this plan makes, for another seed; the config gives its numbers.
        let out = path("out");
        let options = WriteOptions { sync: false, ..WriteOptions::default() };
        write_model(&out, &in_memory, &paths, &Backend::cpu(), &options, &mut |_| Ok(())).unwrap();
        let recipes = vec!["llm-roles".to_owned()];
        let (config, like) = (Some(path("config.json")), Some(out.clone()));
        let paths = ModelPaths { config, like, recipes, ..ModelPaths::default() };
        let by_paths = paths.read(ModelRequest::new()).unwrap().plan(8).unwrap();
        let header = header(&Weights::open(&out).unwrap());
        let in_memory = ModelRequest::new().config("tiny", CONFIG_TEXT).like("out", header.clone());
        let in_memory = in_memory.recipe("llm-roles").plan(8).unwrap();
        assert_eq!(in_memory.plan.tensors().len(), 15);
        assert_same(&by_paths, &in_memory);

        // What that checkpoint lacks of the whole model: the biases.
        let (config, missing_from) = (Some(path("config.json")), Some(out.clone()));
        let paths = ModelPaths { config, missing_from, ..ModelPaths::default() };
        let by_paths = paths.read(ModelRequest::new()).unwrap().plan(8).unwrap();
        let in_memory = ModelRequest::new().config("tiny", CONFIG_TEXT).missing_from("out", header).plan(8).unwrap();
        assert_eq!(in_memory.plan.tensors().len(), 13);
        assert_same(&by_paths, &in_memory);
    }

    #[test]
    fn recipes_are_files_or_names() {
        for file in ["mine.toml", "./llama", "dir/llama"] {
            assert!(is_file(file), "{file}");
        }
        for name in ["llama", "transformers", "transformers/llama"] {
            assert!(!is_file(name), "{name}");
        }
    }
}
