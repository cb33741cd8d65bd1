//! The one error type. Its texts are one line, name the tensor and the numbers, and say what to do.

/// Everything that can go wrong, found before a byte is written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An error of one tensor, with the tensor's name in front.
    #[error("tensor {}: {source}", .name.escape_debug())]
    Tensor {
        /// The name of the stored or logical tensor.
        name: String,
        /// What is wrong with it.
        source: Box<Self>,
    },
    /// A shape that cannot be filled, or does not fit what is asked of it.
    #[error("shape {shape:?}: {reason}")]
    Shape {
        /// The dimensions as given.
        shape: Vec<u64>,
        /// What is wrong, with the numbers.
        reason: String,
    },
    /// A law whose parameters are outside the stream's range.
    #[error("{0}")]
    Law(String),
    /// A scheme whose arguments make no sense, or that is unknown.
    #[error("{0}")]
    Scheme(String),
    /// A name that is none of the known ones (dtype, device, scheme, model type, ..); made by [`Error::unknown`].
    #[error("unknown {what} {given:?}: expected {expected}{}", question(.nearest.as_deref()))]
    Unknown {
        /// What kind of thing the name should name.
        what: &'static str,
        /// The name as given.
        given: String,
        /// The accepted names, with commas between them.
        expected: String,
        /// The accepted name that the given one is most like, where it is like any.
        nearest: Option<String>,
    },
    /// Parts, slabs or offsets that do not fit their tensor.
    #[error("{0}")]
    Placement(String),
    /// A host or device buffer that cannot take the fill.
    #[error("buffer: {0}")]
    Buffer(String),
    /// A model configuration that cannot be planned.
    #[error("config: {0}")]
    Config(String),
    /// What is asked of a model or a recipe that it does not have.
    #[error("{0}")]
    Model(String),
    /// Tensors that get no law, because nothing says for certain what they are.
    #[error("{reason}:\n{toml}")]
    UnknownTensors {
        /// How many they are, the first ones with their shapes, and what to do: one line.
        reason: String,
        /// Lines of a recipe file that settle them, each with our best guess.
        toml: String,
    },
    /// A recipe that cannot be read, or that does not fit its model.
    #[error("{file}:{line}: {reason}")]
    Recipe {
        /// The file, or the name of a built-in recipe.
        file: String,
        /// The line of the rule, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A checkpoint that cannot be read.
    #[error("{path}: {reason}")]
    Checkpoint {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A path that is to be written and is taken, by what may be replaced where that is asked for.
    #[error("{path}: {reason}")]
    Exists {
        /// The file.
        path: String,
        /// What stands there.
        reason: String,
    },
    /// A file that cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// No device, a device that cannot be used, or one that was lost.
    #[error("device: {0}")]
    Device(String),
}

impl Error {
    /// A name that is none of the `expected` ones; the text ends with the nearest of them, where one is near.
    ///
    /// ```
    /// let error = seedbed::Error::unknown("dtype", "fp16", ["f32", "f16", "bf16"]);
    /// assert_eq!(error.to_string(), r#"unknown dtype "fp16": expected f32, f16, bf16; did you mean `f16`?"#);
    /// ```
    #[must_use]
    pub fn unknown<N: AsRef<str>>(
        what: &'static str,
        given: impl Into<String>,
        expected: impl IntoIterator<Item = N>,
    ) -> Self {
        let (given, mut names, mut list) = (given.into(), Vec::new(), String::new());
        for name in expected {
            list += if list.is_empty() { "" } else { ", " };
            list += name.as_ref();
            names.push(name);
        }
        let nearest = nearest(&given, names.iter().map(AsRef::as_ref)).map(str::to_owned);
        Self::Unknown { what, given, expected: list, nearest }
    }

    /// Adds what may stand in the place of an unknown name and is no name itself: `the path of a TOML file`.
    #[must_use]
    pub fn or_expected(mut self, alternative: &str) -> Self {
        if let Self::Unknown { expected, .. } = &mut self {
            *expected += ", or ";
            *expected += alternative;
        }
        self
    }

    /// Puts the tensor's name in front, once.
    #[must_use]
    pub fn in_tensor(self, name: &str) -> Self {
        if matches!(self, Self::Tensor { .. }) {
            return self;
        }
        Self::Tensor { name: name.to_owned(), source: Box::new(self) }
    }

    /// Puts what the error is about, such as a scheme's text, in front of its reason. An error that already says where
    /// it comes from (a tensor, a file, a device) stays as it is.
    pub(crate) fn about(self, what: impl std::fmt::Display) -> Self {
        let what = what.to_string();
        let with = |reason: String| without_repeating(&what, &reason);
        match self {
            Self::Shape { shape, reason } => Self::Shape { shape, reason: with(reason) },
            Self::Law(reason) => Self::Law(with(reason)),
            Self::Scheme(reason) => Self::Scheme(with(reason)),
            Self::Placement(reason) => Self::Placement(with(reason)),
            Self::Unknown { .. } => Self::Scheme(with(self.to_string())),
            Self::Tensor { .. }
            | Self::Buffer(_)
            | Self::Config(_)
            | Self::Model(_)
            | Self::UnknownTensors { .. }
            | Self::Recipe { .. }
            | Self::Checkpoint { .. }
            | Self::Exists { .. }
            | Self::Io { .. }
            | Self::Device(_) => self,
        }
    }

    /// An error of the operating system at a path.
    #[must_use]
    pub fn io(path: impl AsRef<std::path::Path>, source: std::io::Error) -> Self {
        Self::Io { path: path.as_ref().display().to_string(), source }
    }
}

/// `Result` with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The name that `given` is most like, if it is like any: at most one slip of the keyboard (a letter added, left out,
/// changed, or swapped with its neighbor) for every three letters, four at the most; or else the shortest name that
/// begins with it.
pub(crate) fn nearest<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_ascii_lowercase();
    let slips = given.chars().count().clamp(3, 12) / 3;
    let distance = |name: &str| match strsim::osa_distance(&given, &name.to_ascii_lowercase()) {
        near if near <= slips => Some(near),
        _ if given.len() > 2 && name.starts_with(&given) => Some(name.len()),
        _ => None,
    };
    names.into_iter().filter_map(|name| Some((distance(name)?, name))).min_by_key(|&(far, _)| far).map(|(_, name)| name)
}

/// `what: reason`, where a reason that begins with the name or the whole text of what it is about does not say it
/// again.
fn without_repeating(what: &str, reason: &str) -> String {
    if reason.starts_with(&format!("{what}: ")) {
        return reason.to_owned();
    }
    let text = what.strip_prefix("scheme \"").map_or(what, |text| text.trim_end_matches('"'));
    let name = text.split('(').next().unwrap_or_default();
    let rest = [text, name].into_iter().filter(|said| !said.is_empty()).find_map(|said| {
        let rest = reason.strip_prefix(said)?;
        (rest.starts_with(": ") || rest.starts_with(" on [")).then_some(rest)
    });
    rest.map_or_else(|| format!("{what}: {reason}"), |rest| format!("{what}{rest}"))
}

/// The end of an error text about an unknown name: "; did you mean `zeros`?", or nothing where no name is near.
pub(crate) fn did_you_mean<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    question(nearest(given, names))
}

fn question(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_does_not_repeat_what_it_is_about() {
        for (what, reason, expected) in [
            ("sparse(2)", "sparse: sparsity is 2", "sparse(2): sparsity is 2"),
            ("scheme \"sparse(2)\"", "sparse: sparsity is 2", "scheme \"sparse(2)\": sparsity is 2"),
            ("dirac(groups=3)", "dirac on [4, 4, 3]: 3 groups", "dirac(groups=3) on [4, 4, 3]: 3 groups"),
            ("dt_bias(min=1)", "dt_bias(min=1): needs min < max", "dt_bias(min=1): needs min < max"),
            ("scheme \"dt_bias(min=1)\"", "dt_bias(min=1): needs", "scheme \"dt_bias(min=1)\": needs"),
            ("uniform(1, 1)", "uniform on (1, 1): lo", "uniform(1, 1): uniform on (1, 1): lo"),
            ("normal(0, -1)", "normal deviates are finite", "normal(0, -1): normal deviates are finite"),
            ("", "std -1: must lie in [0, 1]", ": std -1: must lie in [0, 1]"),
        ] {
            assert_eq!(without_repeating(what, reason), expected);
        }
    }

    #[test]
    fn the_nearest_name_is_asked_for_where_one_is_near() {
        let names = ["zeros", "normal", "kaiming_normal", "kaiming_truncated_normal", "f16", "bf16"];
        for (given, expected) in [
            ("zeroes", Some("zeros")),
            ("norml", Some("normal")),
            ("Normal", Some("normal")),
            ("kamiing_nromal", Some("kaiming_normal")),
            ("kaiming", Some("kaiming_normal")),
            ("fp16", Some("f16")),
            ("", None),
            ("ka", None),
            ("f64", None),
            ("orthogonal", None),
        ] {
            assert_eq!(nearest(given, names), expected, "{given}");
        }
        assert_eq!(nearest("anything", []), None);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones_and_ends_with_the_nearest() {
        let error = Error::unknown("recipe", "lama", ["llama", "gpt2"]).or_expected("a file").to_string();
        assert_eq!(error, "unknown recipe \"lama\": expected llama, gpt2, or a file; did you mean `llama`?");
        let error = Error::unknown("recipe", "rwkv", ["llama", "gpt2"]).to_string();
        assert_eq!(error, "unknown recipe \"rwkv\": expected llama, gpt2");
        assert_eq!(did_you_mean("x", ["llama"]), "");
    }
}
