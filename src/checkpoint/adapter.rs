//! Adapters of PEFT: a directory with weights and a config under names of their own.

use super::names::{ADAPTER, ADAPTER_CONFIG};
use super::text_file::read_text;
use crate::model_plan::ModelRequest;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// The recipe that gives adapters their laws.
const RECIPE: &str = "adapters";

/// No config of an adapter comes near this many bytes.
const MAX_CONFIG: u64 = 1 << 20;

/// The files of an adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Adapter {
    /// Its `adapter_config.json` with its text, where it has one.
    pub config: Option<(PathBuf, String)>,
}

/// The weights of an adapter in a directory, where it is one of PEFT's: what PEFT loads from there.
pub(super) fn weights_in(dir: &Path) -> Option<PathBuf> {
    let weights = dir.join(ADAPTER);
    (weights.exists() && dir.join(ADAPTER_CONFIG).exists()).then_some(weights)
}

impl Adapter {
    /// The adapter that a checkpoint is: a directory of PEFT's, or a file of the name that PEFT gives it.
    ///
    /// # Errors
    /// Those of reading its config.
    pub fn of(checkpoint: &Path) -> Result<Option<Self>> {
        let is_adapter = match checkpoint.is_dir() {
            true => weights_in(checkpoint).is_some(),
            false => checkpoint.file_name().is_some_and(|name| name == ADAPTER),
        };
        if !is_adapter {
            return Ok(None);
        }
        let beside = if checkpoint.is_dir() { checkpoint.to_path_buf() } else { checkpoint.with_file_name("") };
        let config = beside.join(ADAPTER_CONFIG);
        let config = match config.exists() {
            true => Some((config.clone(), read_text(&config, MAX_CONFIG, "an adapter_config.json")?)),
            false => None,
        };
        Ok(Some(Self { config }))
    }

    /// A request for this adapter, by these recipes: as its config says, where the recipe `adapters` makes it. Other
    /// recipes do not go by it, which is said where it asks for pairs that are not the usual ones.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where the config is no JSON object, or asks for pairs that are made of the base model's
    /// weights.
    pub fn ask(&self, recipes: &[String], request: ModelRequest) -> Result<ModelRequest> {
        let Some((path, text)) = self.config.as_ref() else { return Ok(request) };
        let refuse = |reason: String| Error::Checkpoint { path: path.display().to_string(), reason };
        let config: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|e| refuse(format!("not a config of PEFT's: {e}")))?;
        match config.get("init_lora_weights") {
            None | Some(serde_json::Value::Null | serde_json::Value::Bool(true)) => Ok(request),
            Some(other) if !recipes.iter().any(|recipe| recipe == RECIPE) => Ok(request.notice(format!(
                "{}: init_lora_weights is {}, by which recipe {RECIPE} alone goes",
                path.display(),
                crate::value::text::clip(&other.to_string())
            ))),
            Some(serde_json::Value::String(word)) if word.eq_ignore_ascii_case("gaussian") => {
                Ok(request.set_if_absent("gaussian", 1.0))
            }
            Some(other) => Err(refuse(format!(
                "init_lora_weights is {}: recipe {RECIPE} knows true and \"gaussian\"; other pairs are made of the \
                 base model's weights, by PEFT itself",
                crate::value::text::clip(&other.to_string())
            ))),
        }
    }
}
