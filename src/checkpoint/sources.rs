//! Where a model's tensors come from: a config, a checkpoint's headers, or a recipe's own list; and the recipe.

use super::{ModelRequest, Weights};
use crate::model::{Model, ModelTensor, Role, Variables, numbers_of_config};
use crate::recipe::Recipe;
use crate::value::shape::Layout;
use crate::{DType, Error, Result};
use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// No config and no recipe comes near this many bytes.
const MAX_TEXT: u64 = 16 << 20;

/// The tensors of a request, and what gives them laws.
pub(super) struct Source {
    pub model: Option<Model>,
    /// Path and text of the config.
    pub config: Option<(PathBuf, String)>,
    pub recipe: Recipe,
    /// The tensors, where they are not the model's.
    listed: Option<Vec<ModelTensor>>,
    /// Names that a checkpoint has and that are no tensors for us, but skipped anyway.
    pub dropped: Vec<String>,
}

impl Source {
    pub fn find(request: &ModelRequest) -> Result<Self> {
        let config = request.config.as_deref().map(read_config).transpose()?;
        let (mut model, mut unread) = (None, None);
        if let Some((path, text)) = &config {
            match Model::from_json(text) {
                Ok(read) => model = Some(read),
                Err(error) => unread = Some(in_file(path, &error)),
            }
        }
        let mut recipe = Recipe::default();
        for name in &request.recipes {
            recipe = recipe.then(read_recipe(name, model.as_ref())?);
        }
        for (name, value) in &request.set {
            recipe.set(name, *value);
        }
        // Beside another list of tensors the config only lends its numbers: it may be of an unknown type.
        let is_listed = request.like.is_some() || recipe.has_manifest();
        if let Some(error) = unread.filter(|_| !is_listed) {
            return Err(error);
        }
        recipe.finish(model.as_ref())?;
        let mut source = Self { model, config, recipe, listed: None, dropped: Vec::new() };
        if is_listed {
            let variables = Arc::new(source.numbers()?);
            let mut tensors = match &request.like {
                Some(path) => source.of_checkpoint(path, request)?,
                None => source.recipe.manifest(&variables)?,
            };
            tensors.iter_mut().for_each(|t| t.variables = Arc::clone(&variables));
            source.take_from_config(&mut tensors);
            source.recipe.find_roles(&mut tensors)?;
            source.listed = Some(tensors);
        } else if source.model.is_none() {
            return Err(Error::Model(NO_TENSORS.to_owned()));
        }
        Ok(source)
    }

    /// The tensors, in their order.
    pub fn tensors(&self) -> &[ModelTensor] {
        match (&self.listed, &self.model) {
            (Some(listed), _) => listed,
            (None, Some(model)) => model.tensors(),
            (None, None) => &[],
        }
    }

    /// The dtype of tensors that have none of their own, where none is given: the config's, of its own tensors.
    pub fn default_dtype(&self, given: Option<DType>) -> Result<DType> {
        match (&self.model, &self.config) {
            (Some(model), Some((path, _))) if given.is_none() && self.listed.is_none() => {
                Ok(model.dtype().map_err(|e| in_file(path, &e))?.unwrap_or(DType::F32))
            }
            _ => Ok(DType::F32),
        }
    }

    /// What expressions can name beside listed tensors: the config's numbers, else the recipe's own.
    fn numbers(&self) -> Result<Variables> {
        let mut numbers = self.recipe.numbers();
        match (self.model.as_ref().and_then(|m| m.tensors().first()), &self.config) {
            (Some(first), _) => numbers.extend((*first.variables).clone()),
            (None, Some((path, text))) => numbers.extend(numbers_of_config(text).map_err(|e| in_file(path, &e))?),
            (None, None) => {}
        }
        Ok(numbers)
    }

    /// What the config says of tensors that it knows by name and shape: better than what a name tells.
    fn take_from_config(&self, tensors: &mut [ModelTensor]) {
        let Some(model) = &self.model else { return };
        let known: HashMap<&str, &ModelTensor> = model.tensors().iter().map(|t| (t.name.as_str(), t)).collect();
        for tensor in tensors {
            if let Some(model) = known.get(tensor.name.as_str()).filter(|m| m.shape == tensor.shape) {
                // What the list says itself holds.
                let role = if tensor.role == Role::Other { model.role } else { tensor.role };
                let layout = if tensor.layout == Layout::default() { &model.layout } else { &tensor.layout };
                let (dtype, layout) = (tensor.dtype, layout.clone());
                *tensor = ModelTensor { role, layout, dtype, ..(*model).clone() };
            }
        }
    }

    /// The tensors of a checkpoint, by its headers alone.
    fn of_checkpoint(&mut self, path: &Path, request: &ModelRequest) -> Result<Vec<ModelTensor>> {
        let weights = Weights::open(path)?;
        if weights.tensors().next().is_none() {
            let error = Error::Model("it has no tensors".to_owned());
            return Err(in_file(weights.path(), &error));
        }
        let stays = request.filter()?;
        let mut tensors = Vec::new();
        for stored in weights.tensors() {
            let dtype = stored.dtype();
            let tensor = match dtype.is_some() || (request.dtype.is_some() && stored.is_readable()) {
                true => ModelTensor::new(stored.name.clone(), stored.dims.clone(), Role::Other),
                false => {
                    let what = if stored.is_readable() { "--dtype for all" } else { "--skip to leave it out" };
                    let error = Error::unknown("dtype", stored.dtype_name(), ["F32", "F16", "BF16"]).or_expected(what);
                    Err(error.in_tensor(&stored.name))
                }
            };
            match tensor {
                Ok(mut tensor) => {
                    tensor.dtype = dtype;
                    tensors.push(tensor);
                }
                Err(_) if !stays(&stored.name) => {
                    self.dropped.push(stored.name.clone());
                }
                Err(error) => return Err(in_file(weights.path(), &error)),
            }
        }
        Ok(tensors)
    }
}

/// A recipe by its path or its name.
fn read_recipe(name: &str, model: Option<&Model>) -> Result<Recipe> {
    let path = Path::new(name);
    // The files of families are built in under names with a slash.
    if name.ends_with(".toml") || (name.contains(std::path::is_separator) && !name.starts_with("transformers/")) {
        return Recipe::parse(name, &read_text(path, "a recipe")?);
    }
    Recipe::builtin(name, model)
}

const NO_TENSORS: &str = "nothing says which tensors there are: give a config.json, --like a checkpoint, or a recipe with \
                          [[tensor]] entries";

/// Reads a config, or the `config.json` of a directory: the file's path and its text.
///
/// # Errors
/// [`Error::Io`]; [`Error::Checkpoint`] where it is not UTF-8 or larger than 16 MiB.
pub fn read_config(path: &Path) -> Result<(PathBuf, String)> {
    let path = if path.is_dir() { path.join("config.json") } else { path.to_path_buf() };
    let text = read_text(&path, "a config.json")?;
    Ok((path, text))
}

fn read_text(path: &Path, what: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|e| Error::io(path, e))?;
    file.take(MAX_TEXT + 1).read_to_end(&mut bytes).map_err(|e| Error::io(path, e))?;
    let refuse = |reason| Error::Checkpoint { path: path.display().to_string(), reason };
    if bytes.len() as u64 > MAX_TEXT {
        return Err(refuse(format!("more than {MAX_TEXT} bytes: not {what}")));
    }
    let text = String::from_utf8(bytes).map_err(|e| refuse(format!("is not UTF-8: {}", e.utf8_error())))?;
    // Some editors begin a file with a byte order mark; JSON and TOML have none.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The error with the file's name in front.
pub(super) fn in_file(path: &Path, error: &Error) -> Error {
    Error::Checkpoint { path: path.display().to_string(), reason: error.to_string() }
}
