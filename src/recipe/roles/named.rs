//! Usual names, where they agree with shapes and neighbors: which linear layer one is, and what is no layer at all.

use super::layers::{self};
use super::modules::{Finding, Modules, last_piece, split};
use super::names::{self, kind_of, layer_prefix};
use super::norms::{SCALES, SHIFTS};
use crate::model::{Role, Told};
use crate::value::shape::Layout;
use std::collections::HashMap;

const IN_A_LAYER: &str = "a matrix without a bias in a numbered layer: a linear layer";

/// What shape and neighbors leave open about a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Open {
    /// Which linear layer, which convolution it is.
    Linear,
    Kernel,
    /// A weight of rank 2 without a bias: a linear layer or an embedding.
    Matrix,
    /// A weight of one axis without a shift.
    Scale,
    /// A shift without a weight.
    Shift,
    /// Any other parameter.
    Parameter,
}

/// Gives each tensor that is open the role of its name, where that agrees with its shape and neighbors.
pub(super) fn find(modules: &mut Modules<'_>) {
    // Names that differ by the numbers of layers and experts alone tell one role.
    let mut known: HashMap<(String, usize), Option<(Role, &'static str)>> = HashMap::new();
    for at in 0..modules.tensors.len() {
        let Some(open) = what_is_open(modules, at) else { continue };
        let (name, rank) = (modules.name(at), modules.dims(at).len());
        let named = *known.entry((kind_of(name), rank)).or_insert_with(|| names::of_name(name, rank));
        let named = named.filter(|&(role, _)| agrees(modules, at, open, role));
        let finding = match (named, open) {
            // A projection that is a parameter of its own multiplies from the right: [in, out].
            (Some((Role::Projection, glob)), Open::Parameter) => {
                let finding = Finding::by_neighbors(Role::Projection, "");
                Finding { told: Told::Name(glob), ..finding }.layout(Layout::InOut)
            }
            (Some((role, glob)), _) => Finding { told: Told::Name(glob), ..Finding::by_neighbors(role, "") },
            (None, Open::Matrix) => match matrix(modules, at) {
                Some(finding) => finding,
                None => continue,
            },
            (None, Open::Linear | Open::Kernel | Open::Scale | Open::Shift | Open::Parameter) => continue,
        };
        modules.refine(at, finding);
    }
    pairs(modules);
    heads(modules);
    from_the_right(modules);
}

/// GPT-2's names of layers, which it stores [in, out], and others under the same names [out, in].
const GPT2: [&str; 4] = ["c_attn", "q_attn", "c_fc", "c_proj"];

/// Gives matrices under GPT-2's names, where no bias tells their outputs, the layout that their layer's norm tells: it
/// is as long as what goes in, or as what the end of a branch makes.
fn from_the_right(modules: &mut Modules<'_>) {
    let norms = modules.norms_of_layers();
    for at in 0..modules.tensors.len() {
        let &[first, second] = modules.dims(at) else { continue };
        let is_end = matches!(modules.role(at), Role::AttentionOutput | Role::MlpOut);
        let is_told = modules.tensors[at].layout != Layout::OutIn || !super::is_open(&modules.tensors[at]);
        if is_told || !GPT2.contains(&last_piece(split(modules.name(at)).0)) {
            continue;
        }
        let widths = modules.widths(&norms, at);
        let (out_in, in_out) = if is_end { (first, second) } else { (second, first) };
        if let Some(finding) = &mut modules.found[at]
            && finding.layout.is_none()
            && widths.contains(&in_out)
            && !widths.contains(&out_in)
        {
            finding.layout = Some(Layout::InOut);
        }
    }
}

fn what_is_open(modules: &Modules<'_>, at: usize) -> Option<Open> {
    let tensor = &modules.tensors[at];
    if !super::is_open(tensor) {
        return None;
    }
    match &modules.found[at] {
        Some(finding) => match finding.role {
            Role::Linear => Some(Open::Linear),
            Role::Conv => Some(Open::Kernel),
            Role::Bias => Some(Open::Shift),
            _ => None,
        },
        None => {
            let leaf = split(&tensor.name).1;
            Some(match tensor.shape.rank() {
                0 | 1 if SCALES.contains(&leaf) => Open::Scale,
                0 | 1 if SHIFTS.contains(&leaf) => Open::Shift,
                2 if ["weight", "kernel"].contains(&leaf) => Open::Matrix,
                3 if ["weight", "kernel"].contains(&leaf) => Open::Kernel,
                _ => Open::Parameter,
            })
        }
    }
}

/// Whether what a name tells can be true of a tensor of this kind.
fn agrees(modules: &Modules<'_>, at: usize, open: Open, role: Role) -> bool {
    let is_lookup = matches!(role, Role::Embedding | Role::Position | Role::TokenType | Role::RelativeBias);
    match open {
        Open::Linear if is_lookup || (role == Role::Unembedding && is_output(modules, at)) => false,
        Open::Kernel => matches!(role, Role::Patch | Role::SsmConv),
        Open::Matrix if is_lookup => role != Role::Embedding || !is_transposed_lookup(modules, at),
        Open::Linear | Open::Matrix => is_matrix(role) && has_its_neighbors(modules, at, role),
        Open::Scale => role == Role::Norm,
        // A bias beside its weight is one whatever its name says, but for the step of a state-space block.
        Open::Shift if modules.found[at].is_some() => role == Role::SsmDtBias && is_state_space(modules, at),
        Open::Shift => matches!(role, Role::NormBias | Role::Bias | Role::RouterBias),
        Open::Parameter => match role {
            Role::SsmA | Role::SsmD | Role::SsmDtBias => is_state_space(modules, at),
            // What belongs to a weight, such as its scale in a quantized file, is no bias and no table.
            role => {
                let may_be = [
                    Role::Position,
                    Role::TokenType,
                    Role::Token,
                    Role::RelativeBias,
                    Role::RouterBias,
                    Role::Bias,
                    Role::Buffer,
                    Role::Projection,
                ];
                may_be.contains(&role) && !split(modules.name(at)).1.starts_with("weight")
            }
        },
    }
}

/// Whether the tensor is one of a state-space block as Mamba's: such a block has both a decay and a skip.
fn is_state_space(modules: &Modules<'_>, at: usize) -> bool {
    let prefix = split(modules.name(at)).0;
    let holds = |prefix: &str| {
        modules.module(prefix).is_some_and(|block| block.get("A_log").is_some() && block.get("D").is_some())
    };
    holds(prefix) || holds(split(prefix).0)
}

/// Whether what a matrix of this role needs stands beside it: inputs beside the output of attention, experts beside
/// their router.
fn has_its_neighbors(modules: &Modules<'_>, at: usize, role: Role) -> bool {
    let prefix = split(modules.name(at)).0;
    let (parent, own) = split(prefix);
    match role {
        Role::AttentionOutput if own != "dense" || parent.ends_with("output") => true,
        Role::AttentionOutput => modules.has_matrix_beside(parent, own),
        Role::Router if own == "gate" => modules.stands_above(&format!("{parent}.experts")),
        _ => true,
    }
}

/// Whether the role is that of a matrix between two widths.
fn is_matrix(role: Role) -> bool {
    Role::Linear.class().contains(&role) || matches!(role, Role::SsmDt)
}

/// A linear layer called `embedding` has the model's width in rows, where a lookup has it in columns.
fn is_transposed_lookup(modules: &Modules<'_>, at: usize) -> bool {
    let &[rows, cols] = modules.dims(at) else { return false };
    let is_width = |length: u64| modules.most_common_norm() == Some(length);
    is_width(rows) && !is_width(cols)
}

/// `proj_out` with a bias is no head over the vocabulary.
fn is_output(modules: &Modules<'_>, at: usize) -> bool {
    last_piece(split(modules.name(at)).0) == "proj_out"
}

/// A matrix without a bias, whose name tells nothing.
fn matrix(modules: &Modules<'_>, at: usize) -> Option<Finding> {
    let (name, &[rows, cols]) = (modules.name(at), modules.dims(at)) else { return None };
    let prefix = split(name).0;
    let piece = last_piece(prefix).to_ascii_lowercase();
    let is_lookup = LOOKUPS.iter().any(|word| piece.contains(word));
    if is_lookup {
        // Far more rows than columns, or columns as wide as the model: one row for each token.
        let is_embedding = EMBEDDINGS.contains(&piece.as_str())
            && !is_transposed_lookup(modules, at)
            && (modules.most_common_norm() == Some(cols) || rows > 4 * cols);
        let how = "rows to look up, of the model's width or far more than columns, under an embedding's name";
        return is_embedding.then(|| Finding::by_neighbors(Role::Embedding, how));
    }
    let is_numbered = piece.bytes().all(|b| b.is_ascii_digit());
    if let Some(before) = layer_before(modules, prefix)
        && modules.dims(before).first() == Some(&cols)
    {
        return Some(Finding::by_neighbors(Role::Linear, "it takes what the numbered layer before it makes"));
    }
    let in_layer = layer_prefix(name).is_some_and(|layer| prefix.len() > layer.len()) && !is_numbered;
    if in_layer {
        return Some(Finding::by_neighbors(Role::Linear, IN_A_LAYER));
    }
    let is_linear = LINEAR.iter().any(|word| piece.contains(word));
    is_linear.then(|| Finding::by_neighbors(Role::Linear, "a matrix under a linear layer's name"))
}

/// The weight before this one in a numbered sequence of layers: `mlp.0.weight` before `mlp.2.weight`.
fn layer_before(modules: &Modules<'_>, prefix: &str) -> Option<usize> {
    let (sequence, number) = split(prefix);
    let number: u64 = number.parse().ok()?;
    let dot = if sequence.is_empty() { "" } else { "." };
    let weight = |n: u64| modules.tensor(&format!("{sequence}{dot}{n}.weight"));
    (number.saturating_sub(4)..number).rev().filter_map(weight).find(|&at| modules.role(at) == Role::Linear)
}

/// Words in the names of what is looked up by row.
const LOOKUPS: [&str; 14] = [
    "emb", "table", "codebook", "token", "pos", "vocab", "lookup", "wte", "wpe", "type", "shared", "codes", "query",
    "queries",
];

/// The names of token embeddings.
const EMBEDDINGS: [&str; 8] =
    ["embed", "emb", "embedding", "embeddings", "shared", "tok_embed", "token_embed", "word_embed"];

/// Words in the names of linear layers.
const LINEAR: [&str; 7] = ["proj", "linear", "dense", "fc", "mlp", "classifier", "reduction"];

/// Words in the names of feed-forward blocks.
const BLOCKS: [&str; 6] = ["mlp", "ffn", "ff", "feed_forward", "layer", "block"];

const OUTSIDE: &str = "a feed-forward layer's name outside layers: a linear layer";

/// A feed-forward block is a pair: what comes out of one matrix goes into the other. Where names tell one and shapes do
/// not agree, as in a classifier of layers `fc1`, `fc2`, `fc3`, only the class is certain. Twice as much as the second
/// matrix takes are a gate and its input in one.
fn pairs(modules: &mut Modules<'_>) {
    let mut blocks: HashMap<&str, Vec<usize>> = HashMap::new();
    for at in 0..modules.tensors.len() {
        let is_named = matches!(&modules.found[at], Some(Finding { told: Told::Name(_), .. }));
        let role = modules.role(at);
        let is_part = matches!(role, Role::MlpIn | Role::MlpGate | Role::MlpGateIn | Role::MlpOut);
        if !(is_named && is_part && super::is_open(&modules.tensors[at])) {
            continue;
        }
        let block = split(split(modules.name(at)).0).0;
        // Outside layers and blocks for it, such a name may be that of any layer.
        let is_block = layer_prefix(block).is_some() || BLOCKS.iter().any(|word| block.contains(word));
        if is_block {
            blocks.entry(block).or_default().push(at);
        } else {
            modules.refine(at, Finding::by_neighbors(Role::Linear, OUTSIDE));
        }
    }
    for parts in blocks.into_values() {
        let fans = |at: usize| {
            let tensor = &modules.tensors[at];
            let found = modules.found[at].as_ref().and_then(|finding| finding.layout.clone());
            found.unwrap_or_else(|| tensor.layout.clone()).fans(&tensor.shape).ok()
        };
        let Some(out) = parts.iter().copied().find(|&at| modules.role(at) == Role::MlpOut).and_then(fans) else {
            continue;
        };
        let (mut is_pair, mut fused) = (true, Vec::new());
        for &at in parts.iter().filter(|&&at| modules.role(at) != Role::MlpOut) {
            let Some(input) = fans(at) else { continue };
            let times = if input.fan_out == 2 * out.fan_in { 2 } else { 1 };
            is_pair &= input.fan_out == times * out.fan_in && input.fan_in == out.fan_out;
            if times == 2 && modules.role(at) == Role::MlpIn {
                fused.push(at);
            }
        }
        for at in if is_pair { fused } else { parts } {
            let role = if is_pair { Role::MlpGateIn } else { Role::Linear };
            let how = if is_pair { "twice as many rows as the second matrix takes" } else { layers::MATRIX };
            modules.refine(at, Finding::by_neighbors(role, how));
        }
    }
}

/// A head as large as the embedding is that over the vocabulary.
fn heads(modules: &mut Modules<'_>) {
    let is_embedding = |at: &usize| modules.role(*at) == Role::Embedding;
    let embeddings: Vec<&[u64]> = (0..modules.tensors.len()).filter(is_embedding).map(|at| modules.dims(at)).collect();
    for at in 0..modules.tensors.len() {
        if modules.role(at) == Role::Head && embeddings.contains(&modules.dims(at)) {
            modules.refine(at, Finding::by_neighbors(Role::Unembedding, "a head of the embedding's shape"));
        }
    }
}
