//! How a tensor's role was told.

use std::sync::Arc;

/// How a tensor's role was told, from the surest to none.
///
/// ```
/// use seedbed::model::{Model, ModelTensor, Role, Told};
/// let model = Model::from_json(r#"{"model_type": "gpt2"}"#)?;
/// assert_eq!(model.tensors()[0].told, Told::Config);
/// assert_eq!(ModelTensor::new("w", [2, 2], Role::Other)?.told, Told::Unknown);
/// assert_eq!(ModelTensor::new("w", [2, 2], Role::MlpIn)?.told.to_string(), "the list");
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Told {
    /// By the config, which knows the tensor by name and shape.
    Config,
    /// By the list that the tensor comes from.
    List,
    /// By a `[[role]]` entry: its file and line, `mine.toml:3`.
    Entry(Arc<str>),
    /// By its shape and the tensors beside it: how, in a few words.
    Neighbors(&'static str),
    /// By its usual name: the glob that matches it.
    Name(&'static str),
    /// By nothing: what it is, is not known.
    Unknown,
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Config => f.write_str("config"),
            Self::List => f.write_str("the list"),
            Self::Entry(at) => write!(f, "[[role]] {at}"),
            Self::Neighbors(how) => write!(f, "neighbors: {how}"),
            Self::Name(glob) => write!(f, "usual name {glob}"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}
