//! Arguments that say which model, which laws, and which of its tensors.

use crate::arguments::values;
use crate::terminal::print;
use clap::{ArgGroup, ValueHint};
use seedbed::checkpoint::ModelPaths;
use seedbed::model_plan::{ModelPlan, ModelRequest, NewRows};
use seedbed::{DType, Rounding};
use std::path::PathBuf;
use std::time::Instant;

/// Which tensors, from where, with which laws.
#[derive(clap::Args)]
#[command(group = ArgGroup::new("tensors").args(["config", "like", "recipe"]).required(true).multiple(true))]
pub struct Args {
    /// The config.json of a model, or the directory that holds it. Not needed where --like or a --recipe that lists
    /// tensors says which tensors there are
    config: Option<PathBuf>,
    /// Take names, shapes and dtypes from this checkpoint: a safetensors file, an index, or a directory. A config.json
    /// beside it is read where no CONFIG is given; without one it needs --recipe
    #[arg(long, value_name = "CHECKPOINT", value_hint = ValueHint::AnyPath)]
    like: Option<PathBuf>,
    /// The recipe, which gives each tensor its law: the name of a built-in one (`seedbed recipes`) or a TOML file. May
    /// be given several times, or several names with commas between them: a tensor gets its law from the first of them
    /// that has a rule for it [default: transformers, the model's own initialization]
    #[arg(long, value_name = "NAME|FILE", value_delimiter = ',', value_parser = values::recipe(),
        hide_possible_values = true)]
    recipe: Vec<String>,
    /// Give a parameter of the recipe, or a number of the config, another value; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = values::parse_set, allow_hyphen_values = true)]
    set: Vec<(String, f64)>,
    /// Only the tensors whose names match; may be given several times
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,
    /// Leave out the tensors whose names match; may be given several times
    #[arg(long, value_name = "GLOB")]
    skip: Vec<String>,
    /// Only the tensors that this checkpoint lacks. A tensor that has fewer rows there is written too, and keeps those
    /// rows
    #[arg(long, value_name = "CHECKPOINT")]
    missing_from: Option<PathBuf>,
    /// Draw the tensors whose names match anew where --missing-from has another shape of them, as a head of another
    /// number of classes; may be given several times
    #[arg(long, value_name = "GLOB", requires = "missing_from")]
    redraw: Vec<String>,
    /// Write the tensors of --missing-from too, as they are: one checkpoint with old and new together
    #[arg(long, requires = "missing_from")]
    complete: bool,
    /// What the rows are by which tensors have grown: drawn by their law, or the mean of the old rows with a trace
    /// (1e-9) of their covariance, as transformers draws them
    #[arg(long, value_name = "drawn|mean", value_parser = values::new_rows(), default_value = "drawn",
        hide_possible_values = true)]
    new_rows: NewRows,
    /// The dtype of the tensors [default: that of the config, checkpoint or list, else f32]
    #[arg(long, value_name = "f32|f16|bf16", value_parser = values::dtype(), hide_possible_values = true)]
    dtype: Option<DType>,
    /// How values are rounded to f16 and bf16: to the nearest, or up or down by chance so that the mean is kept
    #[arg(long, default_value = "nearest", value_name = "nearest|stochastic", value_parser = values::rounding(),
        hide_possible_values = true)]
    pub rounding: Rounding,
}

impl Args {
    /// The files that say what is written.
    pub fn paths(&self) -> ModelPaths {
        ModelPaths {
            config: self.config.clone(),
            like: self.like.clone(),
            recipes: self.recipe.clone(),
            missing_from: self.missing_from.clone(),
        }
    }

    /// Whether nothing says which law each tensor gets: names and shapes alone do not.
    pub fn has_no_laws(&self) -> bool {
        self.config.is_none() && self.like.is_some() && self.recipe.is_empty()
    }

    /// Whether something other than a config may say which tensors there are.
    pub fn has_tensors(&self) -> bool {
        self.like.is_some() || !self.recipe.is_empty()
    }

    /// Whether tensors are taken from a checkpoint that lacks some.
    pub fn grows(&self) -> bool {
        self.missing_from.is_some()
    }

    /// The file of the config.
    pub fn config_file(&self) -> Option<PathBuf> {
        let path = self.config.clone()?;
        Some(if path.is_dir() { path.join("config.json") } else { path })
    }

    /// What is asked for, with every file read.
    pub fn request(&self) -> seedbed::Result<ModelRequest> {
        let mut request = self.paths().read(ModelRequest::new().rounding(self.rounding))?;
        request = self.set.iter().fold(request, |r, (name, value)| r.set(name, *value));
        request = self.only.iter().fold(request, |r, glob| r.only(glob));
        request = self.skip.iter().fold(request, |r, glob| r.skip(glob));
        request = self.redraw.iter().fold(request, |r, glob| r.redraw(glob));
        request = request.complete(self.complete).new_rows(self.new_rows);
        request = self.dtype.iter().fold(request, |r, &dtype| r.dtype(dtype));
        Ok(request)
    }

    /// Plans the tensors, and says on stderr what looks wrong.
    pub fn plan(&self, seed: u64) -> seedbed::Result<ModelPlan> {
        let started = Instant::now();
        let planned = self.request()?.plan(seed)?;
        if let Some(config) = &planned.config {
            print::detail("config", &config.name);
        }
        if let Some(like) = &self.like {
            print::detail("tensors", &format!("of {}", like.display()));
        }
        let why = if self.recipe.is_empty() { " (the default of the model)" } else { "" };
        print::detail("recipe", &format!("{}{why}", planned.recipe.join(" + ")));
        print::time(&format!("{} planned", counted(planned.plan.tensors().len(), "tensor")), started);
        for notice in &planned.notices {
            print::note("notice", notice);
        }
        for warning in &planned.warnings {
            print::note("warning", warning);
        }
        Ok(planned)
    }
}

/// What a plan is of, in a few words.
pub fn label(planned: &ModelPlan) -> String {
    let model = planned.model.as_ref().map_or("tensors", |m| m.architecture());
    format!("{model}, recipe {}", planned.recipe.join(" + "))
}

/// A count with its noun: `1 tensor`, `28 tensors`.
pub fn counted(n: usize, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", print::count(n as u64))
}

/// The verb after a count.
pub fn are(n: usize) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_count_of_one_has_the_singular() {
        let counts = [0, 1, 2, 1000].map(|n| super::counted(n, "tensor"));
        assert_eq!(counts, ["0 tensors", "1 tensor", "2 tensors", "1,000 tensors"]);
    }
}
