//! Every scheme in words: what `seedbed schemes` prints.

mod entries;

/// One scheme, as a person chooses it. All texts are plain and one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemeInfo {
    /// The names of its text form; the first is the usual one, the others mean the same.
    pub names: &'static [&'static str],
    /// The arguments of its text form in their order, those in brackets with their defaults: `([mean=0], std)`; empty
    /// where it takes none.
    pub args: &'static str,
    /// The distribution of the elements, in the letters of `formula`: `N(0, s^2)`.
    pub law: &'static str,
    /// What the letters of `law` are; empty where there is nothing to say.
    pub formula: &'static str,
    /// When to take it: the layer, the activation.
    pub when: &'static str,
    /// The paper and its year, or the library whose default it is.
    pub source: &'static str,
    /// Its name in `torch.nn.init`, or the layers of `torch.nn` whose default it is; `-` where there is none.
    pub torch: &'static str,
    /// Its name in `jax.nn.initializers`, perhaps with what must be given; `-` where there is none.
    pub jax: &'static str,
    /// Its name in `keras.initializers`, perhaps with what must be given; `-` where there is none.
    pub keras: &'static str,
    /// A text that [`Scheme`](super::Scheme) parses.
    pub example: &'static str,
}

impl SchemeInfo {
    /// The usual name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.names[0]
    }

    /// The text form: the usual name and its arguments, those in brackets with their defaults.
    #[must_use]
    pub fn form(&self) -> String {
        format!("{}{}", self.name(), self.args)
    }
}

/// Every scheme that a text can name, each once, simple ones first.
///
/// ```
/// let he = seedbed::scheme::catalog().iter().find(|info| info.names.contains(&"he_normal")).unwrap();
/// assert_eq!((he.name(), he.torch), ("kaiming_normal", "kaiming_normal_"));
/// assert!(he.example.parse::<seedbed::Scheme>().is_ok());
/// ```
#[must_use]
pub const fn catalog() -> &'static [SchemeInfo] {
    entries::CATALOG
}

#[cfg(test)]
mod tests;
