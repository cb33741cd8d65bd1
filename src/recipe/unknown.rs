//! The tensors that get no law because nothing says for certain what they are, and the lines of a recipe that settle
//! them.

use super::pattern::NameGlobs;
use crate::model::{ModelTensor, Role};
use crate::value::text::and_more;
use crate::{Error, Result};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

/// The parameter that says how small LayerScale begins.
pub(super) const LAYER_SCALE: &str = "layer_scale";

/// How many tensors the error names.
const NAMED: usize = 5;

/// More kinds of tensors than this get no entry: nobody would read them.
const MAX_KINDS: usize = 200;

/// No glob is longer, nor a list of numbers in braces.
const MAX_GLOB: usize = 250;

/// Whether a tensor that no rule serves is one that nobody knows, rather than one that the recipe forgot.
pub(super) fn is_uncertain(t: &ModelTensor) -> bool {
    t.role.must_be_named() || !t.role.class().is_empty() || (t.role == Role::Bias && t.fans.is_none())
}

/// The tensors that nobody knows, by their numbers.
#[derive(Default)]
pub(super) struct Unknown {
    tensors: Vec<usize>,
}

impl Unknown {
    pub fn push(&mut self, at: usize) {
        self.tensors.push(at);
    }

    /// The error about them, where there are any. `all` are the tensors of the model, `recipe` the names of its files;
    /// `serves` tells whether the recipe has a rule for a tensor that had this role.
    ///
    /// # Errors
    /// [`Error::UnknownTensors`].
    pub fn refuse(
        &self,
        all: &[ModelTensor],
        recipe: &[&str],
        serves: impl Fn(&ModelTensor, Role) -> bool,
    ) -> Result<()> {
        if self.tensors.is_empty() {
            return Ok(());
        }
        let shown = self.tensors.iter().take(NAMED).map(|&at| {
            let (name, shape) = (all[at].name.escape_debug(), all[at].shape.dims());
            format!("{name} {shape:?}")
        });
        let shown = shown.collect::<Vec<_>>().join(", ") + &and_more(self.tensors.len().saturating_sub(NAMED));
        let is_one = self.tensors.len() == 1;
        let (are, their) = match is_one {
            true => ("is", "its name nor what stands beside it"),
            false => ("are", "their names nor what stands beside them"),
        };
        let reason = format!(
            "{} of {} {} {are} unknown to {}: {shown}; neither {their} tells for certain what {}, and no rule names \
             {}; these lines of a recipe before it settle that, once each guess is checked",
            self.tensors.len(),
            all.len(),
            if all.len() == 1 { "tensor" } else { "tensors" },
            recipe.join(", "),
            if is_one { "it is" } else { "they are" },
            if is_one { "it" } else { "them" },
        );
        Err(Error::UnknownTensors { reason, toml: self.lines(all, serves) })
    }

    /// An entry for each kind of tensor.
    fn lines(&self, all: &[ModelTensor], serves: impl Fn(&ModelTensor, Role) -> bool) -> String {
        let mut groups: Vec<(Guess, Vec<&ModelTensor>)> = Vec::new();
        let mut known: HashMap<(String, Guess), usize> = HashMap::new();
        for tensor in self.tensors.iter().map(|&at| &all[at]) {
            let guess = guess(tensor, &serves);
            // What names its role needs no globs.
            let pattern = if guess.names_role() { String::new() } else { pattern(&tensor.name).0 };
            let at = *known.entry((pattern, guess)).or_insert_with(|| {
                groups.push((guess, Vec::new()));
                groups.len() - 1
            });
            groups[at].1.push(tensor);
        }
        let names: Vec<&str> = all.iter().map(|t| t.name.as_str()).collect();
        let entries = groups.iter().take(MAX_KINDS).map(|(guess, tensors)| guess.entry(tensors, &names));
        let mut lines = entries.collect::<Vec<_>>().join("\n");
        if groups.len() > MAX_KINDS {
            let _ = writeln!(lines, "\n# and {} more kinds of tensors", groups.len() - MAX_KINDS);
        }
        lines
    }
}

/// What we would take a tensor for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Guess {
    /// A `[[role]]` entry with this role, and what is said beside it.
    Role(Role, &'static str),
    /// A `[[rule]]` entry with this scheme, and what is said beside it.
    Rule(&'static str, &'static str),
    /// A `[[rule]]` entry for a role.
    RuleOfRole(&'static str, &'static str, &'static str),
    /// No law makes it: only what is said of it.
    None(&'static str),
}

const LINEAR: &str = "a linear layer; say attention.output or mlp.out where it ends a branch";
const CONV: &str = "a convolution";
const PLAIN: &str = "what it begins with is not known";

impl Guess {
    fn names_role(self) -> bool {
        matches!(self, Self::RuleOfRole(..))
    }

    fn entry(self, tensors: &[&ModelTensor], names: &[&str]) -> String {
        let shape = tensors[0].shape.dims();
        let globs = || {
            let globs: Vec<String> = globs(tensors, names).into_iter().map(|g| quoted(&g)).collect();
            format!("name = [{}]", globs.join(", "))
        };
        match self {
            Self::Role(role, comment) => format!("[[role]] # {shape:?}: {comment}\n{}\nrole = \"{role}\"\n", globs()),
            Self::Rule(scheme, comment) => {
                format!("[[rule]] # {shape:?}: {comment}\n{}\nscheme = \"{scheme}\"\n", globs())
            }
            Self::None(comment) => format!("# {shape:?}: {comment}\n# {}\n", globs()),
            Self::RuleOfRole(role, scheme, comment) => {
                format!("[[rule]] # {shape:?}: {comment}\nrole = \"{role}\"\nscheme = \"{scheme}\"\n")
            }
        }
    }
}

/// What we would take a tensor for. A role only where the recipe serves it.
fn guess(t: &ModelTensor, serves: &impl Fn(&ModelTensor, Role) -> bool) -> Guess {
    let dims = t.shape.dims();
    let role = |role: Role, comment: &'static str| {
        if serves(t, role) { Guess::Role(role, comment) } else { Guess::Rule("normal(std = 0.02)", comment) }
    };
    match t.role {
        Role::LayerScale => layer_scale(&t.name),
        Role::RecurrentInput | Role::RecurrentHidden | Role::RecurrentBias => {
            let law = "uniform(lo = -1 / sqrt(cell), hi = 1 / sqrt(cell))";
            Guess::RuleOfRole(t.role.text(), law, "torch's law of LSTM, GRU and RNN; cell is the size of the state")
        }
        Role::Linear => role(Role::Projection, LINEAR),
        Role::Conv if dims[1] <= 4 => role(Role::Patch, "a convolution of few channels: the first one"),
        Role::Conv => role(Role::Projection, CONV),
        Role::Bias => Guess::Rule("zeros", "a bias whose weight is not known"),
        _ => other(t, role),
    }
}

/// The sizes that models choose.
fn layer_scale(name: &str) -> Guess {
    let comment = "LayerScale: the value that the model was made with; 1e-5 in timm, 1e-6 in ConvNeXt, 0.1 in BEiT";
    let leaf = name.rsplit('.').next().unwrap_or(name);
    let scheme = if leaf.starts_with("lambda") {
        "constant(0.1)"
    } else if leaf.starts_with("layer_scale") || name.starts_with("stages.") {
        "constant(1e-6)"
    } else {
        "constant(1e-5)"
    };
    Guess::RuleOfRole("scale.layer", scheme, comment)
}

/// A tensor of which not even the class is known.
fn other(t: &ModelTensor, role: impl Fn(Role, &'static str) -> Guess) -> Guess {
    let dims = t.shape.dims();
    let (prefix, leaf) = t.name.rsplit_once('.').unwrap_or(("", &t.name));
    let is_weight = ["weight", "kernel", "scale", "gamma"].contains(&leaf);
    let has = |word: &str| t.name.to_ascii_lowercase().contains(word);
    match dims {
        _ if has("logit_scale") => {
            let comment = "2.6592 in CLIP, ln 10 = 2.302585 in Swin v2, 0 in SigLIP";
            Guess::Rule(if dims.len() > 1 { "constant(2.302585)" } else { "constant(2.6592)" }, comment)
        }
        _ if has("lora_magnitude") => Guess::None("DoRA's magnitudes are those of the base model's rows: copy them"),
        _ if has("ia3_") => Guess::Rule("ones", "IA3 begins at one"),
        _ if has("grn") => Guess::Rule("zeros", "a response normalization begins at zero"),
        [1] if is_weight => Guess::Rule("constant(0.25)", "torch's PReLU, if it is one"),
        [_] if is_weight => role(Role::Norm, "the scale of a norm, if it is one"),
        _ if ["alpha", "gain", "temperature", "scale"].contains(&leaf) => Guess::Rule("ones", "a factor, if it is one"),
        [] | [_] => Guess::Rule("zeros", PLAIN),
        [_, _] if is_weight && (has("emb") || has("token") || dims[0] > 4 * dims[1]) => {
            role(Role::Embedding, "rows to look up, if they are")
        }
        [_, _] if is_weight => role(Role::Projection, LINEAR),
        [_, _, _] if has("expert") || prefix.contains("moe") => Guess::Rule(
            "normal(std = 0.02)",
            "stacked experts; a law of fans needs a layout, as axes(in=[2], out=[1], batch=[0])",
        ),
        [_, _, _, ..] if is_weight => role(Role::Projection, CONV),
        _ if has("bias") || has("rel_pos") => Guess::Rule("zeros", PLAIN),
        _ => Guess::Rule("normal(std = 0.02)", PLAIN),
    }
}

/// The name with `#` for each piece that is a number, and the numbers.
fn pattern(name: &str) -> (String, Vec<&str>) {
    let mut numbers = Vec::new();
    let pieces = name.split('.').map(|piece| {
        let is_number = !piece.is_empty() && piece.bytes().all(|b| b.is_ascii_digit());
        if is_number {
            numbers.push(piece);
        }
        if is_number { "#".to_owned() } else { escape(piece) }
    });
    (pieces.collect::<Vec<_>>().join("."), numbers)
}

/// A text that a glob takes as it stands.
fn escape(text: &str) -> String {
    text.chars().flat_map(|c| "?*[]{}\\,!#".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

/// A string of TOML: JSON's, but for the one control character that JSON leaves as it is.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// Globs that match these tensors and no other of `names`: with stars for numbers where that is so, else with the
/// numbers in braces, else the names themselves.
fn globs(tensors: &[&ModelTensor], names: &[&str]) -> Vec<String> {
    let (pattern, first) = pattern(&tensors[0].name);
    let mut numbers: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); first.len()];
    for tensor in tensors {
        for (set, number) in numbers.iter_mut().zip(self::pattern(&tensor.name).1) {
            set.insert(number);
        }
    }
    let with = |text: &dyn Fn(&BTreeSet<&str>) -> String| {
        let mut numbers = numbers.iter();
        let piece = |piece: &str| match piece {
            "#" => numbers.next().map_or_else(String::new, |set| match set.len() {
                1 => set.iter().copied().collect(),
                _ => text(set),
            }),
            piece => piece.to_owned(),
        };
        pattern.split('.').map(piece).collect::<Vec<_>>().join(".")
    };
    let stars = with(&|_| "*".to_owned());
    let braces = with(&|set| format!("{{{}}}", set.iter().copied().collect::<Vec<_>>().join(",")));
    let is_exact = |glob: &&String| {
        glob.len() <= MAX_GLOB
            && NameGlobs::parse(std::slice::from_ref(*glob))
                .is_ok_and(|globs| names.iter().filter(|name| globs.matches(name)).count() == tensors.len())
    };
    let found = [&stars, &braces].into_iter().find(is_exact);
    found.map_or_else(|| tensors.iter().map(|t| escape(&t.name)).collect(), |glob| vec![glob.clone()])
}
