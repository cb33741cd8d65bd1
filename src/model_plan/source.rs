//! Where a request's tensors come from, and the recipe that gives them laws.

use super::header::{Header, Listed as Kind};
use super::request::{Listed, ModelRequest};
use super::settings::RecipeText;
use super::text::NamedText;
use super::unplanned::{UnplannedTensor, notice};
use crate::model::{LibraryType, Model, ModelTensor, Role, Variables, numbers_of_config};
use crate::recipe::{FinishedRecipe, Recipe};
use crate::value::shape::Layout;
use crate::value::text::and_more;
use crate::{DType, Error, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// The tensors of a request, and what gives them laws.
pub(super) struct Source<'a> {
    pub model: Option<Model>,
    pub config: Option<&'a NamedText>,
    pub recipe: FinishedRecipe,
    /// The tensors, where they are not the model's.
    listed: Option<Vec<ModelTensor>>,
    /// The checkpoint's header that lists them.
    header: Option<&'a Header>,
    /// Names in a checkpoint's header that no model could have, but that the request leaves out anyway.
    pub dropped: Vec<String>,
    /// The tensors of a checkpoint's header that have no law.
    pub buffers: Vec<UnplannedTensor>,
    /// What is said of the config and the tensors, one line each.
    pub notices: Vec<String>,
    /// What looks wrong in them, likewise.
    pub warnings: Vec<String>,
    /// What the library does in the model type that the config names.
    pub library: Option<LibraryType>,
}

impl<'a> Source<'a> {
    /// Reads the texts of a request.
    ///
    /// # Errors
    /// Those of [`Model::from_json`], with the config's name, where the tensors are the config's; of [`Recipe`];
    /// [`Error::Model`] where nothing says which tensors there are.
    pub fn find(request: &'a ModelRequest) -> Result<Self> {
        let config = request.config.as_ref();
        let (mut model, mut unread) = (None, None);
        if let Some(config) = config {
            match Model::from_json(&config.text) {
                Ok(read) => model = Some(read),
                Err(error) => unread = Some(error),
            }
        }
        let mut recipe = Recipe::default();
        for text in &request.settings.recipes {
            recipe = recipe.then(match text {
                RecipeText::Builtin(name) => Recipe::builtin(name, model.as_ref())?,
                RecipeText::Own(own) => Recipe::parse(&own.name, &own.text)?,
            });
        }
        for (name, value) in &request.settings.set {
            recipe.set(name, *value);
        }
        // Beside another list of tensors the config only lends its numbers: it may be of an unknown type.
        let is_listed = request.listed.is_some() || recipe.has_manifest();
        let mut notices = Vec::new();
        if let (Some(error), Some(config)) = (unread, config) {
            let is_unknown = matches!(error, Error::Unknown { what: "model_type", .. });
            // Without a recipe the laws would have to be the model's own.
            match (is_listed, request.settings.recipes.is_empty(), is_unknown) {
                (true, true, true) => return Err(config.blame(&Error::Model(NO_RECIPE.to_owned()))),
                (true, false, _) => notices.extend(unread_notice(config, &error)),
                (false, _, _) | (true, true, false) => return Err(config.blame(&error)),
            }
        }
        if let Some(config) = config.filter(|_| request.is_found) {
            notices.push(format!("{} stands beside the tensors and is read, since no config is given", config.name));
        }
        let recipe = recipe.finish(model.as_ref())?;
        let library = match config {
            Some(config) => LibraryType::of_config(&config.text).map_err(|e| config.blame(&e))?,
            None => None,
        };
        let mut source = Self {
            model,
            config,
            recipe,
            listed: None,
            header: None,
            dropped: Vec::new(),
            buffers: Vec::new(),
            notices,
            warnings: Vec::new(),
            library,
        };
        if is_listed {
            let variables = Arc::new(source.numbers()?);
            let mut tensors = match &request.listed {
                Some(Listed::Model(tensors)) => tensors.clone(),
                Some(Listed::Header(header)) => {
                    source.header = Some(header);
                    source.of_header(header, request)?
                }
                None => source.recipe.manifest(&variables)?,
            };
            for tensor in tensors.iter_mut().filter(|t| t.variables.is_empty()) {
                tensor.variables = Arc::clone(&variables);
            }
            let known = source.take_from_config(&mut tensors);
            source.recipe.find_roles(&mut tensors)?;
            source.complete_by_type(&mut tensors, &known, request.dtype)?;
            source.leave_out_buffers(&mut tensors);
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

    /// The names of all tensors in the order in which they came, those without a law too.
    pub fn names(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match self.header {
            Some(header) => Box::new(header.tensors.iter().map(|t| t.name.as_str())),
            None => Box::new(self.tensors().iter().map(|t| t.name.as_str())),
        }
    }

    /// The dtype of tensors that have none of their own, where none is asked for: the config's, of its own tensors.
    ///
    /// # Errors
    /// Those of [`Model::dtype`], with the config's name.
    pub fn default_dtype(&self, asked: Option<DType>) -> Result<DType> {
        match (&self.model, self.config) {
            (Some(model), Some(config)) if asked.is_none() && self.listed.is_none() => {
                Ok(model.dtype().map_err(|e| config.blame(&e))?.unwrap_or(DType::F32))
            }
            _ => Ok(DType::F32),
        }
    }

    /// What expressions can name beside listed tensors: the config's numbers, else the recipe's own.
    fn numbers(&self) -> Result<Variables> {
        let mut numbers = self.recipe.numbers();
        match (self.model.as_ref().and_then(|m| m.tensors().first()), self.config) {
            (Some(first), _) => numbers.extend((*first.variables).clone()),
            (None, Some(config)) => numbers.extend(numbers_of_config(&config.text).map_err(|e| config.blame(&e))?),
            (None, None) => {}
        }
        Ok(numbers)
    }

    /// What the config says of tensors that it knows by name and shape: better than what a name tells. Returns which
    /// tensors these are.
    fn take_from_config(&mut self, tensors: &mut [ModelTensor]) -> Vec<bool> {
        let mut is_known = vec![false; tensors.len()];
        let (Some(model), Some(config)) = (&self.model, self.config) else { return is_known };
        let known: HashMap<&str, &ModelTensor> = model.tensors().iter().map(|t| (t.name.as_str(), t)).collect();
        let mut others = Vec::new();
        for (tensor, is_known) in tensors.iter_mut().zip(&mut is_known) {
            let Some(model) = known.get(tensor.name.as_str()) else { continue };
            *is_known = model.shape == tensor.shape;
            if !*is_known {
                others.push((tensor.name.clone(), tensor.shape.clone(), model.shape.clone()));
            } else {
                // What the list says itself holds.
                let is_open = tensor.role == Role::Other;
                let (role, told) = if is_open { (model.role, &model.told) } else { (tensor.role, &tensor.told) };
                let layout = if tensor.layout == Layout::default() { &model.layout } else { &tensor.layout };
                let (dtype, layout, told) = (tensor.dtype, layout.clone(), told.clone());
                *tensor = ModelTensor { role, told, layout, dtype, ..(*model).clone() };
            }
        }
        if let Some((name, shape, of_config)) = others.first() {
            let more = and_more(others.len() - 1);
            self.warnings.push(format!(
                "{}: it is of another model: {name}{more} is {:?} by it and {:?} in the list, and its numbers go into \
                 the laws",
                config.name,
                of_config.dims(),
                shape.dims()
            ));
        }
        is_known
    }

    /// What the library does in tensors of this model type beyond what names tell: norms of 1 + weight, padding rows,
    /// tensors that stay float32.
    fn complete_by_type(&mut self, tensors: &mut [ModelTensor], known: &[bool], asked: Option<DType>) -> Result<()> {
        let Some(config) = self.config else { return Ok(()) };
        if let Some(library) = &self.library {
            for (tensor, _) in tensors.iter_mut().zip(known).filter(|(_, is_known)| !**is_known) {
                library.complete(tensor).map_err(|e| config.blame(&e))?;
            }
        }
        // Where no dtype is asked for, a listed tensor has the one that the list says.
        for tensor in tensors.iter_mut().filter(|t| asked.is_none() && t.dtype.is_some()) {
            tensor.kept_dtype = None;
        }
        self.notices.extend(self.of_type(config));
        Ok(())
    }

    /// What cannot be said of the laws of a model type that has no recipe of its own here.
    fn of_type(&self, config: &NamedText) -> Option<String> {
        let reason = match (&self.model, &self.library) {
            (Some(_), _) => return None,
            (None, None) => format!("is no type of transformers {}", LibraryType::version()),
            (None, Some(library)) => format!("could not be looked at: {}", library.unknown()?),
        };
        Some(format!("{}: its model_type {reason}: how it begins is not known beyond what names tell", config.name))
    }

    /// Leaves out what the model computes by itself, and says so.
    fn leave_out_buffers(&mut self, tensors: &mut Vec<ModelTensor>) {
        let computed: Vec<String> = tensors.iter().filter(|t| t.role == Role::Buffer).map(|t| t.name.clone()).collect();
        if let Some(first) = computed.first() {
            let (count, are) = match computed.len() {
                1 => ("1 tensor".to_owned(), "is"),
                n => (format!("{n} tensors"), "are"),
            };
            let text = format!("{count} {are} left out, which the model computes by itself, as {first:?}");
            self.notices.push(text);
            tensors.retain(|t| t.role != Role::Buffer);
        }
        self.dropped.extend(computed);
    }

    /// The tensors that a checkpoint's header lists.
    fn of_header(&mut self, header: &Header, request: &ModelRequest) -> Result<Vec<ModelTensor>> {
        if header.tensors.is_empty() {
            return Err(header.blame(&Error::Model("it has no tensors".to_owned())));
        }
        let is_chosen = request.chosen.filter()?;
        let mut tensors = Vec::with_capacity(header.tensors.len());
        let mut scales = Vec::new();
        for (listed, kind) in header.sorted(request.dtype) {
            match kind {
                Ok(Kind::Weight(tensor)) => tensors.push(tensor),
                Ok(Kind::Scale) => scales.push(listed.name.as_str()),
                Ok(Kind::Buffer(buffer)) if is_chosen(&listed.name) => self.buffers.push(buffer),
                Ok(Kind::Buffer(_)) => self.dropped.push(listed.name.clone()),
                Err(_) if !is_chosen(&listed.name) => self.dropped.push(listed.name.clone()),
                Err(error) => return Err(header.blame(&error)),
            }
        }
        if tensors.is_empty() && self.dropped.is_empty() {
            return Err(header.blame(&Error::Model("it has no tensors that a law could make".to_owned())));
        }
        if let Some(first) = scales.first() {
            self.notices.push(format!(
                "{}: scales of quantized weights are left out ({}, as {first:?}): the weights are those of the model \
                 before it is quantized",
                header.name,
                scales.len()
            ));
        }
        self.notices.extend(notice(&self.buffers));
        Ok(tensors)
    }
}

/// What is said of a config of which only the numbers count: of a known type, why. A type that is not known is no
/// fault.
fn unread_notice(config: &NamedText, error: &Error) -> Option<String> {
    match error {
        Error::Unknown { what: "model_type", .. } => None,
        error => Some(format!("{}; of this config only numbers and general fields count", config.blame(error))),
    }
}

const NO_RECIPE: &str = "its model_type has no initialization of its own here: name a recipe, such as llama";

const NO_TENSORS: &str = "nothing says which tensors there are: give a model's config, a list of tensors such as a \
                          checkpoint's, or a recipe with [[tensor]] entries";
