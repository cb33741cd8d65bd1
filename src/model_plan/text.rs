//! A text, and the name by which errors call it.

use crate::Error;

/// A text that was read somewhere, and its name: a path, a URL, or whatever tells the user which text is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedText {
    /// What errors call it.
    pub name: String,
    /// The text itself.
    pub text: String,
}

impl NamedText {
    /// An error about this text, with its name in front.
    pub(super) fn blame(&self, error: &Error) -> Error {
        blame(&self.name, error)
    }
}

/// An error about a named thing, with the name in front.
pub(super) fn blame(name: &str, error: &Error) -> Error {
    Error::Checkpoint { path: name.to_owned(), reason: error.to_string() }
}
